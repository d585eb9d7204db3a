"""Laws of flags: what is doubtful depends on how numbers lie to each other, not on their order or their unit."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.quality import statistics

NUMBERS = st.lists(st.integers(-(10**6), 10**6), min_size=9, max_size=40)


@given(
    values=NUMBERS, value=st.integers(-(10**6), 10**6), shift=st.integers(-(10**6), 10**6), scale=st.integers(1, 1000)
)
def test_a_score_knows_neither_origin_nor_unit(values: list[int], value: int, shift: int, scale: int):
    moved = statistics.sample(scale * v + shift for v in values)
    assert isclose(
        moved.score(scale * value + shift), statistics.sample(values).score(value), rel_tol=1e-9, abs_tol=1e-9
    )


@given(values=NUMBERS, data=st.data())
def test_the_order_of_siblings_does_not_matter(values: list[int], data: st.DataObject):
    assert statistics.sample(data.draw(st.permutations(values))) == statistics.sample(values)


@given(value=st.integers(0, 10**6), size=st.integers(9, 60))
def test_a_constant_sample_never_flags(value: int, size: int):
    verdict = statistics.outliers(dict.fromkeys(range(size), value))
    assert verdict is not None
    assert verdict[1] == {}


@given(values=NUMBERS)
def test_what_is_flagged_lies_outside_the_usual_range(values: list[int]):
    verdict = statistics.outliers(dict(enumerate(values)))
    assert verdict is not None
    usual, far = verdict
    assert len(far) <= len(values) / 2
    assert all(not usual.low <= values[key] <= usual.high for key in far)


@given(values=st.lists(st.integers(0, 10**6), max_size=8))
def test_few_siblings_prove_nothing(values: list[int]):
    assert statistics.outliers(dict(enumerate(values))) is None


ROWS = st.dictionaries(st.integers(0, 20), st.lists(st.integers(0, 2) | st.none(), min_size=6, max_size=6))


@given(rows=ROWS)
def test_to_be_a_copy_is_mutual(rows: dict[int, list[int | None]]):
    found = statistics.copies(rows)
    for key, others in found.items():
        assert others
        assert key not in others
        assert all(key in found[other] and rows[other] == rows[key] for other in others)


@given(numbers=st.lists(st.integers(1, 500).map(lambda n: 10 * n), min_size=6), odd=st.integers(10, 5000))
def test_one_number_that_is_not_round_clears_the_rest(numbers: list[int], odd: int):
    assume(odd % 10)
    assert statistics.is_round(numbers)
    assert not statistics.is_round([*numbers, odd])
    assert statistics.is_round([*numbers, 7])  # too small to be rounded


@pytest.mark.parametrize(
    ("values", "far"),
    [
        ([200, 205, 210, 190, 195, 220, 180, 215, 612], [8]),
        ([0, 0, 0, 0, 0, 0, 0, 0, 3], []),
        ([0, 0, 0, 0, 0, 0, 0, 0, 30], [8]),
        ([180, 200, 220, 240, 260, 280, 300, 320, 340], []),
    ],
)
def test_outliers_of_known_samples(values: list[int], far: list[int]):
    verdict = statistics.outliers(dict(enumerate(values)))
    assert verdict is not None
    assert list(verdict[1]) == far
