"""What views of every app share: who is signed in, pages of a list, numbers that were posted."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.models import Membership, User

PER_PAGE = 25


class SignedIn(HttpRequest):
    """A request behind login_required."""

    user: User


def paged(request: SignedIn, rows: Any, key: str = "halaman", *, per_page: int = PER_PAGE) -> Page:
    return Paginator(rows, per_page).get_page(request.GET.get(key))


def posted_pk(request: SignedIn, name: str) -> int:
    """A posted row number; 0, which no row has, for what is none or does not fit a bigint."""
    number = request.POST.get(name, "")
    return int(number) if number.isdecimal() and len(number) < 19 else 0


def admin_membership(request: SignedIn) -> Membership:
    """From where the reader administers; to everybody else these pages do not exist."""
    memberships = access.memberships_with(request.user, Permission.MANAGE_ROSTER)
    if not memberships:
        raise Http404
    return memberships[0]
