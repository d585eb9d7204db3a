"""The tree at scale: loading it, checking it, one unit more and one moved."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.core.management import call_command
from django.db import connection

from bawaslu_data.bench.figures import Figure, rounds
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election, Unit
from hierarchy.rehearsal import nation
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow

SINGLES = 9


def measure(stations: int) -> Iterator[Figure]:
    """In an empty database of its own."""
    call_command("migrate", verbosity=0)
    election = Election.objects.create(code="pohon", name="Pohon", kind=Election.Kind.PEMILU, voting_day=clock.today())
    load, units = 0.0, 0
    for rows in nation.provinces(stations):
        started = time.perf_counter()
        tree.load(election=election, rows=rows, by=None)
        load += time.perf_counter() - started
        units += len(rows)
    yield Figure(f"memuat {units} satuan", "s", load, _copy(), goal=5, why="pemeriksaan sebelum dan sesudah COPY")
    started = time.perf_counter()
    problems = list(tree.check(election))
    yield Figure(f"memeriksa {units} satuan", "s", time.perf_counter() - started)
    if problems:
        raise RuntimeError(f"the tree does not hold: {problems[:3]}")
    villages = Unit.objects.filter(election=election, level=Level.VILLAGE).order_by("code")
    first, last = villages[0], villages[villages.count() // 2]
    numbers = iter(range(700, 800))

    def insert() -> None:
        number = next(numbers)
        tree.add_child(parent=first, row=UnitRow(f"{first.code}{number}", f"TPS {number}", "tps"), by=None)

    def move() -> None:
        number = next(numbers)
        station = Unit.objects.filter(parent=first).order_by("-code")[0]
        tree.move(unit=station, parent=last, by=None, code=f"{last.code}{number}")

    spent = rounds(SINGLES, insert=insert, move=move)
    yield Figure("menambah satu TPS, di bawah kunci", "ms", 1000 * spent["insert"])
    yield Figure("memindah satu TPS, di bawah kunci", "ms", 1000 * spent["move"])


def _copy() -> float:
    """Seconds of a raw COPY of the very same rows into a table with the same columns, constraints and indexes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_unit (LIKE hierarchy_unit INCLUDING ALL)")
        with cursor.copy("COPY hierarchy_unit TO STDOUT") as source:
            rows = [bytes(block) for block in source]
        started = time.perf_counter()
        with cursor.copy("COPY bench_unit FROM STDIN") as target:
            for block in rows:
                target.write(block)
        return time.perf_counter() - started
