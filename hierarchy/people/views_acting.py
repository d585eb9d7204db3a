"""The page on which an officer, their superior or an admin lets somebody review in the officer's place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from hierarchy.lib import clock, formats
from hierarchy.models import Membership, Unit, User
from hierarchy.people import acting as rules
from hierarchy.units.queries import find
from hierarchy.web import SignedIn, paged, refusals_in, refusals_told


class ActingForm(forms.Form):
    """Who acts, from when until when, and why."""

    user = forms.TypedChoiceField(
        label=gettext_lazy("Pengganti"),
        coerce=int,
        error_messages={"required": gettext_lazy("Pilih siapa yang menggantikan.")},
    )
    since = forms.DateField(
        label=gettext_lazy("Mulai tanggal"),
        error_messages={"required": gettext_lazy("Isi tanggal mulai."), "invalid": gettext_lazy("Isi tanggal mulai.")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    until = forms.DateField(
        label=gettext_lazy("Sampai tanggal"),
        help_text=gettext_lazy("Hari terakhir ikut dihitung."),
        error_messages={"required": gettext_lazy("Isi tanggal akhir."), "invalid": gettext_lazy("Isi tanggal akhir.")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Alasan"),
        max_length=200,
        help_text=gettext_lazy("Misalnya: PKD sakit, cuti, atau belum dilantik."),
        error_messages={"required": gettext_lazy("Tuliskan alasan penggantian.")},
    )

    def __init__(self, data: Any, *, people: list[Membership]) -> None:
        super().__init__(data, initial={"since": clock.today()})
        named = [
            (membership.user_id, f"{membership.user.name} · {membership.get_role_display()} {membership.unit.title}")
            for membership in people
        ]
        self.fields["user"].choices = [("", _("Pilih orangnya")), *named]  # type: ignore[attr-defined]


@never_cache
@login_required
def acting(request: SignedIn) -> HttpResponse:
    """Who acts where; choose a unit, then a person and their days."""
    by = request.user
    mine, search = rules.units(by), formats.tidy(request.GET.get("cari", ""))
    chosen = _chosen(request, by)
    form = ActingForm(request.POST or None, people=rules.candidates(chosen)) if chosen else None
    if chosen and form and request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals_in(form):
            rules.let_act(
                user=User.objects.get(pk=given["user"]),
                unit=chosen,
                since=given["since"],
                until=given["until"],
                reason=given["reason"],
                by=by,
            )
            messages.success(request, _("Penggantian dicatat. Penggantinya dapat memeriksa laporan pada tanggal itu."))
            return redirect("acting")
    context = {
        "form": form,
        "chosen": chosen,
        "terms": paged(request, rules.terms(mine), "pengganti"),
        "units": paged(request, find(search, mine)),
        "search": search,
    }
    return render(request, "hierarchy/people/acting.html", context, status=422 if form and form.errors else 200)


def _chosen(request: SignedIn, by: User) -> Unit | None:
    """The unit of `?satuan=<key>`; Http404 for one whose officer is none of the reader's business."""
    key = request.GET.get("satuan", "")
    if not key:
        return None
    if not key.isdecimal() or len(key) > 18:
        raise Http404
    unit = get_object_or_404(Unit.objects.visible_to(by).with_ancestors().select_related("parent"), pk=key)
    if not rules.may_let(by, unit):
        raise Http404
    return unit


@login_required
@require_POST
def stop(request: SignedIn, pk: int) -> HttpResponse:
    """Ends an acting term."""
    by = request.user
    terms = rules.terms(rules.units(by))
    with refusals_told(request):
        rules.stop(membership=get_object_or_404(terms, pk=pk), by=by)
        messages.success(request, _("Penggantian diakhiri."))
    return redirect("acting")
