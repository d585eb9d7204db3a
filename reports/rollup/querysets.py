"""Reads of tallies; scope is always visible_to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from hierarchy.models import Unit, User
from hierarchy.querysets import visible_q


class TallyQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> TallyQuerySet:
        return self.filter(visible_q(user, "unit__"))

    def of_unit_and_children(self, unit: Unit) -> TallyQuerySet:
        """The unit's own tallies and those of its direct children."""
        return self.filter(Q(unit_id=unit.pk) | Q(unit__parent_id=unit.pk))
