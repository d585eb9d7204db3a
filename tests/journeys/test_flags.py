"""A doubtful report on a phone: the reviewer finds it in the queue, reads why, explains it, and approves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from reports.filing.models import Report
from reports.obligations.models import State
from reports.quality import actions as quality
from tests.days import Day
from tests.journeys.browser import DESK, PHONE
from tests.journeys.conftest import Visit

pytestmark = pytest.mark.journey


def test_a_flag_is_read_explained_and_gone_from_the_queue(election_day: Day, visit: Visit):
    cast = election_day.cast
    first = election_day.file(cast.ptps)
    election_day.file(cast.ptps_sibling, election_day.obligation(subject="6472012001002"), **first.answers)
    quality.check(election_day.windows["pemungutan-tps"])
    pkd = visit("pkd", PHONE)
    pkd.go("/pemeriksaan/")
    expect(pkd.page.get_by_text("Kembar").first).to_be_visible()
    pkd.check_fingers()
    pkd.go(f"/laporan/{first.pk}/")
    expect(pkd.page.get_by_text("Semua angkanya sama dengan 1 laporan TPS lain")).to_be_visible()
    pkd.check_fingers()
    pkd.write(pkd.page.get_by_label("Apa yang Anda periksa"), "Sudah dicocokkan dengan salinan C.Hasil.")
    pkd.follow(pkd.button("Simpan penjelasan"))
    expect(pkd.page.get_by_text("Sudah dijelaskan")).to_be_visible()
    pkd.decide(pkd.button("Setujui laporan"), "Setujui")
    assert Report.objects.get(pk=first.pk).obligation.state == State.APPROVED
    chair = visit("province_chair", DESK)
    chair.go(f"/mutu/{election_day.election.code}/64/")
    expect(chair.page.get_by_text("1 catatan terbuka")).to_be_visible()
    chair.follow(chair.page.get_by_role("link", name="Buka laporan").first)
