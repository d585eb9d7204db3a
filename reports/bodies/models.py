"""What a collegial body has set for itself. Written only by reports/bodies/actions.py."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from hierarchy.models import Unit, User


class Quorum(models.Model):
    """A body whose quorum is not "more than half of its members"; without a row that rule holds."""

    unit = models.OneToOneField(Unit, models.PROTECT, related_name="quorum")
    needed = models.PositiveSmallIntegerField(help_text="members who must be present")
    reason = models.CharField(max_length=200, help_text="the rule or the decision it stands on")
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(needed__gte=1), name="quorum_is_somebody"),
            models.CheckConstraint(condition=~Q(reason=""), name="quorum_with_reason"),
        ]
