"""Tokens of devices, and who their holder is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from knox.models import AuthToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from hierarchy import access
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Role, User
from hierarchy.signin import actions as signin
from hierarchy.signin import devices
from reports.api.base import Endpoint, Words, operation, read, user_of
from reports.api.shapes import UnitRef, local

LIFETIME = timedelta(seconds=settings.SESSION_COOKIE_AGE)  # as long as a session on the site
DEVICES = 10  # tokens an account may hold; the oldest gives way to a new one, because phones get lost


class Credentials(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    username: Words
    password: Annotated[str, msgspec.Meta(max_length=1_000)]
    device: Annotated[str, msgspec.Meta(max_length=4_000)] = ""


class Token(msgspec.Struct, kw_only=True):
    """Send it as `Authorization: Token <token>`. It is shown once and kept only as a digest.

    `device` opens nothing; sent along at the next sign-in it says that this device is no stranger to the account, so
    that others who guess its password cannot slow it.
    """

    token: str
    expires_at: datetime
    device: str


class Seat(msgspec.Struct, kw_only=True):
    """A membership, under the name that v1 gave it: where one serves, as what, until when, and what that allows."""

    unit: UnitRef
    role: str
    role_title: str
    permissions: list[str]
    until: date | None

    @classmethod
    def of(cls, row: Membership) -> Seat:
        return cls(
            unit=UnitRef.of(row.unit, row.unit.election.code),
            role=row.role,
            role_title=row.get_role_display(),
            permissions=sorted(access.ROLES[Role(row.role)].permissions),
            until=row.until,
        )


class Me(msgspec.Struct, kw_only=True):
    """The account asking. `server_time` lets a device measure how far its clock is off."""

    username: str
    name: str
    seats: list[Seat]
    server_time: datetime


class Tokens(Endpoint):
    def get_authenticators(self) -> list[BaseAuthentication]:
        # Signing in must work with an expired token or a stale session still in hand.
        return [] if self.request is not None and self.request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    @operation(
        "token_create",
        "Sign in: a token for this device.",
        body=Credentials,
        answers={201: Token},
        problems=(400, 413, 415, 429, 503),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        sent = read(request, Credentials)
        user = signin.check(request, username=sent.username, password=sent.password, device=sent.device)
        if user is None:
            # The same words, and the same work of hashing, whether or not the account exists.
            sentence = _("Nama pengguna atau kata sandi salah. Periksa, lalu coba lagi.")
            raise Refusal(sentence, code="wrong-credentials", status=401)
        return Response(_issue(user, devices.remember(sent.device, user)), status=201)

    @operation("token_delete", "Sign out: revoke the token of this request.", answers={204: None}, problems=(400,))
    def delete(self, request: Request) -> Response:
        if request.auth is None:
            sentence = _("Permintaan ini tidak memakai token, jadi tidak ada yang dicabut.")
            raise Refusal(sentence, code="no-token", status=400)
        request.auth.delete()
        return Response(status=204)


def _issue(user: User, device: str) -> Token:
    row, token = AuthToken.objects.create(user=user, expiry=LIFETIME)
    newest = AuthToken.objects.filter(user=user).order_by("-created").values("pk")[:DEVICES]
    AuthToken.objects.filter(user=user).filter(
        ~Q(pk__in=list(newest.values_list("pk", flat=True))) | Q(expiry__lt=Now())
    ).delete()
    return Token(token=token, expires_at=local(row.expiry), device=device)


class Myself(Endpoint):
    @operation("me", "Who I am, where I serve and what I may do.", answers={200: Me})
    def get(self, request: Request) -> Response:
        user = user_of(request)
        seats = [Seat.of(row) for row in access.memberships(user)]
        return Response(Me(username=user.username, name=user.name, seats=seats, server_time=local(clock.now())))
