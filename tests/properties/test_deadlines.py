"""Laws of the legal deadlines: working days are counted one by one, and no deadline runs backwards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.findings import deadlines
from reports.findings.deadlines import DEADLINES, due, works

DAYS = st.dates(date(2019, 1, 1), date(2034, 12, 31))


@given(since=DAYS, name=st.sampled_from(sorted(DEADLINES)))
def test_what_begins_later_ends_no_earlier(since: date, name: str) -> None:
    assert due(since, DEADLINES[name]) <= due(since + timedelta(days=1), DEADLINES[name])


@given(since=DAYS)
def test_fourteen_working_days_are_fourteen_and_end_on_one(since: date) -> None:
    deadline = DEADLINES["EXTENDED"]
    last = due(since, deadline)
    counted = [since + timedelta(days=n) for n in range(1, (last - since).days + 1)]
    assert sum(map(works, counted)) == deadline.days == 14
    assert works(last)


@given(since=DAYS)
def test_without_holidays_a_working_deadline_skips_weekends_alone(since: date) -> None:
    last = due(since, DEADLINES["EXTENDED"], off=lambda _year: frozenset())
    if since.weekday() < 5:
        assert (last - since).days == (18 if since.weekday() == 0 else 20)
    assert last <= due(since, DEADLINES["EXTENDED"])


@pytest.mark.parametrize(
    ("name", "since", "last"),
    [
        ("SUSPECTED", date(2024, 2, 14), date(2024, 2, 21)),  # UU 7/2017 art. 454 (5), calendar days
        ("FOUND", date(2024, 2, 19), date(2024, 2, 26)),  # (7)
        ("EXTENDED", date(2024, 2, 19), date(2024, 3, 8)),  # (8), working days from registration
        ("EXTENDED", date(2024, 4, 1), date(2024, 4, 29)),  # over Lebaran and its collective leave
    ],
)
def test_the_law_by_example(name: str, since: date, last: date) -> None:
    assert due(since, DEADLINES[name]) == last


@given(since=DAYS, passed=st.integers(0, 60))
def test_a_deadline_is_over_exactly_after_its_last_day(since: date, passed: int) -> None:
    class Suspected:
        status, discovered_on = "SUSPECTED", since

    standing = deadlines.standing(Suspected(), since + timedelta(days=passed))
    assert standing is not None
    assert standing.over == (passed > 7)
    assert standing.left == 7 - passed
