"""A made-up country with the shape of Indonesia, for measuring at its size (pure: no database).

823,000 polling stations in 83,731 villages, 7,277 districts, 514 regencies or cities and 38 provinces; fewer stations
keep the proportions. Sizes are uneven as real ones are, and the same for the same number of stations. No name or code
is meant to be that of a real place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from hierarchy.levels import Level
from hierarchy.units.rows import UnitRow

WHOLE: dict[Level, int] = {
    Level.PROVINCE: 38,
    Level.REGENCY: 514,
    Level.DISTRICT: 7_277,
    Level.VILLAGE: 83_731,
    Level.POLLING_STATION: 823_000,
}
MOST_STATIONS = 1_800_000  # more would need a province code of three digits
FIRST_PROVINCE, FIRST_CITY, FIRST_VILLAGE, FIRST_WARD = 11, 71, 2001, 1001
CITY_EVERY, WARD_EVERY = 5, 8  # every fifth regency is a city (kota), every eighth village a ward (kelurahan)
# How many children parents have beyond the first, relative to each other: most are small, a few are very large.
SHARES = (1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 20, 27, 54)
# Steps through SHARES, one per level and coprime to its length, so that a large regency is not always in a large
# province.
STRIDES = {Level.REGENCY: 3, Level.DISTRICT: 5, Level.VILLAGE: 7, Level.POLLING_STATION: 11}

FIRST, SECOND = (
    tuple(words.split())
    for words in (
        "Suka Karang Tanjung Muara Teluk Bukit Sungai Rawa Padang Lubuk Pasir Batu Kampung Mekar Sumber Tirta Marga "
        "Wana Sido Banjar Pulau Ujung Gunung Talang Kuta Simpang",
        "Makmur Jaya Maju Indah Damai Sari Baru Mulya Rejo Asri Harapan Bakti Setia Agung Lestari Permai Raya",
    )
)
NAMES = tuple(f"{first} {second}" for second in SECOND for first in FIRST)


def counts(stations: int) -> dict[Level, int]:
    """How many units of each level a country of so many stations has: the proportions of WHOLE, at least one each.

    Raises ValueError outside 1..MOST_STATIONS.
    """
    if not 1 <= stations <= MOST_STATIONS:
        raise ValueError(f"stations must be between 1 and {MOST_STATIONS}")
    whole = WHOLE[Level.POLLING_STATION]
    return {level: max(1, round(stations * number / whole)) for level, number in WHOLE.items()}


def nation_rows(stations: int) -> list[UnitRow]:
    """Every unit of the country, parents before children. `provinces` gives the same without holding it all."""
    return [row for province in provinces(stations) for row in province]


def provinces(stations: int) -> Iterator[list[UnitRow]]:
    """The units of one province after another, each list a whole tree that `tree.load` takes as it is."""
    size = counts(stations)
    children = {
        level: _spread(size[level], size[Level(level - 1)], STRIDES[level]) for level in Level if level > Level.PROVINCE
    }
    ordinals = {level: count() for level in Level}
    for number in range(size[Level.PROVINCE]):
        code = str(FIRST_PROVINCE + number)
        rows = [UnitRow(code, NAMES[number], "provinsi")]
        _grow(rows, code, Level.REGENCY, children, ordinals)
        yield rows


def _grow(
    rows: list[UnitRow], parent: str, level: Level, children: dict[Level, Iterator[int]], ordinals: dict[Level, count]
) -> None:
    """Appends the units of `level` below `parent`, and all below them."""
    for position in range(next(children[level])):
        ordinal = next(ordinals[level])
        row = MAKERS[level](parent, position, ordinal)
        rows.append(row)
        if level < Level.POLLING_STATION:
            _grow(rows, row.code, Level(level + 1), children, ordinals)


def _regency(parent: str, position: int, ordinal: int) -> UnitRow:
    city, nth = position % CITY_EVERY == CITY_EVERY - 1, position // CITY_EVERY
    number, kind = (FIRST_CITY + nth, "kota") if city else (position - nth + 1, "kabupaten")
    return UnitRow(f"{parent}{number:02d}", f"{kind.capitalize()} {_name(ordinal)}", kind)


def _district(parent: str, position: int, ordinal: int) -> UnitRow:
    return UnitRow(f"{parent}{position + 1:02d}", _name(ordinal), "kecamatan")


def _village(parent: str, position: int, ordinal: int) -> UnitRow:
    ward = position % WARD_EVERY == WARD_EVERY - 1
    number, kind = (FIRST_WARD, "kelurahan") if ward else (FIRST_VILLAGE, "desa")
    return UnitRow(f"{parent}{number + position:04d}", _name(ordinal), kind)


def _station(parent: str, position: int, ordinal: int) -> UnitRow:
    number = f"{position + 1:03d}"
    return UnitRow(f"{parent}{number}", f"TPS {number}", "tps", 160 + ordinal * 37 % 141)  # 160..300 voters


MAKERS = {
    Level.REGENCY: _regency,
    Level.DISTRICT: _district,
    Level.VILLAGE: _village,
    Level.POLLING_STATION: _station,
}


def _name(ordinal: int) -> str:
    """Names come round again in another regency, as real ones do; within one parent they differ."""
    return NAMES[ordinal % len(NAMES)]


def _spread(total: int, parents: int, stride: int) -> Iterator[int]:
    """How many of `total` children each of `parents` has: one at least, the rest by SHARES, exact in sum."""
    cycle, length = sum(SHARES), len(SHARES)
    rest = sum(SHARES[index * stride % length] for index in range(parents % length))
    whole = parents // length * cycle + rest
    passed = given = 0
    for index in range(parents):
        passed += SHARES[index * stride % length]
        upto = (total - parents) * passed // whole
        yield 1 + upto - given
        given = upto
