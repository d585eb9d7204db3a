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
from reports.obligations.queries import with_accepting
from reports.rollup.querysets import TallyQuerySet


def with_yesterday(tallies: TallyQuerySet, at: datetime) -> TallyQuerySet:
    """Adds `accepting` (obligations/queries.py), and of each tally's newest snapshot of an earlier day what was filed,
    by how many reports, and when: `kept_filed`, `kept_reports`, `kept_at`, None where there is none.
    """
    kept = Snapshot.objects.filter(
        unit=OuterRef("unit"), window=OuterRef("window"), day__lt=at.astimezone(WITA).date()
    ).order_by("-day")
    return with_accepting(tallies, at).annotate(
        kept_filed=Subquery(kept.values("filed")[:1]),
        kept_reports=Subquery(kept.values("counts__filed_count")[:1]),
        kept_at=Subquery(kept.values("taken_at")[:1]),
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
    window that opened since has no snapshot: its figures came from nothing. Where nobody has reported there is none.
    """
    areas = [tallies for tallies in areas if tallies]
    moments = [tally.kept_at for tallies in areas for tally in tallies if tally.kept_at is not None]
    since = max(moments, default=None)
    found: dict[int, list[str]] = {tallies[0].unit_id: [] for tallies in areas}
    if since is None:
        return None, found
    words = indicator_words.lines(schema, get_language())
    grows = {tallies[0].unit_id: _may_grow(tallies, more_to_come) for tallies in areas}
    for _question, position in sum_cells(schema):
        readings = {tallies[0].unit_id: _reading(tallies, position, grows) for tallies in areas}
        for unit_id in standing_still(readings, elapsed=max(at - since, timedelta())):
            found[unit_id].append(words[position])
    return since, found


def _reading(tallies: Sequence[Any], position: int, grows: dict[int, bool]) -> Reading:
    """No report is no figure, as in a release: neither side is 0 before the first one came in."""
    kept = [tally.kept_filed if tally.kept_reports else None for tally in tallies]
    before = [vector[position] for vector in snapshots.known(kept, len(tallies[0].filed))]
    after = [tally.filed[position] for tally in tallies if tally.filed_count]
    return Reading(sum(before) if before else None, sum(after) if after else None, grows[tallies[0].unit_id])


def _may_grow(tallies: Sequence[Any], more_to_come: bool) -> bool:
    """Of what is filed, approval changes nothing."""
    return more_to_come or any(
        may_grow(missing=tally.missing, undecided=0, accepting=tally.accepting, more_to_come=False) for tally in tallies
    )
