"""The page of a unit for those who lead it: figures that agree on every level, few queries, nothing for strangers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboards.figures import snapshots
from dashboards.leadership.queries import leadership
from dashboards.unit import queries as pages
from dashboards.unit import shapes
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.filing.models import Report
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.cast import Cast
from tests.days import AFTERNOON, MORNING_AFTER, OPENED, Day, fresh
from tests.reports.plenary.test_plenary import ratify

LEVELS = ["64", "6472", "647201", "6472012001", "6472012001001"]
BUDGET = 5


def url(code: str, **query: str) -> str:
    address = reverse("unit", args=["pemilu2024", code])
    return address + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.get(url("64"))  # the first request of a process reads the instruments' schemas
    for code in LEVELS:
        client.get(url(code))
    return client


def approve(report: Report, by: User) -> None:
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(by))


def page_of(day: Day, code: str, **chosen: str) -> shapes.UnitPage:
    wanted = {"instrument": "pemungutan-tps", "period": "", "basis": "filed", "sort": ""} | chosen
    unit = Unit.objects.with_ancestors().get(election=day.election, code=code)
    return pages.unit_page(unit, now=clock.now(), **wanted)


@pytest.fixture
def reported(election_day: Day) -> Day:
    """Two reports in Samarinda (one approved, one with a problem), one in the village of the same name in Paser."""
    day, cast = election_day, election_day.cast
    approve(day.file(cast.ptps, surat_tertukar="ya"), cast.pkd)
    day.file(cast.ptps_sibling, day.obligation(subject="6472012001002"), intimidasi="ya")
    rollup.run_all()
    return day


def test_it_works_on_every_level(reported: Day) -> None:
    client = logged_in(reported.cast.province_member)
    for code in LEVELS:
        for basis in ("filed", "approved"):
            page = client.get(url(code, instrumen="pemungutan-tps", dasar=basis))
            assert page.status_code == 200
            assert reported.units[code].title in page.content.decode()


def test_at_most_five_queries_however_many_reports(election_day: Day, django_assert_max_num_queries: Any) -> None:
    day, cast = election_day, election_day.cast
    rollup.run_all()
    client = logged_in(cast.province_member)

    def cost(code: str) -> int:
        with django_assert_max_num_queries(BUDGET) as queries:
            client.get(url(code))
        return len(queries)

    few = [cost(code) for code in LEVELS]
    for number, user in (("001", cast.ptps), ("002", cast.ptps_sibling)):
        for instrument in ("pemungutan-tps", "penghitungan-tps"):
            approve(day.file(user, day.obligation(instrument, f"6472012001{number}")), cast.pkd)
    rollup.run_all()
    assert [cost(code) for code in LEVELS] == few


def test_every_level_is_the_sum_of_the_one_below(reported: Day) -> None:
    for basis in ("filed", "approved"):
        for code in LEVELS[:-1]:
            whole = page_of(reported, code, basis=basis)
            parts = [page_of(reported, row.unit.code, basis=basis) for row in whole.rows]
            assert len(parts) == reported.units[code].get_children().count()
            for name in whole.counts.__dict__:
                assert getattr(whole.counts, name) == sum(getattr(part.counts, name) for part in parts)
                assert [getattr(row.counts, name) for row in whole.rows] == [getattr(p.counts, name) for p in parts]
            sums = [{row.label: row.total for row in part.sums} for part in parts]
            assert {row.label: row.total for row in whole.sums} == {
                label: sum(part[label] for part in sums) for label in sums[0]
            }
            assert whole.problem_total == sum(row.problems for row in whole.rows)
            assert whole.problem_total == sum(part.problem_total for part in parts)


def test_the_approved_basis_leaves_out_what_is_not_approved(reported: Day) -> None:
    filed, approved = page_of(reported, "64"), page_of(reported, "64", basis="approved")
    assert {line.question.name for line in filed.found} >= {"surat_tertukar", "intimidasi"}
    assert "intimidasi" not in {line.question.name for line in approved.found}
    assert (filed.reports, approved.reports) == (2, 1)
    assert [figure.filed for figure in approved.top_problems] == [1] * len(approved.found)


def test_villages_of_the_same_name_stay_apart(reported: Day) -> None:
    here, there = page_of(reported, "6472012001"), page_of(reported, "6401012001")
    assert reported.units["6472012001"].title == reported.units["6401012001"].title
    assert (here.counts.filed_count, there.counts.filed_count) == (2, 0)
    districts = {
        row.unit.code: row.counts.filed_count for code in ("6401", "6472") for row in page_of(reported, code).rows
    }
    assert districts == {"640101": 0, "640102": 0, "647201": 2, "647202": 0}


def test_outside_ones_subtree_there_is_nothing(cast: Cast, client: Client) -> None:
    for stranger in (cast.stranger, cast.stranger_member, cast.nobody):
        client.force_login(stranger)
        assert [client.get(url(code)).status_code for code in LEVELS] == [404] * len(LEVELS)


def test_a_supervisor_is_shown_no_link_above_their_own_unit(reported: Day, client: Client) -> None:
    client.force_login(reported.cast.pkd)
    text = client.get(url("6472012001")).content.decode()
    assert url("647201") not in text
    assert url("6472012001001") in text


def test_obligations_show_their_state_and_a_vacancy_is_never_late(reported: Day) -> None:
    client = logged_in(reported.cast.pkd)
    text = client.get(url("6472012001001", instrumen="pemungutan-tps")).content.decode()
    report = Report.objects.get(obligation__subject__code="6472012001001")
    assert reverse("report", args=[report.pk]) in text
    assert "Disetujui" in text
    vacant = client.get(url("6472012001901", instrumen="pemungutan-tps")).content.decode()
    assert "Tanpa pengawas" in vacant
    assert "Lewat tenggat" not in vacant
    reported.set_clock(MORNING_AFTER)
    page = page_of(reported, "6472012001", instrument="penghitungan-tps")
    states = {row.unit.code[-3:]: row.obligations[0].state for row in page.rows}
    assert states == {"001": "LATE", "002": "LATE", "901": "VACANT"}


SORTED = {
    "": ["001", "002", "901"],
    "-kode": ["901", "002", "001"],
    "nama": ["001", "002", "901"],
    "-masalah": ["001", "002", "901"],
    "-terakhir": ["002", "001", "901"],
    "terakhir": ["001", "002", "901"],  # who never reported comes last in both directions
    "bukan-kolom": ["001", "002", "901"],
}


def test_rows_in_order_of_a_column(reported: Day) -> None:
    for sort, expected in SORTED.items():
        assert [row.unit.code[-3:] for row in page_of(reported, "6472012001", sort=sort).rows] == expected


def test_periods_are_shown_together_or_one_by_one(election_day: Day) -> None:
    window = election_day.open("masa-tenang-desa")
    rollup.run_all()
    whole = page_of(election_day, "647201", instrument="masa-tenang-desa")
    assert whole.periods == [(window.period, "11 Feb 2024")]
    assert whole.noun == "laporan wajib"
    assert page_of(election_day, "647201", instrument="masa-tenang-desa", period=window.period).period == window.period
    unknown = page_of(election_day, "647201", instrument="masa-tenang-desa", period="2024-02-30")
    assert (unknown.period, unknown.counts) == ("", whole.counts)
    own = page_of(election_day, "6472012001", instrument="masa-tenang-desa")
    assert [obligation.state for obligation in own.obligations] == [
        "LATE"
    ]  # the village is the subject: no row for a station
    assert own.rows == []


def test_before_anything_is_opened_the_page_says_so(cast: Cast, client: Client) -> None:
    client.force_login(cast.province_member)
    text = client.get(url("64")).content.decode()
    assert "Belum ada pelaporan yang dibuka" in text


def test_links_of_the_switch_keep_what_was_chosen(reported: Day) -> None:
    client = logged_in(reported.cast.province_member)
    text = client.get(url("64", instrumen="pemungutan-tps", urut="-belum")).content.decode()
    switch = re.search(r'href="(\?[^"]*dasar=approved[^"]*urut[^"]*|\?[^"]*urut[^"]*dasar=approved[^"]*)"', text)
    assert switch is not None
    assert "instrumen=pemungutan-tps" in switch[1]


def test_the_way_home_leads_to_ones_own_unit(cast: Cast, client: Client) -> None:
    client.force_login(cast.regency_member)
    assert client.get(reverse("unit-home")).url == url("6472")
    client.force_login(cast.nobody)
    assert "Anda belum bertugas" in client.get(reverse("unit-home")).content.decode()
    assert Client().get(reverse("unit-home")).status_code == 302


def test_what_stands_ratified_stays_when_a_figure_below_changes(
    reported: Day, django_assert_max_num_queries: Any
) -> None:
    nothing = page_of(reported, "6472", basis="ratified")
    assert (nothing.reports, nothing.rows, nothing.counts.expected) == (0, [], 0)
    item = ratify(reported, "6472")
    before = page_of(reported, "6472", basis="ratified")
    assert (before.reports, before.counts.filed_count) == (1, 2)
    figure = before.top_problems[0]
    assert (figure.status, figure.version, figure.as_of) == ("disahkan", 1, item.decided_at)
    second = Report.objects.for_page().get(obligation__subject__code="6472012001002")
    approve(second, reported.cast.pkd)
    rollup.run_all()
    after = page_of(reported, "6472", basis="ratified")
    assert (after.counts, after.sums, after.found) == (before.counts, before.sums, before.found)
    assert page_of(reported, "6472", basis="approved").reports == 2
    assert [row.unit.code for row in page_of(reported, "64", basis="ratified").rows] == ["6472"]
    reported.open("rekap-kecamatan")
    rollup.run_all()
    chosen = {"instrument": "rekap-kecamatan"}
    assert page_of(reported, "6472", **chosen).rows != []
    assert page_of(reported, "6472", **chosen, basis="ratified").rows == [], (
        "a district's own report is no body's figure"
    )
    client = logged_in(reported.cast.province_member)
    with django_assert_max_num_queries(BUDGET + 2):
        text = client.get(url("6472", instrumen="pemungutan-tps", dasar="ratified")).content.decode()
    assert "disahkan pleno" in text
    assert reverse("plenary", args=[item.plenary_id]) in text
    village = client.get(url("6472012001", instrumen="pemungutan-tps", dasar="ratified")).content.decode()
    assert ">disahkan</a>" not in village, "a village has no body that could ratify"


@pytest.mark.parametrize("late", [False, True], ids=["before the deadline", "after it"])
def test_what_was_missing_when_a_body_decided_is_as_due_as_it_was_then(election_day: Day, late: bool) -> None:
    """The deadline that passes afterwards makes nothing of it late, and nothing was due later than the decision."""
    approve(election_day.file(election_day.cast.ptps), election_day.cast.pkd)  # her neighbour has not filed
    if late:
        election_day.set_clock(MORNING_AFTER)
    ratify(election_day, "6472")
    for moment in (AFTERNOON, MORNING_AFTER):
        election_day.set_clock(moment)
        own = page_of(election_day, "6472", basis="ratified").counts
        (row,) = page_of(election_day, "64", basis="ratified").rows
        assert own.missing > 0
        assert row.counts == own
        assert (own.past, own.not_due) == ((own.missing, 0) if late else (0, own.missing))


@pytest.mark.parametrize("area", ["6472012001", "647201", "6472012001002", "64", "6401"])
def test_what_was_missing_is_as_due_as_what_had_been_granted_by_then_made_it(election_day: Day, area: str) -> None:
    """Whatever is granted, filed and past afterwards: the page of the decision's moment is what it is compared with."""
    day, cast = election_day, election_day.cast
    window = day.windows["pemungutan-tps"]

    def extend(code: str, later: datetime) -> None:
        obligations.extend(
            window=window,
            area=day.units[code],
            due_at=later,
            closes_at=max(later, window.closes_at),
            reason="Banjir.",
            by=fresh(cast.admin),
        )

    approve(day.file(cast.ptps), cast.pkd)
    day.set_clock(MORNING_AFTER)
    extend(area, MORNING_AFTER + timedelta(hours=5))
    extend("6472012001001", MORNING_AFTER - timedelta(hours=5))  # over before the body decides, and filed
    ratify(day, "6472")
    then = page_of(day, "6472", basis="approved").counts
    assert (then.not_due > 0) == ("6472".startswith(area[:4]) or area.startswith("6472"))
    day.set_clock(MORNING_AFTER + timedelta(hours=1))
    extend("6472", MORNING_AFTER + timedelta(hours=9))
    day.file(cast.ptps_sibling, day.obligation(subject="6472012001002"))
    rollup.run_all()
    for moment in (MORNING_AFTER + timedelta(hours=2), MORNING_AFTER + timedelta(days=2)):
        day.set_clock(moment)
        own = page_of(day, "6472", basis="ratified").counts
        (row,) = page_of(day, "64", basis="ratified").rows
        assert row.counts == own == then


KAMPANYE, UANG = "kampanye_di_luar_jadwal", "pemberian_uang_barang"


def on_two_versions(day: Day, changed: Callable[[list[str]], None]) -> tuple[str, str]:
    """Two days of the quiet period, the second on a version with the form's lines `changed`; the days' keys.

    On the first day one village saw a campaign; on the second two villages saw nothing.
    """
    first = day.open("masa-tenang-desa")
    lines = bytes(first.version.source).decode().splitlines()
    changed(lines)
    entry = next(each for each in publishing.catalogue() if each.code == "masa-tenang-desa")
    version = publishing.publish(source="\n".join(lines).encode(), entry=entry, by=None, suffix=".md")
    assert (version.width, version.number) == (first.version.width, first.version.number + 1)
    second = Window.objects.filter(instrument=first.instrument, election=day.election).order_by("opens_at")[1]
    Window.objects.filter(pk=second.pk).update(version=version)
    obligations.open_window(window=Window.objects.get(pk=second.pk), at=OPENED)
    pkd, sibling = (day.cast.pkd, "6472012001"), (day.cast.pkd_sibling, "6472012002")
    for window, (user, code), seen in ((first, pkd, "ya"), (second, pkd, "tidak"), (second, sibling, "tidak")):
        obligation = Obligation.objects.for_intake().get(window=window, subject__code=code)
        day.file(user, obligation, **{KAMPANYE: seen, UANG: "tidak"})
    rollup.run_all()
    return first.period, second.period


def exchange(lines: list[str]) -> None:
    """Two questions in each other's place, which leaves the vectors equally wide."""
    one, other = (next(i for i, line in enumerate(lines) if f" {name} " in line) for name in (KAMPANYE, UANG))
    lines[one], lines[other] = lines[other], lines[one]


def reword(lines: list[str]) -> None:
    """The same questions with another hint."""
    lines[:] = [line.replace("Hitung yang masih terpasang saat", "Hitung yang terpasang saat") for line in lines]


@pytest.fixture
def two_versions(election_day: Day) -> tuple[Day, str, str]:
    return (election_day, *on_two_versions(election_day, exchange))


def test_figures_add_up_where_both_versions_ask_the_same(election_day: Day) -> None:
    on_two_versions(election_day, reword)
    page = page_of(election_day, "6472", instrument="masa-tenang-desa")
    assert (page.reports, page.unsummed, page.problem_total) == (3, 0, 1)


def test_figures_of_two_versions_never_add_up(two_versions: tuple[Day, str, str]) -> None:
    """Two questions exchanged leave the vectors equally wide: added up, a campaign would be told as a gift."""
    day, first, second = two_versions
    chosen = {"instrument": "masa-tenang-desa"}
    for code in ("64", "6472", "647201", "6472012001"):
        own = code == "6472012001"
        both = page_of(day, code, **chosen)
        assert (both.counts.filed_count, both.reports, both.unsummed) == ((2, 1, 1) if own else (3, 2, 1))
        assert (both.found, both.problem_total) == ([], 0)
        assert sum(row.problems for row in both.rows) == 0
        before = page_of(day, code, **chosen, period=first)
        assert [line.question.name for line in before.found] == [KAMPANYE]
        assert (before.reports, before.unsummed, before.problem_total) == (1, 0, 1)
        assert [row.problems for row in before.rows] == [] or sum(row.problems for row in before.rows) == 1
        assert page_of(day, code, **chosen, period=second).problem_total == 0
    text = logged_in(day.cast.province_member).get(url("64", instrumen="masa-tenang-desa")).content.decode()
    assert "1 laporan memakai versi lain dari formulir ini" in text


def test_the_leaders_sheet_compares_figures_of_one_version(two_versions: tuple[Day, str, str]) -> None:
    day, _first, _second = two_versions
    snapshots.take()
    day.set_clock(MORNING_AFTER + timedelta(days=1))
    led = leadership(page_of(day, "64", instrument="masa-tenang-desa"))
    assert led.since is not None
    assert (led.moved, led.problems) == ([], [])
