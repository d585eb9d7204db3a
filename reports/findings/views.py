"""Pages of the register of findings. Rules live in the verbs; a view gathers, calls, and shows again what was typed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.lib.tabular import safe_cell
from hierarchy.units.queries import named
from hierarchy.web import SignedIn, paged, with_status
from reports.bodies.queries import prepared_by
from reports.findings import actions as findings
from reports.findings import content, deadlines, reading
from reports.findings import labels as finding_words
from reports.findings import queries as registered
from reports.findings.models import Finding, Matter, Party


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
    rows, chosen, today = registered.register(request.user), _chosen(request), clock.today()
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
        "forms": paged(request, registered.unrecorded(bodies[0]), "formulir") if bodies else None,
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
@require_safe
def finding(request: SignedIn, pk: int) -> HttpResponse:
    """One finding: its deadline for everybody above, its contents for those who handle it, its parties on request."""
    return _page(request, found_finding(request, pk))


# --- steps ----------------------------------------------------------------------------------------------------------


def step(act: Callable[[SignedIn, Finding], list[Party] | None]) -> Callable[[SignedIn, int], HttpResponse]:
    """A view of one step; refused, it shows the page again with the sentence and what was typed.

    Parties that were opened stand on the answer: a page with an address of its own would open them on every visit.
    """

    @login_required
    @require_POST
    @wraps(act)
    def view(request: SignedIn, pk: int) -> HttpResponse:
        found = found_finding(request, pk)
        try:
            parties = act(request, found)
        except Refusal as refusal:
            return with_status(_page(request, found_finding(request, pk), refused=refusal.text), refusal)
        return redirect("finding", pk=pk) if parties is None else _page(request, found, parties=parties)

    return view


@step
def read_parties(request: SignedIn, found: Finding) -> list[Party]:
    return findings.read_parties(finding=found, purpose=request.POST.get("keperluan", ""), by=request.user)


@step
def assign(request: SignedIn, found: Finding) -> None:
    wanted = set(request.POST.getlist("orang"))
    people = [person for person in registered.nameable(found.unit) if str(person.pk) in wanted]
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


def found_finding(request: SignedIn, pk: int) -> Finding:
    rows = registered.register(request.user).prefetch_related("handlers")
    return get_object_or_404(rows.select_related("report", "recorded_by"), pk=pk)


def _page(request: SignedIn, found: Finding, *, refused: str = "", parties: list[Party] | None = None) -> HttpResponse:
    handles, member = reading.handles(request.user, found), access.can(request.user, Permission.RATIFY, found.unit)
    agenda = found.agenda.select_related("plenary").order_by("pk")
    context = {
        "finding": found,
        "unit": found.unit,
        "standing": deadlines.standing(found, clock.today()),
        "handles": handles,
        "member": member,
        "told": finding_words.told(content.laid(found, Matter.OUTCOME)) if handles else [],
        "parties": parties,
        "nameable": registered.nameable(found.unit) if member else [],
        "named": {person.pk for person in found.handlers.all()},
        "agenda": list(agenda),
        "matter": registered.matter_of(found),
        "may_call": access.can(request.user, Permission.PREPARE, found.unit),
        "refused": refused,
        "typed": request.POST,
        "nav_current": "findings",
    }
    return render(request, "reports/findings/finding.html", context)
