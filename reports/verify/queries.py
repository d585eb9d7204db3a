"""Proof of the invariants on live data: each check yields sentences about what does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import connection

from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election
from hierarchy.units import tree
from reports.calendar.models import Window
from reports.journal import actions as journal
from reports.plenary import queries as ratified
from reports.rollup.fold import COUNTS
from reports.rollup.models import Outbox, Tally
from reports.verify import decided as verify_decided
from reports.verify import filed as verify_filed
from reports.verify import kept as verify_kept
from reports.verify.filed import named


def broken_tree() -> Iterator[str]:
    """Parents enclose children, edges are unique, level is depth, a code begins with its parent's."""
    for election in Election.objects.all():
        for problem in tree.check(election):
            yield f"tree {election.code}: {problem}"


def broken_tallies() -> Iterator[str]:
    """Every tally equals the fold, from scratch, of the obligations and reports in its subtree, on both bases.

    Folds straight from the rows by ancestor column, not from child tallies, so it shares nothing with rollup.py but
    the definition. Marks still in the outbox are named: the figures are not at rest.
    """
    if waiting := Outbox.objects.count():
        yield f"outbox: {waiting} marks are not rolled up yet"
    for window in Window.objects.filter(opened_at__isnull=False).select_related("version", "instrument"):
        for level in Level:
            if level != Level.POLLING_STATION:
                yield from _compare(window, level)


def _compare(window: Window, level: Level) -> Iterator[str]:
    kept = {
        row[0]: (tuple(row[1 : 1 + len(COUNTS)]), list(row[-2]), list(row[-1]))
        for row in Tally.objects.filter(window=window, unit__level=level).values_list(
            "unit_id", *COUNTS, "filed", "approved"
        )
    }
    counted, zero = _fold_from_scratch(window, level), [0] * window.version.width
    for unit in sorted(kept.keys() | counted.keys()):
        nothing = ((0,) * len(COUNTS), zero, zero)
        if kept.get(unit, nothing) != counted.get(unit, nothing):
            yield f"tally {window} unit {unit}: kept {kept.get(unit)}, counted {counted.get(unit)}"


def _fold_from_scratch(window: Window, level: Level) -> dict[int, tuple[tuple[int, ...], list[int], list[int]]]:
    column, width = f"u.{level.spec.column}_id", window.version.width
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {column}, count(*),
                count(r.id), count(*) FILTER (WHERE o.first_filed_at <= o.due_at), count(r.approved_sha256),
                count(*) FILTER (WHERE o.state = 'RETURNED'), count(*) FILTER (WHERE o.state = 'VACANT'),
                count(*) FILTER (WHERE o.state = 'UNREACHABLE')
            FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id
                LEFT JOIN reports_report r ON r.obligation_id = o.id
            WHERE o.window_id = %s AND {column} IS NOT NULL GROUP BY 1
            """,
            [window.pk],
        )
        counts = {row[0]: tuple(row[1:]) for row in cursor.fetchall()}
        cursor.execute(
            f"""
            SELECT unit_id, array_agg(total ORDER BY position), array_agg(approved ORDER BY position) FROM (
                SELECT {column} AS unit_id, position, sum(value)::bigint AS total,
                    coalesce(sum(value) FILTER (WHERE r.approved_sha256 IS NOT NULL), 0)::bigint AS approved
                FROM reports_report r JOIN reports_obligation o ON o.id = r.obligation_id
                    JOIN hierarchy_unit u ON u.id = o.subject_id,
                    unnest(r.vector) WITH ORDINALITY AS cell(value, position)
                WHERE o.window_id = %s AND {column} IS NOT NULL GROUP BY 1, 2
            ) AS cells GROUP BY 1
            """,
            [window.pk],
        )
        sums = {row[0]: (list(row[1]), list(row[2])) for row in cursor.fetchall()}
    zero = [0] * width
    return {unit: (count, *sums.get(unit, (zero, zero))) for unit, count in counts.items()}


ROW_LAWS = {
    "obligation {}: its state and its report disagree": """
        SELECT o.id FROM reports_obligation o LEFT JOIN reports_report r ON r.obligation_id = o.id
        WHERE (o.state IN ('FILED', 'RETURNED', 'APPROVED')) <> (r.id IS NOT NULL)
            OR (o.state = 'APPROVED') <> (r.approved_sha256 IS NOT DISTINCT FROM r.sha256 AND r.id IS NOT NULL)""",
    "report {}: it is not its last revision": """
        SELECT r.id FROM reports_report r LEFT JOIN reports_revision v ON v.report_id = r.id AND v.number = r.revision
        WHERE v.id IS NULL OR v.sha256 <> r.sha256 OR v.vector <> r.vector
            OR (v.filed_by_id, v.filed_at) <> (r.filed_by_id, r.filed_at)
            OR (SELECT count(*) FROM reports_revision w WHERE w.report_id = r.id) <> r.revision""",
    "report {}: its first revision was not filed when its obligation says": """
        SELECT v.report_id FROM reports_revision v JOIN reports_report r ON r.id = v.report_id
            JOIN reports_obligation o ON o.id = r.obligation_id
        WHERE v.number = 1 AND v.filed_at <> o.first_filed_at""",
    "report {}: it belongs to another window or unit than its obligation": """
        SELECT r.id FROM reports_report r JOIN reports_obligation o ON o.id = r.obligation_id
        WHERE (r.window_id, r.counted_in_id) <> (o.window_id, o.counted_in_id)""",
    "report {}: approved by one of its filers": """
        SELECT r.id FROM reports_report r JOIN reports_revision v ON v.report_id = r.id
        WHERE r.approved_by_id = v.filed_by_id""",
    "obligation {}: counted in the wrong unit": """
        SELECT o.id FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id
        WHERE o.counted_in_id <> CASE WHEN u.level = 4 THEN u.village_id ELSE u.id END""",
    "tally {}: of a unit or a window that is not there": """
        SELECT t.id FROM reports_tally t LEFT JOIN hierarchy_unit u ON u.id = t.unit_id
            LEFT JOIN reports_window w ON w.id = t.window_id WHERE u.id IS NULL OR w.id IS NULL""",
    # Keys are given in the order units come, so what came after a window had closed is behind all that owe it.
    "unit {}: owes no report it should": """
        WITH owed AS MATERIALIZED (
            SELECT window_id, max(subject_id) AS last FROM reports_obligation GROUP BY 1
        )
        SELECT u.id FROM reports_window w JOIN reports_instrument i ON i.id = w.instrument_id
            JOIN hierarchy_unit u ON u.election_id = w.election_id AND u.level = i.subject_level
            LEFT JOIN owed ON owed.window_id = w.id
        WHERE w.opened_at IS NOT NULL AND i.cadence <> 'EVENT' AND (w.closes_at > %(now)s OR u.id < owed.last)
            AND NOT EXISTS (SELECT 1 FROM reports_obligation o WHERE o.window_id = w.id AND o.subject_id = u.id)""",
    "window {}: fewer reports are owed than when it was opened": """
        SELECT w.id FROM reports_window w JOIN reports_event e ON e.verb = 'window.opened' AND e.target = w.id::text
        WHERE (SELECT count(*) FROM reports_obligation o WHERE o.window_id = w.id) < (e.detail->>'obligations')::int""",
}


def broken_rows() -> Iterator[str]:
    """Laws that hold row by row between obligations, reports and revisions."""
    yield from named(ROW_LAWS, now=clock.now())


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "tree": broken_tree,
    "tallies": broken_tallies,
    "rows": broken_rows,
    "contents": verify_filed.broken_contents,
    "filings": verify_filed.broken_filings,
    "evidence": verify_kept.broken_evidence,
    "instruments": verify_kept.broken_instruments,
    "tables": verify_kept.broken_tables,
    "accounts": verify_kept.broken_accounts,
    "plenaries": ratified.broken,
    "meetings": verify_decided.broken_meetings,
    "findings": verify_decided.broken_findings,
    "journal": journal.broken,
    "photos": verify_kept.broken_photos,
}
OF_THE_DISK = {"photos"}  # take as long as the disk needs, so they must hold no transaction open
