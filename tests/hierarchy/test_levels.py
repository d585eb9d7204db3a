"""What a code says by its length alone."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hierarchy import levels
from hierarchy.levels import CODE_LENGTHS, LONGEST_CODE, Level
from hierarchy.lib import formats
from hierarchy.units import rows

STATION = "6401012009001"
LINE = ["64", "6401", "640101", "6401012009", STATION]


def test_the_line_of_a_station() -> None:
    assert levels.line_of(STATION) == LINE
    assert [levels.level_of(code) for code in LINE] == list(Level)
    assert [levels.parent_code(code) for code in LINE] == [None, *LINE[:-1]]
    assert {levels.province_code(code) for code in LINE} == {"64"}
    assert [levels.station_number(code) for code in LINE] == [None, None, None, None, 1]
    assert formats.unit_code(STATION) == "64.01.01.2009.001"


@given(st.text("0123456789", max_size=LONGEST_CODE + 3))
def test_any_other_length_has_no_level_and_lies_below_the_next_shorter_code(code: str) -> None:
    assert (levels.level_of(code) is None) == (len(code) not in CODE_LENGTHS)
    *above, nearest = [None, *(one for one in levels.line_of(code) if one != code)]
    assert levels.parent_code(code) == nearest
    assert all(levels.level_of(one) == level for level, one in enumerate([*above, nearest][1:]))
    assert bool(re.fullmatch(levels.CODE_PATTERN, code)) == (2 <= len(code) <= 13)


def test_the_sentence_about_lengths_says_these() -> None:
    [fault] = rows.faults([rows.UnitRow("640", "Salah")], whole=False)
    assert [int(number) for number in re.findall("[0-9]+", fault.sentence.split("angka")[0])] == list(CODE_LENGTHS)
