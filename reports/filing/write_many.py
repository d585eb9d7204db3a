"""Many first filings in three COPYs and one UPDATE: what write_one.py does for one, in the caller's transaction.

The lines of COPY are made here as text: the driver's own adaptation of two vectors and four JSON values a report takes
several times as long as writing them down. Called by reports/filing/bulk.py only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from hierarchy.models import User
from reports.filing import columns
from reports.filing.write_one import IntakeObligation, filed
from reports.instruments.codec import Content

LOCK = """
SELECT o.id, o.state, o.filer_id, o.counted_in_id, w.version_id
FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id WHERE o.id = ANY(%(obligations)s)
ORDER BY o.id FOR UPDATE OF o FOR KEY SHARE OF w -- in order, so that two imports wait for each other, not in a circle
"""
COPIES = (
    (f"COPY reports_report ({columns.REPORT.names}) FROM STDIN", columns.REPORT),
    (f"COPY reports_revision ({columns.REVISION.names}) FROM STDIN", columns.REVISION),
    (f"COPY reports_event ({columns.EVENT.names}) FROM STDIN", columns.EVENT),
)
FILED = f"""
UPDATE reports_obligation SET {columns.OBLIGATION.format(at="filed.at")}
FROM unnest(%(obligations)s::bigint[], %(moments)s::timestamptz[]) AS filed(id, at)
WHERE reports_obligation.id = filed.id
"""


@dataclass(frozen=True, slots=True)
class First:
    """A first report, judged and found good."""

    obligation: IntakeObligation
    report_id: UUID
    content: Content
    by: User
    at: datetime
    device_at: datetime | None


def lock(obligations: Iterable[IntakeObligation]) -> set[int]:
    """Locks obligations until the transaction ends; the keys of those that are still as they were read."""
    known = {
        (obligation.pk, obligation.state, obligation.filer.pk, obligation.counted_in_id, obligation.version_id)
        for obligation in obligations
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"obligations": [obligation[0] for obligation in known]})
        return {row[0] for row in cursor.fetchall() if row in known}


def write(firsts: Sequence[First], channel: str) -> None:
    """Writes report, revision, event and obligation of each; their obligations are locked, the marks are the caller's.

    Raises IntegrityError when an id is taken by then; the caller's transaction is lost with everything in it.
    """
    cells = [_cells(first, channel) for first in firsts]
    with connection.cursor() as cursor:
        for statement, table in COPIES:
            with cursor.copy(statement) as stream:
                stream.write("".join(map(table.line, cells)))
        moments = [first.at for first in firsts]
        cursor.execute(FILED, {"obligations": [first.obligation.pk for first in firsts], "moments": moments})


def _cells(first: First, channel: str) -> dict[str, str]:
    values = columns.values(
        about=first.obligation.about,
        report_id=first.report_id,
        revision=1,
        content=first.content,
        by=first.by,
        at=first.at,
        channel=channel,
        device_at=first.device_at,
        event=filed(first.by, first.obligation, first.report_id, first.content, channel, first.at),
    )
    return {name: columns.cell(value) for name, value in values.items()}
