"""The only writer of tallies: recomputes what the outbox marks stale, level by level, from the children.

Never `+= delta`: a recomputed sum is right whatever happened before, twice or out of order (docs/adr/0006).

    T(unit) = sum of the obligations counted in it + sum of T(child) over its children

Obligations about a polling station are counted in its village, so tallies exist for every level above the station.
Sums are positional (`sum(v[1]), sum(v[2]), ...`) in generated SQL: measured 2 s for 823,000 reports x 30 values, where
unnest took 33 s. The SQL is made of integers only, and planned once per connection (docs/adr/0009): such a statement
takes longer to plan than to fold a village.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.db import transaction

from hierarchy.levels import Level
from hierarchy.lib import clock, prepared
from hierarchy.models import Unit
from reports import counting, locks
from reports.calendar.models import Window
from reports.rollup import outbox
from reports.rollup.models import Outbox, Tally

# What a tally counts, in SQL over obligations `o`; publications count polling stations with the same expressions.
COUNTED = {column: counting.counted(word) for column, word in counting.TALLIED.items()}
COUNTS = list(COUNTED)
Key = tuple[int, int]  # (window id, unit id)
STATIONLESS = [Level.VILLAGE, Level.DISTRICT, Level.REGENCY]  # folded bottom-up by the worker of one regency


def run_pending() -> int:
    """Folds every subtree that has marks and that no other worker has its hands on, then the provinces.

    Workers side by side share the regencies out among themselves by their locks. What came in too late for a worker
    that was busy with it is left for the next run, which is asked for. Returns the number of marks eaten.
    """
    regencies = [regency_id for regency_id in pending() if regency_id is not None]
    if len(regencies) > 1:
        outbox.wake()  # somebody may help
    random.shuffle(regencies)  # so that helpers do not meet at every door
    eaten = [run_subtree(regency_id, wait=False) for regency_id in regencies]
    if None in eaten:
        outbox.wake()
    return sum(filter(None, eaten)) + (run_subtree(None) or 0)


def run_subtree(regency_id: int | None, *, wait: bool = True) -> int | None:
    """Folds everything marked in one regency (None: in the provinces) and marks the province above.

    Returns the number of marks eaten; None when another worker holds the subtree and this one shall not `wait`. One
    transaction: marks are deleted with the tallies they led to, so a worker killed anywhere leaves either everything or
    nothing done. The advisory lock is taken before any child is read; without it a slow worker could overwrite a newer
    sum with an older one.
    """
    with transaction.atomic():
        prepared.execute(SETTINGS, {}).close()
        if not locks.hold(locks.Lock.ROLLUP, regency_id or 0, wait=wait):
            return None
        stale, widths, eaten = _claim(regency_id)
        if regency_id is None:
            _fold(Level.PROVINCE, stale[Level.PROVINCE], widths)
            return eaten
        for level in STATIONLESS:
            stale[Level(level - 1)] |= _fold(level, stale[level], widths)
        moment = clock.now()
        Outbox.objects.bulk_create(
            Outbox(window_id=window, unit_id=unit, level=Level.PROVINCE, regency_id=None, marked_at=moment)
            for window, unit in sorted(stale[Level.PROVINCE])
        )
    return eaten


# Marks and tallies are lost together or not at all, so the commit need not wait for the disk. The kept plan is used
# from the first time on: left to itself PostgreSQL takes a new plan for each array of keys to be worth its while, and
# spends three quarters of a small fold on planning.
SETTINGS = (
    "SELECT set_config('synchronous_commit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)


def run_all() -> int:
    """Folds every mark there is, waiting for whoever else is at it. For commands and tests."""
    total = 0
    while regencies := pending():
        for regency_id in regencies:
            total += run_subtree(regency_id) or 0
    return total


def pending() -> list[int | None]:
    """Subtrees with marks: regency ids in order, None (the provinces) last."""
    return list(Outbox.objects.values_list("regency_id", flat=True).distinct().order_by("regency_id"))


# The width is read under the subtree's lock, which a change of a window's version waits for (`refit`).
CLAIM = """
    WITH claimed AS (DELETE FROM reports_outbox WHERE regency_id {} RETURNING level, window_id, unit_id)
    SELECT c.level, c.window_id, c.unit_id, v.width, count(*) FROM claimed c
        JOIN reports_window w ON w.id = c.window_id JOIN reports_instrumentversion v ON v.id = w.version_id
    GROUP BY 1, 2, 3, 4"""
CLAIM_REGENCY, CLAIM_PROVINCES = CLAIM.format("= %(regency)s"), CLAIM.format("IS NULL")


def _claim(regency_id: int | None) -> tuple[dict[int, set[Key]], dict[int, int], int]:
    """Deletes the marks of a subtree, whose lock is held; returns them by level, the length of each window's vectors,
    and how many marks there were."""
    found: dict[int, set[Key]] = defaultdict(set)
    widths: dict[int, int] = {}
    eaten = 0
    statement, values = (CLAIM_PROVINCES, {}) if regency_id is None else (CLAIM_REGENCY, {"regency": regency_id})
    for level, window, unit, width, count in prepared.rows(statement, values):
        found[level].add((window, unit))
        widths[window] = width
        eaten += count
    return found, widths, eaten


def _fold(level: Level, keys: Iterable[Key], widths: Mapping[int, int]) -> set[Key]:
    """Recomputes the tallies of one level, one statement per vector width; returns the keys of their parents."""
    by_width: dict[int, list[Key]] = defaultdict(list)
    for window, unit in sorted(keys):
        by_width[widths[window]].append((window, unit))
    parents: set[Key] = set()
    for width, some in by_width.items():
        values = {
            "windows": prepared.array(window for window, _unit in some),
            "units": prepared.array(unit for _window, unit in some),
            "now": clock.now(),
        }
        rows = prepared.rows(fold_sql(width, has_children=level < Level.VILLAGE), values)
        parents.update((window, unit) for window, unit in rows)
    return parents


def refit(window: Window) -> None:
    """Makes the tallies of a window without any report as long as the vectors of the version it has now.

    Must run in the transaction that changes the version: workers of the election's subtrees wait until it ends.
    """
    regencies = Unit.objects.filter(election=window.election_id, level=Level.REGENCY).order_by()
    for key in sorted([0, *regencies.values_list("pk", flat=True)]):
        locks.hold(locks.Lock.ROLLUP, key)
    zeros = [0] * window.version.width
    Tally.objects.filter(window=window).update(filed=zeros, approved=zeros)


KEPT = [*COUNTS, "last_filed_at", "filed", "approved"]  # columns of a tally that a fold writes
BASES = ("filed", "approved")


def _cells(vector: str, width: int, only: str = "") -> str:
    return f"ARRAY[{', '.join(f'reports_total({vector}[{i}]){only}' for i in range(1, width + 1))}]"


def _own(width: int) -> str:
    """One row: what is counted in the key's unit directly. Each report is summed once: by whether it is approved,
    then both sums for the one basis and one of them for the other."""
    return f"""
        SELECT counted.*, summed.* FROM (
            SELECT {", ".join(f"{sql} AS {name}" for name, sql in COUNTED.items())},
                max(o.first_filed_at) AS last_filed_at
            FROM reports_obligation o WHERE o.window_id = key.window_id AND o.counted_in_id = key.unit_id
        ) AS counted CROSS JOIN (
            SELECT {_cells("v", width)} AS filed, {_cells("v", width, " FILTER (WHERE ok)")} AS approved FROM (
                SELECT r.approved_sha256 IS NOT NULL AS ok, {_cells("r.vector", width)} AS v
                FROM reports_report r WHERE r.window_id = key.window_id AND r.counted_in_id = key.unit_id GROUP BY 1
            ) AS part
        ) AS summed"""


def _with_children(width: int) -> str:
    """One row: the unit's own and the tallies of its children."""
    return f"""
        SELECT {", ".join(f"sum({name}) AS {name}" for name in COUNTS)}, max(last_filed_at) AS last_filed_at,
            {", ".join(f"{_cells(name, width)} AS {name}" for name in BASES)}
        FROM (
            SELECT own.* FROM ({_own(width)}) AS own
            UNION ALL
            SELECT {", ".join(f"t.{name}" for name in KEPT)}
            FROM hierarchy_unit c JOIN reports_tally t ON t.window_id = key.window_id AND t.unit_id = c.id
            WHERE c.parent_id = key.unit_id
        ) AS piece"""


@lru_cache(maxsize=512)
def fold_sql(width: int, *, has_children: bool) -> str:
    """The statement that recomputes tallies of vectors of `width` positions for the keys in %(windows)s, %(units)s and
    returns the keys of their parents.

    Key by key (LATERAL): the plan is the same whatever the planner believes about the tables, so it can be kept, and
    the cost is that of what hangs below the keys. A village has no child tallies: its stations' obligations are counted
    in itself. `computed_at` says when a figure last moved; a tally that comes out as it was is written again all the
    same, because pages know by its row that something beneath it may have changed (dashboards/unchanged.py).
    """
    return f"""
    WITH key AS MATERIALIZED (
        SELECT window_id, unit_id FROM unnest(%(windows)s::bigint[], %(units)s::bigint[]) AS k(window_id, unit_id)
    ), written AS (
        INSERT INTO reports_tally (window_id, unit_id, {", ".join(KEPT)}, computed_at)
        SELECT key.window_id, key.unit_id, {", ".join(f"fold.{name}" for name in KEPT)}, %(now)s
        FROM key CROSS JOIN LATERAL ({_with_children(width) if has_children else _own(width)}) AS fold
        ON CONFLICT (window_id, unit_id) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in KEPT)}, computed_at = CASE
                WHEN ({", ".join(f"reports_tally.{name}" for name in KEPT)})
                    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in KEPT)})
                THEN excluded.computed_at ELSE reports_tally.computed_at END
    )
    SELECT DISTINCT key.window_id, u.parent_id FROM key JOIN hierarchy_unit u ON u.id = key.unit_id
    WHERE u.parent_id IS NOT NULL
    """
