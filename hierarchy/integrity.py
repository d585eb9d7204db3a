"""What a sound tree is, as SQL: one statement that computes it, and probes that name what is broken.

The nested-set edges, levels and ancestor columns are all derived from parent_id and code. CANONICAL derives them again
in set operations (five joins for five levels and one sort), so checking and repairing 900,000 units takes seconds where
walking the tree in Python takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hierarchy.models import Election, Unit

TABLE = Unit._meta.db_table
EXAMPLES = 20  # codes named per kind of problem

# chain: each unit with the ids from its root down to itself. sized: units per subtree, by counting every id on every
# chain. Depth is bounded because a loop of parents would otherwise recurse forever; no path exceeds five levels.
CANONICAL = f"""
WITH RECURSIVE chain AS (
    SELECT id, code, ARRAY[id] AS ids, code::text COLLATE "C" AS path
    FROM {TABLE} WHERE election_id = %(election)s AND parent_id IS NULL
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
    """A question whose answer must be empty: rows (code) of broken units, or (code, column) for stale columns."""

    key: str
    sentence: Promise
    sql: str
    repairable: bool = True


@dataclass(frozen=True)
class Problem:
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
    return f"{CANONICAL} SELECT code FROM {TABLE} unit JOIN canonical USING (id) WHERE {differs}"


PROBES: tuple[Probe, ...] = (
    Probe(
        "orphan",
        _("Satuan tidak tersambung ke provinsi mana pun"),
        f"{CANONICAL} SELECT code FROM {TABLE} unit WHERE election_id = %(election)s "
        "AND NOT EXISTS (SELECT 1 FROM canonical WHERE canonical.id = unit.id)",
        repairable=False,
    ),
    Probe(
        "prefix",
        _("Kode tidak diawali kode induknya"),
        f"SELECT child.code FROM {TABLE} child JOIN {TABLE} parent ON parent.id = child.parent_id "
        "WHERE child.election_id = %(election)s AND NOT (starts_with(child.code, parent.code) "
        "AND length(child.code) > length(parent.code) AND child.election_id = parent.election_id)",
        repairable=False,
    ),
    Probe(
        "depth",
        _("Panjang kode tidak cocok dengan kedalamannya di pohon"),
        f"{CANONICAL} SELECT code FROM {TABLE} unit JOIN canonical USING (id) WHERE length(code) IS DISTINCT FROM "
        "(ARRAY[2, 4, 6, 10, 13])[canonical.level + 1] OR right(code, 3)::int IS DISTINCT FROM "
        "CASE WHEN length(code) = 13 THEN number ELSE right(code, 3)::int END",
        repairable=False,
    ),
    Probe(
        "edge",
        _("Batas pohon (lft/rght) dipakai dua kali"),
        f"SELECT min(code) FROM (SELECT code, tree_id, lft AS edge FROM {TABLE} WHERE election_id = %(election)s "
        f"UNION ALL SELECT code, tree_id, rght FROM {TABLE} WHERE election_id = %(election)s) AS edges "
        "GROUP BY tree_id, edge HAVING count(*) > 1",
    ),
    Probe(
        "nesting",
        _("Batas pohon tidak berada di dalam batas induknya"),
        f"SELECT child.code FROM {TABLE} child JOIN {TABLE} parent ON parent.id = child.parent_id "
        "WHERE child.election_id = %(election)s AND NOT (child.tree_id = parent.tree_id "
        "AND child.lft > parent.lft AND child.rght < parent.rght)",
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


def check(election: Election) -> list[Problem]:
    """Every kind of damage in the election's trees, empty when sound. Read-only.

    One cheap question decides first; only a damaged tree pays for the probes that say what the damage is.
    """
    return [] if _is_sound(election) else _ask(election, PROBES)


def hopeless(election: Election) -> list[Problem]:
    """Only the damage that REPAIR cannot mend: parents or codes that are wrong themselves."""
    return _ask(election, [probe for probe in PROBES if not probe.repairable])


def _ask(election: Election, probes: Iterable[Probe]) -> list[Problem]:
    problems = []
    with connection.cursor() as cursor:
        for probe in probes:
            cursor.execute(probe.sql, {"election": election.pk})
            codes = sorted(row[0] for row in cursor.fetchall())
            if codes:
                found = tuple(codes[:EXAMPLES])
                problems.append(Problem(probe.key, str(probe.sentence), len(codes), found, probe.repairable))
    return problems


def _is_sound(election: Election) -> bool:
    """Whether every unit is reached from a root and equals what CANONICAL derives, with codes that fit.

    Equality with CANONICAL implies unique edges, nesting and levels, so those need no question of their own here.
    """
    sql = f"""{CANONICAL}
    SELECT (SELECT count(*) FROM {TABLE} WHERE election_id = %(election)s) = count(*)
       AND NOT coalesce(bool_or({STALE}
           OR length(unit.code) IS DISTINCT FROM (ARRAY[2, 4, 6, 10, 13])[canonical.level + 1]
           OR (parent.id IS NOT NULL AND NOT starts_with(unit.code, parent.code))
           OR (length(unit.code) = 13 AND unit.number IS DISTINCT FROM right(unit.code, 3)::int)), false)
    FROM {TABLE} unit JOIN canonical ON canonical.id = unit.id LEFT JOIN {TABLE} parent ON parent.id = unit.parent_id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"election": election.pk})
        return bool(cursor.fetchone()[0])


def refresh_statistics() -> None:
    """Tells the planner that the table has just changed size; without it CANONICAL was measured six times slower."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


def rewrite(election: Election) -> int:
    """Runs REPAIR and returns the number of rows it corrected. Call only from tree.py, under the lock."""
    with connection.cursor() as cursor:
        cursor.execute(REPAIR, {"election": election.pk})
        return int(cursor.rowcount)
