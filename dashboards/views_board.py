"""Pages and files of the compliance board."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboards import board as boards
from dashboards.board import STATES, Board, Course, Tab
from dashboards.spreadsheet import Book, Style
from hierarchy import access, clock, formats
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.models import Unit
from hierarchy.tabular import safe_cell

HEIGHT = 40  # of the drawing, for a width of 100


@login_required
@require_safe
def board_home(request: HttpRequest) -> HttpResponse:
    """One's own unit."""
    seats = access.memberships(request.user)
    if not seats:
        return redirect("unit-home")
    return redirect("board", election=seats[0].unit.election.code, code=seats[0].unit.code)


@never_cache
@login_required
@require_safe
def board(request: HttpRequest, election: str, code: str) -> HttpResponseBase:
    """Numbers, heat table and ranking of a unit; behind each number its list, as a page, CSV or Excel."""
    units = Unit.objects.visible_to(request.user).with_ancestors()
    unit = get_object_or_404(units, election__code=election, code=code)
    asked, now = request.GET, clock.now()
    sort = asked.get("urut", "")
    found = boards.board(unit, instrument=asked.get("instrumen", ""), sort=sort, now=now)
    state = asked.get("keadaan", "") if asked.get("keadaan") in STATES else ""
    if state and found.current and asked.get("bentuk") in FILES:
        return FILES[asked["bentuk"]](unit, found.current, state, _rows(asked, found.current, unit, state, now), now)
    seats = access.memberships(request.user)
    context: dict[str, Any] = {
        "board": found,
        "index": _share(found.index),
        "unit": unit,
        "above": [a for a in unit.ancestors if access.can(request.user, Permission.VIEW, a)],
        "numbers": [(key, STATES[key], found.numbers[key]) for key in STATES],
        "heat": [_heat(child, found) for child in found.children],
        "sort": sort if sort in boards.SORTS else "indeks",
        "state": state,
        "state_spec": STATES.get(state),
        "search": asked.get("cari", "").strip()[:60],
        "child": asked.get("satuan", ""),
        "own_unit": seats[0].unit.title,
        "own_role": seats[0].get_role_display(),
        "nav_current": "board",
    }
    if found.current and state:
        context["page"] = page = _page(asked, found.current, unit, state, now)
        context["listed"] = [boards.listed(duty, now) for duty in page.object_list]
    elif found.current:
        context["drawn"] = drawn(boards.course(unit, found.current, _possible(found)), now)
    return render(request, "dashboards/board.html", context)


def _possible(found: Board) -> int:
    return found.numbers["wajib"] - found.numbers["kosong"]


@dataclass(frozen=True)
class Heat:
    """A row of the heat table: the numbers of the current tab (None: nothing is owed there), those of every tab."""

    child: boards.Child
    here: boards.Numbers | None
    cells: list[boards.Numbers | None]
    index: str
    drill: bool


def _heat(child: boards.Child, found: Board) -> Heat:
    here = child.cells.get(found.current.window) if found.current else None
    return Heat(
        child=child,
        here=here,
        cells=[child.cells.get(tab.window) for tab in found.tabs],
        index=_share(boards.index_of(here) if here else None),
        drill=child.pk != found.unit.pk and found.unit.level < Level.VILLAGE,
    )


def _share(index: float | None) -> str:
    return "–" if index is None else formats.percent(round(index * 1_000), 1_000)


# --- the list -------------------------------------------------------------------------------------------------------


def _rows(asked: Any, tab: Tab, unit: Unit, state: str, now: datetime) -> Any:
    child, search = asked.get("satuan", ""), asked.get("cari", "").strip()[:60]
    return boards.behind(unit, tab, state=state, search=search, child=child, now=now)


class Counted(Paginator):
    """Pages of rows that carry their own total, so that it costs no query."""

    def __init__(self, rows: list[Any], total: int) -> None:
        super().__init__(range(total), boards.PER_PAGE)
        self.rows = rows

    def page(self, number: int | str) -> Page:
        found = super().page(number)
        found.object_list = self.rows
        return found


def _page(asked: Any, tab: Tab, unit: Unit, state: str, now: datetime) -> Page:
    """The page asked for; the last one where there are fewer."""
    text = asked.get("halaman", "1")
    number = max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1
    rows, first = _rows(asked, tab, unit, state, now), (number - 1) * boards.PER_PAGE
    found = list(rows[first : first + boards.PER_PAGE])
    if not found and number > 1:
        number, found = 1, list(rows[: boards.PER_PAGE])
    return Counted(found, found[0].total if found else 0).page(number)


# --- files ----------------------------------------------------------------------------------------------------------


def _table(rows: Iterable[Any], now: datetime) -> Iterator[list[str]]:
    yield [
        _("Kode"), _("Satuan"), _("Pengisi"), _("Nama"), _("Telepon"), _("Terakhir terlihat"), _("Keadaan"),
        _("Tenggat"), _("Diterima"), _("Menit terlambat"), _("Menurut"), _("Alasan"),
    ]  # fmt: skip
    for duty in rows:
        entry = boards.listed(duty, now)
        seen = [moment for _contact, moment in entry.contacts if moment]
        yield [
            duty.subject.code,
            duty.subject.title,
            duty.filer.title,
            "; ".join(contact.name for contact, _seen in entry.contacts),
            "; ".join(contact.phone for contact, _seen in entry.contacts),
            formats.moment(max(seen)) if seen else "",
            str(duty.get_state_display()),
            formats.moment(duty.due_at),
            formats.moment(duty.first_filed_at) if duty.first_filed_at else "",
            str(int(entry.late.total_seconds() // 60)) if entry.late else "",
            duty.attested_by.name if duty.attested_by else "",
            duty.attested_reason,
        ]


def _heading(unit: Unit, tab: Tab, state: str, now: datetime) -> list[str]:
    as_of = _("Keadaan data per %(at)s, sementara") % {"at": formats.moment(now)}
    return [f"{tab.title}: {STATES[state].label}", unit.title, as_of]


def _name(unit: Unit, tab: Tab, state: str, ending: str) -> str:
    return f"kepatuhan-{unit.code}-{tab.code}-{state}.{ending}"


def _csv(unit: Unit, tab: Tab, state: str, rows: Any, now: datetime) -> HttpResponseBase:
    class Line:
        def write(self, text: str) -> str:
            return text

    def lines() -> Iterator[str]:
        out = csv.writer(Line(), delimiter=";")
        yield "\ufeff"  # or Excel takes the letters for another alphabet
        for heading in _heading(unit, tab, state, now):
            yield out.writerow([safe_cell(heading)])
        for cells in _table(rows.iterator(chunk_size=500), now):
            yield out.writerow([safe_cell(cell) for cell in cells])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_name(unit, tab, state, "csv")}"'
    return response


def _xlsx(unit: Unit, tab: Tab, state: str, rows: Any, now: datetime) -> HttpResponseBase:
    with Book() as book, tempfile.TemporaryDirectory() as folder:
        sheet = book.sheet(tab.title)
        title, plain = book.style(Style(bold=True, size=14)), book.style(Style(border=True))
        head = book.style(Style(bold=True, border=True, fill="EEEAE2"))
        for heading in _heading(unit, tab, state, now):
            sheet.row([(title, heading)])
        sheet.skip()
        for number, cells in enumerate(_table(rows.iterator(chunk_size=500), now)):
            sheet.row([(plain if number else head, cell) for cell in cells])
        for letter, width in zip("ABCDEFGHIJKL", (16, 30, 26, 26, 18, 22, 18, 24, 24, 12, 24, 40), strict=True):
            sheet.paper.column_dimensions[letter].width = width
        path = Path(folder) / "papan.xlsx"
        book.save(path)
        content = path.read_bytes()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{_name(unit, tab, state, "xlsx")}"'
    return response


FILES = {"csv": _csv, "xlsx": _xlsx}


# --- the drawing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """The course as a drawing 100 wide: the line, where the deadline stands, and the same as a table."""

    course: Course
    line: str
    deadline: float | None


def drawn(course: Course, now: datetime) -> Drawn:
    points = course.points
    if not points:
        return Drawn(course, "", None)
    first = points[0][0] - boards.QUARTER
    last = max(points[-1][0], min(now, course.due_at))
    span = (last - first).total_seconds()

    def at(moment: datetime) -> float:
        return round((moment - first).total_seconds() / span * 100, 2)

    def up(count: int) -> float:
        return round(HEIGHT - count / max(course.expected, count) * HEIGHT, 2)

    steps, before = [f"0,{HEIGHT}"], 0
    for moment, count in points:
        steps += [f"{at(moment - boards.QUARTER)},{up(before)}", f"{at(moment)},{up(count)}"]
        before = count
    steps.append(f"100,{up(before)}")
    return Drawn(course, " ".join(steps), at(course.due_at) if first <= course.due_at <= last else None)
