"""The named cast: one small tree and the people of the field on it, for every test that needs somebody to act.

The tree repeats its district and village names in both regencies, because real ones do and a product that keys by name
merges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from hierarchy.lib import clock
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow

__all__ = ["Cast", "cast", "election", "hire", "membership_of", "small_rows", "small_tree", "tree_fixture"]
SINCE = date(2023, 1, 1)
REGENCIES = (("6401", "Kabupaten Paser", "kabupaten"), ("6472", "Kota Samarinda", "kota"))
DISTRICTS = (("01", "Sungai Pinang"), ("02", "Loa Kulu"))
VILLAGES = (("2001", "Harapan Baru"), ("2002", "Sidodadi"))
STATIONS = ("001", "002", "901")


def small_rows() -> list[UnitRow]:
    """1 province, 2 regencies, 4 districts, 8 villages, 24 polling stations of which 8 special: 39 units."""
    rows = [UnitRow("64", "Kalimantan Timur", "provinsi")]
    for regency, name, kind in REGENCIES:
        rows.append(UnitRow(regency, name, kind, registered_voters=7200))
        for district, district_name in DISTRICTS:
            rows.append(UnitRow(regency + district, district_name, "kecamatan"))
            for village, village_name in VILLAGES:
                code = regency + district + village
                rows.append(UnitRow(code, village_name, "desa"))
                rows += [UnitRow(code + number, f"TPS {number}", "tps", 300) for number in STATIONS]
    return rows


def small_tree(election: Election) -> dict[str, Unit]:
    """Loads small_rows() and returns the units by code, ancestors joined."""
    tree.load(election=election, rows=small_rows(), by=None)
    return {unit.code: unit for unit in Unit.objects.filter(election=election).with_ancestors()}


@dataclass(frozen=True)
class Cast:
    """One line of superiors from polling station 6472012001001 up, and those beside it.

    Members lists begin with the chair: province 5, regency 3, district 3.
    """

    ptps: User  # TPS 001, Harapan Baru, Sungai Pinang, Samarinda (6472012001001)
    ptps_sibling: User  # TPS 002 of the same village
    pkd: User  # Harapan Baru (6472012001)
    pkd_sibling: User  # Sidodadi, same district (6472012002)
    panwascam_chair: User  # Sungai Pinang, Samarinda (647201)
    panwascam_member: User
    panwascam_operator: User
    regency_chair: User  # Samarinda (6472)
    regency_member: User
    regency_operator: User
    province_chair: User  # Kalimantan Timur (64)
    province_member: User
    province_operator: User
    admin: User  # system administrator at the province
    stranger: User  # PKD of the village of the same name in Paser (6401012001)
    stranger_member: User  # member of Bawaslu Paser (6401)
    nobody: User  # an account without any membership
    province_members: list[User]
    regency_members: list[User]
    district_members: list[User]


_POSTS: tuple[tuple[str, str, Role], ...] = (
    ("ptps", "6472012001001", Role.SUPERVISOR),
    ("ptps_sibling", "6472012001002", Role.SUPERVISOR),
    ("pkd", "6472012001", Role.SUPERVISOR),
    ("pkd_sibling", "6472012002", Role.SUPERVISOR),
    ("panwascam_chair", "647201", Role.CHAIR),
    ("panwascam_member", "647201", Role.MEMBER),
    ("panwascam_third", "647201", Role.MEMBER),
    ("panwascam_operator", "647201", Role.OPERATOR),
    ("regency_chair", "6472", Role.CHAIR),
    ("regency_member", "6472", Role.MEMBER),
    ("regency_third", "6472", Role.MEMBER),
    ("regency_operator", "6472", Role.OPERATOR),
    ("province_chair", "64", Role.CHAIR),
    ("province_member", "64", Role.MEMBER),
    ("province_third", "64", Role.MEMBER),
    ("province_fourth", "64", Role.MEMBER),
    ("province_fifth", "64", Role.MEMBER),
    ("province_operator", "64", Role.OPERATOR),
    ("admin", "64", Role.ADMIN),
    ("stranger", "6401012001", Role.SUPERVISOR),
    ("stranger_member", "6401", Role.MEMBER),
)


def hire(election: Election) -> Cast:
    """Puts the cast on small_tree(election). Nobody has a password; use client.force_login."""
    rows = [
        RosterRow(code, name.replace("_", " ").title(), role, f"0800{number:08d}", username=name, since=SINCE)
        for number, (name, code, role) in enumerate(_POSTS)
    ]
    nobody = User.objects.create(username="nobody", name="Nobody")
    roster.load(election=election, rows=rows, by=None)  # last, because what it leaves is what `verify` expects
    # Seen a moment ago: noting it is one query every ten minutes, and no page's count of queries is about that.
    User.objects.update(last_seen_at=clock.now())
    people = {user.username: user for user in User.objects.filter(username__in=[name for name, _, _ in _POSTS])}
    people["nobody"] = nobody
    bodies = {
        f"{word}_members": [
            people[name] for name, at, role in _POSTS if at == code and role in (Role.CHAIR, Role.MEMBER)
        ]
        for word, code in (("province", "64"), ("regency", "6472"), ("district", "647201"))
    }
    return Cast(**{name: user for name, user in people.items() if name in Cast.__annotations__}, **bodies)


def membership_of(user: User) -> Membership:
    """The user's only membership."""
    return Membership.objects.select_related("unit").get(user=user)


def make_election() -> Election:
    return Election.objects.create(
        code="pemilu2024", name="Pemilu 2024", kind=Election.Kind.PEMILU, voting_day=date(2024, 2, 14)
    )


@pytest.fixture
def election(db: None) -> Election:
    return make_election()


@pytest.fixture(name="tree")
def tree_fixture(election: Election) -> dict[str, Unit]:
    """The small tree by code."""
    return small_tree(election)


@pytest.fixture
def cast(election: Election, tree: dict[str, Unit]) -> Cast:
    return hire(election)
