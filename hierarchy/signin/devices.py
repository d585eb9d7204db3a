"""Devices on which an account has signed in before, as a signed word that the device keeps.

Whoever shows it is not a stranger to the account: failures elsewhere do not slow them. It opens nothing by itself.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from hierarchy.models import User

COOKIE = "perangkat"
LASTS = timedelta(days=400)  # as long as browsers keep a cookie
ACCOUNTS = 20  # that one device is known to: an office's computer; the one that has not come longest gives way
SALT = "hierarchy.signin.devices"


def knows(word: str, user: User) -> str:
    """The device's own id when `user` has signed in on it and not been signed out everywhere since; else ""."""
    kept = _read(word)
    return str(kept["id"]) if kept["of"].get(str(user.pk)) == _since(user) else ""


def remember(word: str, user: User) -> str:
    """The word of a device on which `user` has just signed in."""
    kept = _read(word)
    others = {pk: since for pk, since in kept["of"].items() if pk != str(user.pk)}
    accounts = dict([*others.items(), (str(user.pk), _since(user))][-ACCOUNTS:])
    return signing.dumps({"id": kept["id"], "of": accounts}, salt=SALT)


def shown(request: HttpRequest) -> str:
    return str(request.COOKIES.get(COOKIE, ""))


def keep(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Lets the browser keep its word, for signing in and for activating: who activates on a computer of the office must
    not make it a stranger to the others."""
    response.set_cookie(
        COOKIE,
        remember(shown(request), user),
        max_age=LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(word: str) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = signing.loads(word, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        return {"id": secrets.token_urlsafe(9), "of": {}}
    return kept


def _since(user: User) -> float:
    """What a new code, a new password and "sign out everywhere" change, so that a lost phone is a stranger again."""
    return user.signed_out_at.timestamp() if user.signed_out_at else 0.0
