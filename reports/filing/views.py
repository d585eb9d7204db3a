"""Pages of those who file: what waits for them, and the form. Rules live in the verbs; a view gathers and calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.models import User
from hierarchy.web import SignedIn, with_status
from reports.calendar.models import Cadence, Window
from reports.filing import actions as intake
from reports.filing import evidence
from reports.filing.forms import REASON, ReportForm
from reports.filing.labels import differences
from reports.filing.models import Channel, Report
from reports.filing.parts import parts
from reports.instruments.codec import Content, InvalidAnswers
from reports.obligations import actions as obligations
from reports.obligations.labels import ObligationRow
from reports.obligations.models import Obligation


@never_cache
@login_required
def file_report(request: SignedIn, pk: int) -> HttpResponse:
    """Fill in what is owed, or correct what was filed."""
    seen = Obligation.objects.for_intake().visible_to(request.user)
    obligation = get_object_or_404(seen.select_related("report", "subject__village", "window__stage"), pk=pk)
    access.require(request.user, Permission.FILE, obligation.filer)
    return _filing(request, obligation, getattr(obligation, "report", None))


@never_cache
@login_required
def file_event(request: SignedIn, window_pk: int) -> HttpResponse:
    """Fill in a report nobody owed in advance (Form A), about one's own unit."""
    memberships = access.memberships_with(request.user, Permission.FILE)
    windows = Window.objects.filter(instrument__cadence=Cadence.EVENT, opened_at__isnull=False)
    windows = windows.filter(election__in=[membership.unit.election_id for membership in memberships])
    window = get_object_or_404(windows.select_related("instrument", "version", "election", "stage"), pk=window_pk)
    unit = next(membership.unit for membership in memberships if membership.unit.election_id == window.election_id)
    due_at, closes_at = obligations.terms(window, [unit])
    draft = Obligation(window=window, subject=unit, filer=unit, counted_in=unit, due_at=due_at, closes_at=closes_at)
    return _filing(request, draft, None)


def _filing(request: SignedIn, obligation: Obligation, standing: Report | None) -> HttpResponse:
    posted = request.method == "POST"
    photos: list[evidence.NotAPhoto] = []  # that were refused
    form = ReportForm(
        obligation.window.version,
        request.POST if posted else None,
        request.FILES if posted else None,
        initial=_initial(standing),
        reasons=standing.reasons if standing else {},
        keep=_keeper(obligation, request.user, photos),
    )
    if not posted:
        return _form_page(request, obligation, standing, form, standing.pk if standing else uuid.uuid4())
    number = _report_id(request, standing)
    if not form.is_valid() or form.content is None:
        page = _form_page(request, obligation, standing, form, number, status=422)
        return with_status(page, max(photos, key=lambda refused: refused.status)) if photos else page
    try:
        receipt = _submit(request, obligation, form.content, number)
    except intake.Clash as clash:
        return _clash_page(request, obligation, form, clash)
    except intake.ReportRefused as refusal:
        form.add_error(None, refusal.messages)
        return _form_page(request, obligation, standing, form, number, status=refusal.status)
    except InvalidAnswers:  # good a moment ago: the window has just been given another version of the form
        obligation.window.refresh_from_db(fields=["version"])
        for _name, uploads in request.FILES.lists():
            for upload in uploads:
                upload.seek(0)
        return _filing(request, obligation, standing)
    messages.success(request, _("Laporan diterima. Simpan kode %(code)s.") % {"code": receipt.code})
    return redirect("report", pk=receipt.report_id)


def _initial(standing: Report | None) -> dict[str, Any]:
    """What stands, and the reasons given before under the names of their boxes."""
    if standing is None:
        return {}
    return standing.answers | {REASON.format(name): reason for name, reason in standing.reasons.items()}


def _submit(request: SignedIn, obligation: Obligation, content: Content, number: uuid.UUID) -> intake.Receipt:
    filing: dict[str, Any] = {
        "by": request.user,
        "report_id": number,
        "answers": content.answers,
        "reasons": content.reasons,
        "based_on": _whole(request.POST.get("based_on")),
        "channel": Channel.WEB,
    }
    if obligation.pk:
        return intake.submit(obligation_id=obligation.pk, **filing)
    return intake.submit_event(window=obligation.window, subject=obligation.subject, **filing)


def _keeper(obligation: Obligation, user: User, refused: list[evidence.NotAPhoto]) -> Callable[[UploadedFile], str]:
    """Stores a photo as soon as it arrives, so that an error elsewhere in the form does not cost it."""

    def keep(upload: UploadedFile) -> str:
        try:
            return evidence.store(file=upload, unit=obligation.filer, by=user).sha256
        except evidence.NotAPhoto as error:
            refused.append(error)
            raise ValidationError(str(error)) from error

    return keep


def _report_id(request: SignedIn, standing: Report | None) -> uuid.UUID:
    """The id the page was given when it was opened, so that sending twice files once."""
    if standing is not None:
        return standing.pk
    try:
        return uuid.UUID(request.POST.get("report_id", ""))
    except ValueError:
        raise Http404 from None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def _clash_page(request: SignedIn, obligation: Obligation, form: ReportForm, refusal: intake.Clash) -> HttpResponse:
    """Another version stands: shows it beside what was typed; sending again makes a correction of what stands."""
    assert form.content is not None, "only content that is valid can clash"
    current = refusal.current
    clash = {
        "sentence": refusal.text,
        "changes": differences(obligation.window.version.parsed, current.answers, form.content.answers),
        # An event's form was opened without an obligation; its correction belongs to the one that was made.
        "action": reverse("file-report", args=[current.obligation_id]),
    }
    return _form_page(request, obligation, current, form, current.pk, status=refusal.status, clash=clash)


def _form_page(
    request: SignedIn,
    obligation: Obligation,
    standing: Report | None,
    form: ReportForm,
    number: uuid.UUID,
    *,
    status: int = 200,
    clash: dict[str, Any] | None = None,
) -> HttpResponse:
    now = clock.now()
    row = ObligationRow.of(obligation, now)
    context = {
        "obligation": obligation,
        "window": obligation.window,
        "row": row,
        "title": row.title,
        "report": standing,
        "report_id": number,
        "form": form,
        "parts": list(parts(form, standing)),
        "clash": clash,
        # Said before anything is typed; the verb refuses it in any case.
        "closed": not form.is_bound and now >= obligation.closes_at,
        "nav_current": "tasks",
    }
    return render(request, "reports/filing/file.html", context, status=status)
