"""Who was here lately, to within some minutes: a supervisor who is silent may still be at the screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from hierarchy.lib import clock
from hierarchy.models import User

COARSENESS = timedelta(minutes=10)


def seen(user: User) -> bool:
    """Set `user.last_seen_at` to now when it is empty or older than COARSENESS; returns whether it was written.

    The row is asked again in the UPDATE, so that two requests at once write once.
    """
    now = clock.now()
    if user.last_seen_at is not None and user.last_seen_at > now - COARSENESS:
        return False
    stale = Q(last_seen_at=None) | Q(last_seen_at__lte=now - COARSENESS)
    return bool(User.objects.filter(stale, pk=user.pk).update(last_seen_at=now))


def note_presence(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Note the user of a browser session, only where the view itself asked who it is.

    `request.user` is lazy: to look at it here would cost a public page and a token's filing a query.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        user = getattr(request, "_cached_user", None)
        if isinstance(user, User) and user.is_active:
            seen(user)
        return response

    return middleware
