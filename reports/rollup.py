"""The only writer of tallies: recomputes what the outbox marks stale, level by level, from the children.

Never `+= delta`: a recomputed sum is right whatever happened before, twice or out of order (docs/adr/0006).

    T(unit) = sum of the obligations counted in it + sum of T(child) over its children

Obligations about a polling station are counted in its village, so tallies exist for every level above the station.
Sums are positional (`sum(v[1]), sum(v[2]), ...`) in generated SQL: measured 2 s for 823,000 reports x 30 values, where
unnest took 33 s. The SQL is made of integers only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from django.db import connection, transaction

from hierarchy import clock
from hierarchy.levels import Level
from hierarchy.models import Unit
from reports import locks
from reports.models import Outbox, Window

# What a tally counts, in SQL over obligations `o`; publications count polling stations with the same expressions.
COUNTED = {
    "expected": "count(*)",
    "filed_count": "count(*) FILTER (WHERE o.state IN ('FILED', 'RETURNED', 'APPROVED'))",
    "on_time": "count(*) FILTER (WHERE o.first_filed_at <= o.due_at)",
    "approved_count": "count(*) FILTER (WHERE o.state = 'APPROVED')",
    "returned": "count(*) FILTER (WHERE o.state = 'RETURNED')",
    "vacant": "count(*) FILTER (WHERE o.state = 'VACANT')",
    "unreachable": "count(*) FILTER (WHERE o.state = 'UNREACHABLE')",
}
COUNTS = list(COUNTED)
STATIONLESS = [Level.VILLAGE, Level.DISTRICT, Level.REGENCY]  # folded bottom-up by the worker of one regency


def run_subtree(regency_id: int | None) -> int:
    """Folds everything marked in one regency (None: in the provinces) and marks the province above.

    Returns the number of marks eaten. One transaction: marks are deleted with the tallies they led to, so a worker
    killed anywhere leaves either everything or nothing done. The advisory lock is taken before any child is read;
    without it a slow worker could overwrite a newer sum with an older one.
    """
    levels = [Level.PROVINCE] if regency_id is None else STATIONLESS
    with transaction.atomic():
        locks.hold(locks.Lock.ROLLUP, regency_id or 0)
        stale = _claim(regency_id)
        eaten = sum(count for _keys, count in stale.values())
        keys: dict[int, set[tuple[int, int]]] = defaultdict(set)
        for level, (marked, _count) in stale.items():
            keys[level] |= marked
        for level in levels:
            if keys[level]:
                _fold(level, keys[level])
                _pass_up(keys, level)
        if above := keys[Level.PROVINCE] if regency_id is not None else set():
            moment = clock.now()
            Outbox.objects.bulk_create(
                Outbox(window_id=window, unit_id=unit, level=Level.PROVINCE, regency_id=None, marked_at=moment)
                for window, unit in sorted(above)
            )
    return eaten


def run_all() -> int:
    """Folds every mark there is, in this process. For commands and tests; workers use `run_subtree` side by side."""
    total = 0
    while regencies := pending():
        for regency_id in regencies:
            total += run_subtree(regency_id)
    return total


def pending() -> list[int | None]:
    """Subtrees with marks: regency ids in order, None (the provinces) last."""
    return list(Outbox.objects.values_list("regency_id", flat=True).distinct().order_by("regency_id"))


def _claim(regency_id: int | None) -> dict[int, tuple[set[tuple[int, int]], int]]:
    """Deletes and returns the marks of a subtree: level -> ({(window, unit)}, number of marks)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH claimed AS (
                DELETE FROM reports_outbox WHERE id IN (
                    SELECT id FROM reports_outbox WHERE regency_id IS NOT DISTINCT FROM %s FOR UPDATE SKIP LOCKED
                ) RETURNING level, window_id, unit_id
            )
            SELECT level, window_id, unit_id, count(*) FROM claimed GROUP BY 1, 2, 3
            """,
            [regency_id],
        )
        found: dict[int, tuple[set[tuple[int, int]], int]] = {}
        for level, window, unit, count in cursor.fetchall():
            marked, total = found.get(level, (set(), 0))
            marked.add((window, unit))
            found[level] = (marked, total + count)
        return found


def _pass_up(keys: dict[int, set[tuple[int, int]]], level: Level) -> None:
    """What was folded at `level` makes the parents' tallies stale."""
    if level == Level.PROVINCE:
        return
    units = {unit for _window, unit in keys[level]}
    parent = dict(Unit.objects.filter(pk__in=units).values_list("pk", "parent_id"))
    keys[Level(level - 1)] |= {(window, parent[unit]) for window, unit in keys[level]}


def _fold(level: Level, keys: Iterable[tuple[int, int]]) -> None:
    """Recomputes the tallies of (window, unit) pairs of one level, one statement per vector width."""
    by_width: dict[int, list[tuple[int, int]]] = defaultdict(list)
    pairs = sorted(keys)
    widths = dict(Window.objects.filter(pk__in={window for window, _unit in pairs}).values_list("pk", "version__width"))
    for window, unit in pairs:
        by_width[widths[window]].append((window, unit))
    with connection.cursor() as cursor:
        for width, some in by_width.items():
            cursor.execute(
                fold_sql(width, has_children=level < Level.VILLAGE),
                {"windows": [window for window, _ in some], "units": [unit for _, unit in some], "now": clock.now()},
            )


OWN_COUNTS = f"""
    SELECT o.window_id, o.counted_in_id AS unit_id,
        {", ".join(f"{sql} AS {name}" for name, sql in COUNTED.items())},
        max(o.first_filed_at) AS last_filed_at
    FROM key JOIN reports_obligation o ON o.window_id = key.window_id AND o.counted_in_id = key.unit_id
    GROUP BY 1, 2"""
KEPT = [*COUNTS, "last_filed_at", "filed", "approved"]  # columns of a tally that a fold writes


def _cells(vector: str, width: int, only: str = "") -> str:
    return ", ".join(f"coalesce(sum({vector}[{i}]){only}, 0)" for i in range(1, width + 1))


def _own_sums(width: int) -> str:
    return f"""
    SELECT window_id, unit_id, ARRAY[{_cells("v", width)}]::bigint[] AS filed,
        ARRAY[{_cells("v", width, " FILTER (WHERE ok)")}]::bigint[] AS approved
    FROM (
        SELECT r.window_id, r.counted_in_id AS unit_id, r.vector AS v, r.approved_sha256 = r.sha256 AS ok
        FROM key JOIN reports_report r ON r.window_id = key.window_id AND r.counted_in_id = key.unit_id
    ) AS report GROUP BY 1, 2"""


def _with_children(width: int) -> str:
    return f"""
    SELECT window_id, unit_id, {", ".join(f"sum({name}) AS {name}" for name in COUNTS)},
        max(last_filed_at) AS last_filed_at,
        {", ".join(f"ARRAY[{_cells(name, width)}]::bigint[] AS {name}" for name in ("filed", "approved"))}
    FROM (
        SELECT window_id, unit_id, {", ".join(KEPT)} FROM own
        UNION ALL
        SELECT key.window_id, key.unit_id, {", ".join(f"t.{name}" for name in KEPT)}
        FROM key JOIN hierarchy_unit c ON c.parent_id = key.unit_id
            JOIN reports_tally t ON t.window_id = key.window_id AND t.unit_id = c.id
    ) AS piece GROUP BY 1, 2"""


@lru_cache(maxsize=512)
def fold_sql(width: int, *, has_children: bool) -> str:
    """The statement that recomputes tallies of vectors of `width` positions for the keys in %(windows)s, %(units)s.

    A village has no child tallies: its stations' obligations are counted in itself. A tally that comes out as it was
    is not written again, so `computed_at` says when a figure last moved.
    """
    zero = f"array_fill(0::bigint, ARRAY[{width}])"
    return f"""
    WITH key AS (
        SELECT * FROM unnest(%(windows)s::bigint[], %(units)s::bigint[]) AS k(window_id, unit_id)
    ), counts AS ({OWN_COUNTS}
    ), sums AS ({_own_sums(width)}
    ), own AS (
        SELECT counts.*, coalesce(sums.filed, {zero}) AS filed, coalesce(sums.approved, {zero}) AS approved
        FROM counts LEFT JOIN sums USING (window_id, unit_id)
    ), total AS ({_with_children(width) if has_children else "SELECT * FROM own"}
    )
    INSERT INTO reports_tally (window_id, unit_id, {", ".join(KEPT)}, computed_at)
    SELECT key.window_id, key.unit_id, {", ".join(f"coalesce({name}, 0)" for name in COUNTS)}, last_filed_at,
        coalesce(filed, {zero}), coalesce(approved, {zero}), %(now)s
    FROM key LEFT JOIN total USING (window_id, unit_id)
    ON CONFLICT (window_id, unit_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in KEPT)}, computed_at = excluded.computed_at
    WHERE ({", ".join(f"reports_tally.{name}" for name in KEPT)})
        IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in KEPT)})
    """
