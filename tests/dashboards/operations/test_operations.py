"""The state of the machine: right figures, cheap to read, and no reading that can hide another."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from dashboards.operations import heartbeat, probes
from dashboards.operations import queries as operations
from dashboards.operations.queries import Measurement, measure
from dashboards.operations.readings import READINGS, ReadingUnit
from dashboards.operations.views import words
from dashboards.releases import actions as publish
from hierarchy.lib import clock
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.journal import actions as journal
from reports.obligations import actions as obligations
from reports.reminders.models import Message
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox
from tests.cast import Cast
from tests.days import Day

FILED = timedelta(seconds=40)  # how long before `now` the report of these tests came in


def read(now: datetime | None = None) -> dict[str, Measurement]:
    return {one.reading.name: one for one in measure(now or clock.now())}


def values(now: datetime | None = None) -> dict[str, float | None]:
    return {name: one.value for name, one in read(now).items()}


@pytest.fixture
def book() -> Iterator[Any]:
    """The workers' book, empty before and after."""
    with heartbeat.broker() as broker:
        broker.delete(heartbeat.BOOK)
        yield broker
        broker.delete(heartbeat.BOOK)


def test_reminders_that_are_overdue_or_lost_are_counted(cast: Cast) -> None:
    now = clock.now()

    def write(state: str, **more: Any) -> None:
        common = {"carrier": "EMAIL", "subject": "x", "body": "x", "made_at": now, "not_before": now}
        Message.objects.create(user=cast.pkd, state=state, **common | more)

    write("WAITING", not_before=now + timedelta(hours=9))  # held by quiet hours
    assert (values(now)["messages_oldest_waiting_seconds"], values(now)["messages_lost_last_day"]) == (0, 0)
    write("WAITING", not_before=now - timedelta(minutes=11))
    write("UNSURE")
    write("FAILED", made_at=now - timedelta(days=2))
    assert (values(now)["messages_oldest_waiting_seconds"], values(now)["messages_lost_last_day"]) == (660, 1)
    assert [read(now)[name].beyond for name in ("messages_oldest_waiting_seconds", "messages_lost_last_day")] == [
        True
    ] * 2


# --- the table ------------------------------------------------------------------------------------------------------


def test_every_reading_says_what_to_do_beyond_its_limit_and_only_there() -> None:
    names = [reading.name for reading in READINGS] + [r.pieces.name for r in READINGS if r.pieces]
    assert len(set(names)) == len(names)
    for reading in READINGS:
        assert re.fullmatch(r"[a-z][a-z_]+", reading.name)
        assert bool(reading.action) == (reading.limit is not None), reading.name
        assert str(reading.title).strip(), reading.name
        assert str(reading.meaning).endswith("."), reading.name
        assert reading.unit is not ReadingUnit.SECONDS or reading.name.endswith("_seconds")
        assert reading.unit is not ReadingUnit.BYTES or reading.name.endswith("_bytes")


@given(st.sampled_from([reading for reading in READINGS if reading.limit is not None]), st.floats(0, 1e9))
def test_beyond_the_limit_is_beyond_it_and_the_limit_itself_is_in_order(reading: Any, value: float) -> None:
    assert not Measurement(reading, reading.limit).beyond
    assert Measurement(reading, value).beyond == (value < reading.limit if reading.at_least else value > reading.limit)
    assert not Measurement(replace(reading, limit=None), value).beyond


# --- the figures ----------------------------------------------------------------------------------------------------


def test_a_quiet_system_is_readable_throughout(election_day: Day, book: Any) -> None:
    obligations.open_due()
    rollup.run_all()
    journal.seal()
    found = read()
    assert [name for name, one in found.items() if one.failed] == []
    assert {name for name, one in found.items() if one.beyond} <= {"workers", "disk_free_share"}
    assert found["rollup_lag_seconds"].value == found["outbox_marks"].value == 0
    assert found["publication_newest_seconds"].value is None


def test_a_filing_is_followed_from_its_mark_to_the_figure_of_the_province(election_day: Day) -> None:
    rollup.run_all()
    now = clock.now()
    day = election_day
    day.file(day.cast.ptps, at=now - FILED)
    samarinda = day.units["6472"]
    found = read(now)
    assert found["outbox_marks"].value == Outbox.objects.count() == 1
    assert [(part.key, part.value) for part in found["outbox_marks"].parts] == [("6472", 1)]
    assert found["outbox_oldest_seconds"].value == found["rollup_lag_seconds"].value == FILED.total_seconds()
    assert found["rollup_lag_seconds"].beyond

    rollup.run_subtree(samarinda.pk)
    found = read(now)
    assert found["outbox_oldest_seconds"].value < FILED.total_seconds(), "the province's own mark is new"
    assert found["rollup_lag_seconds"].value == FILED.total_seconds(), "the report waits on"
    assert [part.key for part in found["outbox_marks"].parts] == ["province"]

    rollup.run_subtree(None)
    assert values(now)["rollup_lag_seconds"] == 0


def test_what_came_in_is_counted_by_the_minute(election_day: Day) -> None:
    day, now = election_day, clock.now()
    for seconds, who, code in ((700, "ptps", "6472012001001"), (70, "ptps_sibling", "6472012001002")):
        day.file(getattr(day.cast, who), day.obligation(subject=code), at=now - timedelta(seconds=seconds))
    day.file(day.cast.ptps, day.obligation("penghitungan-tps"), at=now - timedelta(seconds=7))
    found = values(now)
    assert (found["filings_last_minute"], found["filings_last_ten_minutes"]) == (1, 2)
    journal.seal()  # a seal of now bounds nothing that is younger than ten minutes
    assert values(now)["filings_last_ten_minutes"] == 2
    later = now + timedelta(minutes=11)
    assert values(later)["filings_last_ten_minutes"] == 0


def test_events_wait_for_their_seal(election_day: Day) -> None:
    now = clock.now()
    before = values(now)
    assert before["journal_unsealed_events"] == journal.Event.objects.count() > 0
    assert before["journal_last_seal_seconds"] is None
    journal.seal()
    after = values(clock.now() + timedelta(seconds=90))
    assert after["journal_unsealed_events"] == after["journal_oldest_unsealed_seconds"] == 0
    assert after["journal_last_seal_seconds"] >= 90


def test_the_age_of_each_elections_release(
    transactional_db: None, election_day: Day, settings: Any, tmp_path: Any
) -> None:
    settings.KEY_DIR = tmp_path
    rollup.run_all()
    released = publish.publish(election=election_day.election, by=None)
    found = read(released.cut_off + timedelta(hours=3))["publication_newest_seconds"]
    assert [(part.key, part.value) for part in found.parts] == [("pemilu2024", 3 * 3600.0)]
    assert found.value == 3 * 3600.0


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_for_a_lock_is_seen(settings: Any) -> None:
    params = connection.get_connection_params()
    reach = {name: params[name] for name in ("dbname", "user", "password", "host", "port") if params.get(name)}
    lock = "LOCK TABLE reports_seal IN ACCESS EXCLUSIVE MODE"
    with psycopg.connect(**reach) as holder, psycopg.connect(**reach) as waiter:
        holder.execute(lock)
        thread = threading.Thread(target=waiter.execute, args=[lock])
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not (found := values())["locks_waiting"] and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            holder.rollback()
            thread.join(30)
        waiter.rollback()
    assert found["locks_waiting"] == 1
    assert found["lock_longest_wait_seconds"] >= 0
    assert found["oldest_transaction_seconds"] > 0


@pytest.mark.django_db
def test_workers_sign_and_the_silent_are_not_counted(book: Any) -> None:
    for host in ("celery@satu", "celery@dua", "celery@satu"):
        heartbeat.sign(sender=SimpleNamespace(eventer=SimpleNamespace(hostname=host)))
    assert values()["workers"] == 2
    book.zadd(heartbeat.BOOK, {"celery@dua": time.time() - 2 * heartbeat.MISSED})
    assert values()["workers"] == 1


def test_a_worker_lives_on_when_it_cannot_sign(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heartbeat.sign(sender=SimpleNamespace(eventer=SimpleNamespace(hostname="celery@satu")))


# --- what cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("broken", sorted({reading.probe.__name__ for reading in READINGS} - {"broker", "disk"}))
def test_one_place_that_fails_hides_no_other(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = getattr(probes, broken)

    def fails(now: datetime) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1ms'")
            cursor.execute("SELECT pg_sleep(10)")

    table = [replace(one, probe=fails) if one.probe is probe else one for one in READINGS]
    monkeypatch.setattr(operations, "READINGS", table)
    of_it = {reading.name for reading in READINGS if reading.probe is probe}
    assert {name for name, one in read().items() if one.failed} == of_it


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = read()
    assert found["broker_up"].value == 0
    assert found["broker_up"].beyond
    assert {name for name, one in found.items() if one.failed} == {"workers", "queue_messages"}


@pytest.mark.django_db
def test_without_a_database_the_rest_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "ensure_connection", away)
    assert {name for name, one in read().items() if not one.failed} == {
        reading.name for reading in READINGS if reading.probe in probes.WITHOUT_DATABASE
    }


def test_the_number_of_queries_does_not_grow_with_what_there_is(election_day: Day) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            measure(clock.now())
        return len([row for row in captured if not row["sql"].startswith(("SAVEPOINT", "RELEASE", "SET LOCAL"))])

    before = cost()
    for code in ("6472012001001", "6401012001001", "6401022002002"):
        obligation = election_day.obligation(subject=code)
        Outbox.objects.create(
            window_id=obligation.window_id, unit=obligation.counted_in, level=3, regency_id=1, marked_at=clock.now()
        )
    assert cost() == before <= 8


# --- the page -------------------------------------------------------------------------------------------------------


def opened(user: Any, **extra: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.get("/operasi/", **extra)


def test_the_page_names_first_what_needs_somebody(election_day: Day, book: Any) -> None:
    election_day.file(election_day.cast.ptps, at=clock.now() - FILED)
    response = opened(election_day.cast.admin)
    page = response.content.decode()
    assert response.headers["Cache-Control"].startswith("max-age=0")
    assert page.index("Perlu tindakan") < page.index('href="#rollup-lag-seconds"') < page.index("<h2")
    assert re.search(r"4\d detik", page)
    assert page.count('class="reading') - page.count('class="readings"') == len(READINGS)
    for reading in READINGS:
        assert f'id="{reading.name.replace("_", "-")}"' in page


def test_the_fragment_is_the_figures_alone(election_day: Day) -> None:
    fragment = opened(election_day.cast.admin, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "<h1" not in fragment
    assert fragment.count("<article") == len(READINGS)


def test_a_page_left_open_after_signing_out_leads_to_the_log_in(db: None) -> None:
    response = Client().get("/operasi/", headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"
    assert response.content == b""


def test_only_the_provinces_administrator_finds_it_in_the_menu(election_day: Day) -> None:
    link = 'href="/operasi/"'
    for name in ("admin", "province_chair", "regency_chair", "ptps"):
        client = Client()
        client.force_login(getattr(election_day.cast, name))
        assert (link in client.get("/tugas/").content.decode()) == (name == "admin"), name
    assert link not in Client().get("/").content.decode()


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        (ReadingUnit.COUNT, 11441.0, "11.441"),
        (ReadingUnit.SECONDS, 0.0, "0 detik"),
        (ReadingUnit.SECONDS, 3.24, "3,2 detik"),
        (ReadingUnit.SECONDS, 59.9, "59 detik"),
        (ReadingUnit.SECONDS, 4800.0, "1 jam 20 menit"),
        (ReadingUnit.BYTES, 1.5e9, "1,5 GB"),
        (ReadingUnit.BYTES, 2.26e12, "2,3 TB"),
        (ReadingUnit.SHARE, 0.954, "95,4 %"),
        (ReadingUnit.YES, 0.0, "Tidak"),
    ],
)
def test_values_in_words(unit: ReadingUnit, value: float, said: str) -> None:
    assert words(unit, value) == said


def test_a_window_that_cannot_open_is_counted_by_its_instrument(election_day: Day) -> None:
    obligations.open_due()
    assert values()["windows_unopened"] == 0
    window = Window.objects.filter(opened_at=None, instrument__code="form-a").first()
    assert window is not None
    now = clock.now()
    Window.objects.filter(pk=window.pk).update(
        opens_at=now - timedelta(minutes=4), due_at=now, closes_at=now + timedelta(days=1)
    )
    publishing.withdraw(version=window.version, by=None, reason="Salah.")
    obligations.open_due()
    assert values()["windows_unopened"] == 0, "beat has not had its turns yet"
    found = read(now + timedelta(minutes=2))["windows_unopened"]
    assert (found.value, [(part.key, part.value) for part in found.parts]) == (1, [("form-a", 1)])
    assert found.beyond
