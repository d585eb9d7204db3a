"""Who owes which report by when, and more time granted.

Opened, staffed and extended by reports/obligations/actions.py; filing and review change the state.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Unit, User
from reports.calendar.models import Window
from reports.counting import TIMED
from reports.obligations.querysets import ObligationQuerySet


class State(models.TextChoices):
    """Where an obligation stands. Late is not a state: it is OWED past `due_at`, or filed after it."""

    OWED = "OWED", _("Belum lapor")
    FILED = "FILED", _("Diterima")
    RETURNED = "RETURNED", _("Dikembalikan")
    APPROVED = "APPROVED", _("Disetujui")
    VACANT = "VACANT", _("Tanpa pengawas")
    UNREACHABLE = "UNREACHABLE", _("Tanpa sinyal")


HAS_REPORT = [State.FILED, State.RETURNED, State.APPROVED]


class Obligation(models.Model):
    """Who owes which report by when: one row per subject unit, instrument and period, made when the window opens.

    `filer` is the unit that must file it (a village supervisor answers for each of its polling stations).
    `counted_in` is the unit whose tally takes the report in directly: the subject itself, or its village when the
    subject is a polling station, because a station's own figure is its report (docs/adr/0006).
    `occurrence` is "" for what is owed once a period and the report's id for an EVENT instrument.
    """

    # Whoever files on election night pays for every index. What another index begins with has none of its own, and
    # none holds a column that a filing changes, so that PostgreSQL updates the row in place (docs/adr/0009).
    window = models.ForeignKey(Window, models.PROTECT, db_index=False, related_name="obligations")
    subject = models.ForeignKey(Unit, models.PROTECT, related_name="obligations")
    filer = models.ForeignKey(Unit, models.PROTECT, related_name="owes")
    counted_in = models.ForeignKey(Unit, models.PROTECT, db_index=False, related_name="+")
    occurrence = models.CharField(max_length=36, blank=True)
    state = models.CharField(max_length=11, choices=State, default=State.OWED)
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    first_filed_at = models.DateTimeField(null=True)
    attested_by = models.ForeignKey(User, models.PROTECT, null=True, db_index=False, related_name="+")
    attested_reason = models.TextField(blank=True)

    objects = ObligationQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "subject__code"]
        constraints = [
            models.UniqueConstraint(fields=["window", "subject", "occurrence"], name="obligation_once"),
            models.CheckConstraint(
                condition=Q(state__in=HAS_REPORT, first_filed_at__isnull=False)
                | (~Q(state__in=HAS_REPORT) & Q(first_filed_at=None)),
                name="obligation_filed_when_it_has_a_report",
            ),
            models.CheckConstraint(
                condition=(Q(state=State.UNREACHABLE, attested_by__isnull=False) & ~Q(attested_reason=""))
                | (~Q(state=State.UNREACHABLE) & Q(attested_by=None)),
                name="obligation_unreachable_is_attested",
            ),
        ]
        indexes = [
            models.Index(fields=["window", "counted_in"], name="obligation_to_tally"),
            models.Index(fields=["due_at"], name="obligation_by_deadline"),  # reminders ask every 20 seconds
        ]

    def __str__(self) -> str:
        return f"{self.window} · {self.subject}"

    @property
    def on_time(self) -> bool | None:
        """None until something was filed."""
        return None if self.first_filed_at is None else TIMED["in time"].holds(self, self.first_filed_at)


class Extension(models.Model):
    """More time for an area, with who granted it and why."""

    window = models.ForeignKey(Window, models.PROTECT, related_name="extensions")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    reason = models.TextField()
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["granted_at"]
        constraints = [
            models.CheckConstraint(condition=Q(due_at__lte=F("closes_at")), name="extension_in_order"),
            models.CheckConstraint(condition=~Q(reason=""), name="extension_with_reason"),
        ]
