"""Pure figures: how counts and vectors become what a page, a workbook or a file shows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.figures import cells as figures
from dashboards.releases.map import outlines
from dashboards.releases.page import Address, state_of
from dashboards.releases.page_section import PublishedCounts
from reports.calendar.publishing import CATALOGUE
from reports.counting import Counts, add_counts
from reports.instruments.schema import INTEGER, Schema, problem_cells, sum_cells
from reports.instruments.xlsform import contents_of, read

no_clock = settings(deadline=None)


def schema(code: str) -> Schema:
    path = CATALOGUE / f"{code}.md"
    return read(contents_of(path), suffix=path.suffix)


VOTING, COUNTING = schema("pemungutan-tps"), schema("penghitungan-tps")
VECTORS = st.lists(st.integers(0, 10**6), min_size=len(VOTING.layout), max_size=len(VOTING.layout))


@no_clock
@given(st.lists(VECTORS, max_size=5))
def test_sums_of_the_parts_are_the_sum_of_the_whole(vectors: list[list[int]]) -> None:
    width = len(VOTING.layout)
    assert figures.add_vectors(vectors, width) == [sum(v[i] for v in vectors) for i in range(width)]


@no_clock
@given(VECTORS)
def test_publishing_keeps_exactly_the_public_sums(vector: list[int]) -> None:
    cells = figures.public_cells(VOTING)
    again = figures.published_vector(VOTING, {key: vector[position] for key, position in cells})
    public = {position for _key, position in cells}
    assert again == [value if position in public else 0 for position, value in enumerate(vector)]


def test_every_public_cell_has_a_key_of_its_own() -> None:
    for found in (VOTING, COUNTING):
        keys = [key for key, _position in figures.public_cells(found)]
        assert len(keys) == len(set(keys))


@no_clock
@given(VECTORS)
def test_problems_come_most_first_and_none_is_lost(vector: list[int]) -> None:
    lines = figures.problem_lines(VOTING, vector, "id")
    assert [line.value for line in lines] == sorted((vector[p] for _q, p in problem_cells(VOTING)), reverse=True)


@no_clock
@given(VECTORS)
def test_every_number_asked_is_in_a_row_and_halves_make_their_total(vector: list[int]) -> None:
    rows = figures.sum_rows(VOTING, figures.sum_lines(VOTING, vector, "id"))
    asked = [(question, vector[position]) for question, position in sum_cells(VOTING) if question.kind == INTEGER]
    shown = [value for row in rows for value in (row.men, row.women, row.total if row.men is None else None)]
    assert not Counter(value for _question, value in asked) - Counter(shown)
    assert all(row.men is None or row.men + (row.women or 0) == row.total for row in rows)


def test_a_total_calculated_from_a_pair_is_not_said_twice() -> None:
    labels = [row.label for row in figures.sum_rows(VOTING, figures.sum_lines(VOTING, [0] * len(VOTING.layout), "id"))]
    assert labels.count("Pemilih dalam DPT") == 1


def test_a_pair_is_one_row_under_the_words_its_halves_share() -> None:
    vector = [0] * len(VOTING.layout)
    positions = {question.name: position for question, position in sum_cells(VOTING)}
    vector[positions["dpt_l"]], vector[positions["dpt_p"]] = 130, 144
    row = figures.sum_rows(VOTING, figures.sum_lines(VOTING, vector, "id"))[0]
    assert (row.label, row.men, row.women, row.total) == ("Pemilih dalam DPT", 130, 144, 274)


COUNTS = st.builds(
    lambda on_time, late, missing, vacant, unreachable: Counts(
        expected=on_time + late + missing + vacant + unreachable,
        filed_count=on_time + late,
        on_time=on_time,
        vacant=vacant,
        unreachable=unreachable,
    ),
    *[st.integers(0, 1000)] * 5,
)


@no_clock
@given(COUNTS)
def test_whoever_owes_has_filed_or_is_missing_vacant_or_unreachable(counts: Counts) -> None:
    assert counts.expected == counts.filed_count + counts.missing + counts.vacant + counts.unreachable
    assert counts.filed_count == counts.on_time + counts.late


@no_clock
@given(st.lists(COUNTS, max_size=6))
def test_counts_add_up_field_by_field(some: list[Counts]) -> None:
    total = add_counts(counts.__dict__ for counts in some)
    assert total.missing == sum(counts.missing for counts in some)
    assert total.expected == sum(counts.expected for counts in some)


def test_the_map_has_every_regency_and_district_once() -> None:
    kaltim = outlines("64")
    assert kaltim is not None
    assert len(kaltim.paths) == 10
    districts = [code for regency in kaltim.paths for code in outlines(regency).paths]  # type: ignore[union-attr]
    assert len(districts) == len(set(districts)) == 105
    assert all(path.startswith("M") and path.endswith("z") for path in kaltim.paths.values())
    assert sum(len(path) for path in kaltim.paths.values()) < 12_000


@pytest.mark.parametrize("code", ["640101", "6499", "31", ""])
def test_where_nothing_is_drawn_there_is_no_map(code: str) -> None:
    assert outlines(code) is None


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        (PublishedCounts(expected=1, not_due=1), "OWED"),
        (PublishedCounts(expected=1), "LATE"),
        (PublishedCounts(expected=1, undated=1), "UNDATED"),
        (PublishedCounts(expected=1, filed_count=1), "FILED"),
        (PublishedCounts(expected=1, filed_count=1, returned=1), "RETURNED"),
        (PublishedCounts(expected=1, unreachable=1), "UNREACHABLE"),
        (PublishedCounts(expected=3, filed_count=1), ""),
    ],
)
def test_the_state_of_one_obligation(counts: PublishedCounts, state: str) -> None:
    assert state_of(counts) == state


def test_addresses_quote_what_a_reader_typed() -> None:
    address = Address("pemilu2024", None, "", 'x"&y=1')
    assert address.page("64").endswith("?instrumen=x%22%26y%3D1")
