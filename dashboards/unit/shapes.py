"""The shapes of a unit's page: its rows, their order, and what the page says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboards.figures.cells import PROVISIONAL, RATIFIED, Figure, FigureLine, SumRow, subject_noun
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.counting import Counts
from reports.obligations.models import Obligation
from reports.plenary.models import AgendaItem
from reports.rollup.models import Tally

TOP = 6  # problems shown as figures; the list below holds them all
# What a column sorts by; None sorts last in both directions.
SORTS: dict[str, Callable[[UnitPageRow], Any]] = {
    "nama": lambda row: row.unit.title,
    "kode": lambda row: row.unit.code,
    "masuk": lambda row: row.counts.share("filed"),
    "belum": lambda row: row.counts.missing,
    "lewat": lambda row: row.counts.past,
    "tepat": lambda row: row.counts.share("on_time"),
    "menunggu": lambda row: row.counts.waiting,
    "setuju": lambda row: row.counts.share("approved"),
    "masalah": lambda row: row.problems,
    "terakhir": lambda row: row.last_filed_at,
}


@dataclass
class UnitObligation:
    """An obligation as a table shows it. `state` is a key of formats.STATES: OWED past its deadline is LATE."""

    obligation: Obligation
    state: str
    period: str
    report: Any  # the report that was filed, or None


@dataclass
class UnitPageRow:
    """A child unit in the table: how complete, how many problems, when it last reported."""

    unit: Unit
    counts: Counts = field(default_factory=Counts)
    problems: int = 0
    last_filed_at: datetime | None = None
    obligations: list[UnitObligation] = field(default_factory=list)  # of a polling station, its own
    tallies: list[Tally] = field(default_factory=list)  # of any other unit, one per window
    still: list[str] = field(default_factory=list)  # sums that stand still since an earlier day


@dataclass
class UnitPage:
    """One unit, one instrument, one basis.

    `tabs` holds the newest window of each instrument, `periods` (key, words) those of the current one, `period` the
    chosen key or "" for all together. `obligations` are about the unit itself. `counts` are of every window shown;
    figures, and `summed`, only of those whose version counts what that of `current` counts.
    """

    unit: Unit
    tabs: list[Window]
    current: Window | None
    basis: str
    as_of: datetime
    periods: list[tuple[str, str]] = field(default_factory=list)
    period: str = ""
    counts: Counts = field(default_factory=Counts)
    summed: Counts = field(default_factory=Counts)
    rows: list[UnitPageRow] = field(default_factory=list)
    problems: list[FigureLine] = field(default_factory=list)
    sums: list[SumRow] = field(default_factory=list)
    obligations: list[UnitObligation] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)  # its own, one per window; none of a polling station
    still_since: datetime | None = None  # what the sums that stand still are compared with
    decided: list[AgendaItem] = field(default_factory=list)  # behind the figures, where the basis is "ratified"

    @property
    def noun(self) -> str:
        return subject_noun(self.current.instrument) if self.current else ""

    @property
    def reports(self) -> int:
        """Reports behind every sum of the page."""
        return self.summed.of(self.basis)

    @property
    def unsummed(self) -> int:
        """Reports on a version of the form that asks other things in the same places."""
        return self.counts.of(self.basis) - self.reports

    def sums_up(self, window: Window) -> bool:
        """Whether figures of a window count, position by position, what the page's figures count."""
        if self.current is None or window.version_id == self.current.version_id:
            return self.current is not None
        return window.version.parsed.same_figures(self.current.version.parsed)

    def figure(self, line: FigureLine) -> Figure:
        return Figure(
            label=line.label,
            value=line.value if self.reports else None,
            reports=self.reports,
            filed=self.reports,
            expected=self.summed.expected,
            noun=self.noun,
            as_of=max((item.decided_at for item in self.decided if item.decided_at), default=self.as_of),
            status=RATIFIED if self.decided else PROVISIONAL,
            version=self.decided[0].version if len(self.decided) == 1 else None,
            counts_reports=True,
        )

    @property
    def found(self) -> list[FigureLine]:
        return [line for line in self.problems if line.value]

    @property
    def absent(self) -> list[FigureLine]:
        return [line for line in self.problems if not line.value]

    @property
    def problem_total(self) -> int:
        """Problems over all indicators; a report may have several."""
        return sum(line.value for line in self.problems)

    @property
    def top_problems(self) -> list[Figure]:
        return [self.figure(line) for line in self.found[:TOP]]


def in_order(rows: list[UnitPageRow], sort: str) -> list[UnitPageRow]:
    """Rows by a key of SORTS, downwards with a minus before it; equal ones by code."""
    key = SORTS.get(sort.removeprefix("-"), SORTS["kode"])
    rows = sorted(rows, key=SORTS["kode"])
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown
