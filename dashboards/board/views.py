"""The compliance board: numbers, heat table and lists of a unit for whoever may see it, and the lists as files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from dashboards.board import files as board_files
from dashboards.board.lists import MEASURES, ListedObligation, Scan, behind, listed, narrowed_to, scan
from dashboards.board.queries import heat_of, obligations_of, with_heat
from dashboards.board.shapes import BoardChoice, Heat, Index
from dashboards.board.trend import trend
from dashboards.recaps.views import MIME
from dashboards.unchanged import this_minute, unless_unchanged
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import LEAF
from hierarchy.models import Unit, User
from hierarchy.web import SignedIn, refusals_told
from reports.journal import actions as journal
from reports.obligations.models import Obligation

PER_PAGE = 50


class _Known(Paginator):
    """A paginator of rows that were counted already, so that it does not ask once more."""

    def __init__(self, rows: QuerySet[Obligation], count: int) -> None:
        super().__init__(rows, PER_PAGE)
        self.count = count


def may_watch(user: User | AnonymousUser) -> bool:
    """Whether the menu leads to the board: for those who have somebody below them."""
    return any(membership.unit.level < LEAF for membership in access.memberships(user))


@unless_unchanged("bentuk", "cari", with_list=True)
def board(request: SignedIn, election: str, code: str) -> HttpResponseBase:
    """The board of a unit; with `?bentuk=csv` or `xlsx`, the whole chosen list as a file."""
    user = request.user
    choice, now = BoardChoice.of(request.GET), this_minute()
    units = with_heat(Unit.objects.visible_to(user).with_ancestors(), choice=choice, now=now)
    unit: Unit = get_object_or_404(units, election__code=election, code=code)
    heat = heat_of(unit, choice=choice, now=now)
    narrowed = narrowed_to(unit, heat, choice)
    obligations = obligations_of(unit, heat)
    found = scan(obligations, choice=choice, narrowed=narrowed, now=now)
    rows = behind(obligations, state=found.state, narrowed=narrowed, now=now)
    if request.GET.get("bentuk") in ("csv", "xlsx"):
        access.require(user, Permission.EXPORT, unit)
        with refusals_told(request):
            return _file(request.GET["bentuk"], unit, heat, found, choice, rows, user, now)
        return _without_file(request)
    page = _Known(rows, found.listed).get_page(request.GET.get("halaman"))
    context = _context(unit, heat, found, choice, user, now)
    context |= {"page": page, "rows": listed(page.object_list, heat=heat, user=user, now=now)}
    return render(request, "dashboards/board/board.html", context)


def _context(unit: Unit, heat: Heat, found: Scan, choice: BoardChoice, user: User, now: datetime) -> dict[str, Any]:
    due_at = heat.shown[0].due_at if len(heat.shown) == 1 else None
    children = [(row.unit.code, row.unit.title) for row in sorted(heat.rows, key=lambda row: row.unit.code)]
    return {
        "unit": unit,
        "heat": heat,
        "scan": found,
        "index": Index.of(found.counts),
        "chosen": MEASURES[found.state],
        "measures": MEASURES.values(),
        "choice": choice,
        "children": children,
        "trend": trend(found.filed, expected=found.numbers["wajib"], due_at=due_at, now=now),
        "now": now,
        "above": [one for one in unit.ancestors if access.can(user, Permission.VIEW, one)],
        "may_export": access.can(user, Permission.EXPORT, unit),
        "nav_current": "board",
    }


def _file(
    form: str,
    unit: Unit,
    heat: Heat,
    found: Scan,
    choice: BoardChoice,
    rows: QuerySet[Obligation],
    user: User,
    now: datetime,
) -> HttpResponseBase:
    """The file, with a line in the journal: it takes people's telephone numbers out of the house. Raises Refusal."""
    facts: dict[str, Any] = {"state": found.state, "windows": [window.pk for window in heat.shown], "form": form}
    head = board_files.heading(unit, heat, found.state, choice.search, now)
    windows = {window.pk: window for window in heat.shown}
    with board_files.making():
        journal.write(journal.entry("board.downloaded", by=user, unit=unit, election=unit.election.code, **facts))
        lines = (
            ListedObligation.of(obligation, windows=windows, user=user, now=now)
            for obligation in rows.iterator(board_files.CHUNK)
        )
        if form == "csv":
            file, kind = board_files.table(head, board_files.columns(), lines), "text/csv; charset=utf-8"
        else:
            file, kind = board_files.workbook(_("Papan kepatuhan"), head, board_files.columns(), lines), MIME
    name = f"kepatuhan-{unit.code}-{found.state}.{form}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=kind)


def _without_file(request: HttpRequest) -> HttpResponseBase:
    """Back to the page from which the file was asked for."""
    query = request.GET.copy()
    del query["bentuk"]
    return redirect(f"{request.path}?{query.urlencode()}")
