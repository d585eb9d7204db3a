"""Public pages: approved figures of a release, the same for everybody, cached, in few queries."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from dashboards.models import Publication
from dashboards.releases import actions as publish
from dashboards.releases.content import uneven
from hierarchy.models import User
from reports.filing.models import Report
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db(transaction=True)
LEVELS = ["64", "6472", "647201", "6472012001", "6472012001001"]
BUDGET = 5
SECRET = 173  # ballots of a report that nobody has approved
APPROVED = 211


def approve(report: Report, by: User) -> None:
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(by))


def release(day: Day) -> Publication:
    rollup.run_all()
    return publish.publish(election=day.election, by=None)


def url(code: str, number: int | None = None, query: str = "", kind: str = "public-unit") -> str:
    numbered = {} if number is None else {"number": number}
    return reverse(kind, kwargs={"election": "pemilu2024", "code": code, **numbered}) + query


@pytest.fixture
def day(election_day: Day, settings: Any) -> Day:
    """Released once: TPS 001 of Harapan Baru approved, TPS 002 filed only, with a number nobody may see yet."""
    settings.PUBLICATION_KEY = "11" * 32
    settings.DISCLOSURE_K = 1  # what is withheld is the matter of test_published.py
    cast = election_day.cast
    obligation = election_day.obligation("penghitungan-tps")
    approve(election_day.file(cast.ptps, obligation, **ballots(APPROVED)), cast.pkd)
    second = election_day.obligation("penghitungan-tps", "6472012001002")
    election_day.file(cast.ptps_sibling, second, **ballots(SECRET))
    release(election_day)
    return election_day


def ballots(used: int) -> dict[str, int]:
    """Counting figures of a station that agree with each other."""
    return {
        "surat_diterima": used + 20,
        "surat_digunakan": used,
        "surat_rusak": 0,
        "surat_sisa": 20,
        "pengguna_l": used // 2,
        "pengguna_p": used - used // 2,
        "suara_sah": used,
        "suara_tidak_sah": 0,
    }


def total(client: Client, code: str, key: str = "surat_digunakan") -> int:
    payload = json.loads(client.get(url(code, kind="public-json")).content)
    return sum(section.get("values", {}).get(key, 0) for section in payload["sections"].values())


def test_it_works_on_every_level_without_a_session(day: Day, client: Client) -> None:
    for code in LEVELS:
        page = client.get(url(code, query="?instrumen=penghitungan-tps"))
        assert page.status_code == 200
        assert day.units[code].name in page.content.decode()
        assert "Cookie" not in page["Vary"]
        assert not page.cookies
        assert "csrf" not in page.content.decode().lower()
        assert "public" in page["Cache-Control"]


def test_a_page_is_the_same_for_whoever_asks(day: Day, client: Client) -> None:
    anonymous = client.get("/").content
    client.force_login(day.cast.province_chair)
    client.cookies["django_language"] = "en"
    assert client.get("/", headers={"accept-language": "en"}).content == anonymous


def test_its_language_is_in_its_address(day: Day, client: Client) -> None:
    page = client.get(url("64", query="?bahasa=en&instrumen=penghitungan-tps"))
    assert '<html lang="en">' in page.content.decode()
    assert url("6472", query="?instrumen=penghitungan-tps&amp;bahasa=en") in page.content.decode()
    assert '<html lang="id">' in client.get(url("64", query="?bahasa=xx")).content.decode()
    assert page["ETag"] != client.get(url("64"))["ETag"]


def test_at_most_five_queries_however_many_reports(
    day: Day, client: Client, django_assert_max_num_queries: Any
) -> None:
    def cost(code: str) -> int:
        client.get(url(code))  # the first request of a process reads the instruments' schemas
        with django_assert_max_num_queries(BUDGET) as queries:
            client.get(url(code))
        return len(queries)

    few = [cost(code) for code in LEVELS]
    for number, user in (("001", day.cast.ptps), ("002", day.cast.ptps_sibling)):
        approve(day.file(user, day.obligation("pemungutan-tps", f"6472012001{number}")), day.cast.pkd)
    release(day)
    assert [cost(code) for code in LEVELS] == few


def test_the_home_page_and_an_unchanged_page_cost_few_queries(
    day: Day, client: Client, django_assert_max_num_queries: Any
) -> None:
    first = client.get("/")
    with django_assert_max_num_queries(BUDGET):
        client.get("/")
    with django_assert_max_num_queries(1):
        assert client.get("/", headers={"if-none-match": first["ETag"]}).status_code == 304
    with django_assert_max_num_queries(BUDGET):
        assert client.get(reverse("how-to-verify")).status_code == 200


def test_what_is_not_approved_is_nowhere_to_be_found(day: Day, client: Client) -> None:
    for code in [*LEVELS, "6472012001002"]:
        assert total(client, code) in (APPROVED, 0)
        page = client.get(url(code, query="?instrumen=penghitungan-tps")).content.decode()
        assert f">{SECRET}<" not in page
        assert f">{SECRET + APPROVED}<" not in page
        assert (f">{APPROVED}<" in page) is (not code.startswith("6472012001001") and code != "6472012001002")
    assert total(client, "6472012001002") == 0
    approve(Report.objects.for_page().get(obligation__subject__code="6472012001002"), day.cast.pkd)
    release(day)
    assert [total(client, code) for code in LEVELS] == [APPROVED + SECRET] * 4 + [0]


def test_every_level_is_the_sum_of_the_one_below(day: Day, client: Client) -> None:
    approve(Report.objects.for_page().get(obligation__subject__code="6472012001002"), day.cast.pkd)
    release(day)
    for code in LEVELS[:-1]:
        whole = json.loads(client.get(url(code, kind="public-json")).content)
        parts = [json.loads(client.get(url(row["code"], kind="public-json")).content) for row in whole["children"]]
        assert len(parts) == len(whole["children"]) > 0
        assert whole["sections"]
        assert not list(uneven(whole, parts))


def test_what_is_not_the_sum_of_its_children_is_told(day: Day, client: Client) -> None:
    whole = json.loads(client.get(url("6472", kind="public-json")).content)
    parts = [json.loads(client.get(url(row["code"], kind="public-json")).content) for row in whole["children"]]
    section = next(section for section in whole["sections"].values() if section["counts"]["approved_count"])
    for where, name in (("counts", "vacant"), ("values", "surat_digunakan")):
        section[where][name] += 1
        assert name in " ".join(uneven(whole, parts))
        section[where][name] -= 1
    assert not list(uneven(whole, parts))


def test_villages_of_the_same_name_stay_apart(day: Day, client: Client) -> None:
    assert (total(client, "6472012001"), total(client, "6401012001")) == (APPROVED, 0)
    text = client.get(url("6401012001")).content.decode()
    assert "0 dari 3 TPS (0 %)" in text


def test_no_person_is_named_and_no_text_is_shown(day: Day, client: Client) -> None:
    payloads = b"".join(client.get(url(code, kind="public-json")).content for code in LEVELS)
    for user in User.objects.exclude(phone=""):
        assert user.name.encode() not in payloads
        assert user.phone.encode() not in payloads


def test_progress_comes_first_and_says_how_complete_it_is(day: Day, client: Client) -> None:
    text = " ".join(client.get("/?instrumen=penghitungan-tps").content.decode().split())
    assert "<strong>2 dari 24 TPS (8,3 %)</strong> sudah melapor; <strong>1</strong> sudah disetujui." in text
    assert "rilis 1, keadaan 14 Feb 2024" in text
    assert "sementara" in text


STATES = {
    "6472012001001": "Laporan tentang satuan ini sudah masuk dan disetujui",
    "6472012001002": "menunggu pemeriksaan",
    "6472012001901": "Tidak ada pengawas yang bertugas",
}


def test_a_polling_station_says_its_state_in_words(day: Day, client: Client) -> None:
    for code, words in STATES.items():
        assert words in client.get(url(code, query="?instrumen=penghitungan-tps")).content.decode()


def test_a_page_that_did_not_change_says_since_when(day: Day, client: Client) -> None:
    approve(Report.objects.for_page().get(obligation__subject__code="6472012001002"), day.cast.pkd)
    release(day)
    assert "tidak berubah sejak rilis 1" in client.get(url("6401012001")).content.decode()
    assert "tidak berubah sejak" not in client.get(url("6472012001")).content.decode()


def test_a_numbered_release_is_what_it_was_whatever_comes_later(day: Day, client: Client) -> None:
    before = {code: client.get(url(code, 1)).content for code in LEVELS}
    data = {code: client.get(url(code, 1, kind="public-json")).content for code in LEVELS}
    approve(Report.objects.for_page().get(obligation__subject__code="6472012001002"), day.cast.pkd)
    release(day)
    assert {code: client.get(url(code, 1)).content for code in LEVELS} == before
    assert {code: client.get(url(code, 1, kind="public-json")).content for code in LEVELS} == data
    assert client.get(url("64", kind="public-json")).content != data["64"]
    assert client.get(url("64"))["ETag"] != client.get(url("64", 1))["ETag"]


def test_links_within_a_numbered_release_stay_in_it(day: Day, client: Client) -> None:
    text = client.get(url("6472", 1)).content.decode()
    assert url("647201", 1) in text
    assert f'"{url("647201")}' not in text
    assert f'"{url("6472")}?instrumen=penghitungan-tps"' in text  # the way to the newest release


def test_what_was_never_released_does_not_exist(day: Day, client: Client) -> None:
    paths = [
        url("6499"),
        url("64", 2),
        url("64", 2, kind="public-json"),
        url("6499", kind="public-json"),
        reverse("public-manifest", kwargs={"election": "tidak-ada"}),
        reverse("public-unit", kwargs={"election": "tidak-ada", "code": "64"}),
    ]
    assert [client.get(path).status_code for path in paths] == [404] * len(paths)


def test_the_data_is_what_was_hashed_and_the_manifest_lists_it(day: Day, client: Client) -> None:
    page = client.get(url("6472", 1, kind="public-json"))
    digest = hashlib.sha256(page.content).hexdigest()
    assert page["X-Content-SHA256"] == digest
    manifest = client.get(reverse("public-manifest", kwargs={"election": "pemilu2024", "number": 1}))
    assert f"6472 {digest}" in manifest.content.decode().splitlines()
    assert hashlib.sha256(manifest.content).digest() == bytes(Publication.objects.get().digest)


def test_the_map_links_every_area_and_the_page_stays_small(day: Day, client: Client) -> None:
    import gzip

    page = client.get(url("64", query="?instrumen=penghitungan-tps"))
    text = page.content.decode()
    assert text.count('<path class="shade') == 2  # the small tree has two of the ten regencies
    assert "Kota Samarinda: 2 dari 12 TPS (16,7 %)" in text
    assert len(gzip.compress(page.content)) <= 100_000


def test_before_the_first_release_the_page_says_what_will_come(election_day: Day, client: Client) -> None:
    assert election_day.election.publications.count() == 0
    home = client.get("/")
    assert home.status_code == 200
    assert "Belum ada rilis" in home.content.decode()
    assert client.get(reverse("how-to-verify")).status_code == 200


def test_a_page_is_made_once_for_each_release_address_and_language(
    day: Day, client: Client, settings: Any, django_assert_num_queries: Any
):
    settings.CLOCK_OFFSET = 0.0  # a rehearsal keeps no page: its banner tells the time
    addresses = [url("64"), url("64", query="?bahasa=en"), url("6472"), url("64", kind="public-json")]
    first = {address: client.get(address) for address in addresses}
    assert len({page.content for page in first.values()}) == len(addresses)
    for address, page in first.items():
        with django_assert_num_queries(0):
            again = client.get(address)
        assert (again.content, dict(again.items())) == (page.content, dict(page.items())), address
    cast = day.cast
    approve(Report.objects.for_review().get(obligation__subject__code="6472012001002"), cast.pkd)
    release(day)
    caches["pages"].clear()  # as after a second
    for address, page in first.items():
        assert client.get(address).content != page.content, address
