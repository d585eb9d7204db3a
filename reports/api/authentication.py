"""Who is asking: a token of one device, or the session of the site's own pages."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.exceptions import PermissionDenied as CsrfFailed
from rest_framework.request import Request

from hierarchy import access
from hierarchy.lib import clock, prepared
from hierarchy.models import User

ACCOUNT = prepared.columns(User, "id", "username", "name", "is_active")
# Who holds a token and where they serve, in one row per membership: most requests ask for both.
HOLDER = f"""
SELECT {", ".join(f"u.{name}" for name in ACCOUNT)}, {access.HELD_ROLE} FROM knox_authtoken t
    JOIN hierarchy_user u ON u.id = t.user_id {access.ROLES_OF_USER}
WHERE t.digest = %(digest)s AND u.is_active AND (t.expiry IS NULL OR t.expiry > now())
"""


class TokenLogin(TokenAuthentication):
    """Knox's tokens, found by their digest in one query.

    Knox itself reads every token of the account on each request, and lets a token that is not UTF-8 or holds a NUL end
    in a server error. Expiry is judged by the database's clock, because Knox sets it by the real one, not the app's.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        if not token.isalnum():
            raise AuthenticationFailed
        digest = hash_token(token.decode())
        found = prepared.rows(HOLDER, {"digest": digest, "day": clock.today()})
        if not found:
            raise AuthenticationFailed
        user = User.from_db("default", ACCOUNT, found[0][: len(ACCOUNT)])
        access.remember_roles(user, (row[len(ACCOUNT) :] for row in found))
        return user, AuthToken.from_db("default", ["digest", "user_id"], [digest, user.pk])


def revoke(users: list[int]) -> None:
    """Every token of these people is void."""
    AuthToken.objects.filter(user__in=users).delete()


class SessionLogin(SessionAuthentication):
    """The session of someone signed in on the site, with Django's check against forged requests."""

    def enforce_csrf(self, request: Request) -> Any:
        try:
            return super().enforce_csrf(request)
        except CsrfFailed:
            raise PermissionDenied(_("Halaman ini sudah terlalu lama terbuka. Muat ulang, lalu coba lagi.")) from None
