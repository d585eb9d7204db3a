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
    if not period:
        return title
    if week := re.fullmatch(r"(\d{4})-W(\d\d)", period):
        monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        words = gettext("minggu mulai %(day)s") % {"day": formats.day(monday)}
    else:
        words = formats.day(date.fromisoformat(period))
    return f"{title}, {words}"
