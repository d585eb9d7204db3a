"""What leaves the house: public snapshots and workbooks.

Publications are written only by dashboards/releases/actions.py, export jobs by dashboards/recaps/actions.py, snapshots
by dashboards/figures/snapshots.py.
"""

from __future__ import annotations

import uuid
from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import LONGEST_CODE
from hierarchy.models import Election, Unit, User
from reports.calendar.models import Window


class Publication(models.Model):
    """One release of an election's public figures: numbered, signed, linked to the one before, never changed.

    digest = SHA-256 over the release's header and one line "code sha256" per page in force, sorted by code
    (dashboards/releases/proof.py).
    """

    election = models.ForeignKey(Election, models.PROTECT, related_name="publications")
    number = models.PositiveIntegerField()
    cut_off = models.DateTimeField(help_text="figures as they stood at this moment")
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    pages = models.PositiveIntegerField(help_text="pages in force, changed or not")
    changed = models.PositiveIntegerField(help_text="pages that differ from the release before")
    digest = models.BinaryField(max_length=32)
    previous_digest = models.BinaryField(max_length=32, help_text="32 zero bytes for the first")
    signature = models.BinaryField(max_length=64, help_text="Ed25519 over digest")
    public_key = models.BinaryField(max_length=32)
    header = models.PositiveSmallIntegerField(db_default=1, help_text="form of the first signed line (proof.HEADERS)")
    journal_head = models.BinaryField(
        max_length=32, null=True, help_text="of the journal's newest seal, 32 zero bytes before the first; since form 2"
    )

    class Meta:
        ordering = ["election", "-number"]
        constraints = [models.UniqueConstraint(fields=["election", "number"], name="publication_number_once")]

    def __str__(self) -> str:
        return f"{self.election} v{self.number}"


class Fate(StrEnum):
    """What became of the unit of a code that vanished from the tree."""

    RENUMBERED = "RENUMBERED"
    CLOSED = "CLOSED"
    RETIRED = "RETIRED"  # which unit had the code is not known any more


class PublishedPage(models.Model):
    """The public figures of one unit as they changed in a release; unchanged pages are not stored again.

    The page in force at release n is the row with the highest number <= n. A code that is no unit's any more has a
    tombstone for a page: a payload without figures, whose `fate` says what became of the unit (publish.tombstone).
    """

    election = models.ForeignKey(Election, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="release in which this content appeared")
    code = models.CharField(max_length=LONGEST_CODE)
    payload = models.JSONField()
    sha256 = models.BinaryField(max_length=32)
    # No foreign key: the tree may delete the unit, and a page outlives it. By it a page is followed to another code.
    unit_id = models.BigIntegerField(null=True, help_text="the unit the page is about; None: not known any more")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["election", "code", "number"], name="published_page_once")]
        indexes = [models.Index(fields=["election", "unit_id"], name="published_page_of_unit")]

    @property
    def fate(self) -> str:
        """What became of the unit of a code that vanished (Fate); "" for a page with figures."""
        fate: str = self.payload.get("fate", "")
        return fate


class ExportJob(models.Model):
    """A recap workbook being made or made; survives a lost broker and a killed worker."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("Menunggu giliran")
        RUNNING = "RUNNING", _("Sedang dibuat")
        DONE = "DONE", _("Selesai")
        FAILED = "FAILED", _("Gagal")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    stage_code = models.CharField(max_length=30)
    basis = models.CharField(
        max_length=8, choices=[("filed", _("Dilaporkan")), ("approved", _("Disetujui")), ("ratified", _("Disahkan"))]
    )
    detail = models.BooleanField(default=False, help_text="a row per unit the instrument is about, not per child")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="also the token of the worker that may finish it")
    touched_at = models.DateTimeField(help_text="last sign of life of its queue or its worker")
    cut_off = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    file = models.FileField(upload_to="recaps/%Y/%m/%d", max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="DONE") | (~Q(sha256="") & Q(finished_at__isnull=False)),
                name="export_done_has_a_file",
            )
        ]


class Snapshot(models.Model):
    """A tally of the province, a regency or a district late in a day: what "since yesterday" means."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    window = models.ForeignKey(Window, models.PROTECT, related_name="+")
    day = models.DateField(help_text="WITA")
    taken_at = models.DateTimeField()
    counts = models.JSONField(help_text="of the tally, by name (rollup.COUNTED)")
    filed = ArrayField(models.BigIntegerField(), help_text="of the tally; the window's version, position by position")

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["day", "unit", "window"], name="snapshot_once_a_day")]
