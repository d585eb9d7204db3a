"""Pages of the plenary. Rules live in the verbs; a view gathers, calls, and shows again what was refused."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import COLLEGIAL, Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit, User
from hierarchy.querysets import visible_q
from hierarchy.web import SignedIn, paged, refusals_in
from reports.bodies import queries as bodies
from reports.calendar.models import Window
from reports.findings.models import Finding
from reports.plenary import actions as plenary
from reports.plenary import minutes, sheet
from reports.plenary.agenda import WaitingMatter, grouped, recaps_of, waiting_of
from reports.plenary.models import Plenary
from reports.plenary.page import found_plenary, page_of


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

    def __init__(self, data: Any, *, waiting: list[WaitingMatter]) -> None:
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
        "may_set_quorum": bool(access.memberships_with(request.user, Permission.MANAGE_ROSTER)),
        "may_call": any(access.can(request.user, Permission.PREPARE, unit) for unit in own),
        "nav_current": "plenaries",
    }
    return render(request, "reports/plenary/plenaries.html", context)


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
        with refusals_in(form):
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
            messages.success(request, _("Rapat pleno dicatat. Anggota dapat mengisi daftar hadir."))
            return redirect("plenary", pk=made.pk)
    context = {"form": form, "unit": unit, "groups": grouped(waiting), "nav_current": "plenaries"}
    context["chosen"] = form["agenda"].value() or []
    return render(request, "reports/plenary/call.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_safe
def meeting(request: SignedIn, pk: int) -> HttpResponse:
    """One plenary: attendance, agenda with the figures as they will be ratified, votes, decisions."""
    return page_of(request, found_plenary(request, pk))


@login_required
@require_POST
def outdated(request: SignedIn, pk: int) -> HttpResponse:
    """The one address that all steps shared once: a page opened before the upgrade still posts to it."""
    found = found_plenary(request, pk)
    messages.warning(request, _("Halaman ini sudah lama dibuka dan baru saja dimuat ulang. Ulangi langkah Anda."))
    return redirect("plenary", pk=found.pk)


@never_cache
@login_required
@require_safe
def minutes_pdf(request: SignedIn, pk: int) -> HttpResponse:
    """The minutes (berita acara) as they are kept; a draft until the meeting is closed."""
    found = found_plenary(request, pk)
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
        context |= {"body": sheet.body_of(found.plenary.unit), "sha256": bytes(found.sha256).hex()}
    answer = render(request, "reports/plenary/minutes_check.html", context, status=200 if found else 404)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _bodies(user: User) -> list[Unit]:
    """The collegial bodies the user serves in, members before others."""
    memberships = [row for row in access.memberships(user) if Level(row.unit.level) in COLLEGIAL]
    memberships.sort(key=lambda row: (not access.can(user, Permission.PREPARE, row.unit), row.pk))
    return list({row.unit_id: row.unit for row in memberships}.values())
