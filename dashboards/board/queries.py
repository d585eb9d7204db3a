"""The compliance board of a unit: who owes what by when, how its children keep to it, in three queries at any size.

One statement reads the unit with the tallies of itself and its children (the heat table), one counts the obligations
beneath it once for every number and for the trend, one reads the page of the list. Numbers and list ask the same
conditions of the same rows, so a number is the length of its list even while the tallies are a second behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest, JSONObject
from django.utils.translation import get_language

from dashboards.board.shapes import ALL_PERIODS, BEST_FIRST, SORTS, BoardCell, BoardChoice, BoardRow, BoardWindow, Heat
from hierarchy.levels import LEAF
from hierarchy.models import Unit
from hierarchy.querysets import UnitQuerySet
from reports.calendar.labels import period_words
from reports.calendar.models import Cadence, Window
from reports.counting import PASSING, TALLIED, Counts, add_counts, counts_of
from reports.obligations.models import Obligation
from reports.obligations.queries import with_not_due
from reports.rollup.models import Tally

SHOWN = (*TALLIED, *PASSING)  # the fields of counting.Counts
_UNIT = ("pk", "code", "name", "kind", "level", "number")
# What is filed whenever something happens is owed by nobody beforehand, so nobody can be behind with it.
OWED_AHEAD = Q(opened_at__isnull=False) & ~Q(instrument__cadence=Cadence.EVENT)


def with_heat(units: UnitQuerySet, *, choice: BoardChoice, now: datetime) -> UnitQuerySet:
    """`units` with what `heat_of` reads, in the same statement: tallies of each and its children, as JSON.

    Of the children only the windows that the table shows are read; of the unit itself all, because they are the tabs
    and periods to choose from. A station has no tally: it, and the stations of a village, bring their obligations.
    """
    election = Window.objects.filter(OWED_AHEAD, election_id=OuterRef(OuterRef("election_id")))
    distance = Greatest(F("due_at") - Value(now), Value(now) - F("due_at"))
    nearest = election.order_by("instrument_id", distance, "pk").distinct("instrument_id")
    wanted = Q(window__in=nearest.values("pk")) | Q(window__instrument__code=choice.instrument)
    # As a set of keys: an OR over two tables would read every tally there is.
    children = Unit.objects.filter(parent=OuterRef(OuterRef("pk"))).order_by().values("pk")
    here = Q(parent=OuterRef(OuterRef("pk"))) | Q(pk=OuterRef(OuterRef("pk")))
    stations = Unit.objects.filter(here, level=LEAF).order_by().values("pk")
    obligations = Obligation.objects.filter(_opened(), subject__in=stations).order_by("subject__code")
    return units.annotate(
        own=ArraySubquery(
            with_not_due(Tally.objects.filter(_opened(), unit=OuterRef("pk")), now)
            .order_by()
            .values(json=_json(SHOWN, window=True))
        ),
        below=ArraySubquery(
            with_not_due(Tally.objects.filter(_opened(), wanted, unit__in=children), now)
            .order_by("unit__code")
            .values(json=_json(SHOWN, unit="unit"))
        ),
        stations=ArraySubquery(
            obligations.filter(wanted | Q(subject=OuterRef("pk"))).values(
                json=_json(("state", "first_filed_at", "due_at"), unit="subject", window=True)
            )
        ),
    )


def _opened() -> Q:
    return Q(window__opened_at__isnull=False) & ~Q(window__instrument__cadence=Cadence.EVENT)


def _json(names: Iterable[str], *, unit: str = "", window: bool = False) -> JSONObject:
    """One row as JSON: its own columns, and those of its unit and its window where they are not known already."""
    fields = {name: F(name) for name in (*names, "window_id")}
    if unit:
        fields |= {f"unit_{name}": F(f"{unit}__{name}") for name in _UNIT}
    if window:
        fields |= {
            "period": F("window__period"),
            "instrument_id": F("window__instrument_id"),
            "window_due_at": F("window__due_at"),
            "code": F("window__instrument__code"),
            "sequence": F("window__stage__sequence"),
        }
        language = "en" if get_language() == "en" else "id"
        fields |= {"title": F(f"window__instrument__title_{language}"), "stage": F(f"window__stage__name_{language}")}
    return JSONObject(**fields)


# --- the heat table -------------------------------------------------------------------------------------------------


def heat_of(unit: Any, *, choice: BoardChoice, now: datetime) -> Heat:
    """The table of a unit from `with_heat`: its windows, one row per child, a total that the rows add up to."""
    own = unit.stations if unit.is_station else unit.own
    known = {row["window_id"]: _window(row) for row in own}
    tabs = sorted(_nearest_each(known.values(), now), key=lambda window: (window.sequence, window.due_at, window.code))
    current, shown = _chosen(list(known.values()), tabs, choice, now)
    period = ALL_PERIODS if len(shown) > 1 else current.period if current else ""
    periods = sorted({a.period for a in known.values() if current and a.code == current.code and a.period})
    heat = Heat(tabs, current, shown, period, [(key, period_words(key)) for key in periods], [], None)
    if current is not None and not unit.is_station:
        _fill(heat, unit, choice, now)
    return heat


def _window(row: Mapping[str, Any]) -> BoardWindow:
    return BoardWindow(
        pk=row["window_id"],
        due_at=datetime.fromisoformat(row["window_due_at"]),
        **{name: row[name] for name in ("instrument_id", "code", "title", "stage", "sequence", "period")},
    )


def _distance(window: BoardWindow, now: datetime) -> tuple[float, int]:
    return abs((window.due_at - now).total_seconds()), window.pk


def _nearest_each(known: Iterable[BoardWindow], now: datetime) -> list[BoardWindow]:
    """Of each instrument the window whose deadline is nearest; the same rule as in `with_heat`."""
    by_instrument: dict[int, list[BoardWindow]] = defaultdict(list)
    for window in known:
        by_instrument[window.instrument_id].append(window)
    return [min(some, key=lambda window: _distance(window, now)) for some in by_instrument.values()]


def _chosen(
    known: list[BoardWindow], tabs: list[BoardWindow], choice: BoardChoice, now: datetime
) -> tuple[BoardWindow | None, list[BoardWindow]]:
    """The window in front and all that the numbers are about: the named one, else the one with the nearest deadline."""
    front = next((window for window in tabs if window.code == choice.instrument), None)
    front = front or min(tabs, key=lambda window: _distance(window, now), default=None)
    if front is None or front.code != choice.instrument:
        return front, [front] if front else []
    same = [window for window in known if window.code == front.code]
    if choice.period == ALL_PERIODS:
        return front, sorted(same, key=lambda window: window.period)
    named = next((window for window in same if window.period == choice.period), front)
    return named, [named]


def _fill(heat: Heat, unit: Any, choice: BoardChoice, now: datetime) -> None:
    """Rows of the children, the unit's own where it is a subject itself, and the total."""
    totals = _by_window(unit.own)
    below: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in (*unit.below, *(_counted(row, now) for row in unit.stations)):
        below[row["unit_pk"]].append(row)
    heat.total = _row(heat, unit, totals)
    heat.rows = [_row(heat, _unit(some[0]), _by_window(some)) for some in below.values()]
    rest = {
        window.pk: _difference(
            totals.get(window.pk, Counts()), [_by_window(some).get(window.pk) for some in below.values()]
        )
        for window in (*heat.tabs, *heat.shown)
    }
    if any(counts.expected for counts in rest.values()):
        own = _row(heat, unit, rest)
        own.own = True
        heat.rows.append(own)
    _rank(heat.rows)
    heat.rows = _in_order(heat.rows, choice.sort)


def _by_window(rows: Iterable[Mapping[str, Any]]) -> dict[int, Counts]:
    return {row["window_id"]: Counts(**{name: row[name] for name in SHOWN}) for row in rows}


@dataclass(frozen=True)
class _Station:
    """A station's obligation as the statement gives it."""

    state: str
    due_at: datetime
    first_filed_at: datetime | None


def _counted(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A station's obligation with the counts that a tally would have."""
    filed_at = row["first_filed_at"] and datetime.fromisoformat(row["first_filed_at"])
    return {**row, **counts_of(_Station(row["state"], datetime.fromisoformat(row["due_at"]), filed_at), now)}


def _difference(whole: Counts, parts: Iterable[Counts | None]) -> Counts:
    below = add_counts(part.__dict__ for part in parts if part is not None)
    return Counts(**{name: getattr(whole, name) - getattr(below, name) for name in SHOWN})


def _unit(row: Mapping[str, Any]) -> Unit:
    values = {name: row[f"unit_{name}"] for name in _UNIT}
    return Unit(id=values.pop("pk"), **values)


def _row(heat: Heat, unit: Unit, known: Mapping[int, Counts]) -> BoardRow:
    shown = add_counts(known.get(window.pk, Counts()).__dict__ for window in heat.shown)
    cells = []
    for tab in heat.tabs:
        front = heat.current is not None and tab.code == heat.current.code
        counts = shown if front else known.get(tab.pk, Counts())
        cells.append(BoardCell(tab, counts, heat.period if front else tab.period))
    return BoardRow(unit, cells=cells, counts=shown)


def _rank(rows: list[BoardRow]) -> None:
    values = sorted((row.index.value for row in rows if row.index.value is not None), reverse=True)
    for row in rows:
        row.rank = values.index(row.index.value) + 1 if row.index.value is not None else None


def _in_order(rows: list[BoardRow], sort: str) -> list[BoardRow]:
    """By a key of SORTS, downwards with a minus before it, best index first unasked; the unit's own row last."""
    wanted = sort if sort.removeprefix("-") in SORTS else BEST_FIRST
    key = SORTS[wanted.removeprefix("-")]
    rows = sorted(rows, key=lambda row: (row.own, row.unit.code))
    known = [row for row in rows if key(row) is not None and not row.own]
    unknown = [row for row in rows if key(row) is None or row.own]
    return sorted(known, key=key, reverse=wanted.startswith("-")) + unknown


def obligations_of(unit: Unit, heat: Heat) -> QuerySet[Obligation]:
    """Every obligation the board's numbers are about."""
    return Obligation.objects.within(unit).filter(window__in=[window.pk for window in heat.shown])
