"""The only writer of the journal: append events, seal them into a hash chain, prove the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from hierarchy.lib import clock
from hierarchy.lib.canonical import JOURNAL, Lines
from hierarchy.models import Unit, User
from reports import locks
from reports.journal.models import Event, Seal

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
    """Seals every settled event that no seal covers yet; None when there is none. Nobody who files waits for it."""
    last = _settled()
    with transaction.atomic():
        locks.hold(locks.Lock.SEAL)
        previous = Seal.objects.last()
        after = previous.last_id if previous else 0
        digest, count, first, until = _digest(Event.objects.filter(id__gt=after, id__lte=last))
        if not count:
            return None
        return Seal.objects.create(
            first_id=first,
            last_id=until,
            count=count,
            digest=digest,
            head=hashlib.sha256((bytes(previous.head) if previous else GENESIS) + digest).digest(),
            sealed_at=clock.now(),
        )


def _settled() -> int:
    """An id up to which no event can arrive any more.

    Ids come from a sequence before their transaction commits, so what is visible has holes that fill later. Every
    transaction that writes events holds a shared lock on the last id given out before its own first one (the trigger
    `journal_begins`); its key of 64 bits is JOURNAL in the upper 16 and the id below. The order matters: whoever was
    given an id before it is read here has taken that lock before, and whoever no longer holds it has committed. The own
    transaction sees its own events.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM reports_event_id_seq")
        (given,) = cursor.fetchone()
        cursor.execute(
            """
            SELECT least(%s, min((classid::bigint & 65535) << 32 | objid::bigint)) FROM pg_locks
            WHERE locktype = 'advisory' AND classid::bigint >> 16 = %s AND objsubid = 1 AND pid <> pg_backend_pid()
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            [given, int(locks.Lock.JOURNAL)],
        )
        return cursor.fetchone()[0]


def _digest(events) -> tuple[bytes, int, int, int]:
    """(SHA-256 over one canonical line per event, how many, the first id, the last id)."""
    lines, count, first, last = Lines(JOURNAL), 0, 0, 0
    for event in events.order_by("id").iterator(chunk_size=5_000):
        first, last = first or event.id, event.id
        line = [event.id, event.at.isoformat(), event.verb, event.actor, event.election, event.unit, event.target]
        lines.add([*line, event.detail])
        count += 1
    return lines.sha256(), count, first, last


def broken() -> Iterator[str]:
    """What does not recompute: one sentence per seal that no longer matches its events or its predecessor."""
    head, after = GENESIS, 0
    for link in Seal.objects.all():
        digest, count, first, _last = _digest(Event.objects.filter(id__gt=after, id__lte=link.last_id))
        head = hashlib.sha256(head + digest).digest()
        if (digest, count, first) != (bytes(link.digest), link.count, link.first_id):
            yield f"seal {link.pk}: events {link.first_id}..{link.last_id} are not those that were sealed"
        if head != bytes(link.head):
            yield f"seal {link.pk}: the chain breaks here"
            head = bytes(link.head)
        after = link.last_id
