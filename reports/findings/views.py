"""Pages of the register of findings. Rules live in the verbs; a view gathers, calls, and shows again what was typed."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.lib.tabular import safe_cell
from hierarchy.models import Unit, User
from hierarchy.units.queries import named, one
from hierarchy.web import SignedIn, paged, refusals_in, with_status
from reports.bodies.queries import prepared_by
from reports.filing.models import Report
from reports.findings import actions as findings
from reports.findings import deadlines
from reports.findings import labels as finding_words
from reports.findings.actions import FindingContent, FindingError, PartyEntry
from reports.findings.models import Finding, Party

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


@dataclass(frozen=True)
class RegisterRow:
    """A finding in the register, and where its deadline stands."""

    finding: Finding
    standing: deadlines.DeadlineStanding | None


@never_cache
@login_required
@require_safe
def register(request: SignedIn) -> HttpResponse:
    """The register of one's bodies and of all below; with `?bentuk=csv` the whole chosen list without its contents."""
    rows, chosen, today = findings.register(request.user), _chosen(request), clock.today()
    if chosen["status"]:
        rows = rows.filter(status=chosen["status"])
    if chosen["jenis"]:
        rows = rows.filter(kind=chosen["jenis"])
    if sought := chosen["cari"]:
        rows = rows.filter(named(sought, "unit__") | named(sought, "occurred_in__"))
    # Whose deadline runs out first is a matter of working days, so Python sorts; a register is some hundred rows.
    entries = [RegisterRow(row, deadlines.standing(row, today)) for row in rows]
    entries.sort(key=lambda entry: (entry.standing.due if entry.standing else date.max, -entry.finding.pk))
    if request.GET.get("bentuk") == "csv":
        return _csv(entries)
    bodies = prepared_by(request.user)
    context = {
        "page": paged(request, entries),
        "chosen": chosen,
        "statuses": Finding.Status.choices,
        "kinds": Finding.Kind.choices,
        "overdue": sum(bool(entry.standing and entry.standing.over) for entry in entries),
        "bodies": bodies,
        "forms": paged(request, findings.unrecorded(bodies[0]), "formulir") if bodies else None,
        "nav_current": "findings",
    }
    return render(request, "reports/findings/register.html", context)


def _chosen(request: SignedIn) -> dict[str, str]:
    status, kind = request.GET.get("status", ""), request.GET.get("jenis", "")
    return {
        "status": status if status in Finding.Status.values else "",
        "jenis": kind if kind in Finding.Kind.values else "",
        "cari": tidy(request.GET.get("cari", ""))[:60],
    }


def _csv(entries: list[RegisterRow]) -> HttpResponse:
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="register-temuan.csv"'
    sheet = csv.writer(answer, delimiter=";")
    sheet.writerow(
        [_("Lembaga"), _("Nomor"), _("Jenis"), _("Keadaan"), _("Tempat"), _("Ditemukan"), _("Diregistrasi"), _("Batas")]
    )
    for entry in entries:
        row = entry.finding
        cells = [
            row.unit.title,
            row.number,
            row.get_kind_display(),
            row.get_status_display(),
            row.occurred_in.title,
            row.discovered_on.isoformat(),
            row.registered_on.isoformat() if row.registered_on else "",
            entry.standing.due.isoformat() if entry.standing else "",
        ]
        sheet.writerow([safe_cell(cell) for cell in cells])
    return answer


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
    finding = _found(request, pk)
    findings.require_handling(request.user, finding)
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


@never_cache
@login_required
@require_safe
def finding(request: SignedIn, pk: int) -> HttpResponse:
    """One finding: its deadline for everybody above, its contents for those who handle it, its parties on request."""
    return _page(request, _found(request, pk))


# --- steps ----------------------------------------------------------------------------------------------------------


def step(act: Callable[[SignedIn, Finding], list[Party] | None]) -> Callable[[SignedIn, int], HttpResponse]:
    """A view of one step; refused, it shows the page again with the sentence and what was typed.

    Parties that were opened stand on the answer: a page with an address of its own would open them on every visit.
    """

    @login_required
    @require_POST
    @wraps(act)
    def view(request: SignedIn, pk: int) -> HttpResponse:
        found = _found(request, pk)
        try:
            parties = act(request, found)
        except Refusal as refusal:
            return with_status(_page(request, _found(request, pk), refused=refusal.text), refusal)
        return redirect("finding", pk=pk) if parties is None else _page(request, found, parties=parties)

    return view


@step
def read_parties(request: SignedIn, found: Finding) -> list[Party]:
    return findings.read_parties(finding=found, purpose=request.POST.get("keperluan", ""), by=request.user)


@step
def assign(request: SignedIn, found: Finding) -> None:
    wanted = set(request.POST.getlist("orang"))
    people = [person for person in findings.nameable(found.unit) if str(person.pk) in wanted]
    findings.assign(finding=found, people=people, by=request.user)
    messages.success(request, _("Penangan disimpan."))


@step
def extend(request: SignedIn, found: Finding) -> None:
    findings.extend(finding=found, reason=request.POST.get("alasan", ""), by=request.user)


@step
def propose(request: SignedIn, found: Finding) -> None:
    findings.propose_outcome(finding=found, outcome=request.POST.get("hasil", ""), by=request.user)
    messages.success(request, _("Usul tindak lanjut disimpan. Masukkan ke agenda rapat pleno untuk diputuskan."))


# --- parts ----------------------------------------------------------------------------------------------------------


def _found(request: SignedIn, pk: int) -> Finding:
    rows = findings.register(request.user).prefetch_related("handlers")
    return get_object_or_404(rows.select_related("report", "recorded_by"), pk=pk)


def _form_a(unit: Unit, number: str) -> Report:
    try:
        return get_object_or_404(findings.unrecorded(unit), pk=uuid.UUID(number))
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


def _page(request: SignedIn, found: Finding, *, refused: str = "", parties: list[Party] | None = None) -> HttpResponse:
    handles, member = findings.handles(request.user, found), access.can(request.user, Permission.RATIFY, found.unit)
    agenda = found.agenda.select_related("plenary").order_by("pk")
    context = {
        "finding": found,
        "unit": found.unit,
        "standing": deadlines.standing(found, clock.today()),
        "handles": handles,
        "member": member,
        "told": finding_words.told(findings.laid(found, findings.Matter.OUTCOME)) if handles else [],
        "parties": parties,
        "nameable": findings.nameable(found.unit) if member else [],
        "named": {person.pk for person in found.handlers.all()},
        "agenda": list(agenda),
        "matter": findings.matter_of(found),
        "may_call": access.can(request.user, Permission.PREPARE, found.unit),
        "refused": refused,
        "typed": request.POST,
        "nav_current": "findings",
    }
    return render(request, "reports/findings/finding.html", context)
