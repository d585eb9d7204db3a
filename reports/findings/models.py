"""Suspected violations (dugaan pelanggaran) and findings (temuan), from Form A part IV to their outcome.

Written only by actions.py. Source: Perbawaslu 5/2022 (Form A), 7/2022 (findings and complaints); UU 7/2017 art. 454 and
455. Contents are exempt from disclosure: only counts ever leave the body that handles them.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Unit, User
from reports.filing.models import Report


class Matter(StrEnum):
    """What a plenary decides about a finding; the agenda has the same words."""

    FINDING = "FINDING"
    OUTCOME = "OUTCOME"


class Finding(models.Model):
    """A suspected violation in the register of the body that handles it; a finding only by decision of its plenary."""

    class Kind(models.TextChoices):
        """UU 7/2017 art. 455 (1)."""

        ETHICS = "ETHICS", _("Kode etik")
        ADMINISTRATIVE = "ADMINISTRATIVE", _("Administratif pemilu")
        CRIMINAL = "CRIMINAL", _("Tindak pidana pemilu")
        OTHER = "OTHER", _("Hukum lainnya")

    class Status(models.TextChoices):
        SUSPECTED = "SUSPECTED", _("Dugaan, menunggu pleno")
        FOUND = "FOUND", _("Temuan, ditangani")
        EXTENDED = "EXTENDED", _("Temuan, perlu keterangan tambahan")
        CONCLUDED = "CONCLUDED", _("Selesai ditindaklanjuti")
        DISMISSED = "DISMISSED", _("Tidak ditetapkan sebagai temuan")

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="findings", help_text="whose body handles it")
    number = models.PositiveIntegerField(help_text="of the unit's register, from 1")
    report = models.OneToOneField(Report, models.PROTECT, null=True, related_name="finding", help_text="its Form A")
    occurred_in = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="where it happened and counts")
    kind = models.CharField(max_length=14, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.SUSPECTED)
    event = models.TextField(help_text="what happened (peristiwa)")
    place = models.CharField(max_length=300)
    happened_on = models.DateField(help_text="WITA")
    discovered_on = models.DateField(help_text="WITA; the seven days of art. 454 (5) run from here")
    evidence = models.TextField(blank=True, help_text="alat bukti dan barang bukti")
    analysis = models.TextField(blank=True)
    handlers = models.ManyToManyField(User, related_name="+", help_text="of the secretariat, beside the members")
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    registered_on = models.DateField(null=True, help_text="when its plenary found it; art. 454 (7), (8) run on")
    extended_reason = models.TextField(blank=True, help_text="why more information is needed")
    outcome = models.TextField(blank=True, help_text="proposed, then decided: recommendation, referral, no violation")
    closed_on = models.DateField(null=True)

    class Meta:
        ordering = ["-discovered_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "number"], name="finding_number_once"),
            models.CheckConstraint(
                condition=Q(status__in=["SUSPECTED", "DISMISSED"], registered_on=None)
                | Q(status__in=["FOUND", "EXTENDED", "CONCLUDED"], registered_on__isnull=False),
                name="finding_registered_by_its_plenary",
            ),
            models.CheckConstraint(
                condition=~Q(status="EXTENDED") | ~Q(extended_reason=""), name="finding_extended_with_reason"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["CONCLUDED", "DISMISSED"], closed_on__isnull=False)
                | (~Q(status__in=["CONCLUDED", "DISMISSED"]) & Q(closed_on=None)),
                name="finding_closed_has_a_day",
            ),
            models.CheckConstraint(condition=~Q(status="CONCLUDED") | ~Q(outcome=""), name="finding_concluded_how"),
            models.CheckConstraint(
                condition=Q(discovered_on__gte=F("happened_on")), name="finding_discovered_after_it_happened"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"


class Party(models.Model):
    """A person in a suspected violation. Read only through findings.read_parties, which journals who read and why."""

    class Part(models.TextChoices):
        RESPONDENT = "RESPONDENT", _("Terlapor")
        WITNESS = "WITNESS", _("Saksi")
        VICTIM = "VICTIM", _("Korban")

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="parties")
    part = models.CharField(max_length=10, choices=Part)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
