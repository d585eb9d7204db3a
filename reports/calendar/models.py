"""What is asked, and when: stages, instruments and the windows that join them.

Stages and windows are written by actions.py, instruments by publishing.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import Level
from hierarchy.models import Election, User
from reports.calendar.querysets import WindowQuerySet

if TYPE_CHECKING:
    from reports.instruments.schema import Schema


class Cadence(models.TextChoices):
    """How often an instrument is owed within its stage."""

    ONCE = "ONCE", _("sekali")
    DAILY = "DAILY", _("harian")
    WEEKLY = "WEEKLY", _("mingguan")
    EVENT = "EVENT", _("setiap kejadian")


class Stage(models.Model):
    """A stage of an election (tahapan, PKPU 3/2022 and 2/2024), or NON_TAHAPAN for supervision outside the stages."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="stages")
    code = models.CharField(max_length=30)
    sequence = models.PositiveSmallIntegerField()
    name_id = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)
    starts = models.DateField(null=True, help_text="first day, WITA; None where no source gives it")
    ends = models.DateField(null=True, help_text="last day, WITA")

    class Meta:
        ordering = ["election", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["election", "code"], name="stage_once_per_election"),
            models.CheckConstraint(
                condition=Q(starts=None) | Q(ends=None) | Q(ends__gte=F("starts")), name="stage_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_id


class Instrument(models.Model):
    """A form of supervision (alat kerja pengawasan, Form A): whom it is about, who files it, how often."""

    code = models.SlugField(unique=True)
    title_id = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    stage_code = models.CharField(max_length=30)
    subject_level = models.PositiveSmallIntegerField(
        choices=Level, null=True, help_text="level of the unit it is about; None: any unit, about itself (Form A)"
    )
    filer_level = models.PositiveSmallIntegerField(
        choices=Level, null=True, help_text="level of the unit that files it; None: the subject itself"
    )
    cadence = models.CharField(max_length=6, choices=Cadence)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(filer_level=None) | Q(subject_level__gte=F("filer_level")),
                name="instrument_filed_at_or_above_its_subject",
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return self.title_en if get_language() == "en" else self.title_id

    def hold(self) -> Instrument:
        """This instrument, locked until the transaction ends: no version is published or withdrawn meanwhile."""
        return Instrument.objects.select_for_update(no_key=True).get(pk=self.pk)

    def living_version(self) -> InstrumentVersion | None:
        """The newest version that is not withdrawn."""
        return self.versions.filter(withdrawn_at=None).order_by("-number").first()


class InstrumentVersion(models.Model):
    """One published edition of an instrument; a database trigger refuses any change but its withdrawal."""

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    schema = models.JSONField(help_text="reports.instruments.schema.Schema as JSON")
    digest = models.BinaryField(max_length=32, help_text="the schema's identity in the hash of every report")
    width = models.PositiveSmallIntegerField(help_text="length of a tally vector of this version")
    source = models.BinaryField(help_text="the XLSForm exactly as published")
    source_suffix = models.CharField(max_length=8)
    source_sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["instrument", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["instrument", "source_sha256"], name="version_source_once"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | ~Q(withdrawn_reason=""), name="version_withdrawn_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} v{self.number}"

    @property
    def parsed(self) -> Schema:
        """The schema with its rules compiled; shared by every row of this version in the process."""
        from reports.instruments.schema import Schema

        if self.pk not in _schemas:
            _schemas[self.pk] = Schema.from_json(self.schema, bytes(self.digest))
        return _schemas[self.pk]

    @classmethod
    def schema_of(cls, pk: int) -> Schema:
        """`parsed` of a version by its key: no query after the first in a process."""
        return _schemas.get(pk) or cls.objects.only("schema", "digest").get(pk=pk).parsed


_schemas: dict[int, Schema] = {}  # a published version never changes, so this never needs emptying


class Window(models.Model):
    """An instrument is open for filing in a stage, for one period, to the minute (WITA).

    `period` is "" (once, or any time within the stage), a date "2024-02-11" or an ISO week "2024-W07". A report filed
    after `due_at` is late and still accepted until `closes_at`.
    """

    election = models.ForeignKey(Election, models.PROTECT, related_name="windows")
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="windows")
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="windows")
    version = models.ForeignKey(
        InstrumentVersion,
        models.PROTECT,
        related_name="windows",
        help_text="pinned when the window opens (pinning.py changes it); until then the newest when planned",
    )
    period = models.CharField(max_length=10, blank=True)
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, help_text="when its obligations were made; None: not yet")

    objects = WindowQuerySet.as_manager()

    class Meta:
        ordering = ["stage__sequence", "instrument__code", "period"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "instrument", "period"], name="window_once_per_period"),
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("due_at"), due_at__lte=F("closes_at")), name="window_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.period}".strip()
