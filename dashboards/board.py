"""The compliance board of a unit: who owes what, by when, and the list behind every number.

Numbers and lists are the same predicates over the same rows (STATES), so they agree by construction. Whatever is shown
costs two queries: the numbers of the unit and of each child, and the list or the course of the day.

    index = (on time + 1/2 late) / (owed - vacant - without signal)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import Coalesce, JSONObject
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import LEAF, Level
from hierarchy.models import Membership, Unit
from hierarchy.querysets import within_q
from reports import models as reporting
from reports import reminders
from reports.models import Obligation
from reports.models.filed import HAS_REPORT
from reports.worklist import Contact, Row

PER_PAGE = 50
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class State:
    """A number of the board: what it is called, whether people may be called about it, and which duties it counts."""

    label: Promise
    tone: str  # class of the word beside it: done, provisional, problem, or nothing

    def where(self, key: str, now: datetime) -> Q:
        return _WHERE[key](now)


STATES: dict[str, State] = {
    "wajib": State(_("Harus melapor"), ""),
    "masuk": State(_("Sudah lapor"), "done"),
    "tepat": State(_("Tepat waktu"), "done"),
    "terlambat": State(_("Lapor terlambat"), "problem"),
    "lewat": State(_("Belum lapor, lewat tenggat"), "problem"),
    "ditunggu": State(_("Belum lapor, belum tenggat"), "provisional"),
    "dikembalikan": State(_("Dikembalikan"), "problem"),
    "diperiksa": State(_("Menunggu pemeriksaan"), "provisional"),
    "disetujui": State(_("Disetujui"), "done"),
    "kosong": State(_("Tanpa pengawas"), ""),
    "tanpa_sinyal": State(_("Tanpa sinyal"), ""),
}
_WHERE: dict[str, Any] = {
    "wajib": lambda _now: Q(),
    "masuk": lambda _now: Q(state__in=HAS_REPORT),
    "tepat": lambda _now: Q(first_filed_at__lte=F("due_at")),
    "terlambat": lambda _now: Q(first_filed_at__gt=F("due_at")),
    "lewat": lambda now: Q(state="OWED", due_at__lt=now),
    "ditunggu": lambda now: Q(state="OWED", due_at__gte=now),
    "dikembalikan": lambda _now: Q(state="RETURNED"),
    "diperiksa": lambda _now: Q(state="FILED"),
    "disetujui": lambda _now: Q(state="APPROVED"),
    "kosong": lambda _now: Q(state="VACANT"),
    "tanpa_sinyal": lambda _now: Q(state="UNREACHABLE"),
}
Numbers = dict[str, int]
SORTS = ("indeks", "kode", "nama", "belum")


def index_of(numbers: Numbers) -> float | None:
    """The compliance index, 0 to 1; None where nobody could have reported."""
    base = numbers["wajib"] - numbers["kosong"] - numbers["tanpa_sinyal"]
    return (numbers["tepat"] + numbers["terlambat"] / 2) / base if base else None


@dataclass
class Child:
    """A row of the heat table: a child, or the unit itself for what it is the subject of."""

    pk: int
    code: str
    title: str
    cells: dict[int, Numbers] = field(default_factory=dict)  # by window
    rank: int = 0

    def total(self, windows: Iterable[int]) -> Numbers:
        return add(self.cells[key] for key in windows if key in self.cells)


@dataclass(frozen=True)
class Tab:
    """The newest window of an instrument."""

    window: int
    code: str
    title: str
    stage: str
    due_at: datetime


@dataclass
class Board:
    """`current`: the tab whose numbers stand on top; `numbers` of the unit, `children` ranked as asked."""

    unit: Unit
    tabs: list[Tab]
    current: Tab | None
    numbers: Numbers
    children: list[Child]
    as_of: datetime

    @property
    def index(self) -> float | None:
        return index_of(self.numbers) if self.current else None


def add(many: Iterable[Numbers]) -> Numbers:
    total = dict.fromkeys(STATES, 0)
    for numbers in many:
        for key in total:
            total[key] += numbers[key]
    return total


def board(unit: Unit, *, instrument: str, sort: str, now: datetime) -> Board:
    """The numbers of the newest window of every instrument, of the unit and of each child: one query."""
    tabs: dict[int, Tab] = {}
    children: dict[int, Child] = {}
    for row in _grouped(unit, now):
        window = row["in_window"]
        tabs.setdefault(
            window, Tab(window, row["instrument"], _in_language(row, "title"), _in_language(row, "stage"), row["due"])
        )
        pk = row["child"] or unit.pk
        child = children.setdefault(pk, Child(pk, row["code"] or unit.code, _title(row, unit)))
        child.cells[window] = {key: row[_column(key)] for key in STATES}
    ordered = sorted(tabs.values(), key=lambda tab: (tab.due_at, tab.code))
    current = _choose(ordered, instrument, now)
    ranked = _ranked(list(children.values()), current, sort)
    return Board(unit, ordered, current, add(_of(ranked, current)), ranked, now)


def _of(children: Iterable[Child], current: Tab | None) -> list[Numbers]:
    return [child.cells[current.window] for child in children if current and current.window in child.cells]


def _grouped(unit: Unit, now: datetime) -> QuerySet:
    """One row per (child, window)."""
    newest = (
        reporting.Window.objects.filter(election=unit.election_id, opened_at__isnull=False)
        .exclude(instrument__cadence="EVENT")
        .order_by("instrument_id", "-due_at")
        .distinct("instrument_id")
        .values("pk")
    )
    path = _path_below(unit)
    named = {name: F(f"{path}__{name}") for name in ("code", "name", "kind", "level")}
    rows = Obligation.objects.filter(within_q(unit, "subject__"), window__in=Subquery(newest)).order_by()
    return rows.values(
        **named,
        child=F(f"{path}__pk"),
        instrument=F("window__instrument__code"),
        title_id=F("window__instrument__title_id"),
        title_en=F("window__instrument__title_en"),
        stage_id=F("window__stage__name_id"),
        stage_en=F("window__stage__name_en"),
        due=F("window__due_at"),
        in_window=F("window_id"),
    ).annotate(**{_column(key): Count("pk", filter=spec.where(key, now)) for key, spec in STATES.items()})


def _path_below(unit: Unit) -> str:
    """From an obligation to the child of `unit` its subject lies in."""
    below = Level(min(unit.level + 1, LEAF))
    return "subject" if below == LEAF else f"subject__{below.spec.column}"


def _column(key: str) -> str:
    return f"n_{key}"


def _in_language(row: dict[str, Any], name: str) -> str:
    return row[f"{name}_en" if get_language() == "en" else f"{name}_id"]


def _title(row: dict[str, Any], unit: Unit) -> str:
    if row["child"] is None or row["child"] == unit.pk:
        return unit.title
    return Unit(name=row["name"], kind=row["kind"], level=row["level"], code=row["code"]).title


def _choose(tabs: list[Tab], instrument: str, now: datetime) -> Tab | None:
    """The named one, else the one whose deadline passed last, else the next to come."""
    named = next((tab for tab in tabs if tab.code == instrument), None)
    past = [tab for tab in tabs if tab.due_at <= now]
    return named or (past[-1] if past else tabs[0] if tabs else None)


def _ranked(children: list[Child], current: Tab | None, sort: str) -> list[Child]:
    """Rank 1 is the best index; equal ones share a rank; who owes nothing has none."""
    key = current.window if current else 0
    indexes = {child.pk: index_of(child.cells[key]) for child in children if key in child.cells}
    known = sorted((value for value in indexes.values() if value is not None), reverse=True)
    for child in children:
        value = indexes.get(child.pk)
        child.rank = known.index(value) + 1 if value is not None else 0
    silent = {child.pk: child.cells[key]["lewat"] if key in child.cells else -1 for child in children}
    orders: dict[str, Any] = {
        "indeks": lambda child: (child.rank == 0, child.rank, child.code),
        "kode": lambda child: child.code,
        "nama": lambda child: child.title,
        "belum": lambda child: (-silent[child.pk], child.code),
    }
    return sorted(children, key=orders.get(sort, orders["indeks"]))


# --- the list behind a number ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """A duty of the list: how it stands, whom to call, when they were last seen, and how late it is or was."""

    row: Row
    contacts: list[tuple[Contact, datetime | None]]
    late: timedelta | None

    @property
    def duty(self) -> Obligation:
        return self.row.duty


def behind(unit: Unit, tab: Tab, *, state: str, search: str, child: str, now: datetime) -> QuerySet:
    """The duties a number counts, with everything their rows show: one query, `total` of all in each row."""
    rows = Obligation.objects.filter(within_q(unit, "subject__"), STATES[state].where(state, now), window=tab.window)
    if child.isdecimal():
        rows = rows.filter(subject__code__startswith=child)
    if search:
        serving = Membership.objects.current().filter(user__name__icontains=search).values("unit")
        rows = rows.filter(
            Q(subject__name__icontains=search)
            | Q(subject__village__name__icontains=search)
            | Q(subject__code__startswith=search)
            | Q(filer__in=serving)
        )
    people = Membership.objects.current().filter(unit=OuterRef("filer_id")).order_by("user__name")
    described = JSONObject(name="user__name", phone="user__phone", seen="user__last_seen_at")
    return (
        rows.for_lists()
        .select_related("attested_by", "filer__village")
        .defer("report__answers", "report__reasons", "report__remarks", "report__vector")
        .annotate(
            people=Coalesce(ArraySubquery(people.values(json=described)), Value([])),
            total=Window(Count("pk")),
        )
        .order_by("subject__code")
    )


def listed(duty: Any, now: datetime) -> Listed:
    """`duty` comes from behind()."""
    contacts = [
        (Contact.named(person["name"], person["phone"]), person["seen"] and datetime.fromisoformat(person["seen"]))
        for person in duty.people
    ]
    moment = duty.first_filed_at or (now if duty.state == "OWED" else None)
    late = moment - duty.due_at if moment is not None and moment > duty.due_at else None
    return Listed(Row.of(duty, now), contacts, late)


# --- the course of the day ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """How many had filed by each quarter of an hour, and what reminders did."""

    points: list[tuple[datetime, int]]
    expected: int
    due_at: datetime
    prompt: int
    reminded: int


def course(unit: Unit, tab: Tab, expected: int) -> Course:
    """One query: filings by quarter hour, and the reports filed soon after a reminder."""
    column = "id" if unit.is_station else f"{Level(unit.level).spec.column}_id"
    sql = f"""
        SELECT date_bin(%(quarter)s::interval, o.first_filed_at, %(due)s::timestamptz) + %(quarter)s::interval AS until,
            count(*), NULL::bigint
        FROM reports_obligation o JOIN hierarchy_unit s ON s.id = o.subject_id
        WHERE o.window_id = %(window)s AND s.{column} = %(unit)s AND o.first_filed_at IS NOT NULL GROUP BY 1
        UNION ALL SELECT NULL, effect.prompt, effect.n FROM ({reminders.effect_sql(unit)}) AS effect(prompt, n)
        ORDER BY 1 NULLS LAST"""
    values: dict[str, Any] = {"quarter": QUARTER, "due": tab.due_at, "window": tab.window}
    with connection.cursor() as cursor:
        cursor.execute(sql, values | reminders.effect_values([tab.window], unit))
        *bins, (_none, prompt, reminded) = cursor.fetchall()
    points, filed = [], 0
    for until, count, _nothing in bins:
        filed += count
        points.append((until, filed))
    return Course(points, expected, tab.due_at, prompt, reminded)
