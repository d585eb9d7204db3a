"""A measured figure, its baseline and its goal; the table that people read and the list that programs read."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """`ours` and `baseline` are in `unit`. `goal` bounds their ratio, or `ours` itself where there is no baseline.

    A figure without a goal is told for comparison. `at_least`: more is better (throughput); else less is (time).
    `why` says what stands between it and its goal, for whoever sees it missed.
    """

    name: str
    unit: str
    ours: float
    baseline: float | None = None
    goal: float | None = None
    at_least: bool = False
    why: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """None without a goal."""
        if self.goal is None:
            return None
        reached = self.ours if self.ratio is None else self.ratio
        return reached >= self.goal if self.at_least else reached <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "goal": self.goal,
            "holds": self.holds,
            "why": self.why if self.holds is False else "",
        }


def show(figures: list[Figure], *, title: str) -> None:
    table = Table(title=title)
    for column, justify in (
        ("ukuran", "left"),
        ("kita", "right"),
        ("pembanding", "right"),
        ("satuan", "left"),
        ("rasio", "right"),
        ("sasaran", "right"),
        ("", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        verdict = {None: "", True: "tercapai", False: "BELUM"}[figure.holds]
        goal = f"{sign} {figure.goal:g}" if figure.goal is not None else ""
        cells = (number(figure.ours), number(figure.baseline), figure.unit, number(figure.ratio), goal, verdict)
        table.add_row(figure.name, *cells)
    Console().print(table)


def number(value: float | None) -> str:
    """Three digits that count: 1234, 12.3, 0.0123."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass
class Clock:
    """Seconds of each named piece of work, over several rounds."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds.setdefault(name, []).append(time.perf_counter() - started)

    def __getitem__(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds[name])


def rounds(times: int, **pieces: Callable[[], object]) -> Clock:
    """Runs each piece in turn, `times` times: whatever slows the machine for a while slows them all."""
    clock = Clock()
    for _round in range(times):
        for name, piece in pieces.items():
            with clock.time(name):
                piece()
    return clock
