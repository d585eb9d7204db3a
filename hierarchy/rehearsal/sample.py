"""A made-up roster of realistic shape for the demo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from hierarchy.levels import Level, line_of
from hierarchy.models import Election, Role, Unit
from hierarchy.people.roster_rows import RosterRow

# Combined at random, so no name belongs to anybody by intent.
GIVEN, MIDDLE, FAMILY = (
    tuple(words.split())
    for words in (
        "Adi Agus Ahmad Aisyah Amir Anita Arif Asih Bagus Bambang Bayu Budi Citra Dani Darma Desi Dewi Dian Dwi Eka "
        "Endah Fajar Farida Fitri Galih Hadi Hana Hendra Ida Indah Irfan Joko Kartika Lestari Lukman Maya Mega Nadia "
        "Nur Putri Rahmat Rani Ratna Rizky Rudi Santi Sari Siti Slamet Sri Surya Tika Tono Umar Wahyu Wati Yanti Yusuf",
        "Abdi Bakti Cahya Darma Elok Guna Harapan Jaya Kusuma Laksana Mulya Nusa Prima Rasa Setia Tirta",
        "Anggara Basri Danuarta Effendi Firmansyah Gunawan Hamdani Hartono Ibrahim Iskandar Kurnia Mahendra Maulana "
        "Nugroho Pamungkas Permana Prasetya Ramadhan Saputra Setiawan Sidiq Sutrisno Tanjung Utama Wibowo Yulianto",
    )
)
PHONE = "0800{:08d}"  # 0800 is toll-free: no mobile subscriber has such a number

# 38 commissioners were sworn in on 19 August 2023 for ten bodies of 3 or 5: so four have five. Which four is not
# published; the four with the most polling stations are taken.
FIVE_MEMBERS = frozenset({"6402", "6408", "6471", "6472"})
# 288 stations lacked an applicant on 16 January 2024. The split printed then sums to more, so this one is illustrative.
VACANT = {"6472": 150, "6408": 100, "6401": 23}
VACANT_ELSEWHERE = 15


def sample_roster(election: Election, seed: int = 2024) -> list[RosterRow]:
    """People for every unit of the election, the same for the same tree and seed; top of the tree first.

    Province: 5 members (one chair), 3 operators, 1 admin. Regency: 3 or 5 members, 2 operators. District: 3 members,
    1 operator. Village and polling station: 1 supervisor each, except 288 vacant stations (on the tree of Kaltim).
    Terms are left open, though the law ends a station supervisor's seven days after the vote, so that the demo can be
    explored on any day.
    """
    random = Random(seed)  # noqa: S311  (repeatable on purpose; activation codes never come from here)
    units = list(Unit.objects.filter(election=election).order_by("level", "code").values_list("level", "code"))
    vacant = _vacant([code for level, code in units if level == Level.POLLING_STATION], random)
    rows: list[RosterRow] = []
    for level, code in units:
        if code in vacant:
            continue
        since = election.voting_day - timedelta(days=23 if level == Level.POLLING_STATION else 400)
        for role in _posts(Level(level), code):
            phone = PHONE.format(len(rows) + 1)
            rows.append(RosterRow(code, _name(random), role, phone, since=since))
    return rows


def _posts(level: Level, code: str) -> Iterator[Role]:
    if not level.spec.collegial:
        yield Role.SUPERVISOR
        return
    members = 5 if level == Level.PROVINCE or code in FIVE_MEMBERS else 3
    operators = {Level.PROVINCE: 3, Level.REGENCY: 2}.get(level, 1)
    yield Role.CHAIR
    yield from [Role.MEMBER] * (members - 1)
    yield from [Role.OPERATOR] * operators
    if level == Level.PROVINCE:
        yield Role.ADMIN


def _vacant(stations: list[str], random: Random) -> set[str]:
    chosen: set[str] = set()
    for regency, count in VACANT.items():
        pool = [code for code in stations if code.startswith(regency)]
        chosen.update(random.sample(pool, min(count, len(pool) // 10)))
    rest = [code for code in stations if VACANT.keys().isdisjoint(line_of(code)) and code.startswith("64")]
    chosen.update(random.sample(rest, min(VACANT_ELSEWHERE, len(rest) // 100)))
    return chosen


def _name(random: Random) -> str:
    return " ".join(random.choice(part) for part in (GIVEN, MIDDLE, FAMILY))
