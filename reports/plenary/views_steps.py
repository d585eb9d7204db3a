"""The steps of a plenary, an address for each. Rules live in the verbs; a view reads what was sent and calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, User
from hierarchy.signin import stepup
from hierarchy.web import SignedIn, posted_pk, with_status
from reports.bodies import queries as bodies
from reports.calendar.models import Window
from reports.plenary import actions as plenary
from reports.plenary import attendance, table
from reports.plenary.agenda import waiting_of
from reports.plenary.models import AgendaItem, Plenary
from reports.plenary.page import found_plenary, page_of


def step(act: Callable[[SignedIn, Plenary], None]) -> Callable[[SignedIn, int], HttpResponse]:
    """A view of one step; refused, it shows the page again with the sentence and what was typed."""

    @login_required
    @require_POST
    @wraps(act)
    def view(request: SignedIn, pk: int) -> HttpResponse:
        try:
            act(request, found_plenary(request, pk))
        except Refusal as refusal:
            return with_status(page_of(request, found_plenary(request, pk), refused=refusal.text), refusal)
        return redirect("plenary", pk=pk)

    return view


# --- who is there ---------------------------------------------------------------------------------------------------


@step
def arrive(request: SignedIn, found: Plenary) -> None:
    attendance.arrive(plenary=found, member=_member(request, _today(found)), by=request.user)


@step
def leave(request: SignedIn, found: Plenary) -> None:
    attendance.leave(plenary=found, member=_member(request, _today(found)), by=request.user)


@step
def excuse(request: SignedIn, found: Plenary) -> None:
    member, reason = _member(request, attendance.expected_at(found)), request.POST.get("alasan", "")
    attendance.excuse(plenary=found, member=member, reason=reason, by=request.user)


# --- the meeting ----------------------------------------------------------------------------------------------------


@step
def open_(request: SignedIn, found: Plenary) -> None:
    plenary.open_(plenary=found, presider=_somebody(request, _today(found), "pimpinan"), by=request.user)


@step
def preside(request: SignedIn, found: Plenary) -> None:
    plenary.preside(plenary=found, by=request.user)


@step
def close(request: SignedIn, found: Plenary) -> None:
    number, notes = request.POST.get("nomor", ""), request.POST.get("catatan", "")
    plenary.close(plenary=found, minutes_number=number, notes=notes, by=request.user)


@step
def cancel(request: SignedIn, found: Plenary) -> None:
    plenary.cancel(plenary=found, reason=request.POST.get("alasan", ""), by=request.user)


# --- the agenda -----------------------------------------------------------------------------------------------------


@step
def add(request: SignedIn, found: Plenary) -> None:
    key = request.POST.get("agenda", "")
    chosen = next((each.about for each in waiting_of(found.unit) if each.key == key), None)
    if isinstance(chosen, Window):
        reason = request.POST.get("alasan", "")
        table.put_on_agenda(plenary=found, window=chosen, by=request.user, reason=reason)
    elif chosen is not None:
        table.put_finding_on_agenda(plenary=found, finding=chosen, by=request.user)
    else:
        raise bodies.PlenaryError(_("Pilih yang akan ditambahkan."))


@step
def refresh(request: SignedIn, found: Plenary) -> None:
    table.refresh(item=_item(request, found), by=request.user)


@step
def take_off(request: SignedIn, found: Plenary) -> None:
    table.take_off_agenda(item=_item(request, found), by=request.user)


@step
def postpone(request: SignedIn, found: Plenary) -> None:
    plenary.postpone(item=_item(request, found), note=request.POST.get("alasan", ""), by=request.user)


@sensitive_post_parameters("password")
@step
def vote(request: SignedIn, found: Plenary) -> None:
    item, given = _item(request, found), request.POST
    try:
        seen = bytes.fromhex(given.get("seen", ""))
    except ValueError:
        raise Http404 from None
    access.require(request.user, Permission.RATIFY, found.unit)
    stepup.confirm(request, given.get("password", ""))
    choice, dissent = given.get("pilihan", ""), given.get("pendapat", "")
    plenary.vote(item=item, choice=choice, seen=seen, dissent=dissent, by=request.user)
    messages.success(request, _("Suara Anda tercatat."))


@sensitive_post_parameters("password")
@step
def decide(request: SignedIn, found: Plenary) -> None:
    access.require(request.user, Permission.RATIFY, found.unit)
    stepup.confirm(request, request.POST.get("password", ""))
    decided = plenary.decide(item=_item(request, found), by=request.user, reason=request.POST.get("alasan", ""))
    messages.success(request, _("Keputusan tercatat: %(word)s.") % {"word": decided.get_decision_display()})


# --- what was sent --------------------------------------------------------------------------------------------------


def _item(request: SignedIn, found: Plenary) -> AgendaItem:
    rows = AgendaItem.objects.select_related("plenary__unit__election", "window", "finding__unit")
    return get_object_or_404(rows, plenary=found, pk=posted_pk(request, "agenda"))


def _today(found: Plenary) -> list[Membership]:
    return bodies.members_of(found.unit)


def _somebody(request: SignedIn, among: list[Membership], name: str) -> User | None:
    number = request.POST.get(name, "")
    return next((row.user for row in among if str(row.user_id) == number), None)


def _member(request: SignedIn, among: list[Membership]) -> User:
    member = _somebody(request, among, "anggota")
    if member is None:
        raise Http404
    return member
