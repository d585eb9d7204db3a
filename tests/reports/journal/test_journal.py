"""The journal: nothing is rewritten, and what was sealed recomputes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from reports.calendar.models import InstrumentVersion
from reports.filing.models import Revision
from reports.journal import actions as journal
from reports.journal.models import Event, Seal
from tests.days import Day

pytestmark = pytest.mark.django_db


def _write(count: int) -> None:
    with transaction.atomic():
        journal.write(journal.entry("test.happened", by=None, target=n, note="é") for n in range(count))


def test_the_database_refuses_to_rewrite_history(election_day: Day):
    election_day.file(election_day.cast.ptps)
    journal.seal()
    version = InstrumentVersion.objects.first()
    for rows, values in (
        (Event.objects.all(), {"actor": "x"}),
        (Revision.objects.all(), {"number": 7}),
        (Seal.objects.all(), {"count": 9}),
        (InstrumentVersion.objects.filter(pk=version.pk), {"width": 1}),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.update(**values)
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows._raw_delete(rows.db)


def test_every_event_is_sealed_once_and_the_chain_recomputes(db: None):
    _write(3)
    first = journal.seal()
    assert journal.seal() is None
    _write(2)
    second = journal.seal()
    assert first is not None
    assert second is not None
    assert (first.count, second.count, second.first_id) == (3, 2, first.last_id + 1)
    assert list(journal.broken()) == []


def test_a_changed_event_breaks_its_seal(db: None):
    _write(3)
    journal.seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reports_event DISABLE TRIGGER append_only")
        cursor.execute("UPDATE reports_event SET target = 'other' WHERE id = (SELECT min(id) FROM reports_event)")
        cursor.execute("ALTER TABLE reports_event ENABLE TRIGGER append_only")
    assert ["are not those that were sealed" in s or "chain breaks" in s for s in journal.broken()] == [True, True]


def test_an_event_outside_a_transaction_is_refused(transactional_db: None):
    with pytest.raises(AssertionError, match="transaction of its change"):
        journal.write(journal.entry("test.happened", by=None))


HISTORY = [
    "reports_event",
    "reports_seal",
    "reports_revision",
    "reports_conflict",
    "reports_vote",
    "reports_agendaitem",
    "reports_plenary",
    "reports_attendance",
    "reports_minutes",
    "reports_instrumentversion",
    "dashboards_publication",
    "dashboards_publishedpage",
]


@pytest.mark.parametrize("table", HISTORY)
def test_the_database_refuses_to_empty_history(db: None, table: str):
    with (
        pytest.raises(IntegrityError, match="append-only: TRUNCATE refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table} CASCADE")


# --- sealing while others write --------------------------------------------------------------------------------------


@contextmanager
def in_thread(act: Callable[[], object]) -> Iterator[threading.Thread]:
    """Runs `act` beside the test, on a connection of its own; what it raises is raised here in the end."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # a thread's exception is lost unless it is carried out
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)
    assert raised == []


def write_without_waiting() -> None:
    """One event, refused where it would have to wait for a lock."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
        journal.write(journal.entry("test.happened", by=None))


def sealed() -> list[int]:
    """The ids that a seal covers; each must be covered once."""
    ids = [
        pk
        for link in Seal.objects.all()
        for pk in Event.objects.filter(id__gte=link.first_id, id__lte=link.last_id).values_list("pk", flat=True)
    ]
    assert len(ids) == len(set(ids)) == sum(link.count for link in Seal.objects.all())
    return ids


def test_a_seal_makes_nobody_wait_and_covers_what_is_settled(transactional_db: None):
    _write(3)
    writing, over = threading.Event(), threading.Event()

    def a_long_import() -> None:
        with transaction.atomic():
            journal.write(journal.entry("test.imported", by=None))
            writing.set()
            assert over.wait(60)

    with in_thread(a_long_import):
        assert writing.wait(60)
        with in_thread(journal.seal) as sealing:
            for _turn in range(20):
                write_without_waiting()
            sealing.join(60)
        journal.seal()
        # What came before the import is settled; what came after stands beside a hole that the import will fill.
        assert sealed() == list(Event.objects.values_list("pk", flat=True)[:3])
        over.set()
    journal.seal()
    assert sealed() == list(Event.objects.values_list("pk", flat=True))
    assert Event.objects.count() == 24
    assert list(journal.broken()) == []


@pytest.fixture
def after(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[int]:
    """As if so many events had been written before. A sequence is no part of any transaction, so it is put back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM reports_event_id_seq")
        before = cursor.fetchone()
        cursor.execute("SELECT setval('reports_event_id_seq', %s)", [request.param])
        yield request.param
        cursor.execute("SELECT setval('reports_event_id_seq', %s, %s)", before)


@pytest.mark.parametrize("after", [2**31 - 3, 2**31, 2**32 - 3, 2**32 + 5, 2**47], indirect=True)
def test_events_are_written_and_sealed_whatever_their_number(after: int):
    _write(3)
    assert journal.seal().last_id == after + 3
    with transaction.atomic():
        journal.write(journal.entry("test.happened", by=None))
        with in_thread(write_without_waiting):
            pass
        with in_thread(journal.seal):
            pass
        assert Seal.objects.last().last_id == after + 3, "what comes after an open transaction waits for it"
    journal.seal()
    assert sealed() == list(range(after + 1, after + 6))
    assert list(journal.broken()) == []


def fail() -> None:
    """A transaction, or a savepoint, that is rolled back with an event in it."""
    with transaction.atomic():
        journal.write(journal.entry("test.never", by=None))
        raise RuntimeError


def test_a_transaction_that_failed_holds_no_seal_back(transactional_db: None):
    with pytest.raises(RuntimeError):
        fail()
    with transaction.atomic():
        with pytest.raises(RuntimeError):
            fail()
        journal.write(journal.entry("test.happened", by=None))
        with in_thread(lambda: journal.seal()):
            pass
        assert Seal.objects.count() == 0
    assert journal.seal().count == 1


def test_seals_beside_many_writers_leave_nothing_out_and_cover_nothing_twice(transactional_db: None):
    """Each writer has short and long transactions, several statements and some that are rolled back."""
    done = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _turn in range(40):
            try:
                with transaction.atomic():
                    for _statement in range(chance.randint(1, 3)):
                        journal.write(journal.entry("test.happened", by=None, n=n) for n in range(chance.randint(1, 4)))
                        time.sleep(chance.random() * 0.004)
                    if chance.random() < 0.2:
                        raise RuntimeError
            except RuntimeError:
                pass

    def keep_sealing() -> None:
        while not done.is_set():
            journal.seal()

    with in_thread(keep_sealing), in_thread(keep_sealing):
        with in_thread(lambda: write(1)), in_thread(lambda: write(2)), in_thread(lambda: write(3)):
            pass
        done.set()
    assert Seal.objects.count() > 3
    journal.seal()
    assert sealed() == list(Event.objects.values_list("pk", flat=True))
    assert list(journal.broken()) == []
