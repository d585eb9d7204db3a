"""What makes a figure doubtful: flags on reports, and the figures of others to hold ours against.

Flags are written by actions.py, references by references.py.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from hierarchy.models import Election, Unit, User
from reports.filing.models import Report


class Flag(models.Model):
    """A figure that is doubtful in one revision of a report, by one rule; open until somebody says why it is right.

    Never a verdict: a flagged report is filed, counted and may be approved by hand, only not in bulk.
    """

    report = models.ForeignKey(Report, models.CASCADE, related_name="flags")
    sha256 = models.BinaryField(max_length=32, help_text="of the content that raised it")
    rule = models.CharField(max_length=20, help_text="a key of quality.RULES")
    question = models.CharField(max_length=60, blank=True, help_text="'' for the whole report")
    detail = models.JSONField(default=dict, help_text="the numbers behind it: value, median, score, other report, ...")
    raised_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    resolution = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["report", "rule", "question", "sha256"], name="flag_once"),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None, resolution="")
                | Q(resolved_at__isnull=False, resolved_by__isnull=False) & ~Q(resolution=""),
                name="flag_resolved_in_words",
            ),
        ]
        indexes = [models.Index(fields=["report"], condition=Q(resolved_at=None), name="flag_open")]


class Reference(models.Model):
    """A figure of the election commission (KPU) for one unit and one question, as imported; the newest is in force."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="references")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="references")
    instrument = models.SlugField(help_text="code of the instrument whose question it speaks to")
    question = models.CharField(max_length=60)
    value = models.BigIntegerField()
    source = models.CharField(max_length=200, help_text="document and date, e.g. D.Hasil Kecamatan 20-02-2024")
    imported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["unit", "instrument", "question"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "instrument", "question"], name="reference_once"),
            models.CheckConstraint(condition=~Q(source=""), name="reference_has_a_source"),
        ]
