"""Rollup: marks are eaten with the sums they led to, level by level, and nothing is lost or doubled."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from hierarchy.lib import jobs
from hierarchy.models import Unit
from reports import locks
from reports.rollup import fold as rollup
from reports.rollup import outbox
from reports.rollup.models import Outbox, Tally
from reports.verify import queries as verify
from tests.days import Day

pytestmark = pytest.mark.django_db


def figures(day: Day, code: str, instrument: str = "pemungutan-tps") -> Tally:
    return Tally.objects.get(window=day.windows[instrument], unit__code=code)


def test_opening_a_window_counts_what_is_owed_at_every_level(election_day: Day):
    rollup.run_all()
    expected = {"64": 24, "6472": 12, "647201": 6, "6472012001": 3}
    assert {code: figures(election_day, code).expected for code in expected} == expected
    # Only the cast's two stations have a supervisor: the rest is vacant, and vacant is not missing.
    province = figures(election_day, "64")
    assert (province.vacant, province.missing) == (22, 2)


def test_a_report_reaches_the_province_on_both_bases(election_day: Day):
    from reports.review import actions as review

    report = election_day.file(election_day.cast.ptps)
    rollup.run_all()
    position = next(i for i, v in enumerate(report.vector) if v > 1)
    for code in ("6472012001", "647201", "6472", "64"):
        tally = figures(election_day, code)
        assert (tally.filed_count, tally.on_time, tally.approved_count) == (1, 1, 0)
        assert (tally.filed[position], tally.approved[position]) == (report.vector[position], 0)
    review.approve(report=report, seen=bytes(report.sha256), by=election_day.cast.pkd)
    rollup.run_all()
    assert figures(election_day, "64").approved == report.vector
    assert figures(election_day, "6401").filed_count == 0


def test_same_names_in_two_regencies_stay_apart(election_day: Day):
    election_day.file(election_day.cast.ptps)
    rollup.run_all()
    here, there = figures(election_day, "6472012001"), figures(election_day, "6401012001")
    assert here.unit.name == there.unit.name
    assert (here.filed_count, there.filed_count) == (1, 0)
    assert (figures(election_day, "647201").filed_count, figures(election_day, "640101").filed_count) == (1, 0)


def test_nothing_moves_without_a_mark(election_day: Day):
    election_day.file(election_day.cast.ptps)
    rollup.run_all()
    before = dict(Tally.objects.values_list("pk", "computed_at"))
    assert rollup.run_all() == 0
    with transaction.atomic():
        outbox.mark_election(election_day.election)
    rollup.run_all()
    assert dict(Tally.objects.values_list("pk", "computed_at")) == before


def test_marks_in_any_order_and_number_give_the_same_sums(election_day: Day):
    election_day.file(election_day.cast.ptps)
    units = list(Unit.objects.filter(election=election_day.election, level__lt=4).order_by("-code"))
    with transaction.atomic():
        outbox.mark((election_day.windows["pemungutan-tps"].pk, unit) for unit in units * 2)
    rollup.run_all()
    assert list(verify.broken_tallies()) == []


def test_a_failed_fold_leaves_its_marks(election_day: Day, monkeypatch: pytest.MonkeyPatch):
    election_day.file(election_day.cast.ptps)
    marks = Outbox.objects.count()
    regency = Unit.objects.get(election=election_day.election, code="6472").pk

    def broken(*_args: object) -> None:
        raise RuntimeError("the disk is full")

    fold = rollup._fold
    # The villages are done by then.
    monkeypatch.setattr(rollup, "_fold", lambda level, *rest: fold(level, *rest) if level == 3 else broken())
    with pytest.raises(RuntimeError, match="disk"):
        rollup.run_subtree(regency)
    assert Outbox.objects.count() == marks
    monkeypatch.undo()
    rollup.run_all()
    assert list(verify.broken_tallies()) == []


def test_workers_side_by_side_lose_no_update(transactional_db, election_day: Day):
    day = election_day
    rollup.run_all()
    regency = Unit.objects.get(election=day.election, code="6472").pk
    filings = [(day.cast.ptps, "6472012001001"), (day.cast.ptps_sibling, "6472012001002")]
    start = threading.Barrier(6)

    def file(user, code: str) -> None:
        start.wait(20)
        day.file(user, day.obligation(subject=code))
        connection.close()

    def work() -> None:
        start.wait(20)
        for _round in range(8):
            rollup.run_subtree(regency)
            rollup.run_subtree(None)
        connection.close()

    threads = [threading.Thread(target=file, args=filing) for filing in filings]
    threads += [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    rollup.run_all()
    assert figures(day, "64").filed_count == 2
    assert list(verify.broken_tallies()) == []


def test_a_dead_broker_neither_fails_nor_loses_a_filing(
    transactional_db, election_day: Day, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def dead(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(jobs, "send", dead)
    monkeypatch.setattr(outbox, "_free_at", 0.0)
    report = election_day.file(election_day.cast.ptps)
    assert "the sweep will find the mark" in caplog.text
    rollup.run_all()
    assert figures(election_day, "64").filed_count == 1
    assert report.revision == 1


def test_a_burst_sends_one_message_now_and_one_for_what_came_after(monkeypatch: pytest.MonkeyPatch):
    sent: list[bool] = []
    monkeypatch.setattr(jobs, "send", lambda _name, **how: sent.append(how["countdown"] is not None))
    monkeypatch.setattr(outbox, "_free_at", 0.0)
    for _mark in range(20):
        outbox.wake()
    assert sent == [False, True]
    monkeypatch.setattr(outbox, "_free_at", 0.0)  # long ago
    outbox.wake()
    assert sent == [False, True, False]


def test_a_worker_passes_by_what_another_has_its_hands_on(transactional_db, election_day: Day):
    rollup.run_all()
    day = election_day
    day.file(day.cast.ptps)
    regency = Unit.objects.get(election=day.election, code="6472").pk
    busy, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locks.hold(locks.Lock.ROLLUP, regency)
            busy.set()
            done.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    busy.wait(20)
    assert (rollup.run_subtree(regency, wait=False), rollup.run_pending()) == (None, 0)
    assert figures(day, "6472").filed_count == 0
    done.set()
    other.join(20)
    assert rollup.run_pending() > 0
    assert figures(day, "64").filed_count == 1
    assert not Outbox.objects.exists()


def test_verify_names_a_tally_that_was_tampered_with(election_day: Day):
    rollup.run_all()
    tally = figures(election_day, "6472")
    Tally.objects.filter(pk=tally.pk).update(expected=tally.expected + 1)
    assert [f"unit {tally.unit_id}" in sentence for sentence in verify.broken_tallies()] == [True]
