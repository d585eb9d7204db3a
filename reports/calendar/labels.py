"""How windows are said to people."""

from __future__ import annotations

import re
from datetime import date

from django.utils.translation import gettext

from hierarchy.lib import formats
from reports.calendar.models import Window


def title_of(window: Window) -> str:
    """The instrument and, where it is owed again and again, the day or week: "Masa tenang, 11 Feb 2024"."""
    title, period = window.instrument.title, window.period
    return f"{title}, {period_words(period)}" if period else title


def period_words(period: str) -> str:
    """`2024-02-11` -> "11 Feb 2024"; `2024-W07` -> "minggu mulai 12 Feb 2024", its Monday; "" -> "".

    Never "minggu 12 Feb 2024", which also means Sunday.
    """
    if week := re.fullmatch(r"(\d{4})-W(\d\d)", period):
        monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return gettext("minggu mulai %(day)s") % {"day": formats.day(monday)}
    return formats.day(date.fromisoformat(period)) if period else ""
