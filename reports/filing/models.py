"""What was filed: reports, their versions, refused ones, photos.

Reports and versions are written by actions.py with write_one.py and write_many.py, photos by evidence.py; review
changes the state of a report.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Unit, User
from reports.calendar.models import Window
from reports.filing.querysets import ReportQuerySet
from reports.obligations.models import Obligation


class Report(models.Model):
    """The current report of an obligation; its id is the UUIDv7 its client made.

    Approval binds to content: the report counts as approved while `approved_sha256` equals `sha256`, so an edit can
    never slip in under an old approval.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    obligation = models.OneToOneField(Obligation, models.PROTECT, related_name="report")
    window = models.ForeignKey(Window, models.PROTECT, db_index=False, related_name="reports")
    counted_in = models.ForeignKey(Unit, models.PROTECT, db_index=False, related_name="+")
    revision = models.PositiveSmallIntegerField(default=1)
    answers = models.JSONField()
    reasons = models.JSONField(default=dict, help_text="why a soft rule was broken, by question")
    vector = ArrayField(models.BigIntegerField(), help_text="the version's layout, position by position")
    sha256 = models.BinaryField(max_length=32)
    filed_by = models.ForeignKey(User, models.PROTECT, db_index=False, related_name="+")
    filed_at = models.DateTimeField()
    approved_sha256 = models.BinaryField(max_length=32, null=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, db_index=False, related_name="+")
    approved_at = models.DateTimeField(null=True)
    remarks = models.JSONField(default=dict, help_text="reviewer's reasons by question; '' for the whole report")
    correct_by = models.DateTimeField(null=True, help_text="when a returned report is wanted back")

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_sha256=None, approved_by=None, approved_at=None)
                | Q(approved_sha256=F("sha256"), approved_by__isnull=False, approved_at__isnull=False),
                name="report_approved_as_it_stands",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("filed_by")), name="report_filer_is_not_approver"
            ),
        ]
        indexes = [models.Index(fields=["window", "counted_in"], name="report_to_tally")]

    def __str__(self) -> str:
        return f"{self.obligation_id} r{self.revision}"

    @property
    def receipt_code(self) -> str:
        from reports.filing.receipts import code_of

        return code_of(self.pk, bytes(self.sha256))


class Channel(models.TextChoices):
    WEB = "WEB", _("situs")
    API = "API", _("aplikasi")
    IMPORT = "IMPORT", _("impor")
    SIMULATION = "SIMULATION", _("gladi")


class Revision(models.Model):
    """A version of a report exactly as filed; a database trigger refuses change and deletion."""

    report = models.ForeignKey(Report, models.PROTECT, db_index=False, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    based_on = models.PositiveSmallIntegerField(null=True, help_text="the revision its author saw; None for the first")
    canonical = models.BinaryField(help_text="canonical JSON of answers and reasons, the bytes that were hashed")
    sha256 = models.BinaryField(max_length=32)
    vector = ArrayField(models.BigIntegerField())
    channel = models.CharField(max_length=10, choices=Channel)
    filed_by = models.ForeignKey(User, models.PROTECT, db_index=False, related_name="+")
    filed_at = models.DateTimeField(help_text="the server's clock; lateness is judged by it")
    device_at = models.DateTimeField(null=True, help_text="what the device's clock said")

    class Meta:
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="revision_number_once"),
            models.CheckConstraint(
                condition=Q(number=1, based_on=None) | Q(number__gt=1, based_on=F("number") - 1),
                name="revision_follows_the_one_before",
            ),
        ]


class Conflict(models.Model):
    """A filing that was refused because another version stands; kept so that nothing a person sent is lost."""

    obligation = models.ForeignKey(Obligation, models.PROTECT, related_name="conflicts")
    report_id = models.UUIDField(help_text="the id its client made; may be that of the standing report")
    based_on = models.PositiveSmallIntegerField(null=True)
    canonical = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)
    filed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    filed_at = models.DateTimeField()

    class Meta:
        ordering = ["filed_at"]
        constraints = [
            # A client that retries five times leaves one row.
            models.UniqueConstraint(fields=["obligation", "report_id", "sha256"], name="conflict_kept_once")
        ]


class Evidence(models.Model):
    """A photo, re-encoded without EXIF and GPS; answers refer to it by the SHA-256 of the stored file."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    original_sha256 = models.CharField(max_length=64, help_text="of the file as sent")
    file = models.FileField(upload_to="evidence/%Y/%m/%d")
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "sha256"], name="evidence_once_per_unit")]
