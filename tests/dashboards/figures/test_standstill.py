"""What stands still, and what does not: the definition, rule by rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures.standstill import LONG_ENOUGH, Reading, may_grow, standing_still

DAYS = timedelta(days=9)
READINGS = st.dictionaries(
    st.integers(0, 20),
    st.builds(
        Reading,
        st.one_of(st.none(), st.integers(0, 3)),
        st.one_of(st.none(), st.integers(0, 3)),
        st.booleans(),
    ),
    max_size=8,
)


def test_the_case_of_the_field_is_marked() -> None:
    """Berau on 5 and on 14 July 2024: 563 households, while Paser went from 4,556 to 12,636."""
    assert standing_still({"6403": Reading(563, 563), "6401": Reading(4_556, 12_636)}, elapsed=DAYS) == {"6403"}


def test_zeros_filed_day_after_day_are_no_movement() -> None:
    assert standing_still({"6403": Reading(0, 0), "6401": Reading(10, 30)}, elapsed=DAYS) == {"6403"}


@given(READINGS)
def test_nothing_stands_still_right_after_a_release(readings: dict[int, Reading]) -> None:
    assert not standing_still(readings, elapsed=LONG_ENOUGH - timedelta(seconds=1))


@given(READINGS)
def test_nobody_is_marked_without_cause(readings: dict[int, Reading]) -> None:
    marked = standing_still(readings, elapsed=DAYS)
    for key in marked:
        reading = readings[key]
        others = [other for name, other in readings.items() if name != key and other.known]
        beside = [other for other in others if other.may_grow or other.before != other.after]
        assert reading.before == reading.after is not None
        assert reading.may_grow
        moved = sum(other.before != other.after for other in beside)
        assert moved >= 1
        assert moved * 2 >= len(beside)


@given(READINGS, st.integers(4, 9))
def test_what_is_not_known_counts_on_neither_side(readings: dict[int, Reading], value: int) -> None:
    unknown = {key: reading for key, reading in readings.items() if not reading.known}
    known = {key: reading for key, reading in readings.items() if reading.known}
    assert standing_still(readings, elapsed=DAYS) == standing_still(known, elapsed=DAYS)
    assert not standing_still(unknown | {99: Reading(value, value)}, elapsed=DAYS)


def test_who_is_complete_by_now_moved_all_the_same() -> None:
    assert standing_still({"a": Reading(5, 9, may_grow=False), "b": Reading(7, 7)}, elapsed=DAYS) == {"b"}
    assert not standing_still({"a": Reading(9, 9, may_grow=False), "b": Reading(7, 7)}, elapsed=DAYS)


def test_where_nobody_moved_nobody_stands_still() -> None:
    assert not standing_still({"a": Reading(5, 5), "b": Reading(7, 7), "c": Reading(0, 0)}, elapsed=DAYS)


def test_a_rare_figure_is_not_held_against_those_without_it() -> None:
    rare = {number: Reading(0, 0) for number in range(9)} | {9: Reading(0, 1)}
    assert not standing_still(rare, elapsed=DAYS)


@pytest.mark.parametrize(
    ("missing", "undecided", "accepting", "more_to_come", "expected"),
    [
        (3, 0, True, False, True),
        (3, 0, False, False, False),  # closed: what is missing will not come
        (0, 2, False, False, True),  # what was filed may still be approved
        (0, 0, True, False, False),
        (0, 0, False, True, True),  # tomorrow's reports
    ],
)
def test_what_is_to_be_expected_to_grow(
    missing: int, undecided: int, accepting: bool, more_to_come: bool, expected: bool
) -> None:
    found = may_grow(missing=missing, undecided=undecided, accepting=accepting, more_to_come=more_to_come)
    assert found is expected
