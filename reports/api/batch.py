"""Many reports in one request, for a device or an office that was long without signal.

Each is filed exactly as if it had come alone: the same verb, a transaction of its own, a result of its own.
"""

from __future__ import annotations

import json
import logging
from typing import Annotated

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from reports.api.base import Endpoint, decode, operation, read
from reports.api.filing import Filing, submit
from reports.api.problems import BadRequest, Problem, problem_of
from reports.api.shapes import ReceiptShape

logger = logging.getLogger(__name__)
LARGEST = 200  # reports; about a second of work, so that no request holds a server's thread for long


class Batch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Up to 200 reports, filed in the order they stand in."""

    reports: Annotated[list[Filing], msgspec.Meta(max_length=LARGEST)]


class _BatchBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A batch as it is read: each report is decoded by itself, so that a malformed one spoils only its own result."""

    reports: list[msgspec.Raw]


class Result(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a report alone would have been answered: `status` and its body, a receipt or a problem.

    `id` is as it was sent; null where there was none to read.
    """

    id: str | None
    status: int
    receipt: ReceiptShape | None = None
    problem: Problem | None = None


class Results(msgspec.Struct, kw_only=True):
    """One for each report of the batch, in the order sent."""

    results: list[Result]


class Batches(Endpoint):
    largest_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    @operation(
        "reports_file_batch",
        "File up to 200 reports, each as if it were sent alone, each with its own result.",
        body=Batch,
        answers={200: Results},
        problems=(400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        sent = _split(request)
        if len(sent) > LARGEST:
            sentence = _("Satu kiriman paling banyak %(limit)d laporan. Bagi menjadi beberapa kiriman.")
            raise BadRequest(sentence % {"limit": LARGEST})
        return Response(Results(results=[_file(request, one) for one in sent]))


def _split(request: Request) -> list[msgspec.Raw]:
    """The reports of a batch, not yet decoded. Raises BadRequest when the body is not a batch at all."""
    try:
        return read(request, _BatchBody).reports
    except BadRequest as refused:
        # Half an emoji, which a phone's keyboard can leave behind, stops the strict reader for the whole body.
        try:
            loose = json.loads(request.data if isinstance(request.data, bytes) else b"")
        except (ValueError, RecursionError):
            raise refused from None
        if not isinstance(loose, dict) or loose.keys() != {"reports"} or not isinstance(loose["reports"], list):
            raise
        return [msgspec.Raw(json.dumps(one).encode()) for one in loose["reports"]]


def _file(request: Request, sent: msgspec.Raw) -> Result:
    """Files one report of a batch; whatever is wrong with it becomes its result.

    Raises OperationalError or InterfaceError when the database is away: then the rest would fail as well, and sending
    the whole batch again gives the receipts of what was filed before.
    """
    try:
        receipt = submit(request, decode(sent, Filing))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # one report must not cost the others their receipts
        problem = problem_of(error) or _unforeseen(error)
        return Result(id=_id_of(sent), status=problem.status, problem=problem)
    return Result(id=_id_of(sent), status=201 if receipt.new else 200, receipt=ReceiptShape.of(receipt))


def _unforeseen(error: Exception) -> Problem:
    logger.error("a report of a batch failed", exc_info=error)
    return Problem(
        type="about:blank",
        title=_("Kesalahan di sistem"),
        status=500,
        detail=_("Laporan ini belum diterima karena kesalahan di sistem. Kirim lagi laporan ini nanti."),
    )


def _id_of(sent: msgspec.Raw) -> str | None:
    """Read apart and loosely, so that a device learns which of its reports nobody can read."""
    try:
        loose = json.loads(bytes(sent))
    except (ValueError, RecursionError):
        return None
    name = loose.get("id") if isinstance(loose, dict) else None
    return name if isinstance(name, str) and name.isascii() else None
