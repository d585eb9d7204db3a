"""A refusal: the sentences for a person, a word for programs, the field it is about; said by every door alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django import forms
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.management import CommandError
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

import reports.urls  # noqa: F401  the kinds of every room
from hierarchy import web
from hierarchy.lib.errors import Refusal
from hierarchy.management.command import refusals
from reports.api import problems
from reports.filing.actions import Clash
from reports.instruments.codec import InvalidAnswers

OWN = {Clash, InvalidAnswers}  # what they bring along is more than sentences
SENTENCES = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=4)


def kinds(of: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=lambda kind: kind.__name__))
def test_a_kind_is_a_word_and_a_status_and_nothing_else(kind: type[Refusal]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert kind.status in problems.SAYINGS
    if kind not in OWN | {Refusal}:
        plain = {"code", "status", "retry_after", "__module__", "__doc__", "__annotations__", "__qualname__"}
        assert {name for name in vars(kind) if not name.startswith("__")} <= plain
        assert kind.__init__ in (Refusal.__init__, *(own.__init__ for own in OWN))


class AskForm(forms.Form):
    name = forms.CharField(required=False)
    reason = forms.CharField(required=False)


@given(
    said=SENTENCES, field=st.sampled_from(["name", "reason", "elsewhere", "", None]), status=st.sampled_from([409, 422])
)
def test_every_door_says_all_of_it(said: list[str], field: str | None, status: int) -> None:
    refusal = Refusal(said, field, code="no-room", status=status, retry_after=7)
    form = AskForm({"name": "typed"})
    with web.refusals_in(form):
        raise refusal
    where = field if field in form.fields else "__all__"
    assert form.errors == {where: said}
    assert form["name"].value() == "typed"
    with pytest.raises(CommandError) as printed, refusals():
        raise refusal
    assert str(printed.value).splitlines() == said
    page = web.with_status(HttpResponse(), refusal)
    assert (page.status_code, page["Retry-After"]) == (status, "7")
    problem = problems.problem_of(refusal)
    assert problem is not None
    assert (problem.type, problem.status) == (problems.NAMESPACE + "no-room", status)
    assert (problem.detail, problem.errors) == (refusal.text, {} if field is None else {field: said})


@given(said=SENTENCES)
def test_above_the_next_page_it_is_one_message(said: list[str]) -> None:
    request = RequestFactory().post("/")
    request._messages = CookieStorage(request)
    with web.refusals_told(request):
        raise Refusal(said)
    assert [str(message) for message in get_messages(request)] == [" ".join(said)]


def test_what_is_no_refusal_passes_through() -> None:
    with pytest.raises(KeyError), web.refusals_in(AskForm({})):
        raise KeyError
