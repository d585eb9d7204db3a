"""What holds for every response."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string
from knox.models import AuthToken

from tests.cast import Cast
from tests.contract.api_world import problem

PAGES = (
    "/",
    "/masuk/",
    "/healthz",
    "/api/v1/me/",
    "/tidak-ada/",
    "/static/css/app.css",
    "/static/js/app.js",
    "/sw.js",
)


@pytest.mark.django_db
def test_no_cache_keeps_a_page_that_does_not_say_so(cast: Cast) -> None:
    """A 404 page names the person who asked for it."""
    client = Client()
    client.force_login(cast.ptps)
    answer = client.get("/satuan/pemilu2024/6401/")
    assert (answer.status_code, answer["Cache-Control"]) == (404, "private, no-store")


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_no_other_site_draws_a_response_into_its_own_and_no_page_reaches_for_the_device(path: str) -> None:
    answer = Client().get(path)
    answer.close()
    assert answer.status_code == {"/tidak-ada/": 404, "/api/v1/me/": 401}.get(path, 200)
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(answer["Permissions-Policy"].split(", "))
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("deployed", [True, False])
def test_the_cookie_of_the_language_is_kept_like_the_others(settings: Any, deployed: bool) -> None:
    settings.LANGUAGE_COOKIE_SECURE = deployed
    answer = Client().post(reverse("set_language"), {"language": "en", "next": "/"})
    cookie = answer.cookies["django_language"]
    assert (bool(cookie["secure"]), cookie["httponly"], cookie["samesite"]) == (deployed, True, "Lax")


# --- programs are told of our faults as of theirs -------------------------------------------------------------------


def broken(*_args: Any, **_kwargs: Any) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "where", ["hierarchy.access.memberships", "django.contrib.sessions.backends.cached_db.SessionStore.load"]
)
def test_what_nobody_foresaw_in_a_view_or_before_it_is_a_problem_and_is_reported(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(cast.ptps)
    monkeypatch.setattr(where, broken)
    answer = client.get(reverse("api-me"))
    assert answer["Cache-Control"] == "private, no-store"
    told = problem(answer, 500)
    assert "id yang sama" in told["detail"]
    assert any(record.exc_info for record in caplog.records if record.name == "django.request")
    assert client.get(reverse("tasks"))["Content-Type"].startswith("text/html"), "people get a page"


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_told_so_in_kind() -> None:
    answer = Client().get("/api/v1/me/", headers={"host": "evil.example"})
    problem(answer, 400)
    assert "evil" not in answer.content.decode()


# --- programs with a token meet what they need and nothing of the pages ----------------------------------------------

OF_PAGES = (
    "django.contrib.sessions.middleware.SessionMiddleware.process_request",
    "django.middleware.csrf.CsrfViewMiddleware.process_request",
    "django.contrib.auth.middleware.AuthenticationMiddleware.process_request",
    "django.contrib.messages.middleware.MessageMiddleware.process_request",
    "django_htmx.middleware.HtmxMiddleware.__call__",
)


@pytest.mark.django_db
@pytest.mark.parametrize("part", OF_PAGES)
def test_a_token_goes_past_what_only_pages_need(cast: Cast, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    token = AuthToken.objects.create(user=cast.ptps)[1]
    met, (owner, _dot, name) = [], part.rpartition(".")
    original = getattr(import_string(owner), name)
    monkeypatch.setattr(part, lambda *given: (met.append(part), original(*given))[1])
    client = Client()
    assert client.get(reverse("api-me"), headers={"authorization": f"Token {token}"}).status_code == 200
    assert met == []
    client.get(reverse("api-me"))
    assert met == [part]


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
@pytest.mark.parametrize("good", [True, False])
def test_a_session_beside_a_token_is_worth_nothing(cast: Cast, scheme: str, good: bool) -> None:
    client = Client()
    client.force_login(cast.pkd)
    token = AuthToken.objects.create(user=cast.ptps)[1] if good else "0" * 64
    answer = client.get(reverse("api-me"), headers={"authorization": f"{scheme} {token}"})
    assert answer.status_code == (200 if good else 401)
    assert not good or answer.json()["username"] == cast.ptps.username


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/me/", "/api/v1/obligations/", "/api/v1/tidak-ada/", "/api/v1/schema/"])
def test_both_ways_through_the_api_answer_alike(cast: Cast, path: str) -> None:
    """With the session of the same person, every header that protects stands in both, and the body is the same."""
    browser, program = Client(), Client()
    browser.force_login(cast.ptps)
    token = AuthToken.objects.create(user=cast.ptps)[1]
    for language in ("id", "en"):
        head = {"accept-language": language}
        one = browser.get(path, headers=head)
        other = program.get(path, headers={**head, "authorization": f"Token {token}"})
        assert one.status_code == other.status_code
        assert _timeless(one.content) == _timeless(other.content)
        named = {name: value for name, value in one.items() if name not in ("Vary", "Content-Length")}
        assert named == {name: value for name, value in other.items() if name not in ("Vary", "Content-Length")}
        assert "Accept-Language" in other["Vary"]
        assert other.cookies == {}


def _timeless(body: bytes) -> bytes:
    return re.sub(rb'"server_time":"[^"]*"', b"", body)


@pytest.mark.django_db
def test_a_host_that_is_not_ours_gets_nothing_for_a_token_either(cast: Cast) -> None:
    token = AuthToken.objects.create(user=cast.ptps)[1]
    answer = Client().get("/api/v1/me/", headers={"host": "evil.example", "authorization": f"Token {token}"})
    problem(answer, 400)
