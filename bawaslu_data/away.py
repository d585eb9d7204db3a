"""What people are told while the database is away: 503, when to come again, and what they had typed.

Nothing here may ask the database, so the page has no menu of the signed-in person.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

SECONDS = 5  # until it is worth trying again: what used the database reconnects within ten of its return
# SQLSTATE of errors that mean so: connection lost, no room or connection left, shutting down or starting.
CLASSES = ("08", "53", "57P")
SECRET = re.compile(r"password|sandi|^code$|token", re.IGNORECASE)  # fields that are never shown again


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of what nobody caught: 503 where the database is away, else 500; a problem for programs."""
    status = 503 if _means_away(sys.exception()) else 500
    if status == 503:
        said = _("Sistem belum dapat menghubungi basis data")
        wanted = _("Tunggu sekitar setengah menit, lalu coba lagi. Laporan yang sudah bertanda terima tetap aman.")
    else:
        said = _("Sistem sedang terganggu")
        wanted = _("Kesalahan ada pada kami dan sudah tercatat. Kirim lagi beberapa menit lagi.")
    response: HttpResponse
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": said, "status": status, "detail": wanted}
        response = HttpResponse(json.dumps(problem), content_type="application/problem+json", status=status)
    elif status == 503:
        context = {"public_page": True, "said": said, "wanted": wanted, **_typed(request)}
        response = HttpResponse(render_to_string("503.html", context), status=status)
    else:
        response = defaults.server_error(request)
    if status == 503:
        response["Retry-After"] = str(SECONDS)
    return response


def _means_away(error: BaseException | None) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(CLASSES)  # None: PostgreSQL never got to say a word


def _typed(request: HttpRequest) -> dict[str, Any]:
    """A form's fields, to be sent once more; secrets and files excepted.

    Only after the check against forgery has passed: what another site made up must not come back with our token.
    """
    if request.method != "POST" or not getattr(request, "csrf_processing_done", False):
        return {}
    with suppress(UnreadablePostError, RequestDataTooBig, SuspiciousOperation):
        given = [(name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"]
        return {
            "again": request.get_full_path(),
            "token": get_token(request),
            "fields": [(name, value) for name, values in given if not SECRET.search(name) for value in values],
            "secrets": [name for name, _values in given if SECRET.search(name)],
            "files": [file.name for _name, files in request.FILES.lists() for file in files],
        }
    return {}
