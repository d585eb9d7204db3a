"""Reads of reporting. A page's data is one named method; scope is always `visible_to`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, Subquery, When
from django.db.models.functions import Coalesce, Least

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import LEAF, Level
from hierarchy.models import Membership, Unit, User
from hierarchy.querysets import visible_q, within_q
from reports.counting import WORDS

if TYPE_CHECKING:
    from hierarchy.models import Election


def without_schema(prefix: str) -> list[str]:
    """Columns to defer when a version is joined: kilobytes of JSON per row, read once per process by `parsed`."""
    return [f"{prefix}__schema", f"{prefix}__source"]


class WindowQuerySet(models.QuerySet):
    def due_to_open(self, at: datetime) -> WindowQuerySet:
        """Windows whose time has come and whose obligations are not made yet; a closed window never opens."""
        return self.filter(opened_at=None, opens_at__lte=at, closes_at__gt=at)

    def for_events(self, units: Collection[Unit], at: datetime) -> WindowQuerySet:
        """Windows that now take reports nobody owed in advance (Form A) about one of `units`, extensions included."""
        from reports.models import Extension

        areas = {pk for unit in units for pk in unit.lineage}
        extended = Extension.objects.filter(window=OuterRef("pk"), closes_at__gt=at, unit__in=areas)
        return self.filter(
            Q(closes_at__gt=at) | Exists(extended),
            election__in={unit.election_id for unit in units},
            instrument__cadence="EVENT",
            opened_at__isnull=False,
            opens_at__lte=at,
        ).prefetch_related("extensions")

    def for_pages(self, election: Election) -> WindowQuerySet:
        """Opened windows with what a tab needs, newest deadline last."""
        return (
            self.filter(election=election, opened_at__isnull=False)
            .select_related("stage", "instrument", "version")
            .defer(*without_schema("version"))
            .order_by("stage__sequence", "opens_at", "instrument__code", "period")
        )


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
        """What the user may file themselves: duties of the very units they serve in."""
        units = [seat.unit_id for seat in access.seats(user, Permission.FILE)]
        return self.filter(filer_id__in=units)

    def to_review(self, user: User) -> ObligationQuerySet:
        """Filed, waiting for a direct superior, never one's own filing."""
        units = [seat.unit_id for seat in access.seats(user, Permission.REVIEW)]
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


class ReportQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ReportQuerySet:
        return self.filter(visible_q(user, "obligation__subject__"))

    def for_page(self) -> ReportQuerySet:
        return self.select_related(
            "window__version",
            "obligation__window__version",
            "obligation__window__instrument",
            "obligation__window__stage",
            "obligation__window__election",
            "obligation__filer",
            "obligation__counted_in",
            "obligation__subject__province",
            "obligation__subject__regency",
            "obligation__subject__district",
            "obligation__subject__village",
            "filed_by",
            "approved_by",
        ).defer(*without_schema("window__version"), *without_schema("obligation__window__version"))

    def for_review(self) -> ReportQuerySet:
        """Joins what review's verbs need, and no more."""
        return self.select_related(
            "obligation__window__election", "obligation__subject", "obligation__filer", "obligation__counted_in"
        )


class TallyQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> TallyQuerySet:
        return self.filter(visible_q(user, "unit__"))

    def of_unit_and_children(self, unit: Unit) -> TallyQuerySet:
        """The unit's own tallies and those of its direct children."""
        return self.filter(Q(unit_id=unit.pk) | Q(unit__parent_id=unit.pk))

    def with_not_due(self, at: datetime) -> TallyQuerySet:
        """Adds `not_due` at a moment, which no tally can keep: it passes while nobody does anything.

        An extension only ever gives more time. So before the window's deadline it is all that is missing, afterwards
        nothing, and obligations are counted only where an extension still runs.
        """
        from reports.models import Extension, Obligation

        here = Q()
        for level in Level:
            if level != LEAF:
                here |= Q(**{f"subject__{level.spec.column}": OuterRef("unit")})
        owing = Obligation.objects.filter(WORDS["not_due"].q(at), here, window=OuterRef("window")).order_by()
        extended = Extension.objects.filter(window=OuterRef("window"), due_at__gte=at)
        missing = F("expected") - F("filed_count") - F("vacant") - F("unreachable")
        counted = Coalesce(Subquery(owing.values("window").annotate(n=Count("pk")).values("n")), 0)
        return self.annotate(
            not_due=Case(
                When(window__due_at__gte=at, then=missing),
                When(Exists(extended), then=Least(missing, counted)),  # a tally may be a second behind
                default=0,
                output_field=models.IntegerField(),
            )
        )
