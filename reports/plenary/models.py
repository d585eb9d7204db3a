"""What a collegial body decides: plenaries (rapat pleno), who sat in them, what lay on the table, who voted how.

Written only by actions.py; attendance by attendance.py, minutes by minutes.py. Source: Perbawaslu 5/2018 on plenary
meetings; UU 7/2017 art. 89.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Unit, User
from reports.calendar.models import Window
from reports.findings import models as findings
from reports.findings.models import Finding


class Plenary(models.Model):
    """A meeting of one body: called, opened once a quorum is present, closed with its minutes, or cancelled.

    `members` and `quorum` are those of the day it was opened; the roster may change later, the minutes may not.
    """

    class State(models.TextChoices):
        CALLED = "CALLED", _("Diundang")
        OPEN = "OPEN", _("Berlangsung")
        CLOSED = "CLOSED", _("Selesai")
        CANCELLED = "CANCELLED", _("Dibatalkan")

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="plenaries")
    number = models.PositiveIntegerField(help_text="of the body's plenaries in this election, from 1")
    state = models.CharField(max_length=9, choices=State, default=State.CALLED)
    public = models.BooleanField(default=False, help_text="terbuka; else tertutup")
    meets_at = models.DateTimeField(help_text="when members are asked to come")
    place = models.CharField(max_length=200)
    called_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    called_at = models.DateTimeField()
    members = models.PositiveSmallIntegerField(null=True, help_text="members of the body when it was opened")
    quorum = models.PositiveSmallIntegerField(null=True)
    presided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    minutes_number = models.CharField(max_length=60, blank=True, help_text="number of the berita acara")
    notes = models.TextField(blank=True, help_text="what was said, as the minutes keep it")
    cancelled_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-meets_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "number"], name="plenary_number_once"),
            # A body has one pair of ears: two meetings of it at once could ratify two different figures.
            models.UniqueConstraint(fields=["unit"], condition=Q(state="OPEN"), name="plenary_one_open_per_body"),
            models.UniqueConstraint(
                fields=["unit", "minutes_number"], condition=~Q(minutes_number=""), name="plenary_minutes_number_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["CALLED", "CANCELLED"])
                | Q(opened_at__isnull=False, presided_by__isnull=False, members__isnull=False, quorum__gte=1),
                name="plenary_opened_with_quorum",
            ),
            models.CheckConstraint(
                condition=~Q(state="CLOSED") | (Q(closed_at__isnull=False) & ~Q(minutes_number="")),
                name="plenary_closed_with_minutes",
            ),
            models.CheckConstraint(
                condition=~Q(state="CANCELLED") | ~Q(cancelled_reason=""), name="plenary_cancelled_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} pleno {self.number}"


class Attendance(models.Model):
    """A member in the attendance list (daftar hadir): arrived, perhaps left, or absent with a reason."""

    plenary = models.ForeignKey(Plenary, models.PROTECT, related_name="attendance")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, help_text="CHAIR or MEMBER, on the day")
    arrived_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    absence = models.CharField(max_length=200, blank=True, help_text="why a member is not there")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["plenary", "user"], name="attendance_once"),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(arrived_at__isnull=False, left_at__gte=F("arrived_at")),
                name="attendance_left_after_arriving",
            ),
        ]

    @property
    def present(self) -> bool:
        return self.arrived_at is not None and self.left_at is None


class AgendaItem(models.Model):
    """What lies before the plenary, exactly as it lay there: a stage's rollup of the unit, or one of its findings.

    `shown` and its hash are frozen with the first vote; a decided item is refused any change by a trigger. What was
    ratified is therefore a row here, never a flag on a tally: the newest RATIFIED item of (unit, window) is the
    ratified figure, `version` counts them from 1, and a later one names the one it corrects.
    """

    class Matter(models.TextChoices):
        FIGURES = "FIGURES", _("Pengesahan rekap")
        FINDING = findings.Matter.FINDING.value, _("Penetapan temuan")
        OUTCOME = findings.Matter.OUTCOME.value, _("Tindak lanjut temuan")

    class Decision(models.TextChoices):
        PENDING = "PENDING", _("Belum diputuskan")
        RATIFIED = "RATIFIED", _("Disahkan")
        REJECTED = "REJECTED", _("Tidak disahkan")
        POSTPONED = "POSTPONED", _("Ditunda")

    class Mode(models.TextChoices):
        CONSENSUS = "CONSENSUS", _("Musyawarah mufakat")
        VOTE = "VOTE", _("Suara terbanyak")

    plenary = models.ForeignKey(Plenary, models.PROTECT, related_name="items")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    matter = models.CharField(max_length=8, choices=Matter, default=Matter.FIGURES)
    window = models.ForeignKey(Window, models.PROTECT, null=True, related_name="agenda", help_text="of FIGURES")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, related_name="agenda", help_text="of the others")
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    # What lies on the table: the hash binds counts, both bases and what they are figures of (queries.py), or the
    # content of a finding (findings/actions.py), whose vectors are empty.
    shown = models.JSONField()
    sha256 = models.BinaryField(max_length=32)
    shown_at = models.DateTimeField()
    filed = ArrayField(models.BigIntegerField())
    approved = ArrayField(models.BigIntegerField())
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    decision = models.CharField(max_length=9, choices=Decision, default=Decision.PENDING)
    mode = models.CharField(max_length=9, choices=Mode, blank=True)
    version = models.PositiveSmallIntegerField(null=True, help_text="of the unit's ratified figure for this window")
    present = models.PositiveSmallIntegerField(null=True, help_text="members present when it was decided")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, help_text="why it was postponed or rejected")
    reason = models.TextField(blank=True, help_text="why figures that are incomplete or still open are ratified")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["plenary", "window"], name="agenda_item_once"),
            models.UniqueConstraint(fields=["plenary", "finding"], name="agenda_finding_once"),
            models.CheckConstraint(
                condition=Q(matter="FIGURES", window__isnull=False, finding=None)
                | Q(matter__in=["FINDING", "OUTCOME"], window=None, finding__isnull=False),
                name="agenda_item_of_figures_or_a_finding",
            ),
            models.UniqueConstraint(
                fields=["unit", "window", "version"], condition=Q(decision="RATIFIED"), name="ratified_version_once"
            ),
            models.CheckConstraint(
                condition=Q(decision="PENDING", decided_at=None, version=None, present=None)
                | Q(decision="RATIFIED", decided_at__isnull=False, version__gte=1, present__gte=1) & ~Q(mode="")
                | Q(decision__in=["REJECTED", "POSTPONED"], decided_at__isnull=False, version=None),
                name="agenda_item_decided_whole",
            ),
            models.CheckConstraint(
                condition=~Q(decision="RATIFIED")
                | Q(version=1, corrects=None)
                | Q(version__gt=1, corrects__isnull=False),
                name="ratified_again_names_what_it_corrects",
            ),
        ]


class Vote(models.Model):
    """One member, one vote on one item; a trigger refuses to change or delete it."""

    class Choice(models.TextChoices):
        AGREE = "AGREE", _("Setuju")
        DISAGREE = "DISAGREE", _("Tidak setuju")
        ABSTAIN = "ABSTAIN", _("Abstain")

    item = models.ForeignKey(AgendaItem, models.PROTECT, related_name="votes")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    choice = models.CharField(max_length=8, choices=Choice)
    dissent = models.TextField(blank=True, help_text="pendapat berbeda, for the minutes")
    seen = models.BinaryField(max_length=32, help_text="hash of the figures on the member's screen")
    cast_at = models.DateTimeField()

    class Meta:
        ordering = ["cast_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["item", "user"], name="vote_once"),
            models.CheckConstraint(condition=~Q(choice="DISAGREE") | ~Q(dissent=""), name="vote_against_says_why"),
        ]


class Minutes(models.Model):
    """The minutes (berita acara) of a closed plenary as they were made: the file's bytes and everything it says.

    Written once, in the transaction that closes the meeting; a trigger refuses to change or delete them. Who asks later
    gets these bytes, whatever has become of the roster, of names or of the sheet.
    """

    plenary = models.OneToOneField(Plenary, models.PROTECT, related_name="minutes")
    content = models.JSONField(help_text="every text on the sheet, by its place (reports/plenary/minutes.typ)")
    fingerprint = models.BinaryField(
        max_length=32, help_text="SHA-256 of the content; its first half is in the QR code"
    )
    members = models.JSONField(help_text="username, name, role of each member; who was present, who presided")
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32, help_text="of the PDF")
    made_at = models.DateTimeField()
    late = models.BooleanField(help_text="made after the meeting was closed, from what was still known")
