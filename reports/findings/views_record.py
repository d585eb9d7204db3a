"""The form of a suspected violation: recorded, from a Form A or not, and written anew until its plenary."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from hierarchy.lib import clock
from hierarchy.models import Unit, User
from hierarchy.units.queries import one
from hierarchy.web import SignedIn, refusals_in
from reports.bodies.queries import prepared_by
from reports.filing.models import Report
from reports.findings import actions as findings
from reports.findings import queries as registered
from reports.findings import reading
from reports.findings.models import Finding, Party
from reports.findings.shapes import FindingContent, FindingError, PartyEntry
from reports.findings.views import found_finding

MOST_PEOPLE = 6  # parties that a form has room for


class FindingForm(forms.Form):
    """A suspected violation as it is recorded or amended. Parties are a row of three inputs each (`people`)."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Jenis pelanggaran"),
        choices=[("", gettext_lazy("Pilih jenisnya")), *Finding.Kind.choices],
        error_messages={"required": gettext_lazy("Pilih jenis pelanggarannya.")},
    )
    event = forms.CharField(
        label=gettext_lazy("Peristiwa"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Apa yang terjadi, secara urut. Nama orang ditulis di bagian pihak, bukan di sini."),
        error_messages={"required": gettext_lazy("Tuliskan peristiwanya.")},
    )
    occurred_in = forms.CharField(
        label=gettext_lazy("Kode satuan tempat kejadian"),
        help_text=gettext_lazy("Kode kecamatan, desa, atau TPS. Boleh dengan atau tanpa titik."),
        error_messages={"required": gettext_lazy("Isi kode satuan tempat kejadian.")},
    )
    place = forms.CharField(
        label=gettext_lazy("Tempat kejadian"),
        max_length=300,
        error_messages={"required": gettext_lazy("Tuliskan tempat kejadiannya.")},
    )
    happened_on = forms.DateField(
        label=gettext_lazy("Tanggal kejadian"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={
            "required": gettext_lazy("Isi tanggal kejadian."),
            "invalid": gettext_lazy("Isi tanggal kejadian."),
        },
    )
    discovered_on = forms.DateField(
        label=gettext_lazy("Tanggal ditemukan"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("Tujuh hari untuk menetapkan temuan dihitung dari tanggal ini."),
        error_messages={
            "required": gettext_lazy("Isi tanggal ditemukan."),
            "invalid": gettext_lazy("Isi tanggal ditemukan."),
        },
    )
    evidence = forms.CharField(
        label=gettext_lazy("Alat bukti dan barang bukti"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    analysis = forms.CharField(
        label=gettext_lazy("Fakta dan analisa"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def told(self, people: list[PartyEntry]) -> FindingContent:
        given = {name: value for name, value in self.cleaned_data.items() if name != "occurred_in"}
        return FindingContent(**given, people=tuple(people))


@never_cache
@login_required
def record(request: SignedIn) -> HttpResponse:
    """Enter a suspected violation, on one's own or from a Form A (`?laporan=`)."""
    bodies = prepared_by(request.user)
    if not bodies:
        raise Http404
    unit, source = bodies[0], None
    if number := (request.POST.get("laporan") or request.GET.get("laporan")):
        source = _form_a(unit, number)
    posted = request.method == "POST"
    initial = {} if posted else _initial(source, request.user)
    form = FindingForm(request.POST if posted else None, initial=initial)
    people = _people(request) if posted else initial.get("people", [])
    if posted and form.is_valid():
        with refusals_in(form):
            told = form.told(people)
            where = _where(unit, form.cleaned_data["occurred_in"])
            made = findings.record(unit=unit, told=told, occurred_in=where, by=request.user, report=source)
            messages.success(
                request, _("Dugaan pelanggaran dicatat dengan nomor %(number)d.") % {"number": made.number}
            )
            return redirect("finding", pk=made.pk)
    return _form_page(request, form, people, unit=unit, source=source)


@never_cache
@login_required
def amend(request: SignedIn, pk: int) -> HttpResponse:
    """Write a suspected violation anew before its plenary. Its parties are shown here, so opening it is journaled."""
    finding = found_finding(request, pk)
    reading.require_handling(request.user, finding)
    posted = request.method == "POST"
    if posted:
        people = _people(request)
    else:
        read = findings.read_parties(finding=finding, purpose=_("Memperbaiki catatan"), by=request.user)
        people = [PartyEntry(one.part, one.name, one.address) for one in read]
    fields = ("kind", "event", "place", "happened_on", "discovered_on", "evidence", "analysis")
    initial = {name: getattr(finding, name) for name in fields} | {"occurred_in": finding.occurred_in.code}
    form = FindingForm(request.POST if posted else None, initial=initial)
    form.fields["occurred_in"].disabled = True
    if posted and form.is_valid():
        with refusals_in(form):
            told = replace(form.told(people), nobody="nobody" in request.POST)
            findings.amend(finding=finding, told=told, by=request.user)
            messages.success(request, _("Catatan disimpan."))
            return redirect("finding", pk=pk)
    return _form_page(request, form, people, unit=finding.unit, finding=finding)


def _form_a(unit: Unit, number: str) -> Report:
    try:
        return get_object_or_404(registered.unrecorded(unit), pk=uuid.UUID(number))
    except ValueError:
        raise Http404 from None


def _initial(source: Report | None, reader: User) -> dict[str, Any]:
    if source is None:
        return {"discovered_on": clock.today()}
    return findings.read_form(report=source, by=reader) | {"occurred_in": source.obligation.subject.code}


def _where(unit: Unit, code: str) -> Unit:
    """The unit that was typed; a name first of all means one within the body's own area."""
    found = one(code, Unit.objects.within(unit)) or one(code, Unit.objects.filter(election=unit.election_id))
    if found is None:
        raise FindingError(_("Tidak ada satuan dengan kode ini. Periksa kodenya."), "occurred_in")
    return found


def _people(request: SignedIn) -> list[PartyEntry]:
    """What was typed of parties, empty rows left out."""
    columns = [request.POST.getlist(name) for name in ("part", "name", "address")]
    rows = [PartyEntry(*row) for row in zip(*columns, strict=False)][:MOST_PEOPLE]
    known = [row for row in rows if row.part in Party.Part.values]
    return [row for row in known if row.name.strip() or row.address.strip()]


def _form_page(
    request: SignedIn,
    form: FindingForm,
    people: list[PartyEntry],
    *,
    unit: Unit,
    source: Report | None = None,
    finding: Finding | None = None,
) -> HttpResponse:
    empty = [PartyEntry(str(Party.Part.RESPONDENT), "")] + [PartyEntry(str(Party.Part.WITNESS), "")] * 2
    context = {
        "form": form,
        "unit": unit,
        "source": source,
        "finding": finding,
        "people": people
        + empty[len(people) :]
        + ([PartyEntry(str(Party.Part.WITNESS), "")] if len(people) > 2 else []),
        "parts": Party.Part.choices,
        "nav_current": "findings",
    }
    status = 422 if form.errors else 200
    return render(request, "reports/findings/form.html", context, status=status)
