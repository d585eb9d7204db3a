"""Coming in: logging in, activating an account with the code from its card, and what is said when it fails."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hierarchy.people import activation
from hierarchy.signin import actions as signin
from tests.cast import Cast

PASSWORD = "perahu-merah-dua"


@pytest.fixture
def code(cast: Cast) -> str:
    return activation.renew_code(user=cast.ptps, by=None)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def activation_form(card: str, **changes: str) -> dict[str, str]:
    return {"username": "ptps", "code": card, "password1": PASSWORD, "password2": PASSWORD} | changes


def log_in(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post(reverse("login"), {"username": "ptps", "password": password} | more)


def test_the_code_opens_the_account_once_and_signs_in(code: str) -> None:
    client = Client()
    assert client.post(reverse("activate"), activation_form(code))["Location"] == reverse("tasks")
    assert client.get(reverse("tasks")).status_code == 200
    again = Client().post(reverse("activate"), activation_form(code))
    assert again.status_code == 422
    assert "Hubungi atasan Anda" in text_of(again)
    assert log_in(Client())["Location"] == reverse("tasks")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code": "0000-0000-0000"}, "tidak cocok, atau kode sudah dipakai"),
        ({"username": "tidak-ada"}, "tidak cocok, atau kode sudah dipakai"),
        ({"password2": "lain-sama-sekali"}, "Kedua kata sandi berbeda"),
        ({"password1": "12345", "password2": "12345"}, "pendek"),
        ({"password1": "", "password2": ""}, "Pilih kata sandi Anda sendiri."),
        ({"code": ""}, "Isi kode aktivasi"),
    ],
)
def test_a_failed_activation_says_what_to_do_and_leaves_the_code_usable(
    code: str, changes: dict[str, str], sentence: str
) -> None:
    client = Client()
    answer = client.post(reverse("activate"), activation_form(code, **changes))
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert "['" not in text_of(answer)
    assert PASSWORD not in answer.content.decode()
    assert client.post(reverse("activate"), activation_form(code)).status_code == 302


def test_logging_in_goes_where_one_was_going_but_never_off_the_site(code: str) -> None:
    Client().post(reverse("activate"), activation_form(code))
    assert log_in(Client(), next=reverse("queue"))["Location"] == reverse("queue")
    assert log_in(Client(), next="https://example.org/")["Location"] == reverse("tasks")


def test_wrong_password_and_unknown_name_read_the_same(code: str) -> None:
    Client().post(reverse("activate"), activation_form(code))
    wrong = log_in(Client(), "salah-sekali")
    unknown = Client().post(reverse("login"), {"username": "tidak-ada", "password": PASSWORD})
    for answer in (wrong, unknown):
        assert "Nama pengguna atau kata sandi tidak cocok." in text_of(answer)
    assert 'value="ptps"' in wrong.content.decode()  # only the password is typed again
    assert "salah-sekali" not in wrong.content.decode()


def test_guessing_is_slowed_for_one_account_from_one_address_only(code: str, cast: Cast) -> None:
    Client().post(reverse("activate"), activation_form(code))
    for _ in range(signin.PAIR.burst):
        log_in(Client(), "salah-sekali")
    assert "Terlalu banyak percobaan. Tunggu" in text_of(log_in(Client()))
    elsewhere = Client(REMOTE_ADDR="10.0.0.9")
    assert log_in(elsewhere)["Location"] == reverse("tasks")  # nobody is locked out by a stranger's guesses
    other = activation.renew_code(user=cast.pkd, by=None)
    assert Client().post(reverse("activate"), activation_form(other, username="pkd")).status_code == 302


def test_going_out_ends_the_session(code: str) -> None:
    client = Client()
    client.post(reverse("activate"), activation_form(code))
    assert client.get(reverse("logout")).status_code == 405  # a link in a message must not sign anyone out
    client.post(reverse("logout"))
    assert client.get(reverse("tasks"))["Location"].startswith(reverse("login"))
