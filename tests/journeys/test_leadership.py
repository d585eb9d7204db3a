"""The leaders' sheet at the size of the province: ten areas, every list full, on a phone, a desk and one side of A4."""

from __future__ import annotations

import re

import pytest

from dashboards.figures import snapshots
from dashboards.leadership.queries import INCIDENTS, TOP
from hierarchy.levels import Level
from hierarchy.models import Election, Role, Unit, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.rollup import fold as rollup
from tests.cast import SINCE, Cast, hire, small_rows
from tests.days import MORNING_AFTER, Day
from tests.journeys.browser import DESK, PHONE
from tests.journeys.conftest import Visit

pytestmark = pytest.mark.journey
MORE = [("6402", "Kutai Kartanegara"), ("6403", "Berau"), ("6407", "Kutai Barat"), ("6408", "Kutai Timur")]
MORE += [("6409", "Penajam Paser Utara"), ("6411", "Mahakam Ulu"), ("6471", "Balikpapan"), ("6474", "Bontang")]
WRONG = ["dpt_tidak_dipasang", "kpps_tidak_menjelaskan", "logistik_tidak_lengkap", "saksi_atribut", "intimidasi"]
WRONG += ["saksi_tanpa_mandat", "dpk_luar_domisili", "surat_tertukar", "mobilisasi_pemilih", "saran_psu"]
STORY = (
    "Pukul 10.15 air sungai naik dan menutup jalan masuk ke TPS. KPPS memindahkan kotak suara ke balai desa dengan "
    "perahu, disaksikan saksi dan pengawas; pemilih lanjut usia diantar warga. Pemungutan berhenti empat puluh menit."
)


@pytest.fixture(name="tree")
def wide_tree(election: Election) -> dict[str, Unit]:
    rows = small_rows()
    for code, name in MORE:
        rows += [UnitRow(code, f"Kabupaten {name}", "kabupaten"), UnitRow(f"{code}01", "Sungai Pinang", "kecamatan")]
        rows += [UnitRow(f"{code}012001", "Harapan Baru", "desa"), UnitRow(f"{code}012001001", "TPS 001", "tps", 300)]
    tree.load(election=election, rows=rows, by=None)
    return {unit.code: unit for unit in Unit.objects.filter(election=election).with_ancestors()}


@pytest.fixture
def cast(election: Election, tree: dict[str, Unit]) -> Cast:
    people = hire(election)
    rows = [
        RosterRow(f"{code}012001001", f"Pengawas {name}", Role.SUPERVISOR, f"0811{code}0000", username=f"ptps_{code}",
                  since=SINCE)
        for code, name in MORE
    ]  # fmt: skip
    roster.load(election=election, rows=rows, by=None)
    return people


@pytest.fixture
def full(day: Day) -> Day:
    """Every area has a report that says all is wrong, and tells a story of it."""
    rollup.run_all()
    snapshots.take()
    day.set_clock(MORNING_AFTER)
    everything = dict.fromkeys([*WRONG, "ada_kejadian"], "ya") | {"kejadian_khusus": STORY}
    for code, _name in MORE:
        user = User.objects.get(username=f"ptps_{code}")
        day.file(user, day.obligation(subject=f"{code}012001001"), **everything)
    rollup.run_all()
    return day


def test_everything_on_one_side_of_a4(full: Day, visit: Visit) -> None:
    chair = visit("province_chair", DESK)
    chair.go("/pimpinan/pemilu2024/64/?instrumen=pemungutan-tps")
    page = chair.page
    assert page.locator("table.children tbody tr").count() == Unit.objects.filter(level=Level.REGENCY).count() == 10
    assert page.locator("[aria-labelledby=masalah] li").count() == TOP
    assert page.locator("[aria-labelledby=kejadian] li").count() == INCIDENTS
    sheet = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1


def test_from_the_province_down_to_the_station_on_a_phone(full: Day, visit: Visit) -> None:
    chair = visit("province_chair", PHONE)
    chair.go("/pimpinan/pemilu2024/64/?instrumen=pemungutan-tps")
    chair.check_fingers()
    for name in ("Kabupaten Kutai Barat", "Kecamatan Sungai Pinang", "Desa Harapan Baru"):
        chair.follow(chair.page.get_by_role("link", name=name).first)
    assert "6407012001" in chair.page.url
