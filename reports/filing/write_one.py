"""One filing in two statements: read all it needs; write report, revision, obligation, event and outbox mark at once.

Neither holds a lock while Python thinks, and the second is a transaction by itself: six ORM saves would say the same in
as many round trips, and on election night that is the difference the whole province waits for (docs/adr/0007, 0009).
Called by reports/filing/actions.py only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hierarchy.lib import prepared
from hierarchy.models import Unit, User
from reports.instruments.codec import Content
from reports.journal.models import Event


@dataclass(frozen=True, slots=True)
class IntakeObligation:
    """An obligation with its window and the report that stands for it, as far as a filing must know them.

    `level` and `regency_id` are those of `counted_in`. `filer` has its key, level and ancestor columns; its other
    fields are read when they are asked for. Without a report `report_id` is None and `revision` 0.
    """

    pk: int
    state: str
    closes_at: datetime
    window_id: int
    opens_at: datetime
    opened_at: datetime | None
    version_id: int
    election_code: str
    subject_code: str
    counted_in_id: int
    level: int
    regency_id: int | None
    report_id: UUID | None
    revision: int
    sha256: bytes
    filed_at: datetime | None
    filer: Unit


FILER = prepared.columns(Unit, "id", "level", "parent_id", "province_id", "regency_id", "district_id", "village_id")
READ = f"""
SELECT o.id, o.state, o.closes_at, o.window_id, w.opens_at, w.opened_at, w.version_id, e.code, s.code,
    o.counted_in_id, c.level, c.regency_id, r.id, coalesce(r.revision, 0), coalesce(r.sha256, ''), r.filed_at,
    {", ".join(f"f.{name}" for name in FILER)}
FROM reports_obligation o
    JOIN reports_window w ON w.id = o.window_id
    JOIN hierarchy_election e ON e.id = w.election_id
    JOIN hierarchy_unit s ON s.id = o.subject_id
    JOIN hierarchy_unit f ON f.id = o.filer_id
    JOIN hierarchy_unit c ON c.id = o.counted_in_id
    LEFT JOIN reports_report r ON r.obligation_id = o.id
"""
READ_ONE = READ + "WHERE o.id = %(obligation)s"
READ_MANY = READ + "WHERE o.id = ANY(%(obligations)s::bigint[])"


def read(obligation_id: int) -> IntakeObligation | None:
    """What stands at this moment; None when there is no such obligation."""
    return next((_obligation(row, {}) for row in prepared.rows(READ_ONE, {"obligation": obligation_id})), None)


def read_many(obligations: Iterable[int]) -> dict[int, IntakeObligation]:
    """What stands at this moment, by obligation; those that exist."""
    filers: dict[int, Unit] = {}  # a village files for all of its stations
    rows = prepared.rows(READ_MANY, {"obligations": prepared.array(obligations)})
    return {row[0]: _obligation(row, filers) for row in rows}


def _obligation(row: tuple[Any, ...], filers: dict[int, Unit]) -> IntakeObligation:
    known = row[-len(FILER) :]
    filer = filers.get(known[0]) or filers.setdefault(known[0], Unit.from_db("default", FILER, known))
    return IntakeObligation(*(*row[: -len(FILER)], filer))


WRITE = """
WITH standing AS (
    -- Whoever comes second waits here, sees that what was read no longer stands, and writes nothing at all. The window
    -- is held as its foreign key will hold it at the commit: so that its version is still the one that was answered.
    SELECT o.id FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id
    WHERE o.id = %(obligation)s AND o.state = %(was)s AND o.filer_id = %(filer)s AND o.counted_in_id = %(counted_in)s
        AND w.version_id = %(version)s FOR UPDATE OF o FOR KEY SHARE OF w
), report AS (
    INSERT INTO reports_report (id, obligation_id, window_id, counted_in_id, revision, answers, reasons, vector, sha256,
        filed_by_id, filed_at, remarks)
    SELECT %(report)s, id, %(window)s, %(counted_in)s, %(revision)s, %(answers)s::jsonb, %(reasons)s::jsonb,
        %(vector)s::bigint[], %(sha256)s, %(by)s, %(at)s, '{}' FROM standing
    ON CONFLICT (id) DO UPDATE SET
        revision = excluded.revision, answers = excluded.answers, reasons = excluded.reasons, vector = excluded.vector,
        sha256 = excluded.sha256, filed_by_id = excluded.filed_by_id, filed_at = excluded.filed_at, remarks = '{}',
        correct_by = NULL,
        -- No reviewer has seen the new content.
        approved_sha256 = NULL, approved_by_id = NULL, approved_at = NULL
    WHERE reports_report.obligation_id = excluded.obligation_id AND reports_report.revision = excluded.revision - 1
    RETURNING id
), revision AS (
    INSERT INTO reports_revision (report_id, number, based_on, canonical, sha256, vector, channel, filed_by_id,
        filed_at, device_at)
    SELECT id, %(revision)s, nullif(%(revision)s - 1, 0), %(canonical)s, %(sha256)s, %(vector)s::bigint[],
        %(channel)s, %(by)s, %(at)s, %(device_at)s::timestamptz FROM report
), obligation AS (
    UPDATE reports_obligation SET state = 'FILED', first_filed_at = coalesce(first_filed_at, %(at)s),
        attested_by_id = NULL, attested_reason = ''
    FROM report WHERE reports_obligation.id = %(obligation)s
), event AS (
    INSERT INTO reports_event (at, verb, actor, election, unit, target, detail)
    SELECT %(at)s, %(verb)s, %(actor)s, %(election)s, %(unit)s, %(target)s, %(detail)s::jsonb FROM report
)
INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
SELECT %(window)s, %(counted_in)s, %(level)s, %(regency)s::bigint, %(at)s FROM report
"""


def write(
    *,
    obligation: IntakeObligation,
    report_id: UUID,
    content: Content,
    by: User,
    at: datetime,
    channel: str,
    device_at: datetime | None,
    event: Event,
) -> bool:
    """Writes the revision that follows the one in `obligation`.

    False, and nothing is written, when the obligation or its report are no longer as `obligation` says, or when the id
    belongs to a report about something else.
    """
    values = {
        "report": report_id,
        "obligation": obligation.pk,
        "window": obligation.window_id,
        "version": obligation.version_id,
        "counted_in": obligation.counted_in_id,
        "revision": obligation.revision + 1,
        "was": obligation.state,
        "filer": obligation.filer.pk,
        "answers": _json(content.answers),
        "reasons": _json(content.reasons),
        "vector": prepared.array(content.vector),
        "sha256": content.sha256,
        "canonical": content.canonical,
        "by": by.pk,
        "at": at,
        "channel": channel,
        "device_at": device_at,
        "verb": event.verb,
        "actor": event.actor,
        "election": event.election,
        "unit": event.unit,
        "target": event.target,
        "detail": _json(event.detail),
        "level": obligation.level,
        "regency": obligation.regency_id,
    }
    with prepared.execute(WRITE, values) as cursor:
        return cursor.rowcount == 1


def _json(value: dict) -> str:
    return msgspec.json.encode(value).decode()
