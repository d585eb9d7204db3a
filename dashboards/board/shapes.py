"""What the compliance board is made of: a reader's choice, windows, counts in cells and rows, the index. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hierarchy.models import Unit
from reports.calendar.labels import period_words
from reports.counting import Counts

ALL_PERIODS = "semua"


@dataclass(frozen=True)
class BoardChoice:
    """What a reader asked to see, as the address says it; unknown values fall back to what is shown unasked."""

    instrument: str = ""
    period: str = ""
    state: str = ""
    child: str = ""
    search: str = ""
    sort: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> BoardChoice:
        names = ("instrumen", "periode", "keadaan", "satuan", "cari", "urut")
        return cls(*(query.get(name, "").replace("\0", "").strip()[:80] for name in names))


@dataclass(frozen=True)
class BoardWindow:
    """An opened window that something beneath the unit is owed for."""

    pk: int
    instrument_id: int
    code: str
    title: str
    stage: str
    sequence: int
    period: str
    due_at: datetime

    @property
    def label(self) -> str:
        return f"{self.title}, {period_words(self.period)}" if self.period else self.title


@dataclass(frozen=True)
class Index:
    """The compliance index: (on time + 0.5 x late) / (filed + past its deadline); `halves` is twice its top.

    Nobody is behind with what is not due yet, at a vacant post or without a signal (docs/definitions.md).
    """

    halves: int
    base: int

    @classmethod
    def of(cls, counts: Counts) -> Index:
        return cls(2 * counts.on_time + counts.late, counts.judged)

    @property
    def value(self) -> float | None:
        """None where nothing was filed and nothing is past its deadline."""
        return self.halves / (2 * self.base) if self.base else None

    @property
    def twice(self) -> int:
        return 2 * self.base

    @property
    def whole(self) -> int:
        return self.halves // 2

    @property
    def half(self) -> bool:
        return bool(self.halves % 2)


@dataclass(frozen=True)
class BoardCell:
    """A child and an instrument: how much of what is owed is in."""

    window: BoardWindow
    counts: Counts
    shown: str  # the period's key, or ALL_PERIODS


@dataclass
class BoardRow:
    """A child in the heat table; `own` is what the unit is itself the subject of. `rank` from 1, equals share it."""

    unit: Unit
    own: bool = False
    cells: list[BoardCell] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    rank: int | None = None

    @property
    def index(self) -> Index:
        return Index.of(self.counts)


SORTS: dict[str, Callable[[BoardRow], Any]] = {
    "indeks": lambda row: row.index.value,
    "nama": lambda row: row.unit.title,
    "kode": lambda row: row.unit.code,
    "masuk": lambda row: row.counts.share("filed"),
    "belum": lambda row: row.counts.missing,
    "lewat": lambda row: row.counts.past,
}
BEST_FIRST = "-indeks"


@dataclass
class Heat:
    """Children by instruments. `current` is the window in front, `shown` the windows its numbers are about."""

    tabs: list[BoardWindow]
    current: BoardWindow | None
    shown: list[BoardWindow]
    period: str
    periods: list[tuple[str, str]]
    rows: list[BoardRow]
    total: BoardRow | None
