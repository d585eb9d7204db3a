"""Every refusal of the API as one shape: application/problem+json (RFC 9457), in sentences a person can act on."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

import msgspec
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from hierarchy.lib.clock import WITA
from hierarchy.lib.errors import Refusal
from reports.filing.actions import Clash
from reports.filing.models import Report
from reports.instruments.codec import InvalidAnswers

MEDIA_TYPE = "application/problem+json"
NAMESPACE = "urn:bawaslu-kaltim:problem:"

# status -> (title, what to do); a verb's own sentence replaces the second.
SAYINGS = {
    400: (gettext_lazy("Permintaan tidak dapat dibaca"), gettext_lazy("Periksa isi permintaan, lalu kirim lagi.")),
    401: (gettext_lazy("Anda belum masuk"), gettext_lazy("Minta token baru, lalu kirim lagi dengan token itu.")),
    403: (gettext_lazy("Anda tidak berwenang"), gettext_lazy("Minta orang yang berwenang untuk melakukannya.")),
    404: (gettext_lazy("Tidak ditemukan"), gettext_lazy("Data ini tidak ada atau di luar wilayah Anda.")),
    405: (gettext_lazy("Cara ini tidak tersedia"), gettext_lazy("Periksa metode permintaan di dokumentasi API.")),
    406: (gettext_lazy("Format tidak tersedia"), gettext_lazy("Minta jawaban dalam application/json.")),
    409: (gettext_lazy("Tidak dapat diterima sekarang"), gettext_lazy("Muat data terbaru, lalu ulangi.")),
    413: (gettext_lazy("Kiriman terlalu besar"), gettext_lazy("Kecilkan kiriman, lalu kirim lagi.")),
    415: (gettext_lazy("Jenis isi tidak diterima"), gettext_lazy("Periksa Content-Type di dokumentasi API.")),
    422: (
        gettext_lazy("Isi laporan perlu diperbaiki"),
        gettext_lazy("Perbaiki jawaban yang disebut, lalu kirim lagi."),
    ),
    429: (gettext_lazy("Terlalu banyak percobaan"), gettext_lazy("Tunggu sebentar, lalu coba lagi.")),
    500: (
        gettext_lazy("Terjadi kesalahan pada kami"),
        gettext_lazy("Kesalahan sudah tercatat. Kirim lagi isi yang sama dengan id yang sama beberapa menit lagi."),
    ),
    503: (gettext_lazy("Belum dapat dilayani"), gettext_lazy("Coba lagi beberapa menit lagi.")),
}


class Standing(msgspec.Struct, kw_only=True):
    """The revision that stands, when a filing clashes with it."""

    report: UUID
    revision: int
    sha256: str
    code: str
    filed_at: datetime

    @classmethod
    def of(cls, report: Report) -> Standing:
        return cls(
            report=report.pk,
            revision=report.revision,
            sha256=bytes(report.sha256).hex(),
            code=report.receipt_code,
            filed_at=report.filed_at.astimezone(WITA),
        )


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An error (RFC 9457). `type` is about:blank where the status says it all, else names the reason for programs.

    `errors` maps a field or question to sentences ("" for the whole); `needs_reason` maps a question whose soft rule is
    broken to the sentence that says how: file again with a reason for it.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] = {}
    needs_reason: dict[str, str] = {}
    standing: Standing | None = None


class BadRequest(Refusal):
    """A request that cannot be read, refused before any verb was reached."""

    code, status = "bad-request", 400


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what nobody foresaw: Django then reports it as the failure it is."""
    problem = problem_of(exc)
    if problem is None:
        return None
    set_rollback()
    response = Response(problem, status=problem.status, content_type=MEDIA_TYPE)
    if problem.status == 401:
        response["WWW-Authenticate"] = "Token"
    if retry_after := getattr(exc, "retry_after", None):
        response["Retry-After"] = str(retry_after)
    return response


def of_status(status: int) -> Problem:
    """What a status says by itself; one nobody has words for counts as a request nobody can read, or as our fault."""
    known = status if status in SAYINGS else 500 if status >= 500 else 400
    return msgspec.structs.replace(_problem(known), status=status)


def _problem(status: int, code: str = "", sentence: str = "", **more: Any) -> Problem:
    title, advice = SAYINGS[status]
    return Problem(
        type=NAMESPACE + code if code else "about:blank",
        title=str(title),
        status=status,
        detail=sentence or str(advice),
        **more,
    )


@singledispatch
def problem_of(exc: Exception) -> Problem | None:
    return None


@problem_of.register
def _(exc: Refusal) -> Problem:
    errors = {} if exc.field is None else {exc.field: exc.messages}
    return _problem(exc.status, exc.code, exc.text, errors=errors)


@problem_of.register
def _(exc: Clash) -> Problem:
    return _problem(exc.status, exc.code, exc.text, standing=Standing.of(exc.current))


@problem_of.register
def _(exc: InvalidAnswers) -> Problem:
    return _problem(exc.status, exc.code, errors=exc.errors, needs_reason=exc.needs_reason)


@problem_of.register
def _(exc: Http404) -> Problem:
    # Always the same words: a sentence of its own would tell a stranger what exists.
    return _problem(404)


@problem_of.register
def _(exc: PermissionDenied) -> Problem:
    return _problem(403, sentence=str(exc))


@problem_of.register
def _(exc: RequestDataTooBig) -> Problem:
    return _problem(413)


@problem_of.register(SuspiciousOperation)
@problem_of.register(UnreadablePostError)
@problem_of.register(MultiPartParserError)
def _(exc: Exception) -> Problem:
    return _problem(400)


@problem_of.register
def _(exc: exceptions.APIException) -> Problem | None:
    # DRF speaks half English; its sentences tell a programmer nothing that the status does not.
    return _problem(exc.status_code) if exc.status_code in SAYINGS else None
