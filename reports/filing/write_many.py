"""Many first filings in three COPYs and one UPDATE: what write_filing.py does for one, in the caller's transaction.

The lines of COPY are made here as text: the driver's own adaptation of two vectors and four JSON values a report takes
several times as long as writing them down. Called by reports/filing/bulk.py only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from hierarchy.lib import prepared
from hierarchy.models import User
from reports.filing.write_one import IntakeObligation
from reports.instruments.codec import Content

LOCK = """
SELECT o.id, o.state, o.filer_id, o.counted_in_id, w.version_id
FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id WHERE o.id = ANY(%(obligations)s)
ORDER BY o.id FOR UPDATE OF o FOR KEY SHARE OF w -- in order, so that two imports wait for each other, not in a circle
"""
REPORT = """COPY reports_report (id, obligation_id, window_id, counted_in_id, revision, answers, reasons, vector,
    sha256, filed_by_id, filed_at, remarks) FROM STDIN"""
REVISION = """COPY reports_revision (report_id, number, canonical, sha256, vector, channel, filed_by_id, filed_at,
    device_at) FROM STDIN"""
EVENT = "COPY reports_event (at, verb, actor, election, unit, target, detail) FROM STDIN"
FILED = """
UPDATE reports_obligation SET state = 'FILED', first_filed_at = filed.at, attested_by_id = NULL, attested_reason = ''
FROM unnest(%(obligations)s::bigint[], %(moments)s::timestamptz[]) AS filed(id, at)
WHERE reports_obligation.id = filed.id
"""
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


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
    vectors = [prepared.array(first.content.vector) for first in firsts]
    digests = [first.content.sha256.hex() for first in firsts]
    with connection.cursor() as cursor:
        _copy(cursor, REPORT, map(_report, firsts, vectors, digests))
        _copy(cursor, REVISION, (_revision(*each, channel) for each in zip(firsts, vectors, digests, strict=True)))
        _copy(cursor, EVENT, (_event(*each, channel) for each in zip(firsts, digests, strict=True)))
        moments = [first.at for first in firsts]
        cursor.execute(FILED, {"obligations": [first.obligation.pk for first in firsts], "moments": moments})


def _copy(cursor, statement: str, lines: Iterable[str]) -> None:
    with cursor.copy(statement) as stream:
        stream.write("".join(lines))


def _report(first: First, vector: str, digest: str) -> str:
    obligation, content = first.obligation, first.content
    return (
        f"{first.report_id}\t{obligation.pk}\t{obligation.window_id}\t{obligation.counted_in_id}\t1\t{_json(content.answers)}\t"
        f"{_json(content.reasons)}\t{vector}\t\\\\x{digest}\t{first.by.pk}\t{first.at.isoformat()}\t{{}}\n"
    )


def _revision(first: First, vector: str, digest: str, channel: str) -> str:
    device_at = first.device_at.isoformat() if first.device_at else "\\N"
    return (
        f"{first.report_id}\t1\t\\\\x{first.content.canonical.hex()}\t\\\\x{digest}\t{vector}\t{channel}\t"
        f"{first.by.pk}\t{first.at.isoformat()}\t{device_at}\n"
    )


def _event(first: First, digest: str, channel: str) -> str:
    obligation = first.obligation
    detail = _json({"revision": 1, "sha256": digest, "channel": channel, "was": obligation.state})
    actor = first.by.username.translate(ESCAPED)
    return (
        f"{first.at.isoformat()}\treport.filed\t{actor}\t{obligation.election_code}\t{obligation.subject_code}\t"
        f"{first.report_id}\t{detail}\n"
    )


def _json(value: dict) -> str:
    """JSON as a cell of COPY; JSON itself writes control characters as escapes, so only backslashes are left."""
    return msgspec.json.encode(value).decode().replace("\\", "\\\\") if value else "{}"
