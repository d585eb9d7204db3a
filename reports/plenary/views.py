"""Pages of the plenary. Rules live in the verbs; a view gathers, calls, and shows again what was refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import COLLEGIAL, Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit, User
from hierarchy.querysets import visible_q
from hierarchy.signin import stepup
from reports.bodies import queries as bodies
from reports.calendar.models import Window
from reports.findings import actions as findings
from reports.findings.models import Finding
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import minutes
from reports.plenary.agenda import Laid, Waiting, grouped, laid_items, recaps_of, waiting_of
from reports.plenary.models import AgendaItem, Attendance, Plenary, Vote
from reports.web import SignedIn, paged, posted_pk, seat

REFUSALS = (bodies.PlenaryError, findings.FindingError, stepup.NotConfirmed)


class CallForm(forms.Form):
    """What a plenary is about, when, where, and whether the public may listen."""

    agenda = forms.MultipleChoiceField(
        label=gettext_lazy("Yang akan diputuskan"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Pilih paling sedikit satu yang akan diputuskan.")},
    )
    meets_at = forms.DateTimeField(
        label=gettext_lazy("Waktu rapat (WITA)"),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        error_messages={"required": gettext_lazy("Isi waktu rapat."), "invalid": gettext_lazy("Isi waktu rapat.")},
    )
    place = forms.CharField(
        label=gettext_lazy("Tempat"),
        max_length=200,
        error_messages={"required": gettext_lazy("Tuliskan tempat rapat.")},
    )
    public = forms.BooleanField(label=gettext_lazy("Rapat terbuka untuk umum"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Alasan mengajukan rekap yang belum lengkap atau masih dibuka"),
        help_text=gettext_lazy("Dimuat di berita acara. Boleh juga diisi saat keputusan dinyatakan."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any, *, waiting: list[Waiting]) -> None:
        super().__init__(data, initial={"meets_at": clock.now().astimezone(WITA)})
        self.fields["agenda"].choices = [(each.key, each.title) for each in waiting]  # type: ignore[attr-defined]


@never_cache
@login_required
@require_safe
def plenaries(request: SignedIn) -> HttpResponse:
    """The plenaries of the reader's bodies, or of all below; what waits to be decided stands first."""
    own, wide = _bodies(request.user), request.GET.get("badan") == "semua"
    rows = Plenary.objects.filter(visible_q(request.user, "unit__"))
    if own and not wide:
        rows = rows.filter(unit__in=own)
    if (state := request.GET.get("keadaan", "")) in Plenary.State.values:
        rows = rows.filter(state=state)
    context = {
        "page": paged(request, rows.select_related("unit")),
        "own": own,
        "wide": wide or not own,
        "state": state,
        "states": Plenary.State.choices,
        "to_decide": [(unit, groups) for unit in own if (groups := grouped(recaps_of(unit)))],
        "may_set_quorum": bool(access.seats(request.user, Permission.MANAGE_ROSTER)),
        "may_call": any(access.can(request.user, Permission.PREPARE, unit) for unit in own),
        "nav_current": "plenaries",
    }
    return render(request, "reports/plenary/plenaries.html", context | seat(request))


@never_cache
@login_required
def call(request: SignedIn) -> HttpResponse:
    """Call one's body to a plenary."""
    unit = next(iter(bodies.prepared_by(request.user)), None)
    if unit is None:
        raise Http404
    waiting = waiting_of(unit)
    form = CallForm(request.POST if request.method == "POST" else None, waiting=waiting)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        chosen = [each.about for each in waiting if each.key in given["agenda"]]
        try:
            made = plenary.call(
                unit=unit,
                windows=[about for about in chosen if isinstance(about, Window)],
                about=[about for about in chosen if isinstance(about, Finding)],
                meets_at=given["meets_at"],
                place=given["place"],
                public=given["public"],
                reason=given["reason"],
                by=request.user,
            )
        except bodies.PlenaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Rapat pleno dicatat. Anggota dapat mengisi daftar hadir."))
            return redirect("plenary", pk=made.pk)
    context = {"form": form, "unit": unit, "groups": grouped(waiting), "nav_current": "plenaries"}
    context["chosen"] = form["agenda"].value() or []
    return render(request, "reports/plenary/call.html", context | seat(request), status=422 if form.errors else 200)


@never_cache
@login_required
@require_safe
def meeting(request: SignedIn, pk: int) -> HttpResponse:
    """One plenary: attendance, agenda with the figures as they will be ratified, votes, decisions."""
    return _page(request, _found(request, pk))


@sensitive_post_parameters("password")
@login_required
@require_POST
def act(request: SignedIn, pk: int) -> HttpResponse:
    """Every step of a plenary; one that is refused shows the page again with the sentence and what was typed."""
    found = _found(request, pk)
    step = STEPS.get(request.POST.get("verb", ""))
    if step is None:
        raise Http404
    try:
        step(request, found)
    except REFUSALS as error:
        return _page(request, _found(request, pk), refused=str(error), status=409)
    return redirect("plenary", pk=pk)


@never_cache
@login_required
@require_safe
def minutes_pdf(request: SignedIn, pk: int) -> HttpResponse:
    """The minutes (berita acara) as they are kept; a draft until the meeting is closed."""
    found = _found(request, pk)
    closed = found.state == Plenary.State.CLOSED
    name = f"berita-acara-{found.unit.code}-pleno-{found.number}{'' if closed else '-konsep'}.pdf"
    file = bytes(minutes.kept(found).pdf) if closed else minutes.draft(found)
    answer = HttpResponse(file, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


@never_cache
@require_safe
def check_minutes(request: HttpRequest, pk: int, printed: str) -> HttpResponse:
    """Where the QR code of minutes leads, for anybody: whether we know them, and the SHA-256 of the file."""
    found = minutes.genuine(pk, printed)
    context: dict[str, Any] = {"found": found}
    if found:
        context |= {"body": minutes.body_of(found.plenary.unit), "sha256": bytes(found.sha256).hex()}
    answer = render(request, "reports/plenary/minutes_check.html", context, status=200 if found else 404)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


# --- steps ----------------------------------------------------------------------------------------------------------


def _item(request: SignedIn, found: Plenary) -> AgendaItem:
    rows = AgendaItem.objects.select_related("plenary__unit__election", "window", "finding__unit")
    return get_object_or_404(rows, plenary=found, pk=posted_pk(request, "agenda"))


def _somebody(request: SignedIn, found: Plenary, name: str) -> User | None:
    number = request.POST.get(name, "")
    seats = sitting.expected_at(found)
    return next((row.user for row in seats if str(row.user_id) == number), None)


def _member(request: SignedIn, found: Plenary) -> User:
    member = _somebody(request, found, "anggota")
    if member is None:
        raise Http404
    return member


def _vote(request: SignedIn, found: Plenary) -> None:
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


def _decide(request: SignedIn, found: Plenary) -> None:
    access.require(request.user, Permission.RATIFY, found.unit)
    stepup.confirm(request, request.POST.get("password", ""))
    decided = plenary.decide(item=_item(request, found), by=request.user, reason=request.POST.get("alasan", ""))
    messages.success(request, _("Keputusan tercatat: %(word)s.") % {"word": decided.get_decision_display()})


def _add(request: SignedIn, found: Plenary) -> None:
    key = request.POST.get("agenda", "")
    chosen = next((each.about for each in waiting_of(found.unit) if each.key == key), None)
    if isinstance(chosen, Window):
        reason = request.POST.get("alasan", "")
        plenary.put_on_agenda(plenary=found, window=chosen, by=request.user, reason=reason)
    elif chosen is not None:
        plenary.put_finding_on_agenda(plenary=found, finding=chosen, by=request.user)
    else:
        raise bodies.PlenaryError(_("Pilih yang akan ditambahkan."))


STEPS: dict[str, Callable[[SignedIn, Plenary], Any]] = {
    "hadir": lambda r, found: sitting.arrive(plenary=found, member=_member(r, found), by=r.user),
    "pergi": lambda r, found: sitting.leave(plenary=found, member=_member(r, found), by=r.user),
    "izin": lambda r, found: sitting.excuse(
        plenary=found, member=_member(r, found), reason=r.POST.get("alasan", ""), by=r.user
    ),
    "buka": lambda r, found: plenary.open_(plenary=found, by=r.user, presider=_somebody(r, found, "pimpinan")),
    "suara": _vote,
    "putuskan": _decide,
    "perbarui": lambda r, found: plenary.refresh(item=_item(r, found), by=r.user),
    "tunda": lambda r, found: plenary.postpone(item=_item(r, found), note=r.POST.get("alasan", ""), by=r.user),
    "tambah": _add,
    "cabut": lambda r, found: plenary.take_off_agenda(item=_item(r, found), by=r.user),
    "tutup": lambda r, found: plenary.close(
        plenary=found, minutes_number=r.POST.get("nomor", ""), notes=r.POST.get("catatan", ""), by=r.user
    ),
    "batalkan": lambda r, found: plenary.cancel(plenary=found, reason=r.POST.get("alasan", ""), by=r.user),
}


# --- the page -------------------------------------------------------------------------------------------------------


def _page(request: SignedIn, found: Plenary, *, refused: str = "", status: int = 200) -> HttpResponse:
    seats = sitting.expected_at(found)
    listed = {row.user_id: row for row in found.attendance.select_related("user")}
    open_now = found.state in (Plenary.State.CALLED, Plenary.State.OPEN)
    members = {row.user_id: row.user for row in seats}
    present = [row for row in listed.values() if row.present and (row.user_id in members or not open_now)]
    items = laid_items(found, request.user, [row.user for row in present])
    context = {
        "plenary": found,
        "unit": found.unit,
        "seats": [(row, listed.get(row.user_id)) for row in seats] if open_now else [],
        "former": _former(found, listed) if found.state == Plenary.State.OPEN else [],
        "listed": list(listed.values()),
        "present": len(present),
        "members": len(seats) if open_now else found.members or len(seats),
        "needed": found.quorum if found.quorum and not open_now else sitting.needed_in(found, len(seats)),
        "eldest_unknown": _eldest_unknown(present, members),
        "items": items,
        "addable": grouped(_addable(found, items)) if open_now else [],
        "open_now": open_now,
        "may_prepare": access.can(request.user, Permission.PREPARE, found.unit),
        "may_vote": access.can(request.user, Permission.RATIFY, found.unit),
        "here": any(row.user_id == request.user.pk for row in present),
        "presides": found.presided_by_id == request.user.pk,
        "confirmed": stepup.confirmed(request),
        "choices": Vote.Choice.choices,
        "refused": refused,
        "typed": request.POST,
        "now": clock.now(),
        "nav_current": "plenaries",
    }
    return render(request, "reports/plenary/plenary.html", context | seat(request), status=status)


def _addable(found: Plenary, items: list[Laid]) -> list[Waiting]:
    """What could still be put on the agenda."""
    on = {laid.item.window or laid.item.finding for laid in items}
    return [each for each in waiting_of(found.unit) if each.about not in on]


def _former(found: Plenary, listed: dict[int, Attendance]) -> list[tuple[Attendance, date | None]]:
    """Who came as a member and is none any more, with the last day of their term."""
    ended = sitting.ended_at(found, listed)
    return [(row, ended[user]) for user, row in listed.items() if user in ended and row.arrived_at]


def _eldest_unknown(present: list[Attendance], members: dict[int, User]) -> list[User]:
    """Those present, where nobody can tell who presides: no chair, and a birth date is missing."""
    if any(row.role == "CHAIR" for row in present):
        return []
    people = [members[row.user_id] for row in present if row.user_id in members]
    return people if any(person.born_on is None for person in people) else []


def _found(request: SignedIn, pk: int) -> Plenary:
    rows = Plenary.objects.filter(visible_q(request.user, "unit__"))
    return get_object_or_404(rows.select_related("unit__election", "presided_by", "called_by"), pk=pk)


def _bodies(user: User) -> list[Unit]:
    """The collegial bodies the user serves in, members before others."""
    seats = [row for row in access.memberships(user) if Level(row.unit.level) in COLLEGIAL]
    seats.sort(key=lambda row: (not access.can(user, Permission.PREPARE, row.unit), row.pk))
    return list({row.unit_id: row.unit for row in seats}.values())
