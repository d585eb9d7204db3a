"""The only writer of the outbox: marks tallies stale in the transaction that made them so."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.core.cache import cache
from django.db import connection, transaction

from hierarchy import clock
from hierarchy.models import Unit
from reports.models import Outbox

logger = logging.getLogger(__name__)
WAKE_EVERY = 1  # seconds; a burst of marks in one subtree becomes one task


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
        transaction.on_commit(lambda regency_id=regency_id: wake(regency_id))


def wake(regency_id: int | None) -> None:
    """Tells a worker that a subtree has marks. Losing the message costs a sweep's delay and nothing else,
    so a dead broker must neither fail nor hold up the person who has just filed."""
    from reports.tasks import roll_up

    try:
        if cache.add(f"rollup-wake:{regency_id}", 1, timeout=WAKE_EVERY):
            roll_up.apply_async([regency_id], retry=False, expires=600)
    except Exception:  # any failure of cache or broker: the sweep takes over
        logger.warning("rollup: no wake-up for regency %s, the sweep will find the mark", regency_id, exc_info=True)
