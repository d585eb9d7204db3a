"""Filing, reading and reviewing reports: a thin skin over intake, evidence and review."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from hierarchy.models import Unit
from reports.api.base import Endpoint, Id, Name, UnitCode, Words, operation, read, user_of
from reports.api.problems import BadRequest
from reports.api.shapes import ConflictShape, History, ReceiptShape, ReportShape, RevisionShape
from reports.calendar.models import Cadence, Window
from reports.calendar.querysets import without_schema
from reports.filing import actions as intake
from reports.filing import evidence
from reports.filing.models import Channel, Conflict, Report
from reports.findings import reading
from reports.review import actions as review

YEARS = range(2000, 2101)
Seen = Annotated[
    str,
    msgspec.Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 of the content the reviewer saw: the report's sha256"),
]


class Filing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A report, or a new revision of it. Name `obligation`, or `window` and `unit` for a report nobody owed (Form A).

    `id` is a UUIDv7 the client makes once per report it intends and sends again on every retry and edit. `answers` are
    by question name; `reasons` say why a soft rule is broken. An edit names the revision it is `based_on`.
    """

    id: UUID
    answers: dict[str, Any]
    reasons: dict[str, Any] = {}
    obligation: Id | None = None
    window: Id | None = None
    unit: UnitCode | None = None
    based_on: Annotated[int, msgspec.Meta(ge=1, le=32_767)] | None = None
    device_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Reports(Endpoint):
    @operation(
        "reports_file",
        "File a report. The same id with the same content gives the same receipt, however often it is sent.",
        body=Filing,
        answers={201: ReceiptShape, 200: ReceiptShape},
        problems=(400, 403, 409, 413, 415, 422),
    )
    def post(self, request: Request) -> Response:
        receipt = submit(request, read(request, Filing))
        headers = {"Location": reverse("api-report", args=[receipt.report_id])}
        return Response(ReceiptShape.of(receipt), status=201 if receipt.new else 200, headers=headers)


def submit(request: Request, sent: Filing) -> intake.Receipt:
    """Files one report, whichever endpoint took it in. Raises BadRequest, and what `intake.submit` raises."""
    if (sent.obligation is None) == (sent.window is None) or (sent.window is None) != (sent.unit is None):
        raise BadRequest(_("Sebutkan tugas (obligation), atau jendela (window) dan satuan (unit)."))
    if sent.device_at and sent.device_at.year not in YEARS:
        raise BadRequest(_("Jam perangkat (device_at) tidak masuk akal. Periksa jam perangkat Anda."))
    filing: dict[str, Any] = {
        "by": user_of(request),
        "report_id": sent.id,
        "answers": sent.answers,
        "reasons": sent.reasons,
        "based_on": sent.based_on,
        "device_at": sent.device_at,
        "channel": Channel.API,
    }
    if sent.obligation is not None:
        return intake.submit(obligation_id=sent.obligation, **filing)
    windows = Window.objects.select_related("version", "instrument", "election").defer(*without_schema("version"))
    window = get_object_or_404(windows, pk=sent.window, instrument__cadence=Cadence.EVENT)
    units = Unit.objects.visible_to(user_of(request)).with_ancestors()
    subject = get_object_or_404(units, election_id=window.election_id, code=sent.unit)
    return intake.submit_event(window=window, subject=subject, **filing)


def _report(request: Request, pk: UUID) -> Report:
    rows = Report.objects.visible_to(user_of(request)).for_page().select_related("obligation__filer__village")
    return get_object_or_404(rows, pk=pk)


def _shape(request: Request, report: Report) -> ReportShape:
    """The report without what it says of a suspicion and whom it names, for readers who do not handle it."""
    hidden = reading.withheld(user_of(request), report)
    if hidden & report.answers.keys():
        report.answers = {name: answer for name, answer in report.answers.items() if name not in hidden}
        report.reasons, report.remarks = {}, {}  # words about those answers
    return ReportShape.of(report)


class ReportDetail(Endpoint):
    @operation("reports_get", "The current report.", answers={200: ReportShape})
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(_shape(request, _report(request, pk)))


class Revisions(Endpoint):
    @operation(
        "reports_revisions",
        "Every version ever filed, and the filings refused as conflicts.",
        answers={200: History},
        problems=(403,),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        report = _report(request, pk)
        if reading.withheld(user_of(request), report):
            raise PermissionDenied(
                _("Riwayat laporan ini memuat data pihak, yang hanya dibaca oleh yang menanganinya.")
            )
        revisions = report.revisions.select_related("filed_by")
        conflicts = Conflict.objects.filter(obligation_id=report.obligation_id).select_related("filed_by")
        return Response(
            History(
                revisions=[RevisionShape.of(row) for row in revisions],
                conflicts=[ConflictShape.of(row) for row in conflicts],
            )
        )


QuestionName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{0,60}$")]


class Approval(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    seen: Seen


class Return(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`remarks`: what to correct, by question name; "" speaks of the whole report. `correct_by`: by when it is wanted
    back, with its offset; without one in 24 hours."""

    seen: Seen
    remarks: dict[QuestionName, Words]
    correct_by: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    seen: Seen
    reason: Words


REVIEW_PROBLEMS = (400, 403, 409, 413, 415)


class Approve(Endpoint):
    @operation(
        "reports_approve",
        "Approve exactly what was seen.",
        body=Approval,
        answers={200: ReportShape},
        problems=REVIEW_PROBLEMS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        sent = read(request, Approval)
        review.approve(report=_report(request, pk), seen=bytes.fromhex(sent.seen), by=user_of(request))
        return Response(_shape(request, _report(request, pk)))


class SendBack(Endpoint):
    @operation(
        "reports_return",
        "Return for correction, saying what.",
        body=Return,
        answers={200: ReportShape},
        problems=REVIEW_PROBLEMS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        sent = read(request, Return)
        report, seen = _report(request, pk), bytes.fromhex(sent.seen)
        review.send_back(
            report=report, seen=seen, remarks=sent.remarks, correct_by=sent.correct_by, by=user_of(request)
        )
        return Response(_shape(request, _report(request, pk)))


class Withdraw(Endpoint):
    @operation(
        "reports_withdraw",
        "Take an approval back, saying why.",
        body=Withdrawal,
        answers={200: ReportShape},
        problems=REVIEW_PROBLEMS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        sent = read(request, Withdrawal)
        review.withdraw(
            report=_report(request, pk), seen=bytes.fromhex(sent.seen), reason=sent.reason, by=user_of(request)
        )
        return Response(_shape(request, _report(request, pk)))


class Photo(msgspec.Struct, kw_only=True):
    """A stored photo; answers refer to it by `sha256`, which is of the re-encoded file."""

    sha256: str
    original_sha256: str


class Place(msgspec.Struct, kw_only=True):
    """Which unit a photo belongs to: the one that files the report."""

    election: Name
    unit: UnitCode


class Evidence(Endpoint):
    parser_classes = [MultiPartParser]
    largest_body = evidence.MAX_BYTES + 64 * 1024  # the photo and the form around it

    @operation(
        "evidence_store",
        "Send a photo before the report that names it. EXIF and GPS are dropped; the same photo is kept once.",
        body={
            "multipart/form-data": {
                "type": "object",
                "required": ["file", "election", "unit"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "election": {"type": "string"},
                    "unit": {"type": "string", "description": "code of the unit that files the report"},
                },
            }
        },
        answers={201: Photo},
        problems=(400, 403, 413, 415, 422, 429, 503),
    )
    def post(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None:
            raise BadRequest(_("Sertakan foto dalam isian “file”."))
        try:
            place = msgspec.convert({name: request.POST.get(name) for name in ("election", "unit")}, Place)
        except msgspec.ValidationError:
            raise Http404 from None
        units = Unit.objects.visible_to(user_of(request)).with_ancestors()
        unit = get_object_or_404(units, election__code=place.election, code=place.unit)
        kept = evidence.store(file=file, unit=unit, by=user_of(request))
        return Response(Photo(sha256=kept.sha256, original_sha256=kept.original_sha256), status=201)
