"""The only writer of the outbox: marks tallies stale in the transaction that made them so."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from hierarchy.levels import Level
from hierarchy.lib import clock, jobs
from hierarchy.models import Election, Unit
from reports.calendar.models import Window
from reports.rollup.models import Outbox

logger = logging.getLogger(__name__)
WAKE_EVERY = 0.5  # seconds between two messages from one process, so that a surge costs a few folds a second
REST_AFTER_FAILURE = 20.0  # seconds without messages after one could not be sent
_free_at = 0.0  # when the next message may be worked on


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
    wake_after_commit()


def mark_window(window: Window, area: Unit | None = None) -> None:
    """Marks every tally that takes a window's obligations in directly (within an area)."""
    assert connection.in_atomic_block, "a mark is written in the transaction of its change"
    column = "id" if area is None or area.is_station else f"{Level(area.level).spec.column}_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
            SELECT DISTINCT o.window_id, u.id, u.level, u.regency_id, %(at)s::timestamptz FROM reports_obligation o
                JOIN hierarchy_unit u ON u.id = o.counted_in_id JOIN hierarchy_unit s ON s.id = o.subject_id
            WHERE o.window_id = %(window)s AND (%(area)s::bigint IS NULL OR s.{column} = %(area)s)
            """,
            {"at": clock.now(), "window": window.pk, "area": area and area.pk},
        )
    wake_after_commit()


def wake_after_commit() -> None:
    transaction.on_commit(wake)


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


def wake() -> None:
    """Tells a worker that there are marks. Losing the message costs a sweep's delay and nothing else, so a dead broker
    must neither fail nor hold up the person who has just filed."""
    # Per process: asking the cache whether another process has just sent one would cost more than sending twice.
    # A mark that comes too soon after a message is taken by a second one that waits; further marks ride with that.
    global _free_at
    early = _free_at - time.monotonic()
    if early > WAKE_EVERY:
        return
    _free_at = time.monotonic() + max(early, 0.0) + WAKE_EVERY
    try:
        jobs.send("reports.tasks.roll_up", countdown=early if early > 0 else None, expires=60)
    except Exception as error:  # any failure of the broker: the sweep takes over
        # The next filer shall not wait for the same broker: until it had time to come back, the sweep does the work.
        _free_at = time.monotonic() + REST_AFTER_FAILURE
        logger.warning("rollup: no wake-up was sent, the sweep will find the marks (%s)", error)
