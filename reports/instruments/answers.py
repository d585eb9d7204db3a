"""One raw answer to its canonical value, per kind of question; what cannot be read is told in plain words.

Canonical: an integer is int >= 0; yes/no and choices are option names; several choices a list in the form's order;
a time HH:MM; a date YYYY-MM-DD; a photo the hex SHA-256 of its evidence file; a text is NFC with LF line ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date

from django.utils.translation import gettext as _

from .schema import DATE, INTEGER, PHOTO, SELECT_MULTIPLE, SELECT_ONE, TEXT, TIME, YESNO, Question

LARGEST = 9_999_999
LONGEST_TEXT = 10_000
LONGEST_REASON = 1_000
YEARS = range(2000, 2101)

Answer = int | str | list[str]

_DIGITS = re.compile(r"[0-9]+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")  # 1.208 as Indonesian writes it; not 1,208
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])(?:[:.][0-5][0-9])?")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_LOCAL_DATE = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# C0 controls but tab and newline: PostgreSQL refuses NUL, a workbook refuses all of them. Lone surrogates are no UTF-8.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class BadAnswer(ValueError):
    """An answer that is not of its question's kind; the text says what to do."""


def clean_text(raw: object, limit: int = LONGEST_TEXT) -> str | None:
    """Text as it is stored, None where nothing but space was typed. Raises BadAnswer."""
    if not isinstance(raw, str):
        raise BadAnswer(_("Jawaban ini harus berupa teks."))
    if len(raw) > 2 * limit:
        raise _too_long(limit)
    if _UNSTORABLE.search(raw):
        raise BadAnswer(_("Teks memuat karakter yang tidak dapat disimpan. Hapus lalu ketik ulang bagian itu."))
    text = raw if raw.isascii() else unicodedata.normalize("NFC", raw)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.strip()
    if len(text) > limit:
        raise _too_long(limit)
    return text or None


def _too_long(limit: int) -> BadAnswer:
    return BadAnswer(_("Teks terlalu panjang; paling banyak %(limit)d huruf.") % {"limit": limit})


def _integer(_question: Question, raw: object) -> int:
    if isinstance(raw, str):
        raw = _numeral(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise BadAnswer(_("Isi dengan angka bulat, misalnya 12."))
    if raw < 0:
        raise BadAnswer(_("Angka tidak boleh kurang dari 0."))
    if raw > LARGEST:
        raise _too_large()
    return raw


def _numeral(raw: str) -> int:
    text = raw.strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(".", "")
    if _DIGITS.fullmatch(text):
        if len(text.lstrip("0")) > len(str(LARGEST)):
            raise _too_large()
        return int(text)
    if text[:1] in {"-", "\u2212"} and _DIGITS.fullmatch(text[1:]):
        raise BadAnswer(_("Angka tidak boleh kurang dari 0."))
    if any(character.isnumeric() and not character.isascii() for character in text):
        # int() would read Arabic-Indic digits and the browser would not; one spelling for one number.
        raise BadAnswer(_("Gunakan angka biasa 0 sampai 9."))
    raise BadAnswer(_("Isi dengan angka bulat tanpa huruf, koma, atau tanda lain, misalnya 1208."))


def _too_large() -> BadAnswer:
    return BadAnswer(_("Angka terlalu besar; paling besar 9.999.999. Periksa kembali."))


def _option(question: Question, raw: object) -> str:
    if isinstance(raw, str) and raw in question.options:
        return raw
    labels = ", ".join(choice.label.id for choice in question.choices)
    raise BadAnswer(_("Pilih salah satu: %s.") % labels)


def _options(question: Question, raw: object) -> list[str] | None:
    chosen = [raw] if isinstance(raw, str) else raw
    if not isinstance(chosen, list) or len(chosen) > 10 * len(question.options):
        raise BadAnswer(_("Pilih dari daftar yang tersedia."))
    for each in chosen:
        _option(question, each)
    return [option for option in question.options if option in chosen] or None


def _time(_question: Question, raw: object) -> str:
    match = _TIME.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise BadAnswer(_("Tulis jam dan menit, misalnya 07.00 atau 13.30."))
    return f"{int(match[1]):02d}:{match[2]}"


def _date(_question: Question, raw: object) -> str:
    text = raw.strip() if isinstance(raw, str) else ""
    if match := _ISO_DATE.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _LOCAL_DATE.fullmatch(text):
        day, month, year = (int(part) for part in match.groups())
    else:
        raise _not_a_date()
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise _not_a_date() from error
    if found.year not in YEARS:
        raise _not_a_date()
    return found.isoformat()


def _not_a_date() -> BadAnswer:
    return BadAnswer(_("Tulis tanggal, bulan, dan tahun yang benar, misalnya 14-02-2024."))


def _photo(_question: Question, raw: object) -> str:
    if isinstance(raw, str) and _SHA256.fullmatch(raw):
        return raw
    raise BadAnswer(_("Foto tidak terbaca. Pilih fotonya lagi."))


def _text(_question: Question, raw: object) -> str | None:
    return clean_text(raw)


_READERS: dict[str, Callable[[Question, object], Answer | None]] = {
    INTEGER: _integer, YESNO: _option, SELECT_ONE: _option, SELECT_MULTIPLE: _options,
    TIME: _time, DATE: _date, PHOTO: _photo, TEXT: _text,
}  # fmt: skip
ANSWERED_KINDS = frozenset(_READERS)


def read_answer(question: Question, raw: object) -> Answer | None:
    """The canonical value of a raw answer; None where the question was left empty. Raises BadAnswer."""
    if raw is None or raw == [] or (isinstance(raw, str) and not raw.strip() and "\x00" not in raw):
        return None
    return _READERS[question.kind](question, raw)
