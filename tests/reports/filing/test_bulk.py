"""Bulk import: whatever comes in, it leaves what filing one by one would, and says of each what that would say."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hierarchy.lib import clock
from hierarchy.models import Role, Unit, User
from hierarchy.people import roster
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing import bulk as bulk_filing
from reports.filing import write_many as copy_filing
from reports.filing.bulk import Filing, Outcome, import_filings
from reports.filing.models import Channel, Conflict, Evidence, Report, Revision
from reports.instruments.codec import InvalidAnswers
from reports.journal.models import Event
from reports.obligations.models import Obligation
from reports.rehearsal import nation
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox, Tally
from reports.verify.queries import CHECKS
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db
CONTENTS = ["good", "other", "wrong sum", "empty", "unknown question", "no mapping"]
ids = [uuid.UUID(int=number, version=4) for number in range(1, 9)]


@dataclass
class World:
    """A country of sixty polling stations whose villages file; some report already, one village cannot be reached."""

    window: Window
    people: dict[int, User]
    nobody: User
    obligations: list[Obligation]

    def filing(self, obligation: int, who: str, number: uuid.UUID, content: str, at: str) -> Filing:
        owed = self.obligations[obligation % len(self.obligations)]
        strangers = [user for unit, user in self.people.items() if unit != owed.filer_id]
        by = {"filer": self.people.get(owed.filer_id, self.nobody), "stranger": strangers[0], "nobody": self.nobody}
        moments = {
            "in time": self.window.due_at - timedelta(hours=1),
            "late": self.window.due_at + timedelta(hours=1),
            "early": self.window.opens_at - timedelta(seconds=1),
            "closed": self.window.closes_at,
            "now": None,
        }
        return Filing(by[who], owed.pk, number, self.answers(content), at=moments[at])

    def answers(self, content: str):
        good = nation.answers(Random(7))
        return {
            "good": good,
            "other": nation.answers(Random(8)),
            "wrong sum": good | {"suara_sah": good["suara_sah"] + 1},
            "empty": {},
            "unknown question": good | {"warna": 3},
            "no mapping": [1, 2],
        }[content]


@pytest.fixture
def world(db: None) -> World:
    election = nation.found()
    nation.load_tree(election, 60)
    nobody, chair = (User.objects.create(username=name, name=name.title()) for name in ("nobody", "chair"))
    nation.hire(election)
    (window,) = nation.open_windows(election)
    province = Unit.objects.get(election=election, level=0)
    world = World(window, nation.supervisors(province), nobody, [])
    world.obligations = list(Obligation.objects.filter(window=window).order_by("pk"))
    for number in (0, 1):  # these stand before any import
        import_filings(filings=[world.filing(number, "filer", ids[number], "good", "now")])
    unreached = Obligation.objects.for_intake().get(pk=world.obligations[2].pk)
    roster.appoint(user=chair, unit=unreached.filer.parent, role=Role.CHAIR, by=None)
    review.attest_unreachable(obligation=unreached, reason="Tidak ada sinyal.", by=chair)
    return world


def one_by_one(filings: Iterable[Filing]) -> list[tuple[int, str]]:
    told = []
    for position, filing in enumerate(filings):
        try:
            receipt = intake.submit(
                by=filing.by,
                obligation_id=filing.obligation_id,
                report_id=filing.report_id,
                answers=filing.answers,
                reasons=filing.reasons,
                channel=Channel.IMPORT,
                at=filing.at,
            )
            told.append((position, "filed" if receipt.new else "there"))
        except Http404:
            told.append((position, "not-found"))
        except PermissionDenied:
            told.append((position, "forbidden"))
        except InvalidAnswers:
            told.append((position, "invalid"))
        except intake.ReportRefused as refused:
            told.append((position, refused.code))
    return told


def together(filings: Iterable[Filing]) -> list[tuple[int, str]]:
    told: list[Outcome] = []
    import_filings(filings=iter(list(filings)), tell=told.append)
    return [(outcome.position, outcome.code) for outcome in told]


def left_by(act: Callable[[], object]) -> tuple[object, list[object]]:
    """What `act` says and everything it leaves in the tables, undone afterwards."""
    with transaction.atomic():
        said = act()
        rollup.run_all()
        broken = [sentence for check in CHECKS.values() for sentence in check()]
        tables = [
            sorted(map(repr, rows))
            for rows in (
                Report.objects.values_list(
                    *("id", "obligation", "window", "counted_in", "revision", "answers", "reasons", "vector", "sha256"),
                    *("filed_by", "filed_at", "remarks", "approved_sha256"),
                ),
                Revision.objects.values_list(
                    *("report", "number", "based_on", "canonical", "sha256", "vector", "channel", "filed_by"),
                    *("filed_at", "device_at"),
                ),
                Obligation.objects.values_list("pk", "state", "first_filed_at", "attested_by", "attested_reason"),
                Event.objects.values_list("at", "verb", "actor", "election", "unit", "target"),
                Conflict.objects.values_list("obligation", "report_id", "sha256", "filed_by", "filed_at"),
                Tally.objects.values_list("unit", "window", "filed", "approved", *rollup.COUNTS, "last_filed_at"),
            )
        ]
        transaction.set_rollback(True)
    assert broken == []
    return said, tables


one = st.tuples(
    st.integers(0, 8),
    st.sampled_from(["filer", "filer", "filer", "stranger", "nobody"]),
    st.sampled_from(ids),
    st.sampled_from(["good", "good", *CONTENTS]),
    st.sampled_from(["now", "in time", "late", "early", "closed"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(one, max_size=14), chunk=st.integers(1, 6))
@example(sent=[(4, "filer", ids[3], "good", "closed"), (4, "filer", ids[3], "good", "now")], chunk=6)
@example(sent=[(4, "filer", ids[3], "good", "now"), (5, "filer", ids[3], "good", "now")], chunk=6)
@example(sent=[(0, "filer", ids[0], "good", "now"), (0, "filer", ids[5], "other", "now")], chunk=6)
def test_together_is_one_by_one(world: World, sent: list, chunk: int):
    now = clock.now()
    filings = [world.filing(*each) for each in sent]
    filings = [filing if filing.at else replace(filing, at=now) for filing in filings]
    with mock.patch.object(bulk_filing, "CHUNK", chunk), mock.patch.object(clock, "now", return_value=now):
        assert left_by(lambda: together(filings)) == left_by(lambda: one_by_one(filings))


def test_an_ordinary_chunk_is_written_at_once(world: World, django_assert_max_num_queries):
    filings = [world.filing(number, "filer", uuid.uuid4(), "good", "now") for number in range(2, 40)]
    marked = Outbox.objects.count()
    with django_assert_max_num_queries(11), mock.patch.object(intake, "submit", side_effect=AssertionError):
        result = import_filings(filings=filings)
    assert (result.filed, result.there, result.refused) == (38, 0, [])
    assert Report.objects.count() == 40
    counted = set(Obligation.objects.filter(pk__in=[f.obligation_id for f in filings]).values_list("counted_in"))
    assert Outbox.objects.count() - marked == len(counted)  # one mark for each tally


def test_running_an_import_again_files_nothing_twice(world: World):
    filings = [world.filing(number, "filer", ids[number], "good", "now") for number in range(2, 7)]
    first, second = import_filings(filings=filings), import_filings(filings=filings)
    assert (first.filed, first.there) == (5, 0)
    assert (second.filed, second.there, second.refused) == (0, 5, [])


def test_every_refusal_is_a_sentence_at_its_place(world: World):
    good = [world.filing(number, "filer", uuid.uuid4(), "good", "now") for number in (3, 4, 5)]
    bad = [
        world.filing(6, "stranger", uuid.uuid4(), "good", "now"),
        world.filing(7, "filer", uuid.uuid4(), "wrong sum", "now"),
        world.filing(8, "filer", uuid.uuid4(), "good", "closed"),
        replace(good[0], obligation_id=0),
    ]
    result = import_filings(filings=[bad[0], good[0], bad[1], good[1], bad[2], good[2], bad[3]])
    assert result.filed == 3
    assert [(o.position, o.code) for o in result.refused] == [
        (0, "not-found"),
        (2, "invalid"),
        (4, "closed"),
        (6, "not-found"),
    ]
    assert all(outcome.sentence for outcome in result.refused)
    assert "suara_sah" in result.refused[1].errors


def test_nothing_of_a_chunk_is_half_written(world: World):
    """An id that somebody uses between the reading and the writing costs the chunk its haste, and nobody a report."""
    filings = [world.filing(number, "filer", ids[number - 1], "good", "now") for number in (3, 4, 5)]
    honest, calls = copy_filing.write, []

    def overtaken(firsts, channel):
        calls.append(len(firsts))
        honest(firsts, channel)
        raise IntegrityError("duplicate key")

    with mock.patch.object(copy_filing, "write", overtaken):
        result = import_filings(filings=filings)
    assert calls == [3]
    assert result.filed == 3
    assert Revision.objects.filter(report_id__in=[f.report_id for f in filings]).count() == 3
    rollup.run_all()
    assert [sentence for check in CHECKS.values() for sentence in check()] == []


def test_a_obligation_that_changes_meanwhile_is_judged_again(world: World):
    filings = [world.filing(number, "filer", uuid.uuid4(), "good", "now") for number in (3, 4)]
    honest = copy_filing.lock

    def meanwhile(obligations):
        obligations = list(obligations)
        one_by_one([replace(filings[0], report_id=uuid.uuid4())])  # from another device, after it was read
        return honest(obligations)

    with mock.patch.object(copy_filing, "lock", meanwhile):
        result = import_filings(filings=filings)
    assert (result.filed, [outcome.code for outcome in result.refused]) == (1, ["conflict"])


def test_an_open_window_takes_tables_though_its_version_was_withdrawn(world: World):
    publishing.withdraw(version=world.window.version, by=None, reason="Salah cetak")
    result = import_filings(filings=[world.filing(5, "filer", uuid.uuid4(), "good", "now")])
    assert (result.filed, result.refused) == (1, [])


def test_a_photo_must_have_been_handed_in_by_the_filer(election_day: Day):
    day, obligation = election_day, election_day.obligation("penghitungan-tps")
    photo, by = "ab" * 32, fresh(election_day.cast.ptps)
    filing = Filing(by, obligation.pk, uuid.uuid4(), day.answers(obligation, foto_c_hasil=photo))
    kept = {"sha256": photo, "original_sha256": photo, "file": "x.jpg", "uploaded_by": by, "uploaded_at": clock.now()}
    Evidence.objects.create(unit=day.units["6472012001002"], **kept)
    assert [o.code for o in import_filings(filings=[filing]).refused] == ["photo-unknown"]
    Evidence.objects.create(unit=obligation.filer, **kept)
    assert import_filings(filings=[filing]).filed == 1


def test_texts_survive_the_copy(election_day: Day):
    """Backslashes, tabs and line ends mean something to COPY; quotes and letters beyond ASCII to JSON."""
    day, obligation = election_day, election_day.obligation()
    text = 'garis\\miring \\N "kutip"\ttab\nbaris baru é \N{GRINNING FACE} {1,2}'
    answers = day.answers(obligation) | {"ada_kejadian": "ya", "kejadian_khusus": text}
    result = import_filings(filings=[Filing(fresh(day.cast.ptps), obligation.pk, uuid.uuid4(), answers)])
    assert result.refused == []
    report = Report.objects.get()
    assert report.answers["kejadian_khusus"] == text
    revision = Revision.objects.get()
    assert bytes(revision.canonical) == intake.decode(obligation.window.version.parsed, answers=answers).canonical


def test_memory_does_not_grow_with_the_filings(world: World):
    """The import never holds more than a chunk: it has settled one before it asks for the next."""
    taken, settled = [], []

    def stream():
        for number in range(2, 30):
            taken.append(number)
            assert len(taken) - len(settled) <= 5
            yield world.filing(number, "filer", uuid.uuid4(), "good", "now")

    with mock.patch.object(bulk_filing, "CHUNK", 5):
        result = import_filings(filings=stream(), tell=settled.append)
    assert result.filed == 28
