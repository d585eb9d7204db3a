"""Asking for the password again before what binds a body: a phone left on a table must not cast its owner's vote."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils.translation import gettext as _

from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.signin import actions as signin
from hierarchy.web import SignedIn

LASTS = timedelta(minutes=10)
KEY = "confirmed_at"


def confirmed(request: HttpRequest) -> bool:
    """Whether this browser session gave its user's password within the last LASTS."""
    said = request.session.get(KEY)
    return said is not None and timedelta(0) <= clock.now() - datetime.fromisoformat(said) < LASTS


def confirm(request: SignedIn, password: str) -> None:
    """Passes when the session is confirmed, or becomes so by this password. Raises Refusal: wrong, or not looked at."""
    if confirmed(request):
        return
    if not signin.check_again(request, request.user, password):
        raise Refusal(_("Kata sandi tidak cocok. Ketik kata sandi Anda untuk memastikan ini Anda."), "password")
    request.session[KEY] = clock.now().isoformat()
