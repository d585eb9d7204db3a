"""A leaders' page that a browser has already: never 304 when it would say something else, 304 when it would not."""

from __future__ import annotations

import contextlib
import difflib
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards import unchanged
from dashboards.board import views as board
from dashboards.figures import snapshots
from dashboards.leadership import views as leadership
from dashboards.unit import views as unit
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Role, User
from hierarchy.people import presence, roster
from hierarchy.units import tree
from reports.filing import actions as intake
from reports.filing.models import Report
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.reminders import actions as reminders
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup import outbox
from tests.days import AFTERNOON, TPS, Day, fresh
from tests.reports.plenary.test_plenary import ratify

VILLAGE, DISTRICT = "6472012001", "647201"
SIBLING = "6472012001002"
TOLD = {"ada_kejadian": "ya", "kejadian_khusus": "Banjir di jalan masuk."}
PAGES = [
    *(("unit", code, "") for code in ("64", VILLAGE, TPS)),
    ("unit", DISTRICT, "?instrumen=pemungutan-tps&dasar=ratified"),
    ("leadership", DISTRICT, "?instrumen=pemungutan-tps"),
    *(("board", code, "?instrumen=pemungutan-tps&keadaan=wajib") for code in ("64", VILLAGE)),
]
VIEWS = (board, leadership, unit)
Page = tuple[str, str, str]


def address(page: Page) -> str:
    route, code, query = page
    return reverse(route, args=["pemilu2024", code]) + query


def words(answer: Any) -> str:
    """All that the page says; a token against forged forms is masked anew each time."""
    return re.sub(r"[A-Za-z0-9]{64}", "", answer.content.decode())


def differing(before: str, after: str) -> list[str]:
    return [line for line in difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")][:9]


class Reader:
    """A browser that keeps what it got, and looks whether what it keeps is still what it would get."""

    def __init__(self, user: User) -> None:
        self.client, self.kept = Client(), {}
        self.client.force_login(user)
        self.client.get(address(PAGES[0]))  # the first request notes the presence and brings the cookies
        self.kept: dict[Page, tuple[str, str]] = {}

    def look(self) -> set[Page]:
        """The pages that say something else than they did; a 304 for one of them fails."""
        moved = set()
        for page in PAGES:
            answer = self.client.get(address(page))
            assert answer.status_code == 200, page
            if page in self.kept:
                tag, said = self.kept[page]
                again = self.client.get(address(page), headers={"if-none-match": tag})
                if words(answer) != said:
                    moved.add(page)
                    assert again.status_code == 200, (page, "was stale", differing(said, words(answer)))
            self.kept[page] = answer["ETag"], words(answer)
        return moved

    def unmoved(self) -> set[Page]:
        """The pages that are answered with 304."""
        asked = {page: self.client.get(address(page), headers={"if-none-match": self.kept[page][0]}) for page in PAGES}
        return {page for page, answer in asked.items() if answer.status_code == 304}


@pytest.fixture
def day(election_day: Day, monkeypatch: pytest.MonkeyPatch) -> Day:
    """Election day in a minute that does not end: what changes the tag is a row and not the clock."""
    monkeypatch.setattr(unchanged, "this_minute", lambda: AFTERNOON)
    for views in VIEWS:
        monkeypatch.setattr(views, "this_minute", lambda: unchanged.this_minute())
    return election_day


# --- every verb that changes what a page says -------------------------------------------------------------------------


def file(day: Day) -> None:
    day.file(day.cast.ptps_sibling, day.obligation(subject=SIBLING))


def tell(day: Day) -> None:
    """Another text in a report; every count and sum stays."""
    report = Report.objects.get(obligation=day.obligation())
    told = TOLD | {"kejadian_khusus": f"Banjir lagi, {uuid.uuid4()}."}
    day.file(day.cast.ptps, report_id=report.pk, based_on=report.revision, **told)


def approve(day: Day) -> None:
    report = Report.objects.select_related("obligation").get(obligation=day.obligation())
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def send_back(day: Day) -> None:
    report = Report.objects.select_related("obligation").get(obligation=day.obligation(subject=SIBLING))
    review.send_back(report=report, seen=bytes(report.sha256), remarks={"": "Periksa lagi."}, by=fresh(day.cast.pkd))


def attest(day: Day) -> None:
    obligation = day.obligation(subject=SIBLING)
    review.attest_unreachable(obligation=obligation, reason="Tidak ada sinyal.", by=fresh(day.cast.pkd))


def extend(day: Day) -> None:
    window = day.windows["pemungutan-tps"]
    due = window.due_at + timedelta(hours=1)
    obligations.extend(
        window=window, area=day.units[DISTRICT], due_at=due, closes_at=window.closes_at, reason="Banjir.",
        by=fresh(day.cast.admin),
    )  # fmt: skip


def ratified(day: Day) -> None:
    rollup.run_all()
    ratify(day)


def snapshot_of_yesterday(day: Day) -> None:
    """A day's last figures may come after its midnight."""
    rollup.run_all()
    day.set_clock(AFTERNOON - timedelta(days=1))
    snapshots.take()
    day.set_clock(AFTERNOON)


def rename(day: Day) -> None:
    tree.rename(unit=day.units[DISTRICT], name=f"Pinang {uuid.uuid4().hex[:6]}", by=None)


def rename_deep(day: Day) -> None:
    tree.rename(unit=day.units[TPS], name="TPS 077", by=None)


def open_another(day: Day) -> None:
    day.open("masa-tenang-desa")


def remind(day: Day) -> None:
    window = day.windows["pemungutan-tps"]
    reminders.tick(window.due_at - timedelta(minutes=20))


def take_over(day: Day) -> None:
    membership = Membership.objects.get(user=day.cast.ptps_sibling)
    roster.appoint(user=day.cast.nobody, unit=membership.unit, role=Role.SUPERVISOR, by=None)


def seen(day: Day) -> None:
    with transaction.atomic():
        User.objects.filter(pk=day.cast.ptps.pk).update(last_seen_at=None)
        presence.seen(User.objects.get(pk=day.cast.ptps.pk))


def named_anew(day: Day) -> None:
    with transaction.atomic():
        User.objects.filter(pk=day.cast.province_chair.pk).update(name="Nama Baru")


def swap(day: Day) -> None:
    """Stations of a village change their state for each other's; nearly every count stays."""
    here = {"window": day.windows["pemungutan-tps"], "counted_in": day.units[VILLAGE]}
    rows = Obligation.objects.select_related("counted_in").filter(**here, state__in=SWAPPED).order_by("-pk")[:2]
    with transaction.atomic():
        for row in rows:
            row.state = SWAPPED[row.state]
            row.save(update_fields=["state"])
        outbox.mark((row.window_id, row.counted_in) for row in rows)


SWAPPED = {State.OWED: State.VACANT, State.VACANT: State.OWED}
VERBS = (
    *(remind, attest, file, tell, send_back, approve, extend, ratified, snapshot_of_yesterday, rename, rename_deep),
    *(open_another, swap, take_over, seen, named_anew),
)


def test_what_changes_a_page_changes_its_tag(day: Day) -> None:
    """One after the other, each before its tallies are folded and after."""
    day.file(day.cast.ptps, **TOLD)
    rollup.run_all()
    reader = Reader(day.cast.province_chair)
    assert reader.look() == set()
    assert reader.unmoved() == set(PAGES), "what nobody touched stays"
    for verb in VERBS:
        verb(day)
        moved = reader.look()
        rollup.run_all()
        moved |= reader.look()
        assert moved, f"{verb.__name__}: what no page shows proves nothing"
    assert reader.unmoved() == set(PAGES)


STEPS = (file, tell, approve, send_back, attest, rename, seen, swap, rollup.run_all)


NOT_NOW = (Report.DoesNotExist, Refusal, review.ReviewError, intake.ReportRefused)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=4))
def test_no_order_of_events_leaves_a_page_stale(day: Day, steps: list[Callable[..., Any]]) -> None:
    """The day goes on from one example to the next; what its state does not allow by then is left out."""
    if not Report.objects.filter(obligation=day.obligation()).exists():
        day.file(day.cast.ptps, **TOLD)
    reader = Reader(day.cast.province_chair)
    reader.look()
    for step in steps:
        with (
            contextlib.suppress(Report.DoesNotExist, Refusal, review.ReviewError, intake.ReportRefused),
            transaction.atomic(),
        ):
            step() if step is rollup.run_all else step(day)
        reader.look()


# --- what else the tag is made of -------------------------------------------------------------------------------------


def test_a_page_is_another_in_the_next_minute_for_another_reader_and_in_another_language(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = address(("unit", "64", ""))
    chair, member = Reader(day.cast.province_chair).client, Reader(day.cast.province_member).client
    tags = [
        chair.get(page)["ETag"],
        member.get(page)["ETag"],
        chair.get(page, headers={"accept-language": "en"})["ETag"],
    ]
    chair.cookies["csrftoken"] = "x" * 32
    tags.append(chair.get(page)["ETag"])
    monkeypatch.setattr(unchanged, "this_minute", lambda: AFTERNOON + timedelta(minutes=1))
    tags.append(chair.get(page)["ETag"])
    assert len(set(tags)) == len(tags)


def test_the_minute_is_whole_and_the_page_is_about_it() -> None:
    minute = unchanged.this_minute()
    assert (minute.second, minute.microsecond) == (0, 0)
    assert timedelta() <= clock.now() - minute < timedelta(minutes=2)


def test_a_browser_may_keep_the_page_for_its_reader_and_asks_each_time(day: Day) -> None:
    answer = Reader(day.cast.province_chair).client.get(address(("board", "64", "")))
    assert set(answer["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert {"Cookie", "Accept-Language"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize("query", ["?cari=harapan", "?bentuk=csv"])
def test_what_rests_on_more_than_is_stamped_is_made_anew(day: Day, query: str) -> None:
    route = "leadership" if "cari" in query else "board"
    answer = Reader(day.cast.province_chair).client.get(address((route, "64", query)))
    answer.close()
    assert "ETag" not in answer
    assert "no-store" in answer["Cache-Control"]


def test_a_message_is_shown_once_and_its_page_is_not_kept(day: Day) -> None:
    reader = Reader(day.cast.province_chair)
    page = PAGES[0]
    reader.look()
    request = HttpRequest()
    storage = CookieStorage(request)
    storage.add(constants.SUCCESS, "Sudah dikirim.")
    answer = reader.client.get("/tugas/")
    storage.update(answer)
    reader.client.cookies["messages"] = answer.cookies["messages"].value
    told = reader.client.get(address(page), headers={"if-none-match": reader.kept[page][0]})
    assert (told.status_code, "ETag" in told) == (200, False)
    assert "Sudah dikirim." in told.content.decode()
    assert "no-store" in told["Cache-Control"]
    after = reader.client.get(address(page), headers={"if-none-match": reader.kept[page][0]})
    assert after.status_code == 304


def test_who_may_not_see_a_page_is_told_nothing_by_its_tag(day: Day) -> None:
    tag = Reader(day.cast.province_chair).client.get(address(("unit", "64", "")))["ETag"]
    for user, status in ((day.cast.ptps, 404), (day.cast.nobody, 404)):
        client = Client()
        client.force_login(user)
        assert client.get(address(("unit", "64", "")), headers={"if-none-match": tag}).status_code == status
    assert Client().get(address(("unit", "64", "")), headers={"if-none-match": tag}).status_code == 302


def test_one_who_no_longer_serves_gets_no_304(day: Day) -> None:
    reader = Reader(day.cast.province_chair)
    reader.look()
    membership = Membership.objects.get(user=day.cast.province_chair)
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(until=clock.today() - timedelta(days=1))
    assert reader.unmoved() == set()


def test_unchanged_costs_two_queries(day: Day) -> None:
    reader = Reader(day.cast.province_chair)
    reader.look()
    for page in PAGES:
        with CaptureQueriesContext(connection) as queries:
            reader.client.get(address(page), headers={"if-none-match": reader.kept[page][0]})
        assert len(queries) == 2, [query["sql"][:80] for query in queries]


def test_every_table_that_a_page_reads_is_stamped(day: Day) -> None:
    """The reader's own account, and their session, are in the tag by value."""
    day.file(day.cast.ptps, **TOLD)
    rollup.run_all()
    reader = Reader(day.cast.province_chair)
    for page in PAGES:
        with CaptureQueriesContext(connection) as queries:
            reader.client.get(address(page))
        read = {name for query in queries for name in tables(query["sql"]) if unchanged.XMIN not in query["sql"]}
        level = unchanged.LEVEL_OF[len(page[1])]
        stamped = tables(unchanged._statement(level, page[0] == "board"))
        assert read - {"hierarchy_user", "django_session"} <= stamped, page


def tables(sql: str) -> set[str]:
    return set(re.findall(r"\b((?:reports|hierarchy|dashboards)_[a-z]+)\b", sql)) & set(
        connection.introspection.table_names()
    )


@pytest.mark.parametrize("route", ["logout", "logout-everywhere"])
def test_going_out_drops_what_the_browser_keeps(day: Day, route: str) -> None:
    answer = Reader(day.cast.province_chair).client.post(reverse(route))
    assert (answer.status_code, answer["Clear-Site-Data"]) == (302, '"cache"')
