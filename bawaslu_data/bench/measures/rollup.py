"""Rolling up: full, after one report, after a hundred, with one worker and with two."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

from django.db import connection, transaction

from bawaslu_data import processes
from bawaslu_data.bench.figures import Figure, rounds
from bawaslu_data.bench.world import World
from bawaslu_data.celery import FIGURES
from hierarchy.lib import clock
from hierarchy.models import Unit
from reports.rollup import fold as rollup
from reports.rollup import outbox
from reports.rollup.fold import COUNTED
from reports.rollup.models import Outbox
from reports.tasks import roll_up

WRITTEN = "rekap ditulis tetap di bawah kunci, pembanding ke tabel sementara"
MARK_ALL = """
    INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
    SELECT %s, u.id, u.level, u.regency_id, %s FROM hierarchy_unit u WHERE u.election_id = %s AND u.level = 3"""


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    many = 3 if world.stations > 100_000 else 7
    spent = rounds(
        many, sums=lambda: _bare(world, SUMS), same=lambda: _bare(world, SAME), clear=lambda: _clear(world), ours=_roll
    )
    yield Figure("rekap penuh / GROUP BY angka yang sama", "s", spent["ours"], spent["same"], goal=1.5, why=WRITTEN)
    yield Figure("rekap penuh / GROUP BY satu dasar, tanpa hitungan", "s", spent["ours"], spent["sums"], goal=1.5,
                 why="rekap menulis dua dasar dan tujuh hitungan untuk selamanya, pembanding satu dasar")  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _clear(world)
    _roll()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield Figure("tambahan memori rekap penuh", "MB", grown)
    yield from _workers(world)
    for changed in (1, 100):
        villages = list(Unit.objects.filter(election=world.election, level=3).order_by("pk")[:: _step(world, changed)])
        spent = rounds(15, bare=_paths(world, villages[:changed]), mark=_marker(world, villages[:changed]), ours=_roll)
        yield Figure(f"rekap sesudah {changed} desa berubah", "ms", 1000 * spent["ours"], 1000 * spent["bare"])


def _step(world: World, changed: int) -> int:
    return max(1, Unit.objects.filter(election=world.election, level=3).count() // changed)


def _clear(world: World) -> None:
    """No tally at all, and everything marked: the whole country is rolled up from its reports."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reports_tally WHERE window_id = %s", [world.full.pk])
        cursor.execute("VACUUM reports_tally")
    _mark(world)


def _mark(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MARK_ALL, [world.full.pk, clock.now(), world.election.pk])
        cursor.execute("ANALYZE reports_outbox")


def _marker(world: World, villages: list[Unit]) -> Callable[[], None]:
    def mark() -> None:
        with transaction.atomic():
            outbox.mark((world.full.pk, village) for village in villages)

    return mark


def _roll() -> None:
    rollup.run_all()


# --- the baselines: positional sums and GROUP BY, level by level, and nothing else ----------------------------------
# Each level is made from the one below it, and kept in a temporary table, which no log and no other reader pays for.

SUMS = ("v",)
SAME = ("filed", "approved")  # beside these, the counts that a tally has


def _sums(column: str, width: int, name: str = "v") -> str:
    return f"ARRAY[{', '.join(f'sum({column}[{i}])' for i in range(1, width + 1))}]::bigint[] AS {name}"


def _bare(world: World, vectors: tuple[str, ...]) -> None:
    counts = rollup.COUNTS if vectors == SAME else []
    lowest = _same(world) if vectors == SAME else _reports(world)
    above = [_sums(f"l.{name}", world.width, name) for name in vectors] + [
        f"sum(l.{name}) AS {name}" for name in counts
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE level_3 ON COMMIT DROP AS {lowest}")
        for level in (2, 1, 0):
            cursor.execute(
                f"CREATE TEMP TABLE level_{level} ON COMMIT DROP AS "
                f"SELECT u.parent_id AS unit_id, {', '.join(above)} "
                f"FROM level_{level + 1} l JOIN hierarchy_unit u ON u.id = l.unit_id GROUP BY 1"
            )


def _reports(world: World) -> str:
    sums = _sums("r.vector", world.width)
    return f"SELECT counted_in_id AS unit_id, {sums} FROM reports_report r WHERE window_id = {world.full.pk} GROUP BY 1"


def _same(world: World) -> str:
    approved = ", ".join(f"sum(r.vector[{i}]) FILTER (WHERE o.state = 'APPROVED')" for i in range(1, world.width + 1))
    return (
        f"SELECT o.counted_in_id AS unit_id, {_sums('r.vector', world.width, 'filed')}, "
        f"ARRAY[{approved}]::bigint[] AS approved, {', '.join(f'{sql} AS {name}' for name, sql in COUNTED.items())} "
        f"FROM reports_obligation o LEFT JOIN reports_report r ON r.obligation_id = o.id "
        f"WHERE o.window_id = {world.full.pk} GROUP BY 1"
    )


def _paths(world: World, villages: list[Unit]) -> Callable[[], None]:
    """The same for the ancestors of some villages only: what any way of rolling up has to read at least."""
    columns = ("village_id", "district_id", "regency_id", "province_id")
    keys = [",".join(str(key) for key in sorted({getattr(unit, column) for unit in villages})) for column in columns]
    sums = _sums("r.vector", world.width)
    below = _sums("t.filed", world.width)
    statements = [
        f"SELECT counted_in_id, {sums} FROM reports_report r WHERE window_id = {world.full.pk} "
        f"AND counted_in_id IN ({keys[0]}) GROUP BY 1"
    ]
    statements += [
        f"SELECT u.parent_id, {below} FROM reports_tally t JOIN hierarchy_unit u ON u.id = t.unit_id "
        f"WHERE t.window_id = {world.full.pk} AND u.parent_id IN ({ids}) GROUP BY 1"
        for ids in keys[1:]
    ]

    def read() -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()

    return read


# --- real workers -----------------------------------------------------------------------------------------------------


def _workers(world: World) -> Iterator[Figure]:
    alone = 0.0
    for concurrency in (1, 2):
        with processes.worker(FIGURES, concurrency=concurrency):
            _settle(lambda: _mark_one(world))  # the worker is up when it has done something
            seconds = _settle(lambda: _clear(world))
        yield Figure(f"rekap penuh, {concurrency} pekerja Celery", "s", seconds, alone or None)
        alone = seconds


def _mark_one(world: World) -> None:
    village = Unit.objects.filter(election=world.election, level=3)[0]
    _marker(world, [village])()


def _settle(mark: Callable[[], None]) -> float:
    """Seconds from the sweep that finds the marks until the last one is eaten."""
    mark()
    started = asked = time.perf_counter()
    roll_up.delay()
    while Outbox.objects.exists():
        time.sleep(0.01)
        if time.perf_counter() - asked > 2:  # as beat does
            roll_up.delay()
            asked = time.perf_counter()
        if asked - started > 600:
            raise RuntimeError("the workers do not eat the outbox")
    return time.perf_counter() - started
