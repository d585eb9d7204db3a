"""What was filed: is every report what its author sent, and does the journal tell of every one, and of nothing else?

The hash is recomputed from the canonical bytes, and answers, reasons and vector from what was hashed. Rows and events
are joined in full: a row without its event, an event without its row, and every difference between the two is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import connection

from hierarchy.lib import prepared
from reports.calendar.models import InstrumentVersion
from reports.filing.models import Evidence
from reports.instruments.plan import plan_of
from reports.instruments.schema import PHOTO, Schema

FETCHED = 2_000
REVISIONS = """
SELECT v.report_id, v.number, v.canonical, v.sha256, v.vector::text, w.version_id, w.instrument_id,
    CASE WHEN v.number = r.revision THEN jsonb_build_object('answers', r.answers, 'reasons', r.reasons)::text END
FROM reports_revision v JOIN reports_report r ON r.id = v.report_id JOIN reports_window w ON w.id = r.window_id
"""
CONFLICTS = """
SELECT c.id, c.canonical, c.sha256, w.version_id, w.instrument_id
FROM reports_conflict c JOIN reports_obligation o ON o.id = c.obligation_id JOIN reports_window w ON w.id = o.window_id
"""


def broken_contents() -> Iterator[str]:
    """Hash, answers, reasons and vector of every revision, read once and streamed; photos that answers name."""
    versions = _Versions()
    photos: dict[str, str] = {}
    for report, number, canonical, sha256, vector, version, instrument, shown in _streamed(REVISIONS):
        name = f"report {report} revision {number}"
        schema = versions.of(bytes(canonical), bytes(sha256), version, instrument)
        if schema is None:
            yield f"{name}: its content is not what was hashed"
            continue
        content = msgspec.json.decode(bytes(canonical))
        if shown is not None and content != msgspec.json.decode(shown):
            yield f"{name}: answers or reasons are not those that were hashed"
        if vector != prepared.array(plan_of(schema).vector(content["answers"])):
            yield f"{name}: its vector does not follow from its answers"
        for question in versions.photos(schema):
            if question in content["answers"]:
                photos[content["answers"][question]] = name
    for key, canonical, sha256, version, instrument in _streamed(CONFLICTS):
        if versions.of(bytes(canonical), bytes(sha256), version, instrument) is None:
            yield f"conflict {key}: its content is not what was hashed"
    known = set(Evidence.objects.values_list("sha256", flat=True))
    yield from (f"{name}: photo {sha256[:16]} is gone" for sha256, name in photos.items() if sha256 not in known)


class _Versions:
    """The schemas of all instruments, each read when it is first asked for. A window may have been asked in another
    version before this one."""

    def __init__(self) -> None:
        self._siblings: dict[int, list[int]] = {}
        for pk, instrument in InstrumentVersion.objects.order_by("pk").values_list("pk", "instrument_id"):
            self._siblings.setdefault(instrument, []).append(pk)
        self._schemas: dict[int, Schema] = {}
        self._photos: dict[bytes, list[str]] = {}

    def of(self, canonical: bytes, sha256: bytes, version: int, instrument: int) -> Schema | None:
        """The schema that the content was answered in; None where its hash is that of none."""
        for pk in (version, *self._siblings.get(instrument, ())):
            if pk not in self._schemas:  # read anew: what the process keeps may be older than the row
                self._schemas[pk] = Schema.from_json(
                    InstrumentVersion.objects.values_list("schema", flat=True).get(pk=pk)
                )
            schema = self._schemas[pk]
            if hashlib.sha256(schema.digest + canonical).digest() == sha256:
                return schema
        return None

    def photos(self, schema: Schema) -> list[str]:
        """The questions that are answered by a photo."""
        if schema.digest not in self._photos:
            self._photos[schema.digest] = [q.name for q in schema.questions if q.kind == PHOTO]
        return self._photos[schema.digest]


def _streamed(query: str) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(FETCHED):
            yield from rows


# sentence -> rows of its values. Each statement is one look at one moment, so a report that arrives meanwhile is seen
# with its event or not at all.
JOURNAL_LAWS = {
    "report {} revision {}: filed without an event": """
        SELECT v.report_id, v.number FROM reports_revision v WHERE NOT EXISTS (
            SELECT 1 FROM reports_event e WHERE e.target = v.report_id::text
                AND e.verb IN ('report.filed', 'report.revised') AND e.detail->>'revision' = v.number::text)""",
    "report {} revision {}: the journal tells of its filing, and it is not there": """
        SELECT e.target, e.detail->>'revision' FROM reports_event e
        WHERE e.verb IN ('report.filed', 'report.revised') AND NOT EXISTS (
            SELECT 1 FROM reports_revision v JOIN reports_report r ON r.id = v.report_id
            WHERE v.report_id::text = e.target AND v.number::text = e.detail->>'revision')""",
    "report {} revision {}: content, author, channel or time are others than the journal tells": """
        SELECT v.report_id, v.number FROM reports_revision v JOIN hierarchy_user u ON u.id = v.filed_by_id
            JOIN reports_event e ON e.target = v.report_id::text AND e.detail->>'revision' = v.number::text
                AND e.verb IN ('report.filed', 'report.revised')
        WHERE (encode(v.sha256, 'hex'), u.username, v.channel, v.filed_at, v.number = 1)
            IS DISTINCT FROM (e.detail->>'sha256', e.actor, e.detail->>'channel', e.at, e.verb = 'report.filed')""",
    # A unit may get a new code; then the tree's own events come later than this one.
    "report {}: it was filed about unit {}": """
        SELECT r.id, e.unit FROM reports_report r JOIN reports_obligation o ON o.id = r.obligation_id
            JOIN hierarchy_unit s ON s.id = o.subject_id
            JOIN reports_event e ON e.target = r.id::text AND e.verb IN ('report.filed', 'report.revised')
        WHERE e.unit <> s.code AND NOT EXISTS (SELECT 1 FROM reports_event t WHERE t.election = e.election
            AND t.verb IN ('tree.load', 'tree.move') AND t.id > e.id)""",
    "report {}: state, approval or remarks are others than the journal tells": """
        WITH last AS (
            SELECT DISTINCT ON (target) target, verb, actor, at, detail FROM reports_event WHERE verb IN
                ('report.filed', 'report.revised', 'report.approved', 'report.returned', 'approval.withdrawn')
            ORDER BY target, id DESC
        )
        SELECT r.id FROM reports_report r JOIN reports_obligation o ON o.id = r.obligation_id
            JOIN last ON last.target = r.id::text LEFT JOIN hierarchy_user u ON u.id = r.approved_by_id
        WHERE o.state <> CASE last.verb WHEN 'report.approved' THEN 'APPROVED'
                WHEN 'report.returned' THEN 'RETURNED' ELSE 'FILED' END
            OR (encode(r.approved_sha256, 'hex'), u.username, r.approved_at) IS DISTINCT FROM
                CASE WHEN last.verb = 'report.approved' THEN (last.detail->>'sha256', last.actor::varchar, last.at)
                    ELSE (NULL::text, NULL::varchar, NULL::timestamptz) END
            OR r.correct_by IS DISTINCT FROM (last.detail->>'correct_by')::timestamptz
            OR (SELECT coalesce(sum(length(value) + 2) - 2, 0) FROM jsonb_each_text(r.remarks)) <>
                CASE WHEN last.verb = 'report.returned' THEN length(last.detail->>'reason') ELSE 0 END
            OR EXISTS (SELECT 1 FROM jsonb_each_text(r.remarks) WHERE position(value IN last.detail->>'reason') = 0)""",
    "conflict {}: kept without an event": """
        SELECT c.id FROM reports_conflict c WHERE NOT EXISTS (SELECT 1 FROM reports_event e
            WHERE e.verb = 'report.conflict' AND e.detail->>'conflict' = c.id::text)""",
    "conflict {}: the journal tells of it, and it is not as it was kept": """
        SELECT e.detail->>'conflict' FROM reports_event e WHERE e.verb = 'report.conflict' AND NOT EXISTS (
            SELECT 1 FROM reports_conflict c JOIN hierarchy_user u ON u.id = c.filed_by_id
            WHERE c.id::text = e.detail->>'conflict' AND c.report_id::text = e.target AND c.filed_at = e.at
                AND u.username = e.actor AND encode(c.sha256, 'hex') = e.detail->>'sha256')""",
    "obligation {}: whether it has a signal is other than the journal tells": """
        WITH last AS (
            SELECT DISTINCT ON (target) target, verb, actor, detail FROM reports_event
            WHERE verb IN ('unit.unreachable', 'unit.reachable') ORDER BY target, id DESC
        )
        SELECT o.id FROM reports_obligation o LEFT JOIN last ON last.target = o.id::text
            LEFT JOIN hierarchy_user u ON u.id = o.attested_by_id
        WHERE CASE WHEN o.state = 'UNREACHABLE' THEN
                (u.username, o.attested_reason, 'unit.unreachable') IS DISTINCT FROM
                    (last.actor, last.detail->>'reason', last.verb)
            ELSE last.verb = 'unit.unreachable' AND o.first_filed_at IS NULL END""",
    "obligation {}: whether its post is vacant is other than the journal tells": """
        WITH last AS (
            SELECT DISTINCT ON (target) target, verb FROM reports_event
            WHERE verb IN ('obligation.vacant', 'obligation.staffed') ORDER BY target, id DESC
        )
        SELECT o.id FROM reports_obligation o JOIN last ON last.target = o.id::text
        WHERE o.state IN ('OWED', 'VACANT') AND (o.state = 'VACANT') <> (last.verb = 'obligation.vacant')""",
    "extension {}: granted without an event, or otherwise than the journal tells": """
        SELECT x.id FROM reports_extension x JOIN hierarchy_user u ON u.id = x.granted_by_id WHERE NOT EXISTS (
            SELECT 1 FROM reports_event e WHERE e.verb = 'window.extended' AND e.target = x.window_id::text
                AND e.actor = u.username AND e.detail->>'reason' = x.reason
                AND (e.detail->>'due_at')::timestamptz = x.due_at
                AND (e.detail->>'closes_at')::timestamptz = x.closes_at)""",
    "window {}: the journal tells of an extension that is not there": """
        SELECT e.target FROM reports_event e WHERE e.verb = 'window.extended' AND NOT EXISTS (
            SELECT 1 FROM reports_extension x WHERE x.window_id::text = e.target
                AND (e.detail->>'due_at')::timestamptz = x.due_at AND e.detail->>'reason' = x.reason)""",
    # A station's closing may be later than the window's by an extension, or because its report was returned.
    "obligation {}: its deadline is neither its window's nor an extension's": """
        SELECT o.id FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id
        WHERE o.due_at <> w.due_at AND NOT EXISTS (
                SELECT 1 FROM reports_extension x WHERE x.window_id = w.id AND x.due_at = o.due_at)
            OR o.closes_at <> w.closes_at AND NOT EXISTS (
                SELECT 1 FROM reports_extension x WHERE x.window_id = w.id AND x.closes_at = o.closes_at)
            AND NOT EXISTS (SELECT 1 FROM reports_report r JOIN reports_event e ON e.target = r.id::text
                WHERE r.obligation_id = o.id AND e.verb = 'report.returned'
                    AND (e.detail->>'correct_by')::timestamptz = o.closes_at)""",
    "flag {}: resolved otherwise than the journal tells": """
        SELECT f.id FROM reports_flag f JOIN hierarchy_user u ON u.id = f.resolved_by_id WHERE NOT EXISTS (
            SELECT 1 FROM reports_event e WHERE e.verb = 'flag.resolved' AND e.target = f.report_id::text
                AND e.actor = u.username AND e.at = f.resolved_at AND e.detail->>'rule' = f.rule
                AND e.detail->>'reason' = f.resolution)""",
}


def broken_filings() -> Iterator[str]:
    """Reports, reviews, conflicts, deadlines and flags against the journal, both ways."""
    yield from named(JOURNAL_LAWS)


def named(laws: dict[str, str], **values: Any) -> Iterator[str]:
    """A sentence for each row that the statements find; `values` are what they ask for by name."""
    with connection.cursor() as cursor:
        for sentence, query in laws.items():
            cursor.execute(query, values or None)
            for row in cursor.fetchall():
                yield sentence.format(*row)
