"""One filing in one statement: report, revision, obligation, event and outbox mark, all or nothing.

Six ORM saves would say the same in six round trips, each with the row lock held; on election night that is the
difference the whole province waits for (docs/adr/0007). Called by reports/intake.py only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from hierarchy.models import User
from reports.instruments.codec import Content
from reports.models import Event, Obligation


@dataclass(frozen=True)
class Standing:
    """What there is before a filing: the obligation's state and its current report, if any."""

    state: str
    report_id: UUID | None
    revision: int
    sha256: bytes
    filed_at: datetime | None


def lock(obligation_id: int) -> Standing:
    """Locks the obligation until the transaction ends, so that two devices filing at once take turns."""
    with connection.cursor() as cursor:
        # Two statements: in one, a waiter would get the state of before the wait joined to a report of after it.
        cursor.execute("SELECT state FROM reports_obligation WHERE id = %s FOR UPDATE", [obligation_id])
        (state,) = cursor.fetchone()
        if state in ("OWED", "VACANT", "UNREACHABLE"):  # no report, by the constraint on obligations
            return Standing(state, None, 0, b"", None)
        cursor.execute(
            "SELECT id, revision, sha256, filed_at FROM reports_report WHERE obligation_id = %s", [obligation_id]
        )
        report_id, revision, sha256, filed_at = cursor.fetchone()
        return Standing(state, report_id, revision, bytes(sha256), filed_at)


WRITE = """
WITH report AS (
    INSERT INTO reports_report (id, obligation_id, window_id, counted_in_id, revision, answers, reasons, vector, sha256,
        filed_by_id, filed_at, remarks)
    VALUES (%(report)s, %(obligation)s, %(window)s, %(counted_in)s, %(revision)s, %(answers)s, %(reasons)s, %(vector)s,
        %(sha256)s, %(by)s, %(at)s, '{}')
    ON CONFLICT (id) DO UPDATE SET
        revision = excluded.revision, answers = excluded.answers, reasons = excluded.reasons, vector = excluded.vector,
        sha256 = excluded.sha256, filed_by_id = excluded.filed_by_id, filed_at = excluded.filed_at, remarks = '{}',
        -- No reviewer has seen the new content.
        approved_sha256 = NULL, approved_by_id = NULL, approved_at = NULL
    WHERE reports_report.obligation_id = excluded.obligation_id
    RETURNING id
), revision AS (
    INSERT INTO reports_revision (report_id, number, based_on, canonical, sha256, vector, channel, filed_by_id,
        filed_at, device_at)
    SELECT id, %(revision)s, nullif(%(revision)s - 1, 0), %(canonical)s, %(sha256)s, %(vector)s, %(channel)s, %(by)s,
        %(at)s, %(device_at)s FROM report
), duty AS (
    UPDATE reports_obligation SET state = 'FILED', first_filed_at = coalesce(first_filed_at, %(at)s),
        attested_by_id = NULL, attested_reason = ''
    FROM report WHERE reports_obligation.id = %(obligation)s
), event AS (
    INSERT INTO reports_event (at, verb, actor, election, unit, target, detail)
    SELECT %(at)s, %(verb)s, %(actor)s, %(election)s, %(unit)s, %(target)s, %(detail)s FROM report
)
INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
SELECT %(window)s, %(counted_in)s, %(level)s, %(regency)s, %(at)s FROM report
"""


def write(
    *,
    obligation: Obligation,
    report_id: UUID,
    revision: int,
    content: Content,
    by: User,
    at: datetime,
    channel: str,
    device_at: datetime | None,
    event: Event,
) -> bool:
    """Writes revision `revision` of a report; False when the id belongs to a report about something else.

    `obligation` comes with its `counted_in`; the obligation is locked and `revision` follows the standing one.
    """
    values = {
        "report": report_id,
        "obligation": obligation.pk,
        "window": obligation.window_id,
        "counted_in": obligation.counted_in_id,
        "revision": revision,
        "answers": Jsonb(content.answers),
        "reasons": Jsonb(content.reasons),
        "vector": content.vector,
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
        "detail": Jsonb(event.detail),
        "level": obligation.counted_in.level,
        "regency": obligation.counted_in.regency_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
        return cursor.rowcount == 1
