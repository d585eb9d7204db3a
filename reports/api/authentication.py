"""Who is asking: a token of one device, or the session of the site's own pages."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.exceptions import PermissionDenied as CsrfFailed
from rest_framework.request import Request

from hierarchy.models import User


class TokenLogin(TokenAuthentication):
    """Knox's tokens, found by their digest in one query.

    Knox itself reads every token of the account on each request, and lets a token that is not UTF-8 or holds a NUL end
    in a server error. Expiry is judged by the database's clock, because Knox sets it by the real one, not the app's.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        if not token.isalnum():
            raise AuthenticationFailed
        found = (
            AuthToken.objects.select_related("user")
            .filter(Q(expiry=None) | Q(expiry__gt=Now()), digest=hash_token(token.decode()), user__is_active=True)
            .first()
        )
        if found is None:
            raise AuthenticationFailed
        return found.user, found


class SessionLogin(SessionAuthentication):
    """The session of someone signed in on the site, with Django's check against forged requests."""

    def enforce_csrf(self, request: Request) -> Any:
        try:
            return super().enforce_csrf(request)
        except CsrfFailed:
            raise PermissionDenied(_("Halaman ini sudah terlalu lama terbuka. Muat ulang, lalu coba lagi.")) from None
