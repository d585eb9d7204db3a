"""Figures, times and states in the words people read, in the active language.

Pure functions: pages reach them through the template library `bawaslu`, workbooks and documents call them directly.
They never look at models, requests or the clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import level_of, line_of
from hierarchy.lib.clock import WITA

NOTHING = "-"

# Separators and months are spelled out here: CLDR writes "Agt" and groups digits by locale files that a
# server may lack, and a figure must look the same on the page, in the workbook and in the minutes.
_MONTHS = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_LONG_MONTHS = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
_DAYS = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_GROUP = {"id": ".", "en": ","}
_DECIMAL = {"id": ",", "en": "."}
_CLOCK = {"id": ".", "en": ":"}


def _language() -> str:
    """The language of separators and months: English when English is active, otherwise Indonesian."""
    return "en" if (get_language() or "id").startswith("en") else "id"


def number(value: int | None) -> str:
    """An integer with thousands separators: 1208 -> "1.208" (id), "1,208" (en); None -> "-"."""
    if value is None:
        return NOTHING
    return f"{int(value):,}".replace(",", _GROUP[_language()])


def tenths(n: int, total: int) -> int:
    """The share of `n` in `total` in tenths of a percent, 0..1000 for 0 <= n <= total.

    Rounds half up, but never to an end it has not reached: 11,440 of 11,441 is 999 and 1 of 11,441 is 1,
    because "100 %" tells a reader that nobody is missing and "0 %" that nobody has filed. 0 when total <= 0.
    """
    if total <= 0:
        return 0
    rounded = (2000 * n + total) // (2 * total)
    if 0 < n < total:
        return min(max(rounded, 1), 999)
    return max(rounded, 1001) if n > total else rounded


def percent(n: int, total: int) -> str:
    """A share in words of the page: "95,4 %", "100 %", "0 %"; "-" when there is nothing to share (total <= 0)."""
    if total <= 0:
        return NOTHING
    whole, tenth = divmod(tenths(n, total), 10)
    if tenth == 0 and whole in (0, 100):
        return f"{whole} %"
    return f"{whole}{_DECIMAL[_language()]}{tenth} %"


def n_of_total(n: int, total: int, noun: str = "") -> str:
    """The one way a percentage may appear: "10.912 dari 11.441 TPS (95,4 %)"; no percentage when total <= 0."""
    words = gettext("%(n)s dari %(total)s") % {"n": number(n), "total": number(total)}
    if noun:
        words += f" {noun}"
    return f"{words} ({percent(n, total)})" if total > 0 else words


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown: nobody could say which hour it means")
    return moment.astimezone(WITA)


def day(value: date) -> str:
    """A date: "16 Feb 2024". An aware datetime is first moved to WITA; a naive one raises ValueError."""
    local = _local(value) if isinstance(value, datetime) else value
    return f"{local.day} {_MONTHS[_language()][local.month - 1]} {local.year}"


def long_day(value: date) -> str:
    """A date for documents and headings: "Rabu, 14 Februari 2024"."""
    local = _local(value) if isinstance(value, datetime) else value
    language = _language()
    return f"{_DAYS[language][local.weekday()]}, {local.day} {_LONG_MONTHS[language][local.month - 1]} {local.year}"


def hour(moment: datetime) -> str:
    """The time of day with its zone: "21.40 WITA"."""
    local = _local(moment)
    return f"{local.hour:02d}{_CLOCK[_language()]}{local.minute:02d} WITA"


def moment(value: datetime) -> str:
    """Date and time with the zone: "14 Feb 2024 21.40 WITA". Raises ValueError for a naive datetime."""
    return f"{day(value)} {hour(value)}"


_UNITS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (24 * 60, lambda n: ngettext("%(n)d hari", "%(n)d hari", n) % {"n": n}),
    (60, lambda n: ngettext("%(n)d jam", "%(n)d jam", n) % {"n": n}),
    (1, lambda n: ngettext("%(n)d menit", "%(n)d menit", n) % {"n": n}),
)


def duration(span: timedelta) -> str:
    """A span in its two largest neighbouring units: "1 jam 20 menit", "2 hari 3 jam"; the sign is dropped.

    Rounds down: saying "1 jam" to someone who has 59 minutes makes them late.
    """
    left = int(abs(span).total_seconds()) // 60
    if left == 0:
        return gettext("kurang dari 1 menit")
    first = next(i for i, (size, _words) in enumerate(_UNITS) if left >= size)
    parts = []
    for size, words in _UNITS[first : first + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(words(count))
    return " ".join(parts)


def time_left(due_at: datetime, now: datetime) -> str:
    """How long until the deadline, or since: "sisa 1 jam 20 menit", "lewat 35 menit". On the dot nothing has passed."""
    if now > due_at:
        return gettext("lewat %(duration)s") % {"duration": duration(now - due_at)}
    return gettext("sisa %(duration)s") % {"duration": duration(due_at - now)}


_ONES = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas")


def spelled(number: int) -> str:
    """A number below ten thousand as an Indonesian document spells it: 2024 -> "dua ribu dua puluh empat"."""
    if number < len(_ONES):
        return _ONES[number]
    if number < 20:
        return f"{_ONES[number - 10]} belas"
    for size, word, one in ((1000, "ribu", "seribu"), (100, "ratus", "seratus"), (10, "puluh", "")):
        if number >= size:
            many, rest = divmod(number, size)
            words = one if many == 1 else f"{spelled(many)} {word}"
            return f"{words} {spelled(rest)}" if rest else words
    raise AssertionError(number)


def tidy(text: str) -> str:
    """What somebody typed without the characters that PostgreSQL cannot keep and no keyboard writes."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t").strip()


def phone_digits(phone: str) -> str:
    """0812-3456 -> 628123456, as wa.me and gateways want it; empty for what is no number."""
    bare = re.sub(r"[^0-9]", "", phone)
    return "62" + bare[1:] if bare.startswith("0") else bare


def unit_code(code: str) -> str:
    """A unit's code in dotted form: 6401012009001 -> "64.01.01.2009.001" (Kepmendagri 300.2.2-2138/2025).

    Two digits each for province, regency and district, four for the village, three for the polling station.
    A text of any other shape comes back unchanged.
    """
    if level_of(code) is None or not (code.isascii() and code.isdigit()):
        return code
    return ".".join(code[start:end] for start, end in pairwise((0, *map(len, line_of(code)))))


@dataclass(frozen=True)
class StateLabel:
    """How a state is shown, never by colour alone. `icon`: a symbol of icons.svg; `tone`: a class of app.css."""

    word: Promise
    icon: str
    tone: str


STATES: dict[str, StateLabel] = {
    "OWED": StateLabel(_("Belum lapor"), "circle", "open"),
    "LATE": StateLabel(_("Lewat tenggat"), "clock", "problem"),
    "FILED": StateLabel(_("Diterima"), "tick", "provisional"),
    "RETURNED": StateLabel(_("Dikembalikan"), "return", "problem"),
    "APPROVED": StateLabel(_("Disetujui"), "double-tick", "done"),
    "RATIFIED": StateLabel(_("Disahkan pleno"), "seal", "done"),
    "VACANT": StateLabel(_("Tanpa pengawas"), "dashed-circle", "missing"),
    "UNREACHABLE": StateLabel(_("Tanpa sinyal"), "no-signal", "missing"),
}


def state(key: Any) -> StateLabel:
    """The look of a state by its key in any case, or by an enum member with that value. KeyError if unknown."""
    return STATES[str(getattr(key, "value", key)).upper()]
