"""What people are told while the database is away: 503, when to come again, and what they had typed.

Nothing here may ask the database, so the page has no menu of the signed-in person.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views import defaults

SECONDS = 5  # until it is worth trying again: what used the database reconnects within ten of its return
# SQLSTATE of errors that mean so: connection lost, no room or connection left, shutting down or starting.
CLASSES = ("08", "53", "57P")
SECRET = re.compile(r"password|sandi|^code$|token", re.IGNORECASE)  # fields that are never shown again


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of what nobody caught. Programs are told as a problem: middleware.problems_for_programs."""
    if not _means_away(sys.exception()):
        return defaults.server_error(request)
    page = render_to_string("503.html", {"public_page": True, **_typed(request)})
    return HttpResponse(page, status=503, headers={"Retry-After": str(SECONDS)})


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
