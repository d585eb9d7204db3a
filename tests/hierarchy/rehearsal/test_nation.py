"""The made-up country: its size is exact, its codes are sound, its unevenness has bounds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarchy.levels import Level
from hierarchy.rehearsal import nation
from hierarchy.units.rows import edges, faults


def by_level(rows) -> dict[Level, int]:
    return dict(Counter(row.level for row in rows))


@settings(max_examples=25, deadline=None)
@given(stations=st.integers(1, 20_000))
def test_any_size_is_a_sound_country(stations: int):
    rows = nation.nation_rows(stations)
    assert faults(rows) == []
    assert by_level(rows) == nation.counts(stations)
    assert nation.counts(stations)[Level.POLLING_STATION] == stations
    parents = {row.parent_code for row in rows} - {None}
    assert parents == {row.code for row in rows if row.level != Level.POLLING_STATION}  # nobody is childless
    siblings = Counter((row.parent_code, row.name) for row in rows)
    assert set(siblings.values()) == {1}


@settings(max_examples=20, deadline=None)
@given(total=st.integers(1, 5_000), share=st.floats(0.001, 1), stride=st.sampled_from(sorted(nation.STRIDES.values())))
def test_a_spread_is_exact_and_gives_everyone_something(total: int, share: float, stride: int):
    parents = max(1, int(total * share))
    sizes = list(nation._spread(total, parents, stride))
    assert (sum(sizes), len(sizes)) == (total, parents)
    assert min(sizes) >= 1


def test_the_whole_country_has_the_size_of_indonesia():
    seen: Counter[Level] = Counter()
    per_village: Counter[int] = Counter()
    codes = 0
    for number, rows in enumerate(nation.provinces(823_000)):
        codes += len({row.code for row in rows})
        assert {row.code[:2] for row in rows} == {rows[0].code}
        seen.update(row.level for row in rows)
        villages = Counter(row.parent_code for row in rows if row.level == Level.POLLING_STATION)
        per_village.update(villages.values())
        if number in (0, 20):
            assert faults(rows) == []
            assert len(edges(row.code for row in rows)) == len(rows)
    assert seen == {
        Level.PROVINCE: 38,
        Level.REGENCY: 514,
        Level.DISTRICT: 7_277,
        Level.VILLAGE: 83_731,
        Level.POLLING_STATION: 823_000,
    }
    assert codes == seen.total()
    assert min(per_village) == 1
    assert 30 <= max(per_village) <= 45


def test_kaltim_has_the_shape_of_one_province():
    assert list(nation.counts(11_441).values()) == [1, 7, 101, 1_164, 11_441]


def test_no_body_is_out_of_proportion():
    children: dict[Level, Counter[str | None]] = {level: Counter() for level in Level}
    for rows in nation.provinces(823_000):
        for row in rows:
            if row.level < Level.POLLING_STATION:
                children[row.level][row.parent_code] += 1
    largest = {level: max(found.values()) for level, found in children.items() if level in (1, 2, 3)}
    assert all(10 <= number <= 80 for number in largest.values()), largest
    assert min(children[Level.VILLAGE].values()) == 1


def test_names_repeat_in_other_regencies():
    villages = [row for row in nation.nation_rows(11_441) if row.level == Level.VILLAGE]
    places: dict[str, set[str]] = {}
    for row in villages:
        places.setdefault(row.name, set()).add(row.code[:4])
    assert max(map(len, places.values())) >= 3


@pytest.mark.parametrize("stations", [0, -1, nation.MOST_STATIONS + 1])
def test_a_size_outside_the_codes_is_refused(stations: int):
    with pytest.raises(ValueError, match="stations"):
        nation.counts(stations)
