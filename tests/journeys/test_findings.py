"""A suspected violation from the station's Form A to a finding: recorded on a phone, names opened for a reason, decided
by the members in their plenary; superiors see the clock, a stranger nothing."""

from __future__ import annotations

import pytest

from reports.findings.models import Finding
from reports.journal.models import Event
from tests.days import Day
from tests.journeys.browser import DESK, PHONE
from tests.journeys.conftest import PASSWORD, Visit
from tests.reports.findings.test_findings import NAME, form_a

pytestmark = pytest.mark.journey


def test_from_form_a_to_a_finding(day: Day, visit: Visit) -> None:
    form_a(day)
    operator = visit("panwascam_operator", PHONE)
    operator.go("/temuan/")
    operator.check_fingers()
    operator.follow(operator.page.get_by_role("link", name="Catat sebagai dugaan"))
    operator.check_fingers()
    operator.page.get_by_label("Jenis pelanggaran").select_option("CRIMINAL")
    operator.follow(operator.button("Simpan catatan"))
    assert "hanya dapat dibaca oleh yang menanganinya" in operator.text()

    finding = Finding.objects.get()
    path = f"/temuan/{finding.pk}/"
    chair = visit("panwascam_chair", DESK)
    chair.go(path)
    assert NAME not in chair.text()
    chair.write(chair.page.get_by_label("Untuk keperluan apa"), "Undangan klarifikasi")
    chair.follow(chair.button("Buka data pihak"))
    assert NAME in chair.text()
    assert Event.objects.filter(verb="finding.parties_read", actor="panwascam_chair").count() == 1

    chair.go("/pleno/baru/")
    chair.press(chair.page.locator("label", has_text="Penetapan temuan nomor 1"))
    chair.write(chair.page.get_by_label("Tempat"), "Kantor sekretariat")
    chair.follow(chair.button("Undang rapat pleno"))
    meeting = chair.page.url.removeprefix(chair.base)
    members = {"Panwascam Chair": chair, "Panwascam Member": visit("panwascam_member", PHONE)}
    for name, member in members.items():
        member.go(meeting)
        mine = member.page.locator("#hadir li", has_text=name)
        member.follow(mine.get_by_role("button", name="Catat hadir"))
    chair.decide(chair.button("Buka rapat"), "Buka rapat")
    for member in members.values():
        member.go(meeting)
        assert "Pembagian amplop" in member.text()
        member.press(member.page.locator(".choices label").get_by_text("Setuju", exact=True))
        member.write(member.page.locator('input[name="password"]').first, PASSWORD)
        member.decide(member.button("Kirim suara"), "Kirim suara")
    members["Panwascam Member"].check_fingers()
    chair.go(meeting)
    chair.decide(chair.button("Nyatakan keputusan"), "Nyatakan keputusan")
    finding.refresh_from_db()
    assert finding.status == "FOUND"

    superior = visit("regency_member", DESK)
    superior.go(path)
    assert "Temuan, ditangani" in superior.text()
    assert "7 hari lagi" in superior.text()
    assert "amplop" not in superior.text()
    visit("stranger_member", PHONE).go(path, status=404)
