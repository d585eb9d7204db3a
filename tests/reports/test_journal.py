"""The journal: nothing is rewritten, and what was sealed recomputes."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from reports import journal
from reports.models import Event, InstrumentVersion, Revision, Seal
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
