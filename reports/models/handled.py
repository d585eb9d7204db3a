"""Suspected violations (dugaan pelanggaran) and findings (temuan), from Form A part IV to their outcome.

Written only by reports/findings.py. Source: Perbawaslu 5/2022 (Form A), 7/2022 (findings and complaints); UU 7/2017
art. 454 (legal clocks). Contents are exempt from disclosure: only counts ever leave the unit that handles them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Unit, User
from reports.models.filed import Report


class Finding(models.Model):
    """A suspected violation in the register of the body that handles it; a finding only by decision of its plenary."""

    class Kind(models.TextChoices):
        ADMINISTRATIVE = "ADMINISTRATIVE", _("Administrasi")
        ETHICS = "ETHICS", _("Kode etik")
        CRIMINAL = "CRIMINAL", _("Pidana pemilu")
        OTHER = "OTHER", _("Hukum lainnya")

    class Status(models.TextChoices):
        SUSPECTED = "SUSPECTED", _("Dugaan")
        FOUND = "FOUND", _("Temuan, ditangani")
        EXTENDED = "EXTENDED", _("Temuan, perlu keterangan tambahan")
        CONCLUDED = "CONCLUDED", _("Selesai ditindaklanjuti")
        DISMISSED = "DISMISSED", _("Bukan pelanggaran")

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="findings", help_text="the body that handles it")
    number = models.PositiveIntegerField(help_text="of the unit's register, from 1")
    report = models.ForeignKey(Report, models.PROTECT, null=True, related_name="findings", help_text="the Form A")
    occurred_in = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="the unit where it happened")
    kind = models.CharField(max_length=14, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.SUSPECTED)
    event = models.TextField(help_text="peristiwa, uraian singkat")
    place = models.CharField(max_length=300)
    happened_at = models.DateTimeField()
    discovered_on = models.DateField(help_text="WITA; the seven days of art. 454 run from here")
    evidence = ArrayField(models.CharField(max_length=300), default=list, help_text="alat bukti dan barang bukti")
    analysis = models.TextField(blank=True)
    handlers = models.ManyToManyField(User, related_name="+", help_text="staff of the unit who may read the parties")
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    registered_on = models.DateField(null=True, help_text="the day its plenary found it; follow-up runs from here")
    extended_on = models.DateField(null=True)
    extended_reason = models.TextField(blank=True)
    outcome = models.TextField(blank=True, help_text="proposed, then decided: recommendation, referral, no violation")
    closed_on = models.DateField(null=True)

    class Meta:
        ordering = ["-discovered_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "number"], name="finding_number_once"),
            models.CheckConstraint(
                condition=Q(status__in=["SUSPECTED", "DISMISSED"]) | Q(registered_on__isnull=False),
                name="finding_is_registered",
            ),
            models.CheckConstraint(
                condition=~Q(status="EXTENDED") | (Q(extended_on__isnull=False) & ~Q(extended_reason="")),
                name="finding_extended_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["CONCLUDED", "DISMISSED"], closed_on__isnull=False)
                | ~Q(status__in=["CONCLUDED", "DISMISSED"]) & Q(closed_on=None),
                name="finding_closed_has_a_day",
            ),
            models.CheckConstraint(condition=~Q(status="CONCLUDED") | ~Q(outcome=""), name="finding_concluded_how"),
            models.CheckConstraint(
                condition=Q(registered_on=None) | Q(registered_on__gte=F("discovered_on")),
                name="finding_registered_after_discovery",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"


class Party(models.Model):
    """A person in a suspected violation. Read only through findings.parties(), which journals who read."""

    class Part(models.TextChoices):
        RESPONDENT = "RESPONDENT", _("Terlapor")
        WITNESS = "WITNESS", _("Saksi")
        VICTIM = "VICTIM", _("Korban")

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="parties")
    part = models.CharField(max_length=10, choices=Part)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
