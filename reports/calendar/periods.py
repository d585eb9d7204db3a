"""The periods of a stage, and when the window of each opens, is due and closes: from the data files, no database."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from hierarchy.lib.clock import WITA
from reports.calendar.models import Cadence

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Hours:
    """When a window opens, is due and closes, in days from an edge of its period.

    It opens counted from the first day and closes counted from the last. It is due counted from the last day, save
    where a stage runs over midnight and its report is due the next morning (`due_from` "first": counting).
    """

    opens: tuple[int, time]
    due: tuple[int, time]
    closes: tuple[int, time]
    due_from: str

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Hours:
        opens, due, closes = (
            (int(row[f"{name}_day"]), time.fromisoformat(row[name])) for name in ("opens", "due", "closes")
        )
        return cls(opens, due, closes, row["due_from"])

    def around(self, first: date, last: date) -> tuple[datetime, datetime, datetime]:
        """(opens, due, closes) of a period."""
        due_day = first if self.due_from == "first" else last
        return _at(first, self.opens), _at(due_day, self.due), _at(last, self.closes)


def _at(day: date, offset: tuple[int, time]) -> datetime:
    shift, hour = offset
    return datetime.combine(day + timedelta(days=shift), hour, WITA)


def hours() -> dict[str, Hours]:
    """By cadence, and by the code of each instrument that differs from its cadence."""
    return {row["applies_to"]: Hours.from_row(row) for row in rows("windows.csv")}


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a data file, by column."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of(cadence: str, first: date, last: date) -> Iterator[tuple[str, date, date]]:
    """(period key, first day, last day) of each period of a stage; ISO weeks are cut at the stage's edges."""
    if cadence in (Cadence.ONCE, Cadence.EVENT):
        yield "", first, last
        return
    day = first
    while day <= last:
        if cadence == Cadence.DAILY:
            end, key = day, day.isoformat()
        else:
            end = min(last, day + timedelta(days=7 - day.isoweekday()))
            key = f"{day.isocalendar().year}-W{day.isocalendar().week:02d}"
        yield key, day, end
        day = end + timedelta(days=1)
