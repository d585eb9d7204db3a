"""What must be reported: obligations, windows that take reports of events, instruments."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from hierarchy import access
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Unit, User
from reports.api.base import Endpoint, Id, Name, operation, read_query, user_of
from reports.api.shapes import ObligationPage, ObligationShape, WindowShape, local
from reports.calendar.models import InstrumentVersion, Window
from reports.calendar.querysets import without_schema
from reports.filing.querysets import without_content
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.obligations.queries import event_windows
from reports.obligations.querysets import ObligationQuerySet

PAGE = 100
HEAVY = (*without_schema("window__version"), *without_content("report"))


class ObligationQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`task`: file, what I must file (default); review, what waits for me; all, everything in my area."""

    task: Literal["file", "review", "all"] = "file"
    state: Literal["OWED", "FILED", "RETURNED", "APPROVED", "VACANT", "UNREACHABLE"] | None = None
    election: Name | None = None
    stage: Name | None = None
    instrument: Name | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Obligations(Endpoint):
    @operation(
        "obligations_list",
        "What I owe, what waits for my review, or all I may see; by deadline, 100 a page.",
        query=ObligationQuery,
        answers={200: ObligationPage},
        problems=(400,),
    )
    def get(self, request: Request) -> Response:
        wanted = read_query(request, ObligationQuery)
        found = list(_after(wanted.cursor, _rows_of(wanted, user_of(request)))[: PAGE + 1])
        following = None
        if len(found) > PAGE:
            query = request.query_params.copy()
            query["cursor"] = _cursor(found[PAGE - 1])
            following = f"{reverse('api-obligations')}?{query.urlencode()}"
        return Response(ObligationPage(results=[_shape(row) for row in found[:PAGE]], next=following))


class ObligationDetail(Endpoint):
    @operation("obligations_get", "One obligation.", answers={200: ObligationShape})
    def get(self, request: Request, pk: int) -> Response:
        return Response(_shape(get_object_or_404(_joined(Obligation.objects.visible_to(user_of(request))), pk=pk)))


def _rows_of(query: ObligationQuery, user: User) -> ObligationQuerySet:
    rows = Obligation.objects.visible_to(user)
    if query.task == "file":
        rows = rows.to_file(user) if query.state else rows.to_file(user).owed()
    elif query.task == "review":
        rows = rows.to_review(user)
    wanted = {
        "state": query.state,
        "window__election__code": query.election,
        "window__stage__code": query.stage,
        "window__instrument__code": query.instrument,
    }
    return _joined(rows.filter(**{field: value for field, value in wanted.items() if value is not None}))


def _joined(rows: ObligationQuerySet) -> ObligationQuerySet:
    joined = rows.for_lists().select_related("window__election", "window__version", "filer__village")
    return joined.defer(*HEAVY).order_by("due_at", "pk")


def _shape(row: Obligation) -> ObligationShape:
    report = getattr(row, "report", None)
    return ObligationShape.of(row, report and report.pk)


# A place in the order, not a number of rows to skip: a list that grows while it is read neither repeats nor loses one.
# (DRF's own cursor counts rows within equal deadlines and gives up after a thousand; ours share one by the thousands.)
_PLACE = msgspec.json.Decoder(tuple[Annotated[datetime, msgspec.Meta(tz=True)], Id])


def _cursor(row: Obligation) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((row.due_at, row.pk))).decode()


def _after(cursor: str | None, rows: ObligationQuerySet) -> ObligationQuerySet:
    if cursor is None:
        return rows
    try:
        due_at, pk = _PLACE.decode(base64.urlsafe_b64decode(cursor.encode()))
        due_at = due_at.astimezone(UTC)  # a moment at the edge of the calendar has none
    except (ValueError, OverflowError):
        sentence = _("Penanda halaman tidak dikenal. Mulai lagi dari halaman pertama.")
        raise Refusal(sentence, code="bad-cursor", status=400) from None
    return rows.filter(due_at__gte=due_at).exclude(due_at=due_at, pk__lte=pk)


class WindowList(msgspec.Struct, kw_only=True):
    results: list[WindowShape]


class Windows(Endpoint):
    @operation(
        "windows_list",
        "Windows that now take reports nobody owed in advance (Form A), in the elections I serve in.",
        answers={200: WindowList},
    )
    def get(self, request: Request) -> Response:
        units = [row.unit for row in access.memberships(user_of(request))]
        rows = event_windows(units, clock.now()).select_related("election", "stage", "instrument", "version")
        return Response(WindowList(results=[_shown(row, units) for row in rows.defer(*without_schema("version"))]))


def _shown(window: Window, units: list[Unit]) -> WindowShape:
    """The window with the latest deadline that any of the units has."""
    due_at, closes_at = obligations.terms(window, [unit for unit in units if unit.election_id == window.election_id])
    return msgspec.structs.replace(WindowShape.of(window), due_at=local(due_at), closes_at=local(closes_at))


class VersionShape(msgspec.Struct, kw_only=True):
    """A published edition of an instrument, immutable. `schema` holds questions, groups and rules as trees that a
    client evaluates offline; `layout` names each position of a tally: [position, question, kind, option]."""

    instrument: str
    number: int
    title_id: str
    title_en: str
    cadence: str
    subject_level: int | None
    filer_level: int | None
    published_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str
    source_sha256: str
    schema: dict[str, Any]
    layout: list[tuple[int, str, str, str]]

    @classmethod
    def of(cls, row: InstrumentVersion) -> VersionShape:
        instrument = row.instrument
        return cls(
            instrument=instrument.code,
            number=row.number,
            title_id=instrument.title_id,
            title_en=instrument.title_en,
            cadence=instrument.cadence,
            subject_level=instrument.subject_level,
            filer_level=instrument.filer_level,
            published_at=local(row.published_at),
            withdrawn_at=local(row.withdrawn_at),
            withdrawn_reason=row.withdrawn_reason,
            source_sha256=row.source_sha256,
            schema=row.schema,
            layout=[(cell.position, cell.question, cell.kind.value, cell.option) for cell in row.parsed.layout],
        )


class Version(Endpoint):
    @operation(
        "instruments_version",
        "A published version of an instrument: questions, rules, layout. Answers If-None-Match with 304.",
        answers={200: VersionShape, 304: None},
        parameters=(OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),),
    )
    def get(self, request: Request, code: str, number: int) -> HttpResponseBase:
        rows = InstrumentVersion.objects.filter(instrument__code=code, number=number)
        edition = rows.values_list("source_sha256", "withdrawn_at").first()
        if edition is None:
            raise Http404
        # All that can change of a published version is its withdrawal. "1" grows when VersionShape changes.
        etag = f'"1-{edition[0]}-{edition[1].timestamp() if edition[1] else 0}"'
        unchanged = get_conditional_response(request, etag=etag)
        response = unchanged or Response(VersionShape.of(rows.select_related("instrument").defer("source").get()))
        response["ETag"] = etag
        return response
