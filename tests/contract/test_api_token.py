"""Tokens: given for a password, one per device, expiring, revocable; guessing is slowed down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from knox.models import AuthToken

from hierarchy.signin import actions as signin
from reports.api.account import DEVICES
from tests.contract.api_world import Caller, problem

PASSWORD = "hujan-di-mahakam"


@pytest.fixture(autouse=True)
def _fresh_counts(settings):
    # What is tested is who gets in, a hundred times over; how slow a password is to guess is Argon2's affair.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def pkd(cast):
    cast.pkd.set_password(PASSWORD)
    cast.pkd.save()
    return cast.pkd


def sign_in(username="pkd", password=PASSWORD, **extra):
    return Caller().post("token/", {"username": username, "password": password}, **extra)


def me(token):
    return Caller().get("me/", headers={"authorization": f"Token {token}"})


def test_a_token_opens_the_api_until_it_is_revoked(pkd):
    given = sign_in()
    assert given.status_code == 201
    lifetime = datetime.fromisoformat(given.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < lifetime <= timedelta(days=7)
    token, other = given.json()["token"], sign_in().json()["token"]
    memberships = me(token).json()["seats"]
    assert [(membership["unit"]["code"], membership["role"]) for membership in memberships] == [
        ("6472012001", "SUPERVISOR")
    ]
    assert "file" in memberships[0]["permissions"]
    assert Caller().delete("token/", headers={"authorization": f"Token {token}"}).status_code == 204
    problem(me(token), 401)
    assert me(other).status_code == 200


def test_it_is_kept_only_as_a_digest(pkd):
    token = sign_in().json()["token"]
    row = AuthToken.objects.get()
    assert token not in (row.digest, row.token_key)


def test_unknown_user_wrong_password_and_inactive_user_answer_alike(pkd, cast):
    cast.stranger.set_password(PASSWORD)
    cast.stranger.is_active = False
    cast.stranger.save()
    answers = [sign_in("nobody-at-all"), sign_in(password="salah"), sign_in("stranger"), sign_in("ptps", "")]
    assert len({answer.content for answer in answers}) == 1
    problem(answers[0], 401, "wrong-credentials")


def test_an_expired_token_and_one_of_a_closed_account_are_refused(pkd):
    _row, expired = AuthToken.objects.create(user=pkd, expiry=timedelta(seconds=-1))
    problem(me(expired), 401)
    token = sign_in().json()["token"]
    assert not AuthToken.objects.filter(expiry__lt=datetime.now(UTC)).exists(), "signing in clears what expired"
    pkd.is_active = False
    pkd.save()
    problem(me(token), 401)


@pytest.mark.parametrize("token", ["", "x", "a b", "\x00", "tok\x00en", "é", "0" * 64, "0" * 5000, "\udcff"])
def test_a_token_that_is_none(db, token):
    header = f"Token {token}".encode("utf-8", "surrogateescape").decode("latin-1")
    problem(Caller().get("me/", HTTP_AUTHORIZATION=header), 401)


def test_the_oldest_device_gives_way(pkd):
    tokens = [AuthToken.objects.create(user=pkd)[1] for _ in range(DEVICES)]
    newest = sign_in().json()["token"]
    problem(me(tokens[0]), 401)
    assert all(me(token).status_code == 200 for token in [*tokens[1:], newest])


def test_a_session_has_no_token_to_revoke(pkd):
    problem(Caller(pkd).delete("token/"), 400, "no-token")


@pytest.mark.parametrize(
    "sent", [{}, {"username": "pkd"}, {"username": 1, "password": "x"}, {"username": "a\x00", "password": "x"}]
)
def test_credentials_of_another_shape(db, sent):
    problem(Caller().post("token/", sent), 400, "bad-request")


def test_a_password_may_hold_anything(pkd):
    problem(sign_in(password="\x00é\U0001f980" * 50), 401, "wrong-credentials")


class TestGuessing:
    pair = signin.PAIR.burst

    def exhaust(self, **who):
        for _ in range(self.pair):
            problem(sign_in(password="salah", **who), 401, "wrong-credentials")

    def test_stops_the_one_who_guesses_and_nobody_else(self, pkd, cast):
        self.exhaust(REMOTE_ADDR="10.0.0.1")
        response = sign_in(REMOTE_ADDR="10.0.0.1")
        assert "menit" in problem(response, 429, "throttled")["detail"]
        assert 0 < int(response.headers["Retry-After"]) <= signin.PAIR.every
        assert sign_in(REMOTE_ADDR="10.0.0.2").status_code == 201, "the owner is not locked out by a stranger"
        problem(sign_in("ptps", "x", REMOTE_ADDR="10.0.0.1"), 401, "wrong-credentials")

    def test_is_told_of_an_account_that_does_not_exist_too(self, db):
        self.exhaust(username="tidak-ada")
        problem(sign_in("tidak-ada"), 429, "throttled")

    def test_counts_failures_only(self, pkd):
        for _ in range(self.pair + 3):
            assert sign_in().status_code == 201

    def test_sees_through_a_forged_address(self, pkd, settings):
        settings.DEPLOYED = True
        for number in range(self.pair):
            sign_in(password="salah", HTTP_X_FORWARDED_FOR=f"1.1.1.{number}, 10.0.0.9")
        problem(sign_in(HTTP_X_FORWARDED_FOR="9.9.9.9, 10.0.0.9"), 429, "throttled")

    def test_without_a_cache_people_still_sign_in(self, pkd, settings):
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
                "OPTIONS": {"socket_connect_timeout": 1},
            }
        }
        assert sign_in().status_code == 201
