"""The page of one plenary: attendance, agenda, votes, decisions, and what the reader may do there."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.models import Membership, Role, User
from hierarchy.querysets import visible_q
from hierarchy.signin import stepup
from hierarchy.web import SignedIn
from reports.bodies.queries import members_of
from reports.plenary import attendance as sitting
from reports.plenary.agenda import AgendaRow, WaitingMatter, grouped, laid_items, waiting_of
from reports.plenary.models import Attendance, Plenary, Vote


def page_of(request: SignedIn, found: Plenary, *, refused: str = "") -> HttpResponse:
    memberships = members_of(found.unit)
    listed = {row.user_id: row for row in found.attendance.select_related("user")}
    open_now = found.state in (Plenary.State.CALLED, Plenary.State.OPEN)
    members = {each.user_id for each in memberships}
    present = [row for row in listed.values() if row.present and (row.user_id in members or not open_now)]
    items = laid_items(found, request.user, [row.user for row in present])
    context = {
        "plenary": found,
        "unit": found.unit,
        "people": _list(memberships, sitting.expected_at(found), listed) if open_now else [],
        "former": _former(found, listed) if found.state == Plenary.State.OPEN else [],
        "listed": list(listed.values()),
        "present": len(present),
        "members": len(memberships) if open_now else found.members or len(memberships),
        "needed": found.quorum if found.quorum and not open_now else sitting.needed_in(found, len(memberships)),
        "eldest_unknown": _eldest_unknown(present, memberships),
        "items": items,
        "addable": grouped(_addable(found, items)) if open_now else [],
        "open_now": open_now,
        "may_prepare": access.can(request.user, Permission.PREPARE, found.unit),
        "may_vote": access.can(request.user, Permission.RATIFY, found.unit),
        "here": any(row.user_id == request.user.pk for row in present),
        "presides": found.presided_by_id == request.user.pk,
        "unpresided": found.state == Plenary.State.OPEN
        and found.presided_by_id not in {row.user_id for row in present},
        "confirmed": stepup.confirmed(request),
        "choices": Vote.Choice.choices,
        "refused": refused,
        "step": request.resolver_match.url_name if request.resolver_match else "",
        "typed": request.POST,
        "now": clock.now(),
        "nav_current": "plenaries",
    }
    return render(request, "reports/plenary/plenary.html", context)


def _list(
    today: list[Membership], expected: list[Membership], listed: dict[int, Attendance]
) -> list[tuple[Membership, Attendance | None, bool, bool]]:
    """Each membership, what is written of it, whether its member may come now, and whether they may be excused."""
    sits, due = ({each.user_id: each for each in memberships} for memberships in (today, expected))
    return [(each, listed.get(user), user in sits, user in due) for user, each in (due | sits).items()]


def _addable(found: Plenary, items: list[AgendaRow]) -> list[WaitingMatter]:
    """What could still be put on the agenda."""
    on = {laid.item.window or laid.item.finding for laid in items}
    return [each for each in waiting_of(found.unit) if each.about not in on]


def _former(found: Plenary, listed: dict[int, Attendance]) -> list[tuple[Attendance, date | None]]:
    """Who came as a member and is none any more, with the last day of their term."""
    ended = sitting.ended_at(found, listed)
    return [(row, ended[user]) for user, row in listed.items() if user in ended and row.arrived_at]


def _eldest_unknown(present: list[Attendance], memberships: list[Membership]) -> list[User]:
    """Those present, where nobody can tell who presides: no chair, and a birth date is missing."""
    here = {row.user_id for row in present}
    people = [each for each in memberships if each.user_id in here]
    if any(each.role == Role.CHAIR for each in people):
        return []
    return [each.user for each in people] if any(each.user.born_on is None for each in people) else []


def found_plenary(request: SignedIn, pk: int) -> Plenary:
    rows = Plenary.objects.filter(visible_q(request.user, "unit__"))
    return get_object_or_404(rows.select_related("unit__election", "presided_by", "called_by"), pk=pk)
