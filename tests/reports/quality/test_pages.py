"""Doubtful figures on pages: seen by the line, settled in words by the superior, kept out of the bulk approval."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hierarchy.lib import clock
from reports.quality import actions as quality
from reports.quality import references as reference
from reports.quality.models import Flag
from reports.rollup import fold as rollup
from tests.days import TPS, Day, fresh

pytestmark = pytest.mark.django_db
SIBLING = "6472012001002"


@pytest.fixture
def flag(election_day: Day) -> Flag:
    first = election_day.file(election_day.cast.ptps)
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject=SIBLING), **first.answers)
    quality.check(election_day.windows["pemungutan-tps"])
    return Flag.objects.get(report=first)


def body(client: Client, url: str, **query: str) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_flagged_report_is_not_approved_in_bulk_until_it_is_explained(client: Client, election_day: Day, flag: Flag):
    client.force_login(fresh(election_day.cast.pkd))
    page = body(client, "/pemeriksaan/")
    assert "Kembar" in page
    assert 'name="bersih"' not in page
    url = f"/laporan/{flag.report_id}/"
    assert "Semua angkanya sama dengan 1 laporan TPS lain" in body(client, url)
    refused = client.post(f"{url}catatan/", {"flag": flag.pk, "penjelasan": "  "})
    assert refused.status_code == 409
    assert "Tuliskan mengapa angkanya benar" in refused.content.decode()
    done = client.post(f"{url}catatan/", {"flag": flag.pk, "penjelasan": "Dicocokkan dengan salinan C.Hasil."})
    assert done.status_code == 302
    assert "Dicocokkan dengan salinan C.Hasil." in body(client, url)
    assert body(client, "/pemeriksaan/").count('name="bersih"') == 1


def test_what_was_typed_is_shown_when_another_one_was_faster(client: Client, election_day: Day, flag: Flag):
    quality.resolve(flag=Flag.objects.get(pk=flag.pk), resolution="Sudah.", by=fresh(election_day.cast.pkd))
    client.force_login(fresh(election_day.cast.pkd))
    answer = client.post(f"/laporan/{flag.report_id}/catatan/", {"flag": flag.pk, "penjelasan": "Punya saya."})
    assert answer.status_code == 409
    assert "sudah diselesaikan" in answer.content.decode()
    assert "Punya saya." in answer.content.decode()


def test_the_filer_sees_the_flag_and_no_way_to_settle_it(client: Client, election_day: Day, flag: Flag):
    client.force_login(fresh(election_day.cast.ptps))
    page = body(client, f"/laporan/{flag.report_id}/")
    assert "Semua angkanya sama" in page
    assert "penjelasan" not in page
    answer = client.post(f"/laporan/{flag.report_id}/catatan/", {"flag": flag.pk, "penjelasan": "Benar."})
    assert answer.status_code == 403


def test_a_flag_of_another_report_is_not_there(client: Client, election_day: Day, flag: Flag):
    other = Flag.objects.exclude(pk=flag.pk).get()
    client.force_login(fresh(election_day.cast.pkd))
    for wrong in (other.pk, 0, "x", "9" * 30):
        sent = {"flag": wrong, "penjelasan": "Benar."}
        assert client.post(f"/laporan/{flag.report_id}/catatan/", sent).status_code == 404


def test_the_list_is_filtered_by_rule_and_unit_and_counts_what_it_lists(client: Client, election_day: Day, flag: Flag):
    client.force_login(fresh(election_day.cast.province_chair))
    url = f"/mutu/{election_day.election.code}/64/"
    page = body(client, url)
    assert "2 catatan terbuka" in page
    assert page.count("Semua angkanya sama dengan 1") == 2
    assert body(client, url, aturan="same", cari=TPS).count("Semua angkanya sama dengan 1") == 1
    assert "Tidak ada yang cocok" in body(client, url, aturan="round")
    assert "Belum ada angka KPU" in page


def test_the_page_costs_the_same_however_many_flags(client: Client, election_day: Day, flag: Flag):
    client.force_login(fresh(election_day.cast.province_chair))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            body(client, f"/mutu/{election_day.election.code}/64/")
        return len(seen)

    both = queries()
    Flag.objects.exclude(pk=flag.pk).delete()
    assert queries() == both


def test_totals_stand_beside_the_commissions(client: Client, election_day: Day, flag: Flag, tmp_path):
    path = tmp_path / "kpu.csv"
    path.write_text("kode,instrumen,pertanyaan,nilai,sumber\n647201,pemungutan-tps,dpt_l,5000,DPT 2023\n")
    reference.load(path=path, election=election_day.election)
    rollup.run_all()
    client.force_login(fresh(election_day.cast.panwascam_chair))
    page = body(client, f"/mutu/{election_day.election.code}/647201/")
    assert "DPT 2023" in page
    assert "5.000" in page


@pytest.mark.django_db(transaction=True)
def test_right_after_a_release_nothing_stands_still(client: Client, election_day: Day):
    """Ten regencies of ten were red the minute after a release, the one that moved most among them."""
    from dashboards.releases import actions as publish

    election_day.file(election_day.cast.ptps)
    rollup.run_all()
    client.force_login(fresh(election_day.cast.province_chair))
    url = f"/satuan/{election_day.election.code}/647201/"
    assert "tidak bergerak" not in body(client, url)
    released = publish.publish(election=election_day.election, by=None)
    assert released.cut_off <= clock.now()
    for each in (url, url.replace("647201", "64")):
        assert "tidak bergerak" not in body(client, each)
