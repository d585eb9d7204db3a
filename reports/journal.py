"""The only writer of the journal: append events, seal them into a hash chain, prove the chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from hierarchy import clock
from hierarchy.models import Unit, User
from reports import locks
from reports.models import Event, Seal

GENESIS = bytes(32)


def entry(
    verb: str,
    *,
    by: User | None,
    unit: Unit | str | None = None,
    target: object = "",
    election: str = "",
    at: datetime | None = None,
    **detail: Any,
) -> Event:
    """An unsaved event, for `write`. `by` None means the system itself acted; `unit` may be given by its code."""
    return Event(
        at=at or clock.now(),
        verb=verb,
        actor=by.username if by else "",
        election=election,
        unit=unit.code if isinstance(unit, Unit) else unit or "",
        target=str(target),
        detail=detail,
    )


def write(events: Event | Iterable[Event]) -> None:
    """Appends events. Must run in the transaction of the change they speak of."""
    assert connection.in_atomic_block, "an event is written in the transaction of its change"
    if isinstance(events, Event):
        events.save(force_insert=True)
    else:
        Event.objects.bulk_create(events, batch_size=5_000)


def seal() -> Seal | None:
    """Seals every committed event that no seal covers yet; None when there is none.

    Ids come from a sequence before their transaction commits, so "all ids up to n" may still have holes that fill
    later. A SHARE lock waits for the writers in flight and holds new ones off just long enough to read the last id.
    """
    last = _last_settled_id()
    with transaction.atomic():
        locks.hold(locks.Lock.SEAL)
        previous = Seal.objects.last()
        after = previous.last_id if previous else 0
        if last <= after:
            return None
        digest, count, first = _digest(Event.objects.filter(id__gt=after, id__lte=last))
        return Seal.objects.create(
            first_id=first,
            last_id=last,
            count=count,
            digest=digest,
            head=hashlib.sha256((bytes(previous.head) if previous else GENESIS) + digest).digest(),
            sealed_at=clock.now(),
        )


def _last_settled_id() -> int:
    # A transaction of its own: the lock on the journal must not be held while a batch is hashed.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("LOCK TABLE reports_event IN SHARE MODE")
        cursor.execute("SELECT coalesce(max(id), 0) FROM reports_event")
        return cursor.fetchone()[0]


def _digest(events) -> tuple[bytes, int, int]:
    """(SHA-256 over one canonical line per event, how many, the first id)."""
    digest, count, first = hashlib.sha256(), 0, 0
    for event in events.order_by("id").iterator(chunk_size=5_000):
        first = first or event.id
        line = [event.id, event.at.isoformat(), event.verb, event.actor, event.election, event.unit, event.target]
        digest.update(json.dumps([*line, event.detail], sort_keys=True, ensure_ascii=False).encode() + b"\n")
        count += 1
    return digest.digest(), count, first


def broken() -> Iterator[str]:
    """What does not recompute: one sentence per seal that no longer matches its events or its predecessor."""
    head, after = GENESIS, 0
    for link in Seal.objects.all():
        digest, count, first = _digest(Event.objects.filter(id__gt=after, id__lte=link.last_id))
        head = hashlib.sha256(head + digest).digest()
        if (digest, count, first) != (bytes(link.digest), link.count, link.first_id):
            yield f"seal {link.pk}: events {link.first_id}..{link.last_id} are not those that were sealed"
        if head != bytes(link.head):
            yield f"seal {link.pk}: the chain breaks here"
            head = bytes(link.head)
        after = link.last_id
