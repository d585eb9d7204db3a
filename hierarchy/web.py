"""What views of every app share: who is signed in, refusals, pages of a list, posted numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, User

PER_PAGE = 25


class SignedIn(HttpRequest):
    """A request behind login_required."""

    user: User


@contextmanager
def refusals_in(form: BaseForm, field: str | None = None) -> Iterator[None]:
    """A refusal ends the block and stands in the form beside what was typed: at its own field, else at `field`."""
    try:
        yield
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else field, refusal.messages)


@contextmanager
def refusals_told(request: HttpRequest) -> Iterator[None]:
    """A refusal ends the block and stands above the page that the view leads to."""
    try:
        yield
    except Refusal as refusal:
        messages.error(request, " ".join(refusal.messages))


def with_status(page: HttpResponse, refusal: Refusal) -> HttpResponse:
    """A page that says a refusal, for programs too: its status, and when to come again."""
    page.status_code = refusal.status
    if refusal.retry_after:
        page["Retry-After"] = str(refusal.retry_after)
    return page


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
