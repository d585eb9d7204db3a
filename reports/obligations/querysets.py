"""Reads of obligations; scope is always visible_to."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Prefetch
from django.db.models.functions import Coalesce

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.models import Membership, Unit, User
from hierarchy.querysets import visible_q, within_q
from reports.calendar.querysets import without_schema


class ObligationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ObligationQuerySet:
        return self.filter(visible_q(user, "subject__"))

    def within(self, unit: Unit) -> ObligationQuerySet:
        return self.filter(within_q(unit, "subject__"))

    def open_at(self, at: datetime) -> ObligationQuerySet:
        return self.filter(window__opens_at__lte=at, closes_at__gt=at)

    def owed(self) -> ObligationQuerySet:
        """Still to be filed, or to be filed again; in the order of its deadline, for a correction the reviewer's."""
        wanted = Coalesce("report__correct_by", "due_at")
        return self.filter(state__in=["OWED", "UNREACHABLE", "RETURNED"]).order_by(wanted, "subject__code")

    def to_file(self, user: User) -> ObligationQuerySet:
        """What the user may file themselves: obligations of the very units they serve in."""
        units = [membership.unit_id for membership in access.memberships_with(user, Permission.FILE)]
        return self.filter(filer_id__in=units)

    def to_review(self, user: User) -> ObligationQuerySet:
        """Filed, waiting for a direct superior, never one's own filing."""
        units = [membership.unit_id for membership in access.memberships_with(user, Permission.REVIEW)]
        return self.filter(state="FILED", filer__parent_id__in=units).exclude(report__filed_by=user)

    def for_intake(self) -> ObligationQuerySet:
        """Joins what filing and reviewing need to know."""
        return self.select_related(
            "window__version", "window__instrument", "window__election", "subject", "filer", "counted_in"
        ).defer(*without_schema("window__version"))

    def for_lists(self) -> ObligationQuerySet:
        """Joins what a row of a list shows."""
        return self.select_related("window__instrument", "window__stage", "subject__village", "filer", "report")

    def with_people(self) -> ObligationQuerySet:
        """Reads the filers' current members in one more query: `obligation.filer.people`, each with its user."""
        people = Membership.objects.current().select_related("user")
        return self.prefetch_related(Prefetch("filer__memberships", people, to_attr="people"))
