"""The compliance board: every number is the length of its list, whatever happened; few queries; 404 for strangers."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards import board as boards
from dashboards.board import STATES
from hierarchy import clock, roster
from hierarchy.models import Role, Unit, User
from hierarchy.roster import RosterRow
from reports import calendar, reminders, review
from reports.models import Obligation, Report
from tests.cast import SINCE
from tests.days import MORNING_AFTER, TPS, Day, fresh
from tests.reports.test_pages import text_of

pytestmark = pytest.mark.django_db
BUDGET = 5
STAFF = ["6472012001001", "6472012001002", "6472012001901", "6472012002001", "6472022001001"]
ACTS = st.lists(
    st.tuples(st.sampled_from(["file", "file", "approve", "return", "attest", "late"]), st.integers(0, 4)), max_size=12
)


def page(client: Client, code: str = "64", **query: str) -> Any:
    return client.get(reverse("board", args=["pemilu2024", code]), {"instrumen": "pemungutan-tps", **query})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staffed(election_day: Day) -> Day:
    """Five stations in three villages have somebody."""
    rows = [
        RosterRow(code, f"P {code}", Role.SUPERVISOR, "0811", username=f"p{code}", since=SINCE) for code in STAFF[2:]
    ]
    roster.load(election=election_day.election, rows=rows, by=None)
    calendar.refresh_vacancies()
    return election_day


def filer_of(day: Day, code: str) -> User:
    names = {STAFF[0]: day.cast.ptps, STAFF[1]: day.cast.ptps_sibling}
    return names.get(code) or User.objects.get(username=f"p{code}")


def live(day: Day, acts: list[tuple[str, int]]) -> None:
    """Things happen at the five stations; what cannot happen does not."""
    for verb, number in acts:
        code = STAFF[number]
        duty = day.duty(subject=code)
        report = Report.objects.for_page().filter(obligation=duty).first()
        superior = User.objects.filter(memberships__unit=duty.filer.parent_id).first()
        try:
            if verb in ("file", "late") and report is None:
                day.file(filer_of(day, code), duty, at=duty.due_at + timedelta(minutes=9) if verb == "late" else None)
            elif verb == "approve" and report and superior:
                review.approve(report=report, seen=bytes(report.sha256), by=fresh(superior))
            elif verb == "return" and report and superior:
                review.send_back(report=report, seen=bytes(report.sha256), remarks={"": "x"}, by=fresh(superior))
            elif verb == "attest" and superior:
                review.attest_unreachable(obligation=duty, reason="radio", by=fresh(superior))
        except review.ReviewError:
            pass


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=ACTS, hours=st.integers(0, 30))
def test_every_number_is_the_length_of_its_list_and_children_add_up(staffed: Day, acts: list, hours: int):
    with transaction.atomic():
        live(staffed, acts)
        now = clock.now() + timedelta(hours=hours)
        for code in ("64", "6472", "647201", "6472012001", TPS):
            unit = Unit.objects.with_ancestors().get(election=staffed.election, code=code)
            found = boards.board(unit, instrument="pemungutan-tps", sort="", now=now)
            assert found.current is not None
            for state in STATES:
                rows = boards.behind(unit, found.current, state=state, search="", child="", now=now)
                assert len(rows) == found.numbers[state], (code, state)
                assert all(duty.total == len(rows) for duty in rows)
            for tab in found.tabs:
                own = Obligation.objects.within(unit).filter(window=tab.window).count()
                assert (
                    sum(child.cells[tab.window]["wajib"] for child in found.children if tab.window in child.cells)
                    == own
                )
            n = found.numbers
            parts = ("masuk", "lewat", "ditunggu", "kosong", "tanpa_sinyal")
            assert sum(n[key] for key in parts) == n["wajib"]
            assert n["tepat"] + n["terlambat"] == n["masuk"] == n["dikembalikan"] + n["diperiksa"] + n["disetujui"]
            assert found.index is None or 0 <= found.index <= 1
        transaction.set_rollback(True)


@pytest.mark.parametrize("query", [{}, {"keadaan": "wajib"}, {"keadaan": "lewat", "cari": "TPS"}])
def test_at_most_five_queries_however_much_is_filed(staffed: Day, query: dict, django_assert_max_num_queries: Any):
    staffed.set_clock(MORNING_AFTER)
    client = signed_in(staffed.cast.province_member)
    page(client)
    counts = []
    for acts in ([], [("file", n) for n in range(5)] + [("approve", 0), ("return", 1)]):
        live(staffed, acts)
        with django_assert_max_num_queries(BUDGET) as caught:
            assert page(client, **query).status_code == 200
        counts.append(len(caught))
    assert counts[0] == counts[1]


def test_the_list_says_whom_to_call_when_they_were_seen_and_how_late_it_is(staffed: Day):
    staffed.set_clock(MORNING_AFTER)
    User.objects.filter(pk=staffed.cast.ptps.pk).update(last_seen_at=MORNING_AFTER - timedelta(hours=2))
    answer = page(signed_in(staffed.cast.panwascam_member), "647201", keadaan="lewat")
    text = text_of(answer)
    assert "Belum lapor, lewat tenggat: 4" in text
    assert "Terlambat · 13 jam" in text
    assert "terakhir terlihat 15 Feb 2024 05.00 WITA" in text
    assert f'href="tel:{staffed.cast.ptps.phone}"' in answer.content.decode()
    assert "Tidak ada yang bertugas" not in text


def test_a_vacant_post_is_never_late_and_a_silent_one_is_attested(staffed: Day):
    staffed.set_clock(MORNING_AFTER)
    review.attest_unreachable(obligation=staffed.duty(), reason="kabar radio", by=fresh(staffed.cast.pkd))
    unit = Unit.objects.with_ancestors().get(election=staffed.election, code="64")
    found = boards.board(unit, instrument="pemungutan-tps", sort="", now=clock.now())
    assert (found.numbers["wajib"], found.numbers["kosong"], found.numbers["tanpa_sinyal"]) == (24, 19, 1)
    assert (found.numbers["lewat"], found.index) == (4, 0)
    text = text_of(page(signed_in(staffed.cast.pkd), "6472012001", keadaan="tanpa_sinyal"))
    assert "Menurut Pkd: kabar radio" in text


def test_the_index_is_its_formula_and_the_ranking_follows_it(staffed: Day):
    live(staffed, [("file", 0), ("late", 1), ("file", 3)])
    now = clock.now()
    unit = Unit.objects.with_ancestors().get(election=staffed.election, code="647201")
    found = boards.board(unit, instrument="pemungutan-tps", sort="", now=now)
    assert found.index == pytest.approx((2 + 0.5) / (6 - 2))
    assert [(child.code, child.rank) for child in found.children] == [("6472012002", 1), ("6472012001", 2)]
    again = boards.board(unit, instrument="pemungutan-tps", sort="kode", now=now)
    assert [child.code for child in again.children] == ["6472012001", "6472012002"]
    text = text_of(page(signed_in(staffed.cast.panwascam_member), "647201"))
    assert "Indeks kepatuhan: 62,5 %" in text
    assert "(tepat waktu 2 + ½ × terlambat 1) ÷ (harus melapor 6 − tanpa pengawas 2 − tanpa sinyal 0)" in text


def test_the_course_of_the_day_and_the_effect_of_reminders(staffed: Day):
    due = staffed.duty().due_at
    reminders.tick(due - timedelta(minutes=60))
    staffed.file(staffed.cast.ptps, at=due - timedelta(minutes=50))
    staffed.file(staffed.cast.ptps_sibling, staffed.duty(subject=STAFF[1]), at=due - timedelta(minutes=10))
    unit = Unit.objects.with_ancestors().get(election=staffed.election, code="64")
    found = boards.board(unit, instrument="pemungutan-tps", sort="", now=clock.now())
    assert found.current
    course = boards.course(unit, found.current, 5)
    assert [(until - due, count) for until, count in course.points] == [
        (timedelta(minutes=-45), 1),
        (timedelta(0), 2),
    ]
    assert (course.prompt, course.reminded) == (1, 5)
    text = text_of(page(signed_in(staffed.cast.province_chair)))
    assert "1 dari 5 laporan yang diingatkan (20,0 %)" in text


def test_the_list_goes_out_as_csv_and_excel_with_its_time_and_no_formula(staffed: Day):
    User.objects.filter(pk=staffed.cast.ptps.pk).update(name="=HYPERLINK(1)")
    client = signed_in(staffed.cast.province_member)
    answer = page(client, keadaan="ditunggu", bentuk="csv", cari="HYPERLINK")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Pengawasan pemungutan suara: Belum lapor, belum tenggat"]
    assert "WITA" in rows[2][0]
    assert [row[0] for row in rows[4:]] == [TPS]
    assert not any(cell.startswith("=") for row in rows for cell in row)
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(page(client, keadaan="ditunggu", bentuk="xlsx").content))
    sheet = book.worksheets[0]
    codes = [row[0].value for row in sheet.iter_rows(min_row=6)]
    assert codes == sorted(STAFF)
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_a_search_that_finds_nothing_says_what_to_do(staffed: Day):
    text = text_of(page(signed_in(staffed.cast.province_member), keadaan="wajib", cari="tidak-ada", halaman="99"))
    assert "Tidak ada yang cocok" in text


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody", "ptps_sibling"])
def test_who_is_not_above_finds_nothing(staffed: Day, name: str):
    client = signed_in(getattr(staffed.cast, name))
    for code in ("64", "6472", "647201", "6472012001", TPS):
        for query in (
            {},
            {"keadaan": "wajib"},
            {"keadaan": "wajib", "bentuk": "csv"},
            {"keadaan": "wajib", "bentuk": "xlsx"},
        ):
            assert page(client, code, **query).status_code == 404
