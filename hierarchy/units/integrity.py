"""What a sound tree is, as SQL: one statement that computes it, and probes that name what is broken.

The nested-set edges, levels and ancestor columns are all derived from parent_id and code. CANONICAL derives them again
in set operations (a join for each of five levels and one sort) where walking the tree in Python takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import CODE_LENGTHS, LEAF, LONGEST_CODE, NUMBER_DIGITS
from hierarchy.models import Election, Unit

TABLE = Unit._meta.db_table
LENGTHS = f"(ARRAY{list(CODE_LENGTHS)})"  # by level, from 1; null beyond the last
MISNUMBERED = f"""(length(unit.code) = {LONGEST_CODE}
    AND unit.number IS DISTINCT FROM right(unit.code, {NUMBER_DIGITS})::int)"""
EXAMPLES = 20  # codes named per kind of problem

# chain: each unit with the ids from its root down to itself. sized: units per subtree, by counting every id on every
# chain. Depth is bounded because a loop of parents would otherwise recurse forever; no path exceeds five levels.
CANONICAL = f"""
WITH RECURSIVE chain AS (
    SELECT id, code, ARRAY[id] AS ids, code::text COLLATE "C" AS path
    FROM {TABLE} WHERE election_id = %(election)s AND parent_id IS NULL
      AND (%(provinces)s::text[] IS NULL OR code = ANY(%(provinces)s))
  UNION ALL
    SELECT child.id, child.code, chain.ids || child.id, (chain.path || '/' || child.code) COLLATE "C"
    FROM {TABLE} child JOIN chain ON child.parent_id = chain.id
    WHERE cardinality(chain.ids) < 6 AND child.election_id = %(election)s
), sized AS (
    SELECT ancestor, count(*) AS size FROM chain, unnest(ids) AS ancestor GROUP BY ancestor
), ranked AS (
    SELECT chain.id, ids, cardinality(ids) - 1 AS depth, size,
           row_number() OVER (PARTITION BY ids[1] ORDER BY path) AS rank
    FROM chain JOIN sized ON sized.ancestor = chain.id
), canonical AS (
    SELECT id, depth AS level, ids[1] AS tree_id,
           2 * rank - depth - 1 AS lft, 2 * rank - depth - 2 + 2 * size AS rght,
           ids[1] AS province_id, ids[2] AS regency_id, ids[3] AS district_id, ids[4] AS village_id
    FROM ranked
)
"""
DERIVED = ("level", "tree_id", "lft", "rght", "province_id", "regency_id", "district_id", "village_id")
STALE = " OR ".join(f"unit.{column} IS DISTINCT FROM canonical.{column}" for column in DERIVED)

REPAIR = f"""{CANONICAL}
UPDATE {TABLE} unit SET {", ".join(f"{column} = canonical.{column}" for column in DERIVED)}
FROM canonical WHERE canonical.id = unit.id AND ({STALE})
"""


@dataclass(frozen=True)
class Probe:
    """A kind of damage: `broken` is SQL over a unit, its parent (null at a root) and what CANONICAL derives for it."""

    key: str
    sentence: Promise
    broken: str
    repairable: bool = True


@dataclass(frozen=True)
class Damage:
    """One kind of damage: how many units show it and the codes of the first of them."""

    key: str
    sentence: str
    count: int
    codes: tuple[str, ...]
    repairable: bool

    def __str__(self) -> str:
        more = " …" if self.count > len(self.codes) else ""
        return f"{self.sentence} ({self.count}): {', '.join(self.codes)}{more}"


def _stale(*columns: str) -> str:
    differs = " OR ".join(f"unit.{column} IS DISTINCT FROM canonical.{column}" for column in columns)
    return f"canonical.id IS NOT NULL AND ({differs})"


PROBES: tuple[Probe, ...] = (
    Probe("orphan", _("Satuan tidak tersambung ke provinsi mana pun"), "canonical.id IS NULL", repairable=False),
    Probe(
        "prefix",
        _("Kode tidak diawali kode induknya"),
        "NOT starts_with(unit.code, parent.code) OR length(unit.code) <= length(parent.code) "
        "OR parent.election_id <> unit.election_id",
        repairable=False,
    ),
    Probe(
        "depth",
        _("Panjang kode tidak cocok dengan kedalamannya di pohon"),
        f"length(unit.code) <> {LENGTHS}[canonical.level + 1] OR canonical.level > {LEAF:d} OR {MISNUMBERED}",
        repairable=False,
    ),
    Probe(
        "edge",
        _("Batas pohon (lft/rght) dipakai dua kali"),
        "(unit.tree_id, unit.lft) IN (SELECT tree_id, edge FROM edges) "
        "OR (unit.tree_id, unit.rght) IN (SELECT tree_id, edge FROM edges)",
    ),
    Probe(
        "nesting",
        _("Batas pohon tidak berada di dalam batas induknya"),
        "NOT (unit.tree_id = parent.tree_id AND unit.lft > parent.lft AND unit.rght < parent.rght)",
    ),
    Probe("order", _("Batas pohon tidak urut menurut kode"), _stale("lft", "rght")),
    Probe("level", _("Tingkat tidak sama dengan kedalamannya di pohon"), _stale("level")),
    Probe("root", _("Nomor pohon bukan milik provinsinya"), _stale("tree_id")),
    Probe(
        "ancestor",
        _("Kolom satuan atasan tidak sesuai induknya"),
        _stale("province_id", "regency_id", "district_id", "village_id"),
    ),
)


def check(election: Election) -> list[Damage]:
    """Every kind of damage in the election's trees, empty when sound. Read-only.

    One cheap question decides first; only a damaged tree pays for the statement that says what the damage is.
    """
    return [] if _is_sound(election) else _diagnose(election, PROBES)


def hopeless(election: Election) -> list[Damage]:
    """Only the damage that REPAIR cannot mend: parents or codes that are wrong themselves."""
    return _diagnose(election, [probe for probe in PROBES if not probe.repairable])


def _diagnose(election: Election, probes: Sequence[Probe]) -> list[Damage]:
    """All `probes` in one pass over the tree, so that CANONICAL is derived once."""
    verdicts = ", ".join(f"('{probe.key}', {probe.broken})" for probe in probes)
    sql = f"""{CANONICAL}, edges AS MATERIALIZED (
        SELECT tree_id, edge FROM (
            SELECT tree_id, lft AS edge FROM {TABLE} WHERE election_id = %(election)s
            UNION ALL SELECT tree_id, rght FROM {TABLE} WHERE election_id = %(election)s) AS ends
        GROUP BY tree_id, edge HAVING count(*) > 1)
    SELECT key, count(*), (array_agg(unit.code ORDER BY unit.code))[1:{EXAMPLES}]
    FROM {TABLE} unit LEFT JOIN canonical USING (id) LEFT JOIN {TABLE} parent ON parent.id = unit.parent_id
    CROSS JOIN LATERAL (VALUES {verdicts}) AS verdict (key, broken)
    WHERE unit.election_id = %(election)s AND broken GROUP BY key
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"election": election.pk, "provinces": None})
        found = {key: (count, tuple(codes)) for key, count, codes in cursor.fetchall()}
    return [
        Damage(probe.key, str(probe.sentence), *found[probe.key], probe.repairable)
        for probe in probes
        if probe.key in found
    ]


# The same laws said locally, each unit against its parent: right at every step from the root is right everywhere. One
# sort, one join and one grouping instead of the recursion of CANONICAL. Order of codes is depth-first order: a child's
# code starts with its parent's. So a unit's rank gives its left edge.
# Counted in full: a LIMIT 1 makes the planner choose a nested loop that a sound tree walks to its end, for minutes.
UNSOUND = f"""
WITH last_child AS (
    SELECT parent_id, max(rght) AS rght FROM {TABLE} WHERE election_id = %(election)s GROUP BY parent_id
)
SELECT count(*)
FROM (SELECT *, row_number() OVER (PARTITION BY tree_id ORDER BY code COLLATE "C") AS rank
      FROM {TABLE} WHERE election_id = %(election)s) AS unit
LEFT JOIN {TABLE} parent ON parent.id = unit.parent_id
LEFT JOIN last_child ON last_child.parent_id = unit.id
WHERE unit.level IS DISTINCT FROM coalesce(parent.level + 1, 0)
   OR length(unit.code) IS DISTINCT FROM {LENGTHS}[unit.level + 1]
   OR NOT starts_with(unit.code, coalesce(parent.code, ''))
   OR coalesce(parent.election_id, unit.election_id) <> unit.election_id
   OR unit.tree_id IS DISTINCT FROM coalesce(parent.tree_id, unit.id)
   OR unit.lft <> 2 * rank - unit.level - 1
   OR unit.rght <> coalesce(last_child.rght, unit.lft) + 1
   OR unit.province_id IS DISTINCT FROM CASE unit.level WHEN 0 THEN unit.id ELSE parent.province_id END
   OR unit.regency_id IS DISTINCT FROM CASE unit.level WHEN 1 THEN unit.id ELSE parent.regency_id END
   OR unit.district_id IS DISTINCT FROM CASE unit.level WHEN 2 THEN unit.id ELSE parent.district_id END
   OR unit.village_id IS DISTINCT FROM CASE unit.level WHEN 3 THEN unit.id ELSE parent.village_id END
   OR {MISNUMBERED}
"""


def _is_sound(election: Election) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(UNSOUND, {"election": election.pk})
        return bool(cursor.fetchone()[0] == 0)


def refresh_statistics() -> None:
    """Tells the planner that the table has just changed size; without it CANONICAL was measured six times slower."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


def rewrite(election: Election, provinces: list[str] | None = None) -> int:
    """Runs REPAIR on the trees of `provinces` (codes; None = all) and returns the number of rows it corrected.

    Call only from tree.py, under the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(REPAIR, {"election": election.pk, "provinces": provinces})
        return int(cursor.rowcount)
