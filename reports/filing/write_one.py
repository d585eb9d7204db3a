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

from hierarchy.lib import prepared
from hierarchy.models import Unit, User
from reports.filing import columns
from reports.instruments.codec import Content


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

    @property
    def about(self) -> dict[str, int]:
        """What its report is about, as `columns.WHAT` names it."""
        return {"obligation": self.pk, "window": self.window_id, "counted_in": self.counted_in_id}


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


WRITE = f"""
WITH standing AS (
    -- Whoever comes second waits here, sees that what was read no longer stands, and writes nothing at all. The window
    -- is held as its foreign key will hold it at the commit: so that its version is still the one that was answered.
    SELECT o.id FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id
    WHERE o.id = %(obligation)s AND o.state = %(was)s AND o.filer_id = %(filer)s AND o.counted_in_id = %(counted_in)s
        AND w.version_id = %(version)s FOR UPDATE OF o FOR KEY SHARE OF w
), report AS (
    INSERT INTO reports_report ({columns.REPORT.names}) SELECT {columns.REPORT.parameters} FROM standing
    ON CONFLICT (id) DO UPDATE SET {columns.REVISED}, {columns.UNSEEN}
    WHERE reports_report.obligation_id = excluded.obligation_id AND reports_report.revision = excluded.revision - 1
    RETURNING id
), revision AS (
    INSERT INTO reports_revision ({columns.REVISION.names}) SELECT {columns.REVISION.parameters} FROM report
), obligation AS (
    UPDATE reports_obligation SET {columns.OBLIGATION.format(at="%(at)s")}
    FROM report WHERE reports_obligation.id = %(obligation)s
), event AS (
    INSERT INTO reports_event ({columns.EVENT.names}) SELECT {columns.EVENT.parameters} FROM report
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
) -> bool:
    """Writes the revision that follows the one in `obligation`.

    False, and nothing is written, when the obligation or its report are no longer as `obligation` says, or when the id
    belongs to a report about something else.
    """
    values = columns.values(
        about=obligation.about,
        report_id=report_id,
        revision=obligation.revision + 1,
        content=content,
        by=by,
        at=at,
        channel=channel,
        device_at=device_at,
        event=filed(by, obligation, report_id, content, channel, at),
    )
    values |= {"version": obligation.version_id, "was": obligation.state, "filer": obligation.filer.pk}
    values |= {"level": obligation.level, "regency": obligation.regency_id}
    with prepared.execute(WRITE, values) as cursor:
        return cursor.rowcount == 1


def filed(
    by: User, obligation: IntakeObligation, report_id: UUID, content: Content, channel: str, moment: datetime
) -> dict[str, Any]:
    """The event of a filing, by the columns of the journal: no object for each of thousands."""
    return {
        "at": moment,
        "verb": "report.filed" if obligation.report_id is None else "report.revised",
        "actor": by.username,
        "election": obligation.election_code,
        "unit": obligation.subject_code,
        "target": str(report_id),
        "detail": {
            "revision": obligation.revision + 1,
            "sha256": content.sha256.hex(),
            "channel": channel,
            "was": obligation.state,
        },
    }
