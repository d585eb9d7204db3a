"""The only writer of snapshots: the tallies of the upper levels as a day leaves them, so that a page can say what
moved since yesterday.

The row of a day is written again while that day lasts, and never afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from dashboards.models import Snapshot
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from reports.rollup.fold import COUNTS
from reports.rollup.models import Tally

STILL_KEPT = timedelta(days=30)  # after a window closes its figures rarely move
BATCH = 1_000


def take() -> int:
    """Keeps the tallies of province, regencies and districts under today's date (WITA); returns how many.

    Harmless when two workers do it at once: the row of a day is one, and the later writer stands.
    """
    moment = clock.now()
    tallies = Tally.objects.filter(
        unit__level__lte=Level.DISTRICT,
        window__opened_at__isnull=False,
        window__closes_at__gt=moment - STILL_KEPT,
        expected__gt=0,
    )
    rows = [
        Snapshot(
            unit_id=tally.unit_id,
            window_id=tally.window_id,
            day=moment.astimezone(WITA).date(),
            taken_at=moment,
            counts={name: getattr(tally, name) for name in COUNTS},
            filed=tally.filed,
        )
        for tally in tallies.defer("approved").order_by("unit_id", "window_id").iterator(BATCH)
    ]
    Snapshot.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["day", "unit", "window"],
        update_fields=["taken_at", "counts", "filed"],
    )
    return len(rows)


def before(day: date, *, units: Iterable[int], windows: Iterable[int]) -> dict[tuple[int, int], Snapshot]:
    """(unit id, window id) -> its newest snapshot of an earlier day. One query."""
    rows = Snapshot.objects.filter(unit__in=list(units), window__in=list(windows), day__lt=day)
    newest = rows.order_by("unit_id", "window_id", "-day").distinct("unit_id", "window_id")
    return {(row.unit_id, row.window_id): row for row in newest}


def known(kept: Iterable[Sequence[int] | None], width: int) -> list[Sequence[int]]:
    """Those of the vectors that were kept of a form of `width`. A form may be exchanged after the evening that kept it
    (obligations/pinning.py), as long as nobody has reported: what is of another width says nothing of today's
    questions, and what is as wide is of nobody's answers."""
    return [vector for vector in kept if vector is not None and len(vector) == width]
