"""The page on which an admin sets a body's own quorum."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from hierarchy.access import COLLEGIAL
from hierarchy.models import Unit
from hierarchy.querysets import visible_q
from hierarchy.units.queries import one
from hierarchy.web import SignedIn, admin_membership, paged, posted_pk, refusals_in
from reports.bodies import actions as bodies_actions
from reports.bodies.models import Quorum


class QuorumForm(forms.Form):
    """Which body, how many, and by what rule."""

    code = forms.CharField(
        label=gettext_lazy("Kode satuan"),
        help_text=gettext_lazy("Kode provinsi, kabupaten/kota, atau kecamatan. Boleh dengan atau tanpa titik."),
        error_messages={"required": gettext_lazy("Isi kode satuan.")},
    )
    needed = forms.IntegerField(
        label=gettext_lazy("Anggota yang harus hadir"),
        min_value=1,
        error_messages={
            "required": gettext_lazy("Isi jumlah anggota."),
            "invalid": gettext_lazy("Isi jumlah anggota."),
        },
    )
    reason = forms.CharField(
        label=gettext_lazy("Dasar aturannya"),
        max_length=200,
        help_text=gettext_lazy("Misalnya nomor keputusan atau tata tertib."),
        error_messages={"required": gettext_lazy("Tuliskan dasar aturannya.")},
    )


@never_cache
@login_required
def quorums(request: SignedIn) -> HttpResponse:
    """Bodies whose quorum is not the usual one, and the form that sets one."""
    own = admin_membership(request)
    posted = request.method == "POST"
    form = QuorumForm(request.POST if posted else None)
    if posted and form.is_valid():
        units = Unit.objects.visible_to(request.user).filter(election=own.unit.election_id, level__in=COLLEGIAL)
        unit = one(form.cleaned_data["code"], units.select_related("election"))
        if unit is None:
            form.add_error("code", _("Tidak ada lembaga dengan kode ini di wilayah Anda. Periksa kodenya."))
        else:
            given = {name: form.cleaned_data[name] for name in ("needed", "reason")}
            with refusals_in(form):
                bodies_actions.set_quorum(unit=unit, by=request.user, **given)
                messages.success(request, _("Kuorum %(unit)s disimpan.") % {"unit": unit.title})
                return redirect("quorums")
    rows = Quorum.objects.filter(visible_q(request.user, "unit__")).select_related("unit", "set_by")
    context = {"form": form, "page": paged(request, rows.order_by("unit__code")), "nav_current": "plenaries"}
    return render(request, "reports/bodies/quorums.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def usual_quorum(request: SignedIn) -> HttpResponse:
    """Gives a body the usual quorum again."""
    admin_membership(request)
    rows = Quorum.objects.filter(visible_q(request.user, "unit__")).select_related("unit__election")
    bodies_actions.unset_quorum(quorum=get_object_or_404(rows, pk=posted_pk(request, "kuorum")), by=request.user)
    return redirect("quorums")
