"""No password that everybody in the field would try first, and a sentence that says what to choose instead."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from bawaslu_data.rehearsal import PASSWORD as DEMO
from hierarchy.models import User
from hierarchy.people import activation
from tests.cast import Cast

pytestmark = pytest.mark.django_db

DAYS = [date(1945, 8, 17), date(2024, 2, 14), date(2024, 11, 27), date(1990, 12, 31)]
DATES = [
    form.format(d=day)
    for day in DAYS
    for form in ("{d:%d%m%Y}", "{d:%Y%m%d}", "{d:%d-%m-%Y}", "{d:%d/%m/%Y}", "{d:%d.%m.%Y}", "{d:%d%m%Y}{d:%H%M}")
]
GUESSABLE = [
    *DATES,
    *("pengawas", "pengawas2024", "Pengawas123!", "bawaslu2024", "Bawaslu@2024", "B4w4slu2024", "b@w@slu2024!"),
    *("pemilu2024", "Pemilu14022024", "pilkada2024!", "panwaslu1234", "panwascam01", "pengawaspemilu", "awasipemilu24"),
    *("bawaslukaltim", "BawasluKaltim2024", "kaltim-bawaslu-64", "samarinda2024", "Samarinda123", "balikpapan01"),
    *("kutaikartanegara", "penajampaserutara", "beraukaltim1"),
    *("1234567890", "0812345678901", "6472012001001", "6472-2001-001"),
    *("14februari2024", "17Agustus1945", "merdeka1945!!", "bismillah123", "qwerty123456", "passwordku", "rahasia2024"),
    *("aaaaaaaaaaaa", "abababababab", "password123", "iloveyou1234", "2024-02-14 07:00",
      "tps001002003", "ketuabawaslu"),
]  # fmt: skip
GOOD = [
    *("perahu-merah-dua", "jendela kuning tujuh", "hujan-di-mahakam", "kxvq9!Q2v#8z",
      "sandi-panjang-sekali", "Wortel88Sepeda", "berau" + "x" * 300),
    *("katak makan bintang", "rumahnenekdekatsungai", "7m$Rz!kq2Pw",
      "bawaslu tetapi gajah terbang", "tukang ojek 4 gigi"),
]  # fmt: skip


def refused(password: str, user: User | None = None) -> list[str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize("password", GUESSABLE)
def test_what_everybody_would_try_is_refused_with_advice(password: str) -> None:
    messages = refused(password)
    assert messages
    assert all(re_says_what_to_do(message) for message in messages), messages


def re_says_what_to_do(message: str) -> bool:
    return any(verb in message for verb in ("Pilih", "Pakai", "Tambahkan")) and message.endswith(".")


@pytest.mark.parametrize("password", GOOD)
def test_words_that_only_one_person_would_put_together_are_taken(password: str) -> None:
    assert refused(password) == []


def test_any_day_of_the_calendar_in_any_common_form_is_refused() -> None:
    rng = Random(1)
    for _ in range(300):
        day = date(1940, 1, 1) + timedelta(days=rng.randrange(40_000))
        form = rng.choice(["{d:%d%m%Y}{d:%y}", "{d:%Y-%m-%d}", "{d:%d %m %Y}", "{d:%d}/{d:%m}/{d:%Y}", "{d:%Y%m%d}07"])
        assert refused(form.format(d=day)), form.format(d=day)


def test_random_passwords_of_a_manager_are_taken() -> None:
    rng = Random(1)
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%-"
    made = ["".join(rng.choice(letters) for _ in range(16)) for _ in range(300)]
    assert [password for password in made if refused(password)] == []


def test_nothing_of_ones_own_name_account_or_area_does(cast: Cast) -> None:
    user = User.objects.get(pk=cast.pkd.pk)
    user.name, user.email, user.phone = "Siti Nurhaliza", "sitinur.h@example.org", "081234567890"
    for password in (
        "sitinurhaliza",
        "Nurhaliza1990",
        "siti.nurhaliza.88",
        "081234567890x",
        "harapanbaru2024",
        "sungaipinang-1",
    ):
        assert refused(password, user), password
    assert refused("perahu-merah-dua", user) == []


def test_the_page_says_it_in_sentences_and_not_in_names_of_fields(cast: Cast) -> None:
    code = activation.renew_code(user=cast.ptps, by=None)
    User.objects.filter(pk=cast.ptps.pk).update(name="Budi Hartono")

    def answer(password: str) -> str:
        given = {"username": "ptps", "code": code, "password1": password, "password2": password}
        return Client().post(reverse("activate"), given).content.decode()

    text = answer("budihartono")
    assert "terlalu mirip dengan nama, nomor, atau surel Anda" in text
    assert "terlalu mirip dengan username" not in text
    assert "paling sedikit 10 huruf" in answer("pendek")
    assert "tidak boleh hanya angka" in answer("14022024")
    assert "mudah ditebak" in answer("bawaslu2024kaltim")


def test_the_demo_has_its_password_and_no_deployment_does(settings: Any) -> None:
    assert refused(DEMO) == []
    settings.DEPLOYED = True
    assert refused(DEMO)


def test_one_hash_takes_one_core_and_an_older_one_still_opens() -> None:
    assert ",p=1$" in make_password("perahu-merah-dua")
    older = Argon2PasswordHasher().encode("perahu-merah-dua", "seasalt-of-old")
    assert ",p=8$" in older
    assert check_password("perahu-merah-dua", older)
    assert not check_password("perahu-merah-tiga", older)
