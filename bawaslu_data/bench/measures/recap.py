"""The recap workbook of a province with a row per polling station, against XlsxWriter writing the very same cells."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bawaslu_data.bench.figures import Figure
from bawaslu_data.bench.world import World
from dashboards.recaps import queries as recap
from dashboards.recaps.workbook import write_recap
from hierarchy.lib import clock


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rekap.xlsx"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        gathered = recap.gather(
            unit=world.largest, stage_code=world.full.stage.code, basis="filed", detail=True, cut_off=clock.now()
        )
        write_recap(path, recap=gathered)
        ours = time.perf_counter() - started
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        sheets = _cells(path)
        baseline = _xlsxwriter(Path(folder) / "pembanding.xlsx", sheets)
    rows = sum(len(sheet) for sheet in sheets)
    yield Figure(f"rekap Excel provinsi terbesar, {rows} baris", "s", ours, baseline, goal=1.5,
                 why="gaya dan rumus, yang tidak ditulis pembanding")  # fmt: skip
    yield Figure("tambahan memori rekap Excel", "MB", grown)


def _cells(path: Path) -> list[list[list[Any]]]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def _xlsxwriter(path: Path, sheets: list[list[list[Any]]]) -> float:
    """Seconds it takes the fastest well-known writer of Python, streaming and without any style or formula."""
    import xlsxwriter

    started = time.perf_counter()
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        for sheet in sheets:
            paper = book.add_worksheet()
            for number, row in enumerate(sheet):
                for column, value in enumerate(row):
                    paper.write(number, column, value)
    return time.perf_counter() - started
