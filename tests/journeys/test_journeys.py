"""The main job as people do it: a station on a phone, a village that checks, a province that reads, the public."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from dashboards.releases import actions as publish
from hierarchy.lib import clock
from hierarchy.models import Role
from hierarchy.people import roster
from reports.filing.models import Report
from reports.obligations.models import Obligation, State
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.cast import SINCE
from tests.days import TPS, Day, fresh
from tests.journeys.browser import DESK, LETTERS, PHONE, SMALL, TARGET, TARGETS, Visitor
from tests.journeys.conftest import Visit

pytestmark = pytest.mark.journey

TITLE = "Pengawasan pemungutan suara"
NEIGHBOUR, ELSEWHERE = "6472012001002", "6401012001001"
WAY_DOWN = ("64", "6472", "647201", "6472012001", TPS)


def unit_path(code: str) -> str:
    return f"/satuan/pemilu2024/{code}/?instrumen=pemungutan-tps"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_polling_station_reports_from_a_phone(day: Day, visit: Visit, scripts: bool) -> None:
    ptps = visit("ptps", PHONE, scripts=scripts)
    expect(ptps.page.get_by_role("heading", level=1)).to_have_text("2 laporan menunggu Anda")
    assert TITLE in ptps.text()
    assert "TPS 001" in ptps.text()
    ptps.follow(ptps.page.locator(f'a[href="/tugas/{day.obligation().pk}/lapor/"]').first)
    ptps.check_fingers()

    story = "Hujan lebat pukul 10.00, antrean pindah ke balai desa."
    right = day.answers(day.obligation(), ada_kejadian="ya", kejadian_khusus=story)
    wrong = right | {"dpt_hadir_l": right["dpt_l"] + 7}
    ptps.answer(wrong)
    ptps.follow(ptps.button("Kirim laporan"), status=422)
    assert "Belum dapat dikirim" in ptps.text()
    assert f"Pemilih laki-laki dalam DPT yang hadir {wrong['dpt_hadir_l']}, lebih banyak dari" in ptps.text()
    assert ptps.typed(wrong) == {name: str(value) for name, value in wrong.items()}
    ptps.check_fingers()
    assert not Report.objects.exists()

    ptps.answer({"dpt_hadir_l": right["dpt_hadir_l"]})
    ptps.follow(ptps.button("Kirim laporan"))
    report = Report.objects.get()
    assert {name: report.answers[name] for name in right} == right
    assert "Laporan diterima" in ptps.text()
    expect(ptps.page.locator(".receipt .code")).to_have_text(report.receipt_code)
    expect(ptps.page.locator(".receipt svg[width], .receipt .qr svg").first).to_be_visible()
    ptps.go("/tugas/")
    expect(ptps.page.get_by_role("heading", level=1)).to_have_text("1 laporan menunggu Anda")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_village_returns_a_report_and_approves_its_correction(day: Day, visit: Visit, scripts: bool) -> None:
    report = day.file(day.cast.ptps)
    pkd = visit("pkd", PHONE, scripts=scripts)
    pkd.follow(pkd.page.locator('main a[href="/pemeriksaan/"]').first)
    expect(pkd.page.get_by_role("heading", level=1)).to_have_text("1 laporan menunggu pemeriksaan")
    pkd.follow(pkd.page.locator(f'main a[href="/laporan/{report.pk}/"]').first)
    pkd.press(pkd.page.get_by_text("Kembalikan untuk diperbaiki"))
    pkd.write(pkd.page.get_by_label("Apa yang perlu diperbaiki?"), "Cocokkan dengan daftar hadir.")
    pkd.decide(pkd.button("Kembalikan laporan"), "Kembalikan")
    assert "Laporan dikembalikan untuk diperbaiki." in pkd.text()

    ptps = visit("ptps", PHONE, scripts=scripts)
    assert "Dikembalikan" in ptps.text()
    ptps.follow(ptps.page.locator(f'a[href="/tugas/{report.obligation_id}/lapor/"]').first)
    assert "Cocokkan dengan daftar hadir." in ptps.text()
    corrected = report.answers["dpt_hadir_l"] - 1
    ptps.answer({"dpt_hadir_l": corrected})
    ptps.follow(ptps.button("Kirim perbaikan"))
    assert "Laporan diterima" in ptps.text()

    pkd.go("/pemeriksaan/")
    pkd.follow(pkd.page.locator(f'main a[href="/laporan/{report.pk}/"]').first)
    assert f"Dulu: {corrected + 1} Menjadi: {corrected}" in pkd.text()
    pkd.decide(pkd.button("Setujui laporan"), "Setujui")
    assert "Laporan disetujui." in pkd.text()
    report.refresh_from_db()
    assert (report.revision, report.answers["dpt_hadir_l"]) == (2, corrected)
    assert Obligation.objects.get(pk=report.obligation_id).state == State.APPROVED


def test_a_district_names_a_substitute_who_reviews_for_an_absent_village(day: Day, visit: Visit) -> None:
    report = day.file(day.cast.ptps)
    district = visit("panwascam_member", PHONE)
    district.go("/pemeriksaan/")
    district.follow(district.page.get_by_role("link", name="Tunjuk pengganti pemeriksa"))
    district.check_fingers()
    district.follow(district.page.locator("main").get_by_role("link", name="Desa Harapan Baru").first)
    district.page.get_by_label("Pengganti", exact=True).select_option(str(day.cast.pkd_sibling.pk))
    district.page.get_by_label("Sampai tanggal").fill(str(clock.today()))
    district.write(district.page.get_by_label("Alasan", exact=True), "PKD Harapan Baru sakit")
    district.check_fingers()
    district.follow(district.button("Tunjuk pengganti"))
    assert "Pkd Sibling" in district.text()

    substitute = visit("pkd_sibling", PHONE)
    substitute.go("/pemeriksaan/")
    substitute.follow(substitute.page.locator(f'main a[href="/laporan/{report.pk}/"]').first)
    substitute.decide(substitute.button("Setujui laporan"), "Setujui")
    assert Report.objects.get(pk=report.pk).approved_by == day.cast.pkd_sibling

    end = "Akhiri Pkd Sibling, Desa Harapan Baru"
    district.decide(district.button(end), end)
    assert "Belum ada pengganti" in district.text()
    substitute.go(f"/laporan/{report.pk}/", status=404)


def approve(day: Day, report: Report) -> None:
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def rolled_up(day: Day) -> list[Report]:
    """Two reports of one village, that of cast.ptps approved, and one of the village of the same name in Paser."""
    roster.appoint(user=day.cast.nobody, unit=day.units[ELSEWHERE], role=Role.SUPERVISOR, since=SINCE, by=None)
    reports = [
        day.file(day.cast.ptps),
        day.file(day.cast.ptps_sibling, day.obligation(subject=NEIGHBOUR), surat_rusak=3),
        day.file(day.cast.nobody, day.obligation(subject=ELSEWHERE), surat_rusak=40),
    ]
    approve(day, reports[0])
    rollup.run_all()
    return reports


def whole(text: str) -> int:
    """The first number of a text as Indonesian writes it: 1.204."""
    return int(re.search(r"\d[\d.]*", text).group().replace(".", ""))  # type: ignore[union-attr]


def count(page: Any, title: str) -> int:
    """A figure of the head of a unit page."""
    return whole(
        page.locator("dl.counts > div").filter(has=page.locator("dt", has_text=title)).locator(".value").inner_text()
    )


def row(page: Any, code: str) -> list[str]:
    """The cells of a child's line in the table of children."""
    line = page.locator("table.children tbody tr").filter(has=page.locator(f'a[href*="/{code}/"]'))
    return [" ".join(text.split()) for text in line.locator("th, td").all_inner_texts()]


def sums(page: Any) -> dict[str, int]:
    """Label -> total of the table of sums; empty where there is none."""
    lines = page.locator("table.sums tbody tr").all()
    return {line.locator("th").inner_text(): whole(line.locator("td").last.inner_text()) for line in lines}


def folded(reports: list[Report], name: str) -> int:
    return sum(report.answers[name] for report in reports)


def test_the_province_follows_a_figure_down_to_its_polling_station(day: Day, visit: Visit) -> None:
    reports = rolled_up(day)
    beneath = {
        "filed": [reports, *[reports[:2]] * 3, reports[:1]],  # the report of Paser counts at the province only
        "approved": [reports[:1]] * 5,
    }
    chair = visit("province_chair", DESK)
    for basis, words in (("filed", "dilaporkan"), ("approved", "disetujui")):
        chair.go(unit_path("64"))
        chair.follow(chair.link(words))
        for code, counted, below in zip(WAY_DOWN, beneath[basis], [*WAY_DOWN[1:], ""], strict=True):
            check_figures(chair, counted, code)
            if not below:
                break
            line = row(chair.page, below)
            chair.follow(chair.page.locator(f'table.children a[href*="/{below}/"]').first)
            assert f"dasar={basis}" in chair.page.url
            if below != TPS:
                # The line above and the page it leads to say the same.
                assert whole(line[1]) == count(chair.page, "Sudah lapor") == 2
                assert whole(line[3]) == count(chair.page, "Disetujui") == 1
    chair.follow(chair.link("Unduh rekap"))
    expect(chair.page.get_by_label("Kode satuan")).to_have_value(re.compile(r"^[\d.]+$"))
    assert chair.page.get_by_label("Kode satuan").input_value().replace(".", "") == TPS


def check_figures(chair: Visitor, reports: list[Report], code: str) -> None:
    """The sums on the page are those of an independent fold over the reports beneath it."""
    shown = sums(chair.page)
    assert shown, code
    spoiled = next(total for label, total in shown.items() if label.startswith("Surat suara rusak"))
    received = next(total for label, total in shown.items() if label.startswith("Surat suara diterima"))
    assert (spoiled, received) == (folded(reports, "surat_rusak"), folded(reports, "surat_diterima")), code


def test_the_public_sees_what_was_approved_and_nothing_else(day: Day, visit: Visit, settings: Any) -> None:
    settings.DISCLOSURE_K = 1  # this small world has not three supervisors to hide each other
    reports = rolled_up(day)
    anyone = visit("", DESK)
    anyone.go("/")
    assert sums(anyone.page) == {}
    publish.publish(election=day.election, by=fresh(day.cast.province_chair))
    for screen in (DESK, PHONE):
        anyone = visit("", screen)
        anyone.go("/publik/pemilu2024/64/?instrumen=pemungutan-tps")
        for code, below in zip(WAY_DOWN, [*WAY_DOWN[1:], ""], strict=True):
            if not below:
                break
            check_figures(anyone, reports[:1], code)
            anyone.follow(anyone.page.locator(f'table.children a[href*="/{below}/"]').first)
        assert "sudah masuk dan disetujui" in anyone.text()
        assert sums(anyone.page) == {}, "a polling station says its state, and nothing of what its supervisor reported"
        # Filed and not yet approved: known to be there.
        anyone.go(f"/publik/pemilu2024/{NEIGHBOUR}/?instrumen=pemungutan-tps")
        assert "menunggu pemeriksaan" in anyone.text()
        assert sums(anyone.page) == {}
        assert anyone.context.cookies() == []


def test_a_stranger_who_types_addresses_finds_nothing(day: Day, visit: Visit) -> None:
    report = day.file(day.cast.ptps)
    stranger = visit("stranger", PHONE)
    paths = [
        f"/tugas/{report.obligation_id}/lapor/",
        f"/laporan/{report.pk}/",
        *(f"/satuan/pemilu2024/{code}/" for code in WAY_DOWN),
    ]
    for step in ("filed", "approved"):
        for path in paths:
            stranger.go(path, status=404)
            expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Halaman tidak ditemukan")
            for told in ("TPS 001", "Samarinda", report.receipt_code):
                assert told not in stranger.text(), (step, path)
        if step == "filed":
            approve(day, report)
            rollup.run_all()
    stranger.follow(stranger.page.locator("main a").first)  # the page leads home again


def test_the_visitor_would_notice(visit: Visit) -> None:
    """What every journey asserts on every page can fail: a page too wide, a small button, a script of a stranger."""
    careful = visit("", PHONE)
    careful.go("/masuk/")
    careful.check_fingers()
    page = careful.page
    page.evaluate("document.querySelector('main .button').style.cssText = 'min-height: 0; height: 20px; padding: 0'")
    page.evaluate("document.querySelector('main input:not([type=hidden])').style.fontSize = '12px'")
    assert page.evaluate(TARGETS, TARGET) != []
    assert page.evaluate(SMALL, LETTERS) != []
    page.evaluate("document.querySelector('main').style.minWidth = '400px'")
    with pytest.raises(AssertionError, match="px wide"):
        careful.look()
    page.evaluate("document.querySelector('main').style.minWidth = ''")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))")
    page.evaluate("fetch('/tidak-ada')")
    for _moment in range(100):  # the browser tells of both a little later
        if len(careful.faults) >= 2:
            break
        page.wait_for_timeout(100)
    with pytest.raises(AssertionError, match="Content Security Policy"):
        careful.look()
    assert any(fault.startswith("404") for fault in careful.faults)
    careful.faults.clear()
