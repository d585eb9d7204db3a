"""The leaders' sheet: what moved since yesterday, who ratified, whose problems; for the line, in nine queries."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from dashboards.figures import snapshots
from dashboards.leadership.queries import Leadership, leadership
from dashboards.models import Snapshot
from dashboards.unit.queries import unit_page
from hierarchy.lib import clock
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.obligations import actions as obligations
from reports.obligations import pinning
from reports.obligations.models import Obligation
from reports.plenary import actions as plenary
from reports.rehearsal.answers import answers_for
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from tests.days import AFTERNOON, MORNING_AFTER, OPENED, Day, fresh
from tests.reports.calendar import test_versions
from tests.reports.plenary.test_plenary import body, ratify

BUDGET = 9
LEVELS = ["64", "6472", "647201"]
SIBLING = "6472012001002"
TOLD = {"ada_kejadian": "ya", "kejadian_khusus": "Banjir di jalan masuk; pemilih diantar dengan perahu."}


def url(code: str) -> str:
    return reverse("leadership", args=["pemilu2024", code])


def led(day: Day, code: str = "64", instrument: str = "pemungutan-tps") -> Leadership:
    unit = Unit.objects.with_ancestors().get(election=day.election, code=code)
    chosen = {"instrument": instrument, "period": "", "basis": "filed", "sort": ""}
    return leadership(unit_page(unit, now=clock.now(), **chosen))


@pytest.fixture
def yesterday(election_day: Day) -> Day:
    """One report on election day, snapshots of its evening; a second one with an incident the morning after."""
    day, cast = election_day, election_day.cast
    day.file(cast.ptps)
    rollup.run_all()
    snapshots.take()
    day.set_clock(MORNING_AFTER)
    day.file(cast.ptps_sibling, day.obligation(subject=SIBLING), intimidasi="ya", **TOLD)
    rollup.run_all()
    return day


def test_what_moved_since_the_evening_before(yesterday: Day) -> None:
    found = led(yesterday)
    assert found.since is not None
    assert abs(found.since - AFTERNOON) < timedelta(minutes=5)
    moved = {row.label: (row.before, row.after, row.change) for row in found.moved}
    assert moved["Sudah lapor"] == (1, 2, 1)
    assert "Disetujui" not in moved, "what did not move is not told"
    assert any(before == 0 and after == 1 for label, (before, after, _) in moved.items() if label != "Sudah lapor")
    assert {area.row.unit.code: area.more for area in found.areas} == {"6401": 0, "6472": 1}


APK = "apk_terpasang"


@pytest.fixture
def quiet(election_day: Day) -> Day:
    """The field's example: 563 posters in Paser and 40 in Samarinda on the first day, and a second day has opened."""
    day, cast = election_day, election_day.cast
    day.file(cast.stranger, quiet_obligation(day, 0, "6401012001"), **{APK: 563})
    day.file(cast.pkd, quiet_obligation(day, 0, "6472012001"), **{APK: 40})
    rollup.run_all()
    snapshots.take()
    day.set_clock(MORNING_AFTER)
    return day


def quiet_obligation(day: Day, number: int, subject: str) -> Obligation:
    """What a village owes of a day of the quiet period, from 0; the window is opened when it is not yet."""
    rows = Window.objects.filter(instrument__code="masa-tenang-desa", election=day.election).order_by("opens_at")
    window = rows[number]
    if window.opened_at is None:
        obligations.open_window(window=window, at=OPENED)
    return Obligation.objects.for_intake().get(window=window, subject__code=subject)


def standing(day: Day) -> dict[str, list[str]]:
    """Code -> what stands still, the same on the sheet and on the unit's page."""
    sheet = led(day, instrument="masa-tenang-desa").page
    unit = Unit.objects.with_ancestors().get(election=day.election, code="64")
    chosen = {"instrument": "masa-tenang-desa", "period": "", "basis": "filed", "sort": ""}
    page = unit_page(unit, now=clock.now(), **chosen)
    found = {row.unit.code: row.still for row in page.rows}
    assert {row.unit.code: row.still for row in sheet.rows} == found
    return {code: labels for code, labels in found.items() if labels}


def test_a_figure_that_stands_still_is_named_where_its_neighbour_moves(quiet: Day, client: Client) -> None:
    """Zeros filed day after day move nothing: a report came in, the figure did not."""
    assert standing(quiet) == {}, "nobody has moved, so nobody is behind"
    quiet.file(quiet.cast.pkd, quiet_obligation(quiet, 1, "6472012001"), **{APK: 50})
    quiet.file(quiet.cast.stranger, quiet_obligation(quiet, 1, "6401012001"), **{APK: 0})
    rollup.run_all()
    assert standing(quiet) == {"6401": ["APK masih terpasang di masa tenang"]}
    client.force_login(fresh(quiet.cast.province_chair))
    for page in ("leadership", "unit"):
        address = reverse(page, args=["pemilu2024", "64"])
        text = client.get(address, {"instrumen": "masa-tenang-desa"}).content.decode()
        assert text.count("tidak bergerak sejak 14 Feb 2024: APK masih terpasang di masa tenang") == 1


def test_nothing_is_said_to_stand_still_without_cause(quiet: Day) -> None:
    quiet.file(quiet.cast.pkd, quiet_obligation(quiet, 1, "6472012001"), **{APK: 50})
    quiet.file(quiet.cast.stranger, quiet_obligation(quiet, 1, "6401012001"), **{APK: 1})
    rollup.run_all()
    assert standing(quiet) == {}, "both moved"
    quiet_days = Window.objects.filter(instrument__code="masa-tenang-desa", election=quiet.election)
    quiet_days.update(closes_at=MORNING_AFTER)
    quiet.set_clock(MORNING_AFTER + timedelta(days=1))
    assert standing(quiet) == {}, "no report is to come any more"


@pytest.mark.parametrize(
    ("area", "expected"), [("6401", ["6401"]), ("640101", ["6401"]), ("64", ["6401"]), ("6472", [])]
)
def test_reports_are_to_come_where_an_area_was_given_more_time(quiet: Day, area: str, expected: list[str]) -> None:
    """Of itself, of a part of it and of what it lies in; time of a neighbour makes nothing come here."""
    quiet.file(quiet.cast.pkd, quiet_obligation(quiet, 1, "6472012001"), **{APK: 50})
    rollup.run_all()
    assert list(standing(quiet)) == ["6401"]
    closed = MORNING_AFTER + timedelta(hours=1)
    days = Window.objects.filter(instrument__code="masa-tenang-desa", election=quiet.election)
    days.update(due_at=MORNING_AFTER, closes_at=closed)
    Obligation.objects.filter(window__in=days).update(due_at=MORNING_AFTER, closes_at=closed)
    quiet.set_clock(closed + timedelta(hours=1))
    assert standing(quiet) == {}, "no report is to come any more"
    later = closed + timedelta(days=2)
    obligations.extend(
        window=quiet_obligation(quiet, 1, "6401012001").window,
        area=quiet.units[area],
        due_at=later,
        closes_at=later,
        reason="Banjir.",
        by=quiet.cast.admin,
    )
    assert list(standing(quiet)) == expected
    assert list(led(quiet, instrument="masa-tenang-desa").page.rows) != []
    missing = Obligation.objects.within(quiet.units["6401"]).filter(window__in=days, closes_at=later, state="OWED")
    assert missing.exists() == bool(expected)
    missing.update(state="VACANT")
    assert standing(quiet) == {}, "who was given more time owes nothing"


def test_nobody_who_has_not_reported_is_held_to_a_figure(election_day: Day) -> None:
    """No report is no figure, not one of 0: what it is compared with counts on neither side."""
    day, cast = election_day, election_day.cast
    day.file(cast.pkd, quiet_obligation(day, 0, "6472012001"), **{APK: 40})
    rollup.run_all()
    snapshots.take()
    day.set_clock(MORNING_AFTER)
    day.file(cast.pkd, quiet_obligation(day, 1, "6472012001"), **{APK: 50})
    rollup.run_all()
    assert standing(day) == {}
    day.file(cast.stranger, quiet_obligation(day, 1, "6401012001"), **{APK: 0})
    rollup.run_all()
    assert standing(day) == {}, "its first report came from nothing"


def test_a_unit_compared_with_the_same_day_does_not_stand_still(election_day: Day) -> None:
    day = election_day
    day.file(day.cast.stranger, quiet_obligation(day, 0, "6401012001"), **{APK: 563})
    rollup.run_all()
    snapshots.take()
    day.file(day.cast.pkd, quiet_obligation(day, 0, "6472012001"), **{APK: 40})
    rollup.run_all()
    assert standing(day) == {}


@pytest.mark.parametrize(("old", "new"), [("ONE", "TWO"), ("TWO", "ONE")], ids=["wider", "narrower"])
def test_an_evening_before_the_form_was_exchanged_says_nothing_of_its_figures(
    election_day: Day, client: Client, old: str, new: str
) -> None:
    """Positions of another version mean other questions, or nothing at all; nobody had reported."""
    window = test_versions.opened(election_day, getattr(test_versions, old))
    rollup.run_all()
    snapshots.take()
    pinning.repin(window=window, version=test_versions.published(getattr(test_versions, new)), by=None, reason="keliru")
    test_versions.filed(election_day, {"hadir": 3} if new == "ONE" else {"hadir": 3, "pulang": 2})
    rollup.run_all()
    election_day.set_clock(MORNING_AFTER)
    client.force_login(fresh(election_day.cast.province_chair))
    for page in ("leadership", "unit"):
        answer = client.get(reverse(page, args=["pemilu2024", "64"]), {"instrumen": test_versions.CODE})
        assert answer.status_code == 200
        assert "tidak bergerak" not in answer.content.decode()
    assert {row.label: row.change for row in led(election_day, instrument=test_versions.CODE).moved} == {
        "Sudah lapor": 1
    }


def test_before_the_first_evening_the_page_says_so(election_day: Day, client: Client) -> None:
    rollup.run_all()
    assert led(election_day).since is None
    client.force_login(election_day.cast.province_chair)
    assert "perbandingan muncul mulai besok" in client.get(url("64")).content.decode()


def test_a_day_has_one_row_of_a_figure_and_yesterday_is_never_written_again(yesterday: Day) -> None:
    evening = sorted(Snapshot.objects.values_list("pk", "taken_at", "filed"))
    assert {row.day for row in Snapshot.objects.all()} == {date(2024, 2, 14)}
    taken = snapshots.take()
    assert snapshots.take() == taken > 0
    assert Snapshot.objects.filter(day=date(2024, 2, 15)).count() == taken
    assert sorted(Snapshot.objects.filter(day=date(2024, 2, 14)).values_list("pk", "taken_at", "filed")) == evening
    row = Snapshot.objects.get(day=date(2024, 2, 15), unit__code="64", window=yesterday.windows["pemungutan-tps"])
    tally = Tally.objects.get(unit=row.unit, window=row.window)
    assert (row.filed, row.counts["filed_count"]) == (tally.filed, 2)


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_leave_one_row(election_day: Day) -> None:
    rollup.run_all()
    failed: list[BaseException] = []
    start = threading.Barrier(2)

    def take() -> None:
        try:
            start.wait(10)
            snapshots.take()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert Snapshot.objects.count() == Snapshot.objects.values("day", "unit", "window").distinct().count() > 0


def test_bodies_below_what_they_ratified_and_what_changed_afterwards(yesterday: Day) -> None:
    assert (led(yesterday).decided, len(led(yesterday).bodies)) == (0, 2)
    item = ratify(yesterday, "6472")
    found = led(yesterday)
    assert found.decided == 1
    (samarinda,) = (each for each in found.bodies if each.unit.code == "6472")
    assert (samarinda.ratified, samarinda.matters, samarinda.changed, samarinda.newest) == (1, 1, 0, item)
    report = yesterday.obligation().report
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(yesterday.cast.pkd))
    rollup.run_all()
    (samarinda,) = (each for each in led(yesterday).bodies if each.unit.code == "6472")
    assert samarinda.changed == 1
    assert led(yesterday, "6472").own == samarinda


def test_every_level_says_its_own_body_and_villages_have_none(yesterday: Day, client: Client) -> None:
    client.force_login(fresh(yesterday.cast.province_chair))
    ratify(yesterday, "647201")
    assert led(yesterday, "647201").bodies == []
    own = led(yesterday, "647201").own
    assert own is not None
    assert own.ratified == 1
    text = client.get(url("647201"), {"instrumen": "pemungutan-tps"}).content.decode()
    assert "disahkan pleno" in text
    assert "sementara" in client.get(url("64"), {"instrumen": "pemungutan-tps"}).content.decode()
    assert body(yesterday.cast)[0].pk == yesterday.cast.panwascam_chair.pk


def test_nothing_is_said_of_plenaries_where_none_can_ratify(election_day: Day, client: Client) -> None:
    cast, window = election_day.cast, election_day.open("form-a")
    answers, reasons = answers_for(window.version.parsed, Obligation(), Random(3))
    intake.submit_event(
        by=fresh(cast.ptps), window=window, subject=election_day.units["6472012001001"], report_id=uuid4(),
        answers=answers, reasons=reasons, channel="WEB",
    )  # fmt: skip
    rollup.run_all()
    found = led(election_day, "647201", "form-a")
    assert found.page.counts.filed_count == 1
    assert found.own is None
    assert led(election_day, "6472", "form-a").bodies == []
    client.force_login(fresh(cast.province_chair))
    text = client.get(url("647201"), {"instrumen": "form-a"}).content.decode()
    assert "sementara" not in text
    assert 'id="pleno"' not in text


def test_the_sheet_says_of_a_body_what_a_recap_says_of_it(yesterday: Day, client: Client) -> None:
    client.force_login(fresh(yesterday.cast.province_chair))

    def told() -> str:
        (samarinda,) = (each for each in led(yesterday).bodies if each.unit.code == "6472")
        for code in ("64", "6472"):
            page = client.get(url(code), {"instrumen": "pemungutan-tps"}).content.decode()
            assert f">{samarinda.words}<" in page
        return samarinda.words

    assert told() == "sementara"
    item = ratify(yesterday, "6472")
    plenary.close(plenary=item.plenary, minutes_number="7/BA/II/2024", notes="", by=body(yesterday.cast, "6472")[0])
    assert told() == "disahkan pleno 15 Feb 2024, berita acara 7/BA/II/2024"
    report = yesterday.obligation().report
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(yesterday.cast.pkd))
    rollup.run_all()
    assert told() == "berubah sesudah disahkan pleno 15 Feb 2024, berita acara 7/BA/II/2024"


def test_shares_of_a_problem_add_up_to_it(yesterday: Day) -> None:
    for code in LEVELS:
        problems = led(yesterday, code).problems
        assert {problem.line.question.name for problem in problems} >= {"intimidasi"}
        for problem in problems:
            assert sum(value for _unit, value in problem.shares) == problem.line.value


def test_incidents_newest_first_with_their_words(yesterday: Day, client: Client) -> None:
    for code in LEVELS:
        ((report, text),) = led(yesterday, code).incidents
        assert (report.obligation.subject.code, text) == (SIBLING, TOLD["kejadian_khusus"])
    assert led(yesterday, "6401").incidents == []
    client.force_login(fresh(yesterday.cast.regency_member))
    page = client.get(url("6472"), {"instrumen": "pemungutan-tps"}).content.decode()
    assert "pemilih diantar dengan perahu" in page
    assert reverse("report", args=[report.pk]) in page


def test_nine_queries_at_most_however_many_reports(yesterday: Day, django_assert_max_num_queries: Any) -> None:
    client = Client()
    client.force_login(fresh(yesterday.cast.province_member))
    for code in LEVELS:
        client.get(url(code))

    def cost(code: str) -> int:
        with django_assert_max_num_queries(BUDGET) as queries:
            client.get(url(code), {"instrumen": "pemungutan-tps"})
        return len(queries)

    few = [cost(code) for code in LEVELS]
    ratify(yesterday, "6472")
    for number in ("001", "002"):
        user = yesterday.cast.ptps if number == "001" else yesterday.cast.ptps_sibling
        yesterday.file(
            user, yesterday.obligation("penghitungan-tps", f"6472012001{number}"), keberatan_kejadian="tidak"
        )
    rollup.run_all()
    assert [cost(code) for code in LEVELS] == few


def test_any_unit_below_is_found_by_name_or_code(yesterday: Day, client: Client) -> None:
    client.force_login(fresh(yesterday.cast.regency_member))
    by_name = client.get(url("6472"), {"cari": "harapan"}).content.decode()
    assert reverse("unit", args=["pemilu2024", "6472012001"]) in by_name
    assert reverse("unit", args=["pemilu2024", "6401012001"]) not in by_name
    by_code = client.get(url("6472"), {"cari": "64.72.01.2001.001"}).content.decode()
    assert reverse("unit", args=["pemilu2024", "6472012001001"]) in by_code
    nothing = client.get(url("6472"), {"cari": "<b>Zzz"}).content.decode()
    assert "Tidak ada satuan dengan nama atau kode itu" in nothing
    assert "&lt;b&gt;Zzz" in nothing


def test_the_sheet_is_for_bodies_and_those_above(yesterday: Day, client: Client) -> None:
    for stranger in (yesterday.cast.stranger, yesterday.cast.stranger_member, yesterday.cast.nobody):
        client.force_login(fresh(stranger))
        assert [client.get(url(code)).status_code for code in LEVELS] == [404] * 3
    client.force_login(fresh(yesterday.cast.province_chair))
    assert client.get(url("6472012001")).status_code == 404, "a village has no body"
    assert client.get(reverse("leadership-home")).url == url("64")
    client.force_login(fresh(yesterday.cast.pkd))
    assert client.get(reverse("leadership-home")).url == reverse("unit-home")
    assert "Pimpinan" not in client.get(reverse("tasks")).content.decode()


def test_before_anything_is_opened(cast: Any, client: Client) -> None:
    client.force_login(cast.province_member)
    assert "Belum ada pelaporan yang dibuka" in client.get(url("64")).content.decode()
