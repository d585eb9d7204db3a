"""What admins set, and what stands ratified, on a phone: everything fits and can be hit with a thumb."""

from __future__ import annotations

import pytest

from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.days import Day, fresh
from tests.journeys.browser import PHONE
from tests.journeys.conftest import Visit
from tests.reports.plenary.test_plenary import ratify

pytestmark = pytest.mark.journey


def test_pages_of_an_admin_and_a_ratified_figure(day: Day, visit: Visit) -> None:
    report = day.file(day.cast.ptps, surat_rusak=1, intimidasi="ya")
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))
    rollup.run_all()
    ratify(day, "6472")
    admin = visit("admin", PHONE)
    for path in ("/pleno/kuorum/", "/mutu/angka-kpu/"):
        admin.go(path)
        admin.check_fingers()
    chair = visit("regency_chair", PHONE)
    chair.go("/pimpinan/pemilu2024/6472/?instrumen=pemungutan-tps&cari=harapan")
    chair.check_fingers()
    chair.go("/satuan/pemilu2024/6472/?instrumen=pemungutan-tps")
    chair.follow(chair.link("disahkan"))
    chair.check_fingers()
    assert "Disahkan pleno 14 Feb 2024" in chair.text()
