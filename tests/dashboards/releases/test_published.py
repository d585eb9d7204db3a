"""What a release says of people at risk, of what is not due, of what is ratified, and of what stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from dashboards.models import Publication, PublishedPage
from dashboards.releases import actions as publish
from dashboards.releases import page as public_page
from dashboards.releases.content import build_pages
from dashboards.releases.standing import standing
from hierarchy.levels import LEAF
from hierarchy.lib.clock import WITA
from hierarchy.models import Role, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing.models import Report
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary.models import AgendaItem
from reports.rehearsal.answers import answers_for
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.dashboards.releases.test_disclosure import known_ranges
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh
from tests.released import contradictions

pytestmark = pytest.mark.django_db(transaction=True)
DISTRICT = "647201"
LINE = ["64", "6472", DISTRICT, "6472012001", "6472012001001"]
VILLAGES = ["6472012001", "6472012002", "6472022001", "6472022002"]
KEY = "PEMUNGUTAN/pemungutan-tps/1"
NIGHT = datetime(2024, 2, 14, 22, 0, tzinfo=WITA)


@pytest.fixture
def day(election_day: Day, settings: Any) -> Day:
    """Samarinda with a supervisor at every station and a PKD in every village; nothing is filed."""
    settings.PUBLICATION_KEY = "11" * 32
    since, number, rows = date(2023, 1, 1), 0, []
    for code in election_day.units:
        level = election_day.units[code].level
        if code.startswith("6472") and level >= 3 and code not in {"6472012001", "6472012002", *TAKEN}:
            number += 1
            rows.append(RosterRow(code, f"Pengawas {code}", Role.SUPERVISOR, f"0811{number:08d}", since=since))
    roster.load(election=election_day.election, rows=rows, by=None)
    obligations.refresh_vacancies()
    return election_day


TAKEN = {"6472012001001", "6472012001002"}


def serving(code: str) -> User:
    return User.objects.get(memberships__unit__code=code, memberships__role=Role.SUPERVISOR)


def approved(day: Day, code: str, **changes: Any) -> Report:
    """A report about a polling station, filed by its supervisor and approved by its village's."""
    report = day.file(serving(code), day.obligation(subject=code), **changes)
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(serving(code[:10])))
    return report


def release(day: Day) -> Publication:
    return publish.publish(election=day.election, by=None)


def page_of(code: str) -> dict[str, Any]:
    return PublishedPage.objects.filter(code=code).order_by("-number")[0].payload


def section(code: str) -> dict[str, Any]:
    return page_of(code)["sections"][KEY]


def html(client: Client, code: str, query: str = "?instrumen=pemungutan-tps") -> str:
    address = reverse("public-unit", kwargs={"election": "pemilu2024", "code": code})
    return " ".join(client.get(address + query).content.decode().split())


# --- people at risk -------------------------------------------------------------------------------------------------


@pytest.fixture
def reported(day: Day) -> Day:
    """Two districts of two villages each; somebody was intimidated at one station of Harapan Baru."""
    for village in VILLAGES:
        for station in ("001", "002", "901"):
            approved(day, village + station, intimidasi="ya" if village + station == "6472012001002" else "tidak")
    return day


def test_a_polling_station_says_its_state_and_nothing_of_what_it_reported(reported: Day, client: Client) -> None:
    release(reported)
    for code in ("6472012001001", "6472012001002"):
        assert section(code) == {
            "stage": "PEMUNGUTAN",
            "instrument": "pemungutan-tps",
            "version": 1,
            "counts": section(code)["counts"],
        }
        assert "Intimidasi" not in html(client, code)
        assert "Disetujui" in html(client, code)
    for line in page_of("6472012001")["children"]:
        assert line.keys() == {"code", "name", "kind", "counts"}
    (one, other, _special) = (line["counts"] for line in page_of("6472012001")["children"])
    assert one == other, "the station that reported it looks like the one that did not"


def test_no_figures_of_a_single_station_are_read(reported: Day) -> None:
    levels = {unit.pk: unit.level for unit in reported.units.values()}
    read = list(standing(reported.windows["pemungutan-tps"], reported.units["64"], AFTERNOON))
    figures = {(levels[unit_id] == LEAF, vector is not None) for unit_id, *counts, vector in read if counts[3]}
    assert figures == {(True, False), (False, True)}


def test_a_village_withholds_what_few_reported_and_what_would_give_it_back(reported: Day, client: Client) -> None:
    release(reported)
    villages = {code: section(code) for code in VILLAGES}
    assert "intimidasi" in villages["6472012001"]["withheld"]
    assert "intimidasi" in villages["6472012002"]["withheld"], "or the district less this one would say it"
    assert section(DISTRICT)["values"]["intimidasi.OPTION.ya"] == 1, "sums above stay exact"
    assert section("64")["values"]["intimidasi.OPTION.ya"] == 1
    for told in villages.values():
        assert not [key for key in told["values"] if key.partition(".")[0] in told["withheld"]]
        assert (told["problems"] is None) == bool(told["withheld"])
        assert told["values"]["dpt_l"], "sums of three supervisors are told"
    lines = {line["code"]: line["problems"][KEY] for line in page_of(DISTRICT)["children"]}
    assert lines == {code: villages[code]["problems"] for code in VILLAGES[:2]}
    text = html(client, "6472012001")
    assert "dirahasiakan: ditemukan dalam kurang dari 3 laporan" in text
    assert f"{reverse('what-is-published')}#dirahasiakan" in text
    assert "dirahasiakan" in html(client, DISTRICT)


def test_nothing_in_a_release_tells_who_reported_it(reported: Day) -> None:
    """Whoever knows every published number of the release cannot tell one village from the other."""
    release(reported)
    key = "intimidasi.OPTION.ya"
    areas, hidden = {}, set[str]()
    for page in PublishedPage.objects.exclude(payload__level=4):
        told = page.payload["sections"][KEY]
        above = page.payload["ancestors"]
        areas[page.code] = _Told(above[-1][0] if above else None, told["counts"]["approved_count"], told, key)
        if "intimidasi" in told["withheld"] or "*" in told["withheld"]:
            hidden.add(page.code)
    ranges = known_ranges(areas, hidden, 0)  # type: ignore[arg-type]
    assert ranges["6472012001"] == ranges["6472012002"] == (0, 1)


def test_what_one_supervisor_found_on_three_days_is_one_persons_word(day: Day) -> None:
    """Three stations, three days: three reports of intimidation, all from one of them."""
    windows = [day.windows["pemungutan-tps"]]
    for period in ("2024-02-15", "2024-02-16"):
        window = Window.objects.select_related("instrument", "version", "election", "stage").get(pk=windows[0].pk)
        window.pk, window.period, window.opened_at, window._state.adding = None, period, None, True
        window.save()
        obligations.open_window(window=window, at=AFTERNOON)
        windows.append(window)
    for window in windows:
        day.windows["pemungutan-tps"] = window
        for village in VILLAGES[:2]:
            for station in ("001", "002", "901"):
                approved(day, village + station, intimidasi="ya" if village + station == LINE[-1] else "tidak")
    release(day)
    assert section(DISTRICT)["values"]["intimidasi.OPTION.ya"] == 3
    for village in VILLAGES[:2]:
        assert section(village)["counts"]["approved_count"] == 9
        assert "intimidasi" in section(village)["withheld"]


class _Told:
    """A published page as a reader of its JSON has it."""

    def __init__(self, parent: str | None, reports: int, told: dict[str, Any], key: str) -> None:
        self.parent, self.reports, self.vector = parent, reports, [told["values"].get(key, 0)]


def test_few_supervisors_are_shielded_by_others_or_all_the_way_up(day: Day, client: Client) -> None:
    approved(day, "6472012001001")
    release(day)
    for code in ("6472012001", DISTRICT, "6472", "64"):
        assert section(code)["withheld"] == ["*"]
        assert section(code)["values"] == {}
        assert section(code)["counts"]["approved_count"] == 1
        assert "kurang dari 3 pengawas berada di baliknya" in html(client, code)
    for station in ("001", "002", "901"):
        approved(day, "6472022001" + station)
    release(day)
    withheld = {code: section(code)["withheld"] for code in ("6472012001", "6472022001", DISTRICT, "647202", "6472")}
    assert withheld == {"6472012001": ["*"], "6472022001": ["*"], DISTRICT: ["*"], "647202": ["*"], "6472": []}


def test_what_nobody_owed_is_counted_from_the_district_up(day: Day) -> None:
    """That a station wrote a Form A at all is what its supervisor said."""
    window = day.open("form-a")
    for code, user in (
        ("6472012001001", day.cast.ptps),
        (DISTRICT, day.cast.panwascam_operator),
        ("6472", day.cast.regency_operator),
    ):
        form_a(day, window, code, user)
    made = release(day)
    counts = {code: page_of(code)["sections"].get("NON_TAHAPAN/form-a/1") for code in LINE}
    assert [counts[code] and counts[code]["counts"]["filed_count"] for code in LINE] == [3, 3, 2, None, None]
    assert [counts[code].get("own", {}).get("filed_count") for code in LINE[:3]] == [None, 1, None]
    assert not list(contradictions(made))


def test_nothing_is_said_of_plenaries_where_none_can_ratify(day: Day, client: Client) -> None:
    form_a(day, day.open("form-a"), DISTRICT, day.cast.panwascam_operator)
    release(day)
    text = html(client, DISTRICT, "?instrumen=form-a")
    assert "Formulir Model A" in text.partition('<h2 class="print-title">')[2].partition("</h2>")[0]
    assert "belum disahkan pleno" not in text
    assert "belum disahkan pleno" in html(client, DISTRICT)


def form_a(day: Day, window: Window, code: str, by: User) -> None:
    answers, reasons = answers_for(window.version.parsed, Obligation(), Random(3))
    intake.submit_event(
        by=fresh(by), window=window, subject=day.units[code], report_id=uuid4(), answers=answers, reasons=reasons,
        channel="WEB",
    )  # fmt: skip


def test_how_many_is_a_setting(reported: Day, settings: Any) -> None:
    settings.DISCLOSURE_K = 1
    release(reported)
    assert section("6472012001")["values"]["intimidasi.OPTION.ya"] == 1
    assert not any(section(code)["withheld"] for code in VILLAGES)


def test_the_rule_is_told_in_plain_words(client: Client, db: None, settings: Any) -> None:
    settings.DISCLOSURE_K = 7
    text = client.get(reverse("what-is-published")).content.decode()
    assert 'id="dirahasiakan"' in text
    assert "kurang dari 7 pengawas" in text


# --- what is not due ------------------------------------------------------------------------------------------------


def test_what_is_not_due_is_no_failing(day: Day, client: Client) -> None:
    """15.00: voting is over, its report is due at 18.00; four stations have reported."""
    for station in ("001", "002", "901"):
        approved(day, "6472012001" + station)
    release(day)
    counts = section("6472")["counts"]
    assert (counts["expected"], counts["filed_count"], counts["not_due"]) == (12, 3, 9)
    assert sum(section(code)["counts"]["not_due"] for code in ("647201", "647202")) == 9
    text = html(client, "6472")
    assert "<strong>3 dari 12 TPS</strong> sudah melapor" in text
    assert "9 belum jatuh tempo" in text
    assert not list(_red(text))
    assert "Belum jatuh tempo" in html(client, "6472012002001")


def test_what_has_passed_its_deadline_is(day: Day, client: Client) -> None:
    approved(day, "6472012001001")
    day.set_clock(MORNING_AFTER)
    release(day)
    assert section("6472")["counts"]["not_due"] == 0
    text = html(client, "6472")
    assert "11 lewat tenggat" in text
    assert "<strong>1 dari 12 TPS (8,3 %)</strong>" in text
    assert list(_red(text))
    assert "Lewat tenggat" in html(client, "6472012002001")


def _red(text: str) -> Iterator[str]:
    """What a page's main part marks as a problem."""
    main = text.partition("<main")[2].partition("</main>")[0]
    for part in main.split('class="')[1:]:
        if "problem" in part.partition('"')[0].split():
            yield part[:80]


# --- releases of before these rules ---------------------------------------------------------------------------------


@pytest.fixture
def old(day: Day, client: Client, monkeypatch: Any, settings: Any) -> Day:
    """A release as it was made once: no `not_due`, nothing withheld. One of three stations of Harapan Baru reported."""
    settings.DISCLOSURE_K = 1
    later = {"withheld", "withheld_below", "periods", "ratified", "still", "own"}

    def as_then(election: Any, at: Any = None) -> Iterator[tuple[str, dict[str, Any]]]:
        for code, payload in build_pages(election, at):
            for part in payload["sections"].values():
                for name in later & part.keys():
                    del part[name]
            for counts in [part["counts"] for part in payload["sections"].values()]:
                counts.pop("not_due", None)
            yield code, payload

    approved(day, "6472012001001", intimidasi="ya")
    monkeypatch.setattr(publish, "build_pages", as_then)
    release(day)
    settings.DISCLOSURE_K = 3
    return day


@pytest.mark.parametrize("code", ["64", DISTRICT, "6472012001", "6472012001002"])
def test_an_old_release_makes_no_failing_of_what_it_says_no_deadline_of(old: Day, client: Client, code: str) -> None:
    assert "not_due" not in section(code)["counts"]
    assert all("not_due" not in line["counts"][KEY] for line in page_of(code)["children"])
    text = html(client, code).partition("<main")[2]
    assert "belum lapor" in text.lower()
    assert not list(_red(html(client, code)))
    for word in ("lewat tenggat</", " lewat tenggat", "tenggatnya", "belum jatuh tempo"):
        assert word not in text, word


def test_an_old_release_shows_nothing_of_what_villages_reported(old: Day, client: Client) -> None:
    assert section("6472012001")["values"]["intimidasi.OPTION.ya"] == 1, (
        "it stays in the data, which is what was signed"
    )
    text = html(client, "6472012001")
    assert "Intimidasi" not in text
    assert 'id="masalah"' not in text
    assert 'id="jumlah"' not in text
    assert "isi laporan satu desa/kelurahan tidak ditampilkan" in text
    page = public_page.page(Publication.objects.get(), DISTRICT, address=public_page.Address("pemilu2024"))
    assert page is not None
    assert [child.problems for child in page.children] == [None, None]
    assert 'id="masalah"' in html(client, DISTRICT)


# --- ratified -------------------------------------------------------------------------------------------------------


def ratify(day: Day, number: str) -> AgendaItem:
    """The district's plenary ratifies its figures of voting, under a number of minutes."""
    rollup.run_all()
    memberships = day.cast.district_members
    window = day.windows["pemungutan-tps"]
    meeting = plenary.call(
        unit=day.units[DISTRICT], windows=[window], meets_at=NIGHT, place="Aula", public=True, by=fresh(memberships[0])
    )
    for user in memberships:
        sitting.arrive(plenary=meeting, member=fresh(user), by=fresh(user))
    meeting = plenary.open_(plenary=meeting, by=fresh(memberships[0]))
    item = meeting.items.get()
    for user in memberships:
        plenary.vote(item=item, choice="AGREE", seen=bytes(item.sha256), by=fresh(user))
    plenary.decide(item=item, by=fresh(memberships[0]), reason="Pengawas lain berhalangan.")
    plenary.close(plenary=meeting, minutes_number=number, notes="", by=fresh(memberships[0]))
    return AgendaItem.objects.get(pk=item.pk)


def test_a_page_says_who_ratified_its_figures_and_when(day: Day, client: Client, settings: Any) -> None:
    settings.DISCLOSURE_K = 1
    for village in VILLAGES[:2]:
        for station in ("001", "002", "901"):
            approved(day, village + station)
    release(day)
    assert "belum disahkan pleno Panwaslu Kecamatan Sungai Pinang" in html(client, DISTRICT)
    day.set_clock(MORNING_AFTER)
    item = ratify(day, "07/BA/II/2024")
    release(day)
    (told,) = section(DISTRICT)["ratified"]
    assert item.decided_at is not None
    assert told == {
        "period": "",
        "body": DISTRICT,
        "decided_at": item.decided_at.isoformat(),
        "minutes": "07/BA/II/2024",
        "version": 1,
        "moved": False,
        "sha256": bytes(item.sha256).hex(),
    }
    words = "disahkan Panwaslu Kecamatan Sungai Pinang, 15 Feb 2024, berita acara nomor 07/BA/II/2024, versi 1"
    text = html(client, DISTRICT)
    assert words in text
    assert "sementara" not in text
    assert "disahkan Panwaslu" not in html(client, "6472"), "what a district ratified, its regency has not"
    assert "sementara" in html(client, "6472")

    report = Report.objects.for_page().get(obligation__subject__code="6472012002002")
    review.withdraw(report=report, seen=bytes(report.sha256), by=fresh(serving("6472012002")), reason="salah salin")
    release(day)
    assert section(DISTRICT)["ratified"][0]["moved"] is True
    text = html(client, DISTRICT)
    assert words in text
    assert "Sesudah itu angkanya berubah" in text
    assert "sementara" in text


def test_more_approved_reports_are_not_what_was_ratified_though_no_sum_moves(day: Day) -> None:
    """The page would print "dari 2 laporan ... disahkan" of a body that ratified one."""
    approved(day, "6472012001001")
    day.set_clock(MORNING_AFTER)
    ratify(day, "1")
    more = approved(day, "6472012001002")
    Report.objects.filter(pk=more.pk).update(vector=[0] * len(more.vector))
    release(day)
    assert section(DISTRICT)["ratified"][0]["moved"] is True


def test_a_late_report_that_nobody_approved_moves_no_ratified_figure(day: Day) -> None:
    approved(day, "6472012001001")
    day.set_clock(MORNING_AFTER)
    ratify(day, "1")
    day.file(serving("6472012001002"), day.obligation(subject="6472012001002"))
    release(day)
    assert section(DISTRICT)["ratified"][0]["moved"] is False


def test_a_digest_that_would_give_withheld_figures_away_is_not_published(day: Day) -> None:
    approved(day, "6472012001001")
    day.set_clock(MORNING_AFTER)
    ratify(day, "1")
    release(day)
    (told,) = section(DISTRICT)["ratified"]
    assert section(DISTRICT)["withheld"] == ["*"]
    assert "sha256" not in told


# --- what stands still ----------------------------------------------------------------------------------------------


def test_a_figure_that_stands_still_beside_one_that_moves_is_marked(day: Day, client: Client, settings: Any) -> None:
    settings.DISCLOSURE_K = 1
    approved(day, "6472012001001")
    voters = approved(day, "6472012002001").answers["dpt_l"]
    release(day)
    day.set_clock(NIGHT)
    approved(day, "6472012001002")
    day.file(serving("6472012002002"), day.obligation(subject="6472012002002"))  # filed, but no figure has moved
    release(day)
    assert section("6472012002")["still"]["dpt_l"] == {"since": 1, "value": voters}
    assert "still" not in section("6472012001")
    marks = {line["code"]: line.get("still", {}) for line in page_of(DISTRICT)["children"]}
    assert marks == {"6472012001": {}, "6472012002": {KEY: section("6472012002")["still"]}}
    assert "tidak bergerak sejak rilis 1" in html(client, "6472012002")
    assert f"{voters}, tidak bergerak sejak rilis 1" in html(client, DISTRICT)
    assert "Angka yang tidak bergerak" in html(client, DISTRICT)
    assert "tidak bergerak" not in html(client, "6472012001")

    release(day)
    assert section("6472012002")["still"]["dpt_l"]["since"] == 1, "a release right afterwards takes no mark away"
    day.set_clock(NIGHT + timedelta(hours=7))
    approved(day, "6472012001901")
    release(day)
    assert section("6472012002")["still"]["dpt_l"]["since"] == 1, "still since the first that saw it so"


def test_right_after_a_release_nothing_stands_still(day: Day, client: Client, settings: Any) -> None:
    settings.DISCLOSURE_K = 1
    approved(day, "6472012001001")
    approved(day, "6472012002001")
    release(day)
    day.set_clock(AFTERNOON + timedelta(hours=1))
    approved(day, "6472012001002")
    release(day)
    assert not [page for page in PublishedPage.objects.all() if "still" in page.payload["sections"].get(KEY, {})]
    assert "tidak bergerak" not in html(client, DISTRICT)


def test_where_nothing_was_approved_no_figure_stands_still(day: Day, settings: Any) -> None:
    """Beside a village that moved: zero reports is no figure, so neither "0" before nor "0" after is one."""
    settings.DISCLOSURE_K = 1
    approved(day, "6472012001001")
    release(day)
    day.set_clock(NIGHT)
    approved(day, "6472012001002")
    release(day)
    assert section("6472012002")["counts"]["approved_count"] == 0
    assert "still" not in section("6472012002")


def test_more_time_for_an_area_is_time_in_which_its_figures_may_grow(day: Day, settings: Any) -> None:
    """The window has closed; both villages lack reports, and only one may still file them."""
    settings.DISCLOSURE_K = 1
    window = day.windows["pemungutan-tps"]
    later = window.closes_at + timedelta(days=2)
    district, admin = day.units["647202"], fresh(day.cast.admin)
    obligations.extend(window=window, area=district, due_at=later, closes_at=later, reason="banjir", by=admin)
    for code in ("6472012001001", "6472012002001", "6472022001001", "6472022002001"):
        approved(day, code)
    for code in ("6472012001002", "6472022001002"):
        day.file(serving(code), day.obligation(subject=code))
    release(day)
    day.set_clock(window.closes_at + timedelta(hours=1))
    for code in ("6472012001002", "6472022001002"):
        report = Report.objects.for_page().get(obligation__subject__code=code)
        review.approve(report=report, seen=bytes(report.sha256), by=fresh(serving(code[:10])))
    release(day)
    assert "dpt_l" in section("6472022002")["still"]
    assert "still" not in section("6472012002")


# --- kept pages -----------------------------------------------------------------------------------------------------


def test_made_up_queries_make_no_page_of_their_own(day: Day, client: Client, settings: Any) -> None:
    release(day)
    settings.CLOCK_OFFSET = 0.0  # a rehearsal keeps no page: its banner tells the time
    address = reverse("public-unit", kwargs={"election": "pemilu2024", "code": "64"})
    plain = client.get(address)
    chosen = client.get(f"{address}?instrumen=penghitungan-tps")
    kept = len(caches["pages"]._cache)  # type: ignore[attr-defined]
    for number in range(20):
        assert client.get(f"{address}?x={number}").content == plain.content
        assert client.get(f"{address}?instrumen=penghitungan-tps&y={number}").content == chosen.content
        assert client.get(f"{address}?instrumen=karangan{number}").content == plain.content
        assert client.get(f"/publik/karangan{number}/64/").status_code == 404
        assert client.get(f"/publik/pemilu2024/rilis/{number + 2}/64/").status_code == 404
    assert len(caches["pages"]._cache) == kept  # type: ignore[attr-defined]


def test_who_is_signed_in_finds_the_way_back_from_a_public_page(day: Day, client: Client) -> None:
    release(day)
    anonymous = client.get("/")
    client.force_login(day.cast.ptps)
    page = client.get("/")
    assert page.content == anonymous.content
    assert f'href="{reverse("tasks")}"' in page.content.decode()
