"""Which sums of the areas of a page stand still since an earlier day; what that means is standstill.py's.

Read in the queries of the page itself: yesterday's figures come beside today's tallies. There are snapshots of
provinces, regencies and districts, on the basis of what was filed, and nothing else is ever marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.utils.translation import get_language

from dashboards.figures import snapshots
from dashboards.figures.standstill import Reading, may_grow, standing_still
from dashboards.models import Snapshot
from hierarchy.lib.clock import WITA
from reports.calendar.models import Window
from reports.instruments import indicator_words
from reports.instruments.schema import Schema, sum_cells
from reports.rollup.models import Tally
from reports.rollup.querysets import TallyQuerySet


def with_yesterday(tallies: TallyQuerySet, at: datetime) -> TallyQuerySet:
    """Adds what each tally filed at its newest snapshot of an earlier day, and when that was: `kept_filed`, `kept_at`.

    Both are None where there is none.
    """
    kept = Snapshot.objects.filter(
        unit=OuterRef("unit"), window=OuterRef("window"), day__lt=at.astimezone(WITA).date()
    ).order_by("-day")
    return tallies.annotate(
        kept_filed=Subquery(kept.values("filed")[:1]), kept_at=Subquery(kept.values("taken_at")[:1])
    )


def with_more_to_come(tallies: TallyQuerySet, at: datetime) -> TallyQuerySet:
    """Adds whether another window of the instrument will open in the stage: `more_to_come`."""
    coming = Window.objects.filter(
        stage=OuterRef("window__stage"), instrument=OuterRef("window__instrument"), opened_at=None, closes_at__gt=at
    )
    return tallies.annotate(more_to_come=Exists(coming))


def still(
    areas: Iterable[Sequence[Any]], *, schema: Schema, at: datetime, more_to_come: bool
) -> tuple[datetime | None, dict[int, list[str]]]:
    """Since when, and unit id -> the sums that stand still there, as pages call them.

    `areas`: the tallies of each area beside the others, of one version (`schema`), as `with_yesterday` gives them. A
    window that opened since has no snapshot: its figures came from nothing.
    """
    areas = [tallies for tallies in areas if tallies]
    moments = [tally.kept_at for tallies in areas for tally in tallies if tally.kept_at is not None]
    since = max(moments, default=None)
    found: dict[int, list[str]] = {tallies[0].unit_id: [] for tallies in areas}
    if since is None:
        return None, found
    words = indicator_words.lines(schema, get_language())
    grows = {tallies[0].unit_id: _may_grow(tallies, at, more_to_come) for tallies in areas}
    for _question, position in sum_cells(schema):
        readings = {tallies[0].unit_id: _reading(tallies, position, grows) for tallies in areas}
        for unit_id in standing_still(readings, elapsed=max(at - since, timedelta())):
            found[unit_id].append(words[position])
    return since, found


def _reading(tallies: Sequence[Any], position: int, grows: dict[int, bool]) -> Reading:
    known = [vector[position] for tally in tallies for vector in snapshots.known([tally.kept_filed], len(tally.filed))]
    after = sum(tally.filed[position] for tally in tallies)
    return Reading(sum(known) if known else None, after, grows[tallies[0].unit_id])


def _may_grow(tallies: Sequence[Tally], at: datetime, more_to_come: bool) -> bool:
    """Of what is filed, approval changes nothing."""
    return may_grow(
        missing=sum(tally.missing for tally in tallies),
        undecided=0,
        accepting=any(tally.window.closes_at > at for tally in tallies),
        more_to_come=more_to_come,
    )
