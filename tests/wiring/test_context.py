"""The head of a page: who is reading, and from where; known to every page and told by none."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.shortcuts import render
from django.test import RequestFactory
from django.utils.html import escape

from hierarchy.models import User
from tests.cast import Cast


def head(user: User | AnonymousUser, **context: object) -> str:
    request = RequestFactory().get("/")
    request.user, request.session = user, {}
    page = render(request, "base.html", context).content.decode()
    return page[page.index("<header") : page.index("</header>")]


@pytest.mark.parametrize("name", ["ptps", "pkd", "panwascam_chair", "regency_operator", "admin"])
def test_every_page_says_where_its_reader_serves_without_being_told(
    cast: Cast, name: str, django_assert_num_queries
) -> None:
    user = User.objects.get(pk=getattr(cast, name).pk)
    with django_assert_num_queries(1):  # the one that the menu needs
        said = head(user)
    membership = user.current_memberships[0]
    assert escape(f"{membership.get_role_display()} · {membership.unit.title}") in said


def test_nobody_is_asked_where_nobody_is_named(cast: Cast, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert "·" not in head(AnonymousUser())
        assert cast.pkd.name not in head(cast.pkd, public_page=True)


def test_who_serves_nowhere_is_named_alone(cast: Cast) -> None:
    said = head(cast.nobody)
    assert cast.nobody.name in said
    assert "·" not in said
