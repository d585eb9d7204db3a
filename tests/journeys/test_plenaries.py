"""From a station's phone to the province's ratification: returned, corrected, approved, voted level by level, with
dissent, refused without a quorum, changed afterwards and ratified again; a stranger is refused at each step."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from reports.filing.models import Report
from reports.obligations.models import State
from reports.plenary.models import AgendaItem, Plenary
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.days import Day, fresh
from tests.journeys.browser import DESK, PHONE, Visitor
from tests.journeys.conftest import PASSWORD, Visit

pytestmark = pytest.mark.journey
TITLE = "Pengawasan pemungutan suara"


class Sitting:
    """A body in its plenary, each member at a screen of their own; screens change with the place in the line."""

    def __init__(self, visit: Visit, names: list[str], screen: Any) -> None:
        self.members = {name: visit(name, screen) for name in names}
        self.chair = self.members[names[0]]

    def call(self) -> None:
        self.chair.go("/pleno/")
        self.chair.follow(self.chair.link("Undang rapat pleno"))
        self.chair.press(self.chair.page.locator("label", has_text=TITLE))
        self.chair.write(self.chair.page.get_by_label("Tempat"), "Kantor sekretariat")
        self.chair.write(self.chair.page.get_by_label("Alasan mengajukan rekap"), "Diminta sebelum tenggat.")
        self.check(self.chair)
        self.chair.follow(self.chair.button("Undang rapat pleno"))
        self.path = self.chair.page.url.removeprefix(self.chair.base)

    def check(self, visitor: Visitor) -> None:
        if visitor.touches:
            visitor.check_fingers()

    def arrive(self, *names: str) -> None:
        for name in names:
            member = self.members[name]
            member.go(self.path)
            mine = member.page.locator("#hadir li", has_text=name.replace("_", " ").title())
            member.follow(mine.get_by_role("button", name="Catat hadir"))
            self.check(member)

    def leave(self, name: str) -> None:
        member = self.members[name]
        mine = member.page.locator("#hadir li", has_text=name.replace("_", " ").title())
        member.follow(mine.get_by_role("button", name="Catat pergi"))

    def open(self) -> None:
        self.chair.go(self.path)
        self.chair.decide(self.chair.button("Buka rapat"), "Buka rapat")

    def vote(self, name: str, choice: str = "Setuju", dissent: str = "", *, refused: str = "") -> None:
        member = self.members[name]
        member.go(self.path)
        member.press(member.page.locator(".choices label").get_by_text(choice, exact=True))
        if dissent:
            member.write(member.page.get_by_label("Pendapat berbeda"), dissent)
        if (password := member.page.locator('input[name="password"]').first).count():
            member.write(password, PASSWORD)
        self.check(member)
        if refused:
            member.press(member.button("Kirim suara"))
            with member.page.expect_navigation() as arrival:
                member.press(member.page.locator("dialog[open]").get_by_role("button", name="Kirim suara"))
            assert arrival.value.status == 409
            assert refused in member.text()
        else:
            member.decide(member.button("Kirim suara"), "Kirim suara")

    def decide(self) -> None:
        self.chair.go(self.path)
        self.chair.decide(self.chair.button("Nyatakan keputusan"), "Nyatakan keputusan")

    def close(self, number: str) -> None:
        self.chair.press(self.chair.page.locator("summary", has_text="Tutup rapat"))
        self.chair.write(self.chair.page.get_by_label("Nomor berita acara"), number)
        self.chair.decide(self.chair.button("Tutup rapat"), "Tutup rapat")
        assert number in self.chair.text()

    def ratify(self, number: str) -> None:
        """All of them agree."""
        self.call()
        self.arrive(*self.members)
        self.open()
        for name in self.members:
            self.vote(name)
        self.decide()
        assert "Musyawarah mufakat" in self.chair.text()
        self.close(number)


def pass_on(day: Day, report: Report) -> None:
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))
    rollup.run_pending()


def test_a_report_goes_from_a_phone_to_the_ratification_of_the_province(day: Day, visit: Visit) -> None:
    stranger = visit("stranger_member", PHONE)
    ptps, pkd = visit("ptps", PHONE), visit("pkd", PHONE)
    ptps.follow(ptps.page.locator(f'a[href="/tugas/{day.obligation().pk}/lapor/"]').first)
    ptps.answer(day.answers(day.obligation()))
    ptps.follow(ptps.button("Kirim laporan"))
    report = Report.objects.get()
    stranger.go(f"/laporan/{report.pk}/", status=404)

    pkd.go(f"/laporan/{report.pk}/")
    pkd.press(pkd.page.locator("summary", has_text="Kembalikan untuk diperbaiki"))
    pkd.write(pkd.page.get_by_label("Apa yang perlu diperbaiki?"), "Hitung lagi surat suara rusak.")
    pkd.page.get_by_label("Perbaikan ditunggu dalam").select_option("2")
    pkd.decide(pkd.button("Kembalikan laporan"), "Kembalikan")
    ptps.go("/tugas/")
    assert "Perbaikan ditunggu paling lambat" in ptps.text()
    ptps.follow(ptps.page.locator(f'a[href="/tugas/{report.obligation_id}/lapor/"]').first)
    ptps.answer({"surat_rusak": 2})
    ptps.follow(ptps.button("Kirim perbaikan"))
    pkd.go(f"/laporan/{report.pk}/banding/")
    assert "1 dari" in pkd.text()
    assert "berbeda" in pkd.text()
    pkd.go(f"/laporan/{report.pk}/")
    pkd.decide(pkd.button("Setujui laporan"), "Setujui")
    rollup.run_pending()

    district = Sitting(visit, ["panwascam_chair", "panwascam_member", "panwascam_third"], PHONE)
    district.call()
    stranger.go(district.path, status=404)
    stranger.go(f"{district.path}berita-acara.pdf", status=404)
    district.arrive("panwascam_chair")
    district.chair.press(district.chair.button("Buka rapat"))
    with district.chair.page.expect_navigation() as arrival:
        district.chair.press(district.chair.page.locator("dialog[open]").get_by_role("button", name="Buka rapat"))
    assert arrival.value.status == 409
    assert "Belum kuorum: hadir 1 dari 3 anggota, perlu 2." in district.chair.text()
    district.arrive("panwascam_member", "panwascam_third")
    district.open()
    district.vote("panwascam_chair")
    district.leave("panwascam_chair")
    district.leave("panwascam_third")
    district.vote("panwascam_member", refused="Belum kuorum: hadir 1 dari 3 anggota, perlu 2.")
    district.arrive("panwascam_chair", "panwascam_third")
    district.vote("panwascam_member")
    district.vote("panwascam_third", "Tidak setuju", "TPS 901 belum ada pengawasnya.")
    district.decide()
    assert "Suara terbanyak" in district.chair.text()
    assert "TPS 901 belum ada pengawasnya." in district.chair.text()
    district.close("12/BA/PLENO/II/2024")

    regency = Sitting(visit, ["regency_chair", "regency_member", "regency_third"], DESK)
    regency.ratify("7/BA/PLENO/II/2024")
    members = ["province_chair", "province_member", "province_third", "province_fourth", "province_fifth"]
    province = Sitting(visit, members, DESK)
    province.ratify("3/BA/PLENO/II/2024")
    first = AgendaItem.objects.get(unit__code="64")
    assert first.shown["counts"]["approved_count"] == 1

    ptps.go(f"/tugas/{report.obligation_id}/lapor/")
    ptps.answer({"surat_rusak": 1})
    ptps.follow(ptps.button("Kirim perbaikan"))
    report.refresh_from_db()
    pass_on(day, report)
    province.chair.go(province.path)
    assert "Berubah sesudah disahkan" in province.chair.text()
    assert "Surat suara rusak" in province.chair.text()
    province.ratify("4/BA/PLENO/II/2024")
    assert "versi 2" in province.chair.text()
    second = AgendaItem.objects.get(unit__code="64", version=2)
    assert (second.corrects, AgendaItem.objects.get(pk=first.pk).shown) == (first, first.shown)
    assert second.shown["approved"] != first.shown["approved"]

    for path in (regency.path, province.path):
        stranger.go(path, status=404)
    assert set(Plenary.objects.values_list("state", flat=True)) == {"CLOSED"}
    expect(province.chair.page.get_by_role("link", name="Berita acara (PDF)")).to_be_visible()
    report.refresh_from_db()
    assert report.obligation.state == State.APPROVED
