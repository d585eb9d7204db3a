"""What holds for every response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from reports.api import problems

Handler = Callable[[HttpRequest], HttpResponse]
# What no page here needs from a browser, so that nothing smuggled in could ask for it either. A photo is taken by the
# telephone's own camera, outside the page.
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb"),
        *("browsing-topics", "xr-spatial-tracking"),
    )
)


def keep_to_oneself(get_response: Handler) -> Handler:
    """No other site may draw a response into its own pages, and no page may reach for the device's senses."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response

    return middleware


def problems_for_programs(get_response: Handler) -> Handler:
    """Under /api/ what failed before or outside a view is a problem like any other, and not the site's page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not (request.path.startswith("/api/") and response.status_code >= 400 and is_page):
            return response
        problem = problems.of_status(response.status_code)
        told = HttpResponse(msgspec.json.encode(problem), content_type=problems.MEDIA_TYPE, status=response.status_code)
        if "Retry-After" in response.headers:
            told["Retry-After"] = response["Retry-After"]
        return told

    return middleware


def private_unless_said(get_response: Handler) -> Handler:
    """No cache may keep a response that does not say so itself.

    `never_cache` on a view is not enough: it is passed by when the view raises, and a 404 page names who is signed in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return middleware


# Of what stands behind `programs_apart` in settings.MIDDLEWARE, all that a program with a token meets: language, the
# check of the host's name, and a header. The rest reads and keeps what a browser has: session, its user, the token
# against forged forms, messages, what htmx asked for.
FOR_PROGRAMS = (
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


class _Views(BaseHandler):
    """Django's own way from a request to its view, without any middleware's part in it."""

    _view_middleware: list[Any] = []
    _template_response_middleware: list[Any] = []
    _exception_middleware: list[Any] = []
    _get_response: Handler


def brings_token(request: HttpRequest) -> bool:
    """Whether the API will judge this request by its token alone (reports/api/authentication.py): with such a header
    a session is never asked, whether the token is good or not."""
    return request.path.startswith("/api/") and request.META.get("HTTP_AUTHORIZATION", "")[:6].lower() == "token "


def programs_apart(get_response: Handler) -> Handler:
    """A request of the API that brings a token goes past what only pages need."""
    shorter: Any = convert_exception_to_response(_Views()._get_response)
    for path in reversed(FOR_PROGRAMS):
        shorter = convert_exception_to_response(import_string(path)(shorter))

    def middleware(request: HttpRequest) -> HttpResponse:
        handler: Handler = shorter if brings_token(request) else get_response
        return handler(request)

    return middleware
