"""What is asked of obligations together with the tables beneath them: windows that take events, tallies not yet due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Least

from hierarchy.levels import LEAF, Level
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.calendar.querysets import WindowQuerySet
from reports.counting import WORDS
from reports.obligations.models import Extension, Obligation
from reports.rollup.querysets import TallyQuerySet


def event_windows(units: Collection[Unit], at: datetime) -> WindowQuerySet:
    """Windows that now take reports nobody owed in advance (Form A) about one of `units`, extensions included."""
    areas = {pk for unit in units for pk in unit.lineage}
    extended = Extension.objects.filter(window=OuterRef("pk"), closes_at__gt=at, unit__in=areas)
    return Window.objects.filter(
        Q(closes_at__gt=at) | Exists(extended),
        election__in={unit.election_id for unit in units},
        instrument__cadence="EVENT",
        opened_at__isnull=False,
        opens_at__lte=at,
    ).prefetch_related("extensions")


def with_not_due(tallies: TallyQuerySet, at: datetime) -> TallyQuerySet:
    """Adds `not_due` at a moment, which no tally can keep: it passes while nobody does anything.

    An extension only ever gives more time. So before the window's deadline it is all that is missing, afterwards
    nothing, and obligations are counted only where an extension still runs.
    """
    owing = Obligation.objects.filter(WORDS["not_due"].q(at), in_area(), window=OuterRef("window")).order_by()
    extended = Extension.objects.filter(window=OuterRef("window"), due_at__gte=at)
    missing = F("expected") - F("filed_count") - F("vacant") - F("unreachable")
    counted = Coalesce(Subquery(owing.values("window").annotate(n=Count("pk")).values("n")), 0)
    return tallies.annotate(
        not_due=Case(
            When(window__due_at__gte=at, then=missing),
            When(Exists(extended), then=Least(missing, counted)),  # a tally may be a second behind
            default=0,
            output_field=models.IntegerField(),
        )
    )


def with_accepting(tallies: TallyQuerySet, at: datetime) -> TallyQuerySet:
    """Adds `accepting`: whether the window still takes reports at a moment, after its own end those that were given
    more time and are missing."""
    owing = Obligation.objects.filter(WORDS["missing"].q(at), in_area(), window=OuterRef("window"))
    extended = Extension.objects.filter(window=OuterRef("window"), closes_at__gt=at)
    return tallies.annotate(
        accepting=Case(
            When(window__closes_at__gt=at, then=True),
            When(Exists(extended), then=Exists(owing.filter(closes_at__gt=at))),
            default=False,
            output_field=models.BooleanField(),
        )
    )


def in_area() -> Q:
    """Obligations, in a subquery of rows with a unit, whose subjects are or lie in that unit (no polling station)."""
    here = Q()
    for level in Level:
        if level != LEAF:
            here |= Q(**{f"subject__{level.spec.column}": OuterRef("unit")})
    return here
