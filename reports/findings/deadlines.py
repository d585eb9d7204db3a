"""Legal deadlines of findings: pure functions over dates in WITA.

Source: UU 7/2017 art. 454. Paragraph (5): a result of supervision becomes a finding at most 7 days after the suspected
violation was discovered. (7): what is proven is followed up at most 7 days after registration. (8): where more
information is needed, it and the study of the case are done at most 14 working days after registration; from
registration, not after the seven days. Paragraphs (5) and (7) say days where (6) and (8) say working days, so the
first two are calendar days here, which is also the stricter reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Deadline:
    """`days` after `since`, a field of a finding; `working`: Saturdays, Sundays and public holidays do not count."""

    words: Promise
    since: str
    days: int
    working: bool
    source: str


# By the status in which a finding waits; what is closed has none.
DEADLINES: dict[str, Deadline] = {
    "SUSPECTED": Deadline(_("Ditetapkan dalam pleno"), "discovered_on", 7, False, "UU 7/2017 Pasal 454 ayat (5)"),
    "FOUND": Deadline(_("Ditindaklanjuti"), "registered_on", 7, False, "UU 7/2017 Pasal 454 ayat (7)"),
    "EXTENDED": Deadline(
        _("Keterangan tambahan dan kajian"), "registered_on", 14, True, "UU 7/2017 Pasal 454 ayat (8)"
    ),
}


@lru_cache(maxsize=32)
def days_off(year: int) -> frozenset[date]:
    """Public holidays and collective leave of a year; future years as far as they can be computed today."""
    import holidays

    return frozenset(holidays.country_holidays("ID", years=year, categories=("public", "government")))


def works(day: date, *, off: Callable[[int], frozenset[date]] = days_off) -> bool:
    """Whether offices work on that day."""
    return day.weekday() < 5 and day not in off(day.year)


def due(since: date, deadline: Deadline, *, off: Callable[[int], frozenset[date]] = days_off) -> date:
    """The last day of a deadline that began on `since`, which is not counted itself."""
    if not deadline.working:
        return since + timedelta(days=deadline.days)
    day, left = since, deadline.days
    while left:
        day += timedelta(days=1)
        left -= works(day, off=off)
    return day


@dataclass(frozen=True)
class DeadlineStanding:
    """Where a deadline stands on a day: `left` calendar days, negative once it has run out."""

    deadline: Deadline
    due: date
    left: int

    @property
    def over(self) -> bool:
        return self.left < 0

    @property
    def late(self) -> int:
        return -self.left


def standing(finding: object, today: date) -> DeadlineStanding | None:
    """The deadline that runs for a finding (reports.models.Finding); None once it is closed."""
    deadline = DEADLINES.get(getattr(finding, "status", ""))
    if deadline is None:
        return None
    last = due(getattr(finding, deadline.since), deadline)
    return DeadlineStanding(deadline, last, (last - today).days)
