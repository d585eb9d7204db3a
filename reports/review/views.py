"""Pages of a filed report and of those who review. Rules live in the verbs; a view gathers and calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock, qr, stored
from hierarchy.lib.errors import Refusal
from hierarchy.web import SignedIn, paged, posted_pk, refusals_told, with_status
from reports.bodies.queries import prepared_by
from reports.calendar.labels import title_of
from reports.filing.labels import answered_groups, answers_in, conflicts_of, history, revisions_of, side_by_side
from reports.filing.models import Evidence, Report
from reports.findings import reading
from reports.findings.models import Finding
from reports.findings.shapes import FORM, SUSPECTS
from reports.instruments.schema import PHOTO, YES
from reports.obligations.labels import ObligationRow
from reports.obligations.models import Obligation, State
from reports.obligations.querysets import ObligationQuerySet
from reports.quality import actions as quality
from reports.quality import labels as flag_words
from reports.review import actions as review
from reports.review.queries import slow_reviewers, waiting

MOST_TICKED = 500
PER_PAGE = 200  # a village reviews its stations, a district its villages: all of them on one page, to be ticked at once
# How long a filer gets to correct, in hours, in the words of the form.
CORRECTIONS = {
    "2": gettext_lazy("2 jam"),
    "6": gettext_lazy("6 jam"),
    "24": gettext_lazy("24 jam"),
    "72": gettext_lazy("3 hari"),
}
USUAL_CORRECTION = "24"
HASH_SHOWN = 16  # hex digits of the content hash that people compare
REMARK = "catatan-{}"


@never_cache
@login_required
@require_safe
def report(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """One report: its receipt, its answers, its history, and what the reader may do about it."""
    found = get_object_or_404(Report.objects.for_page().visible_to(request.user), pk=pk)
    return _report_page(request, found)


def _report_page(request: SignedIn, found: Report, *, refused: str = "") -> HttpResponse:
    """With `refused`, what the reviewer typed is shown again beside the sentence that says why."""
    obligation, now = found.obligation, clock.now()
    reviewer = access.can(request.user, Permission.REVIEW, obligation.filer)
    revisions = list(found.revisions.select_related("filed_by"))
    took_part = any(revision.filed_by_id == request.user.pk for revision in revisions)
    hidden = reading.withheld(request.user, found)
    typed = {name: request.POST.get(REMARK.format(name), "") for name in found.answers}
    context = {
        "report": found,
        "obligation": obligation,
        "title": title_of(obligation.window),
        "row": ObligationRow.of(obligation, now),
        "groups": answered_groups(found, typed, hidden),
        "hidden": bool(hidden & found.answers.keys()),
        "may_record": _may_record(request, found),
        "flags": flag_words.of_report(found),
        "may_settle": reviewer and not took_part,
        "events": history(found, told=not hidden & found.answers.keys()),
        "revisions": revisions_of(found, revisions, hidden),
        "conflicts": conflicts_of(found, obligation.conflicts.select_related("filed_by"), hidden),
        "receipt": _receipt(request, found),
        "own": took_part,
        "may_approve": reviewer and not took_part and obligation.state == State.FILED,
        "may_return": reviewer and obligation.state in review.TRANSITIONS["send_back"].start,
        "may_withdraw": reviewer and obligation.state in review.TRANSITIONS["withdraw"].start,
        "may_edit": access.can(request.user, Permission.FILE, obligation.filer) and now < obligation.closes_at,
        "reviewer": reviewer,
        "after": _next_waiting(request, obligation) if reviewer else None,
        "seen": bytes(found.sha256).hex(),
        "refused": refused,
        "typed_reason": request.POST.get("reason", ""),
        "typed_flag": request.POST.get("flag", ""),
        "typed_words": request.POST.get("penjelasan", ""),
        "corrections": CORRECTIONS,
        "typed_hours": request.POST.get("lama", USUAL_CORRECTION),
        "nav_current": "tasks",
    }
    return render(request, "reports/review/report.html", context)


def _may_record(request: SignedIn, found: Report) -> bool:
    """Whether a suspicion in it waits to be recorded, by a body of the reader."""
    if found.obligation.window.instrument.code != FORM or found.answers.get(SUSPECTS) != YES:
        return False
    return bool(prepared_by(request.user)) and not Finding.objects.filter(report=found).exists()


def _receipt(request: SignedIn, found: Report) -> dict[str, Any]:
    address = settings.SITE_URL.rstrip("/") + reverse("report", args=[found.pk])
    return {
        "code": found.receipt_code,
        "qr": qr.inline(address, title=_("Kode QR alamat laporan ini")),
        "title": title_of(found.obligation.window),
        "unit": found.obligation.subject.title,
        "at": found.filed_at,
        "hash": bytes(found.sha256).hex()[:HASH_SHOWN],
    }


def _next_waiting(request: SignedIn, obligation: Obligation) -> Obligation | None:
    rows = Obligation.objects.to_review(request.user).exclude(pk=obligation.pk).select_related("report")
    return rows.order_by("first_filed_at", "pk").first()


@never_cache
@login_required
@require_safe
def compare(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Two versions of a report side by side; the newest and the one before it, unless others are asked for."""
    found = get_object_or_404(Report.objects.for_page().visible_to(request.user), pk=pk)
    revisions = {str(each.number): each for each in found.revisions.select_related("filed_by").order_by("number")}
    before = revisions.get(request.GET.get("dari", "")) or revisions[str(max(found.revision - 1, 1))]
    after = revisions.get(request.GET.get("ke", "")) or revisions[str(found.revision)]
    hidden = reading.withheld(request.user, found)
    rows = side_by_side(found.window.version.parsed, answers_in(before, hidden), answers_in(after, hidden))
    context = {
        "report": found,
        "obligation": found.obligation,
        "title": title_of(found.obligation.window),
        "revisions": list(revisions.values()),
        "before": before,
        "after": after,
        "rows": rows,
        "changed": sum(row.changed for row in rows),
        "nav_current": "tasks",
    }
    return render(request, "reports/review/compare.html", context)


@login_required
@require_safe
@cache_control(private=True, max_age=86_400, immutable=True)
def photo(request: SignedIn, pk: uuid.UUID, sha256: str) -> HttpResponseBase:
    """A photo of a report, for those who may see the report. It was re-encoded on arrival and never changes."""
    found = get_object_or_404(Report.objects.for_page().visible_to(request.user), pk=pk)
    photos = {question.name for question in found.window.version.parsed.questions if question.kind == PHOTO}
    if photos & reading.hidden_from(request.user, found):
        raise Http404
    filed = [*found.revisions.all(), *found.obligation.conflicts.all()]
    # The filer's unit may hold photos of other reports, which this reader may not see.
    if not any(f'"{sha256}"'.encode() in bytes(version.canonical) for version in filed):
        raise Http404
    kept = get_object_or_404(Evidence, unit_id=found.obligation.filer_id, sha256=sha256)
    name = f"{found.receipt_code}-{sha256[:8]}.jpg"
    try:
        response = stored.answer(kept.file, filename=name, content_type="image/jpeg", as_attachment=False)
    except FileNotFoundError:
        raise Http404 from None
    response["X-Content-Type-Options"] = "nosniff"
    return response


def judgement(act: Callable[[SignedIn, Report, bytes], str]) -> Callable[[SignedIn, uuid.UUID], HttpResponse]:
    """A view of one decision, bound to the content the reviewer saw on the screen; `act` returns what is said then."""

    @login_required
    @require_POST
    @wraps(act)
    def view(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
        found = get_object_or_404(Report.objects.for_page().visible_to(request.user), pk=pk)
        try:
            seen = bytes.fromhex(request.POST.get("seen", ""))
        except ValueError:
            raise Http404 from None
        try:
            messages.success(request, act(request, found, seen))
        except Refusal as refusal:
            fresh = Report.objects.for_page().get(pk=pk)  # it may have changed, and that may be why
            return with_status(_report_page(request, fresh, refused=refusal.text), refusal)
        return redirect("report", pk=pk)

    return view


@judgement
def approve(request: SignedIn, found: Report, seen: bytes) -> str:
    review.approve(report=found, seen=seen, by=request.user)
    return _("Laporan disetujui.")


@judgement
def send_back(request: SignedIn, found: Report, seen: bytes) -> str:
    remarks = {name: request.POST.get(REMARK.format(name), "") for name in found.answers}
    hours = request.POST.get("lama", USUAL_CORRECTION)
    if hours not in CORRECTIONS:
        raise review.ReviewError(_("Pilih batas waktu perbaikan."))
    review.send_back(
        report=found,
        seen=seen,
        remarks={"": request.POST.get("reason", ""), **remarks},
        correct_by=clock.now() + timedelta(hours=int(hours)),
        by=request.user,
    )
    return _("Laporan dikembalikan untuk diperbaiki.")


@judgement
def withdraw(request: SignedIn, found: Report, seen: bytes) -> str:
    review.withdraw(report=found, seen=seen, reason=request.POST.get("reason", ""), by=request.user)
    return _("Persetujuan dibatalkan.")


@login_required
@require_POST
def settle(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """The superior says in words why a doubtful figure is right, or what was checked."""
    found = get_object_or_404(Report.objects.for_page().visible_to(request.user), pk=pk)
    flag = get_object_or_404(found.flags, pk=posted_pk(request, "flag"))
    flag.report = found
    try:
        quality.resolve(flag=flag, resolution=request.POST.get("penjelasan", ""), by=request.user)
    except Refusal as refusal:
        return with_status(_report_page(request, found, refused=refusal.text), refusal)
    messages.success(request, _("Penjelasan disimpan."))
    return redirect("report", pk=pk)


@never_cache
@login_required
def queue(request: SignedIn) -> HttpResponse:
    """What waits for my review; the clean ones can be approved together, the flagged ones one by one.

    Below it, reviewers under me who keep reports waiting.
    """
    now, memberships = clock.now(), access.memberships_with(request.user, Permission.REVIEW)
    rows = Obligation.objects.to_review(request.user).for_lists().order_by("first_filed_at", "pk")
    if request.method == "POST":
        return _approve_chosen(request, rows)
    page = paged(request, rows, per_page=PER_PAGE)
    found = waiting(page, now)
    flagged = [row for row in found if not row.is_clean]
    context = {
        "page": page,
        "rows": flagged if request.GET.get("tampil") == "perhatian" else found,
        "only_flagged": request.GET.get("tampil") == "perhatian",
        "clean": len(found) - len(flagged),
        "flagged": len(flagged),
        "reviews": bool(memberships),
        "slow": slow_reviewers(of=[membership.unit_id for membership in memberships], now=now) if memberships else [],
        "nav_current": "tasks",
    }
    return render(request, "reports/review/queue.html", context)


def _approve_chosen(request: SignedIn, rows: ObligationQuerySet) -> HttpResponse:
    """The form carries "report id:content hash" of what was ticked, or of every clean row of the page."""
    chosen = request.POST.getlist("bersih" if request.POST.get("pilih") == "bersih" else "seen")
    seen: dict[object, bytes] = {}
    for ticked in chosen[:MOST_TICKED]:
        try:
            number, _colon, sha256 = ticked.partition(":")
            seen[uuid.UUID(number)] = bytes.fromhex(sha256)
        except ValueError:
            raise Http404 from None
    if not seen:
        messages.warning(request, _("Belum ada yang ditandai. Tandai laporan yang Anda setujui, lalu tekan lagi."))
        return redirect("queue")
    reports = Report.objects.for_page().filter(pk__in=seen, obligation__in=rows.values("pk"))
    done = review.approve_many(reports=reports, seen=seen, by=request.user)
    if done:
        text = ngettext("%(done)d laporan disetujui.", "%(done)d laporan disetujui.", done) % {"done": done}
        messages.success(request, text)
    if left := len(seen) - done:
        text = ngettext(
            "%(left)d laporan sudah berubah atau sudah diputuskan, jadi tidak ikut disetujui.",
            "%(left)d laporan sudah berubah atau sudah diputuskan, jadi tidak ikut disetujui.",
            left,
        )
        messages.warning(request, text % {"left": left})
    return redirect("queue")


def signal(act: Callable[[SignedIn, Obligation], None]) -> Callable[[SignedIn, int], HttpResponse]:
    """A view of what a superior states about the signal of a unit; leads back to the list it was sent from."""

    @login_required
    @require_POST
    @wraps(act)
    def view(request: SignedIn, pk: int) -> HttpResponse:
        obligation = get_object_or_404(Obligation.objects.for_intake().visible_to(request.user), pk=pk)
        with refusals_told(request):
            act(request, obligation)
            messages.success(request, _("Catatan sinyal disimpan."))
        target = request.POST.get("next", "")
        own = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
        return redirect(target if own else "tasks")

    return view


@signal
def attest(request: SignedIn, obligation: Obligation) -> None:
    review.attest_unreachable(obligation=obligation, reason=request.POST.get("reason", ""), by=request.user)


@signal
def retract(request: SignedIn, obligation: Obligation) -> None:
    review.retract_unreachable(obligation=obligation, by=request.user)
