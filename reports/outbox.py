"""The only writer of the outbox: marks tallies stale in the transaction that made them so."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from hierarchy import clock
from hierarchy.models import Election, Unit
from reports.models import Outbox

logger = logging.getLogger(__name__)
# Seconds between two messages for one subtree from one process, so that a surge becomes a fold a second. The provinces
# come second, so they wait less.
WAKE_EVERY, WAKE_PROVINCES_EVERY = 1.0, 0.25
_free_at: dict[int | None, float] = {}  # when the next message may be worked on


def mark(pairs: Iterable[tuple[int, Unit]], *, at: datetime | None = None) -> None:
    """Marks the tallies of (window id, unit) stale and wakes their worker after the commit.

    `unit` is an obligation's `counted_in` with its `level` and ancestor ids loaded.
    """
    assert connection.in_atomic_block, "a mark is written in the transaction of its change"
    moment = at or clock.now()
    rows = [
        Outbox(window_id=window, unit=unit, level=unit.level, regency_id=unit.regency_id, marked_at=moment)
        for window, unit in pairs
    ]
    Outbox.objects.bulk_create(rows)
    for regency_id in {row.regency_id for row in rows}:
        wake_after_commit(regency_id)


def wake_after_commit(regency_id: int | None) -> None:
    transaction.on_commit(lambda: wake(regency_id))


def mark_election(election: Election) -> None:
    """Marks every tally of an election stale, those that are kept and those that should be: after the tree changed."""
    assert connection.in_atomic_block, "a mark is written in the transaction of its change"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
            SELECT stale.window_id, u.id, u.level, u.regency_id, %s FROM (
                SELECT t.window_id, t.unit_id FROM reports_tally t UNION
                SELECT o.window_id, o.counted_in_id FROM reports_obligation o
            ) AS stale (window_id, unit_id)
                JOIN hierarchy_unit u ON u.id = stale.unit_id
                JOIN reports_window w ON w.id = stale.window_id AND w.election_id = %s
            """,
            [clock.now(), election.pk],
        )


def wake(regency_id: int | None) -> None:
    """Tells a worker that a subtree has marks. Losing the message costs a sweep's delay and nothing else,
    so a dead broker must neither fail nor hold up the person who has just filed."""
    from reports.tasks import roll_up

    # Per process: asking the cache whether another process has just sent the same would cost more than sending twice.
    # A mark that comes too soon after a message is taken by a second one that waits; further marks ride with that.
    every = WAKE_PROVINCES_EVERY if regency_id is None else WAKE_EVERY
    early = _free_at.get(regency_id, 0.0) - time.monotonic()
    if early > every:
        return
    _free_at[regency_id] = time.monotonic() + max(early, 0.0) + every
    try:
        roll_up.apply_async([regency_id], countdown=early if early > 0 else None, retry=False, expires=600)
    except Exception as error:  # any failure of the broker: the sweep takes over
        logger.warning("rollup: no wake-up for regency %s, the sweep will find the mark (%s)", regency_id, error)
