"""What happened, append-only, and the hash chain over it. Written only by reports/journal/actions.py."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from hierarchy.levels import LONGEST_CODE


class Event(models.Model):
    """Something that happened, in words that need no other table; a trigger refuses UPDATE and DELETE.

    Text instead of foreign keys: the journal must outlive what it speaks of and never block it.
    """

    at = models.DateTimeField()
    verb = models.CharField(max_length=40, help_text="report.filed, report.approved, window.opened, ...")
    actor = models.CharField(max_length=40, blank=True, help_text="username; empty: the system")
    election = models.CharField(max_length=50, blank=True)
    unit = models.CharField(max_length=LONGEST_CODE, blank=True, help_text="code of the unit it happened to")
    target = models.CharField(max_length=60, blank=True, help_text="report id, window id, username, ...")
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["target"], name="event_of_target"),
            models.Index(fields=["election", "unit"], name="event_of_unit"),
        ]


class Seal(models.Model):
    """A link of the hash chain over the journal: events `first_id`..`last_id` (those that exist), `count` of them.

    head = SHA-256(previous head + digest of the batch), both 32 bytes.
    """

    first_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField(unique=True)
    count = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    head = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(last_id__gte=F("first_id"), count__gte=1), name="seal_covers_something")
        ]
