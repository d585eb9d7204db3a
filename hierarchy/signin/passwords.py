"""Which passwords are refused, in sentences that say what to choose instead.

User names are public, so what everybody in the field would try first must not open an account: the words of the work,
names of places, one's own name and area, dates, with whatever digits before or behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from hierarchy.models import User

WORD = 3  # letters that make a word
LONGEST = 200  # letters; what is longer nobody guesses, and looking through it would take long
OF_ONES_OWN = 4  # letters that must remain when guessable words are taken out
UNLIKE = 5  # different letters or digits at least

DATA = Path(__file__).parents[1] / "data" / "guessable_words.txt"
WORDS = frozenset(word for line in DATA.read_text().splitlines() if not line.startswith("#") for word in line.split())
LOOKALIKE = str.maketrans("013457@$!", "oieastasi")


class NotAttributes(password_validation.UserAttributeSimilarityValidator):
    """Not one's own name, number or address, nor much like it."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "name", "email", "phone"))

    def get_error_message(self) -> str:
        return _(
            "Kata sandi ini terlalu mirip dengan nama, nomor, atau surel Anda. Pilih kata lain yang tidak terkait."
        )


class LongEnough(password_validation.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return _(
            "Kata sandi ini terlalu pendek. Pakai paling sedikit %(count)d huruf atau angka, misalnya tiga kata yang "
            "tidak saling terkait."
        ) % {"count": self.min_length}


class NotCommon(password_validation.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("Kata sandi ini termasuk yang paling sering dipakai orang. Pilih yang lain.")


class NotDigitsAlone:
    """Digits, with or without marks between them: dates, telephone numbers, codes of areas."""

    def validate(self, password: str, user: Any = None) -> None:
        if not any(char.isalpha() for char in password):
            raise ValidationError(
                _("Kata sandi tidak boleh hanya angka, seperti tanggal atau kode wilayah. Tambahkan beberapa kata."),
                code="password_entirely_numeric",
            )

    def get_help_text(self) -> str:
        return ""


class NotOfTheField:
    """Not words of the work, of places or of oneself alone, whatever digits are among them, nor one letter repeated."""

    def validate(self, password: str, user: Any = None) -> None:
        plain = password.casefold()
        words = WORDS | _own(user) if isinstance(user, User) else WORDS
        if settings.DEPLOYED:
            words |= {"demo"}  # the password of the demo is printed in its source
        readings = {re.sub(r"[\W\d_]", "", plain), re.sub(r"[\W\d_]", "", _bare(plain).translate(LOOKALIKE))}
        if len(set(plain)) < UNLIKE or any(_guessable(letters, words) for letters in readings):
            raise ValidationError(
                _(
                    "Kata sandi ini mudah ditebak: hanya kata pengawasan, nama tempat atau orang, bulan, dan angka. "
                    "Pilih beberapa kata lain yang hanya Anda yang tahu."
                ),
                code="password_of_the_field",
            )

    def get_help_text(self) -> str:
        return ""


def _bare(text: str) -> str:
    """Without the digits and marks at both ends."""
    return text.strip("0123456789!@#$%^&*()-_=+.,:;/\\|?~ ")


def _own(user: User) -> set[str]:
    """Words of the person and of the units they serve in, up to the province; one query for an account that exists."""
    spoken = [user.name, user.username, user.email.partition("@")[0]]
    if user.pk:
        for membership in user.memberships.select_related(
            "unit__province", "unit__regency", "unit__district", "unit__village"
        ):
            spoken += [unit.name for unit in (*membership.unit.ancestors, membership.unit)]
    return {word for text in spoken for word in re.findall(r"[^\W\d_]+", text.casefold()) if len(word) >= WORD}


def _guessable(letters: str, words: Iterable[str]) -> bool:
    """Whether words take up so much of the letters that less than a word of one's own is left."""
    if len(letters) > LONGEST:
        return False
    most = [0] * (len(letters) + 1)  # letters covered up to here, at most
    for end in range(1, len(letters) + 1):
        most[end] = most[end - 1]
        for word in words:
            if letters.endswith(word, 0, end):
                most[end] = max(most[end], most[end - len(word)] + len(word))
    return most[-1] > 0 and len(letters) - most[-1] < OF_ONES_OWN
