"""Filing: what is promised to the person who sends a report."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import Error, connection, transaction
from django.http import Http404
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.models import Unit
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing.models import Conflict, Report, Revision
from reports.instruments.codec import InvalidAnswers
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox
from reports.verify.queries import CHECKS
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh

pytestmark = pytest.mark.django_db


def nothing_broken() -> list[str]:
    return [sentence for check in CHECKS.values() for sentence in check()]


def test_a_receipt_means_that_everything_is_kept(election_day: Day):
    report = election_day.file(election_day.cast.ptps)
    obligation = election_day.obligation()
    assert (obligation.state, obligation.first_filed_at) == (State.FILED, report.filed_at)
    revision = report.revisions.get()
    assert (revision.number, revision.based_on) == (1, None)
    assert bytes(revision.sha256) == bytes(report.sha256)
    assert revision.vector == report.vector
    event = Event.objects.get(verb="report.filed")
    assert (event.actor, event.unit, event.target) == ("ptps", obligation.subject.code, str(report.pk))
    assert event.detail["sha256"] == bytes(report.sha256).hex()
    assert Outbox.objects.filter(window=obligation.window, unit=obligation.counted_in).exists()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(retries=st.integers(1, 6))
def test_sending_again_gives_the_same_receipt(election_day: Day, retries: int):
    obligation, number = election_day.obligation(), uuid.uuid4()
    answers = election_day.answers(obligation)
    if Report.objects.filter(obligation=obligation).exists():
        number = Report.objects.get(obligation=obligation).pk
    receipts = [
        intake.submit(
            by=election_day.cast.ptps, obligation_id=obligation.pk, report_id=number, answers=answers, channel="API"
        )
        for _ in range(retries + 1)
    ]
    assert len({(r.report_id, r.revision, r.sha256, r.code, r.filed_at) for r in receipts}) == 1
    assert not any(r.new for r in receipts[1:])
    assert Revision.objects.filter(report_id=number).count() == 1
    assert Event.objects.filter(target=str(number)).count() == 1


def test_an_edit_names_the_revision_it_starts_from(election_day: Day):
    day, ptps = election_day, election_day.cast.ptps
    first = day.file(ptps)
    with pytest.raises(intake.ReportRefused) as stale:
        day.file(ptps, report_id=first.pk, surat_rusak=3, reasons={"surat_rusak": "dicatat KPPS"})
    assert (stale.value.code, stale.value.current) == ("conflict", first)
    second = day.file(ptps, report_id=first.pk, based_on=1, surat_rusak=3, reasons={"surat_rusak": "dicatat KPPS"})
    assert (second.revision, second.answers["surat_rusak"]) == (2, 3)
    assert [r.number for r in second.revisions.all()] == [1, 2]


def test_going_back_to_an_earlier_content_is_a_new_revision(election_day: Day):
    day, ptps = election_day, election_day.cast.ptps
    first = day.file(ptps)
    day.file(ptps, report_id=first.pk, based_on=1, surat_rusak=1)
    third = day.file(ptps, report_id=first.pk, based_on=2)
    assert third.revision == 3
    assert bytes(third.sha256) == bytes(first.sha256)


def test_a_late_retry_of_an_earlier_revision_gets_its_own_receipt(election_day: Day):
    day, ptps = election_day, election_day.cast.ptps
    first = day.file(ptps)
    day.file(ptps, report_id=first.pk, based_on=1, surat_rusak=1)
    obligation = day.obligation()
    again = intake.submit(
        by=ptps,
        obligation_id=obligation.pk,
        report_id=first.pk,
        answers=day.answers(obligation),
        channel="API",
        based_on=None,
    )
    assert (again.revision, again.new) == (1, False)
    assert Report.objects.get(pk=first.pk).revision == 2


def test_the_refused_version_of_a_conflict_is_kept_once(election_day: Day):
    day, ptps = election_day, election_day.cast.ptps
    standing = day.file(ptps)
    other = uuid.uuid4()
    for _retry in range(3):
        with pytest.raises(intake.ReportRefused, match=standing.receipt_code):
            day.file(ptps, report_id=other, surat_rusak=1)
    kept = Conflict.objects.get()
    assert (kept.report_id, b'"surat_rusak":1' in bytes(kept.canonical)) == (other, True)
    assert Report.objects.get().pk == standing.pk


def test_two_devices_at_once_leave_one_report_and_one_conflict(transactional_db, election_day: Day):
    day, outcomes, start = election_day, [], threading.Barrier(2)

    def send(spoiled: int) -> None:
        try:
            start.wait(10)
            day.file(day.cast.ptps, surat_rusak=spoiled)
            outcomes.append("filed")
        except intake.ReportRefused as refused:
            outcomes.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[n]) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["conflict", "filed"]
    assert (Report.objects.count(), Conflict.objects.count()) == (1, 1)
    rollup.run_all()
    assert nothing_broken() == []


def test_the_same_conflict_at_once_sends_no_statement_that_fails(transactional_db, election_day: Day):
    """What fails is written to the log of the server with all its values: the content of a report must not be there."""
    day, failed, refused = election_day, [], []
    day.file(day.cast.ptps)
    other, sender = uuid.uuid4(), day.cast.ptps

    def note(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except Error as error:
            failed.append(error)
            raise

    def send() -> None:
        try:
            with connection.execute_wrapper(note):
                day.file(sender, report_id=other, surat_rusak=1)
        except intake.ReportRefused as error:
            refused.append(error.code)
        finally:
            connection.close()

    second = threading.Thread(target=send)
    with transaction.atomic():
        with pytest.raises(intake.ReportRefused):
            day.file(sender, report_id=other, surat_rusak=1)
        second.start()
        until(lambda: "transactionid" in waiting_for())
    second.join(30)
    assert (failed, refused, Conflict.objects.count()) == ([], ["conflict"], 1)
    assert Event.objects.filter(verb="report.conflict").count() == 1


def waiting_for() -> list[str]:
    """The kinds of locks that somebody waits for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT locktype FROM pg_locks WHERE NOT granted")
        return [row[0] for row in cursor.fetchall()]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_id_of_another_report_is_refused(election_day: Day):
    first = election_day.file(election_day.cast.ptps)
    sibling = election_day.obligation(subject="6472012001002")
    with pytest.raises(intake.ReportRefused) as taken:
        election_day.file(election_day.cast.ptps_sibling, sibling, report_id=first.pk)
    assert taken.value.code == "id-taken"
    assert election_day.obligation(subject="6472012001002").state == State.OWED


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody", "ptps_sibling", "pkd_sibling"])
def test_who_does_not_see_the_unit_finds_nothing(election_day: Day, name: str):
    with pytest.raises(Http404):
        election_day.file(getattr(election_day.cast, name), election_day.obligation())


@pytest.mark.parametrize("name", ["pkd", "panwascam_member", "regency_chair", "province_operator", "admin"])
def test_who_sees_the_unit_but_does_not_serve_there_may_not_file(election_day: Day, name: str):
    with pytest.raises(PermissionDenied):
        election_day.file(getattr(election_day.cast, name), election_day.obligation())


def test_a_wrong_sum_is_named_and_nothing_is_written(election_day: Day):
    obligation = election_day.obligation("penghitungan-tps")
    with pytest.raises(InvalidAnswers) as wrong:
        election_day.file(election_day.cast.ptps, obligation, suara_tidak_sah=40)
    assert "suara_tidak_sah" in wrong.value.errors
    assert not Report.objects.exists()
    assert election_day.obligation("penghitungan-tps").state == State.OWED


def test_before_opening_and_after_closing(election_day: Day):
    day = election_day
    obligation = day.obligation("penghitungan-tps")
    with pytest.raises(intake.ReportRefused, match=r"dibuka pada 14 Feb 2024 13\.00 WITA") as early:
        day.file(day.cast.ptps, obligation, at=obligation.window.opens_at - timedelta(seconds=1))
    with pytest.raises(intake.ReportRefused, match="ditutup") as late:
        day.file(day.cast.ptps, obligation, at=obligation.closes_at)
    assert (early.value.code, late.value.code) == ("not-open", "closed")
    assert day.file(day.cast.ptps, obligation, at=obligation.closes_at - timedelta(seconds=1))


def test_a_retry_after_closing_still_gets_its_receipt(election_day: Day):
    day, obligation = election_day, election_day.obligation()
    report = day.file(day.cast.ptps, obligation, at=obligation.closes_at - timedelta(seconds=1))
    again = day.file(day.cast.ptps, obligation, at=obligation.closes_at + timedelta(hours=1), report_id=report.pk)
    assert (again.revision, Revision.objects.count()) == (1, 1)
    with pytest.raises(intake.ReportRefused, match="ditutup"):
        day.file(day.cast.ptps, obligation, at=obligation.closes_at, report_id=report.pk, surat_rusak=1, based_on=1)


def test_an_open_window_takes_reports_though_its_version_was_withdrawn(election_day: Day):
    obligation = election_day.obligation()
    publishing.withdraw(version=obligation.window.version, by=None, reason="Salah batas surat suara")
    assert election_day.file(election_day.cast.ptps, election_day.obligation()).revision == 1


def test_on_time_is_judged_by_the_servers_clock_to_the_minute(election_day: Day):
    obligation = election_day.obligation()
    election_day.file(election_day.cast.ptps, obligation, at=obligation.due_at)
    sibling = election_day.obligation(subject="6472012001002")
    election_day.file(election_day.cast.ptps_sibling, sibling, at=obligation.due_at + timedelta(seconds=1))
    assert election_day.obligation().on_time is True
    assert election_day.obligation(subject="6472012001002").on_time is False


def test_an_edit_after_the_deadline_does_not_make_a_report_late(election_day: Day):
    first = election_day.file(election_day.cast.ptps, at=AFTERNOON)
    election_day.file(election_day.cast.ptps, report_id=first.pk, based_on=1, surat_rusak=1, at=MORNING_AFTER)
    assert election_day.obligation().on_time is True


def test_form_a_is_filed_by_anyone_about_their_own_unit(election_day: Day):
    window = election_day.open("form-a")
    answers, reasons = _form_a(window)
    for user, code in ((election_day.cast.ptps, "6472012001001"), (election_day.cast.province_operator, "64")):
        subject = Unit.objects.get(election=election_day.election, code=code)
        number = uuid.uuid4()
        receipts = [
            intake.submit_event(
                by=fresh(user),
                window=window,
                subject=subject,
                report_id=number,
                answers=answers,
                reasons=reasons,
                channel="WEB",
            )
            for _ in range(2)
        ]
        assert [r.new for r in receipts] == [True, False]
    stranger = Unit.objects.get(election=election_day.election, code="6472012001001")
    with pytest.raises(Http404):
        intake.submit_event(
            by=election_day.cast.stranger,
            window=window,
            subject=stranger,
            report_id=uuid.uuid4(),
            answers=answers,
            reasons=reasons,
            channel="WEB",
        )
    rollup.run_all()
    assert nothing_broken() == []


def _form_a(window: Window) -> tuple[dict, dict]:
    from random import Random

    from reports.rehearsal.answers import answers_for

    return answers_for(window.version.parsed, Obligation(), Random(3))


def test_an_event_window_of_another_election_takes_nothing(election_day: Day):
    other = Window.objects.filter(election__code="pilkada2024", instrument__code="form-a").select_related(
        "instrument", "version", "election"
    )[0]
    obligations.open_window(window=other, at=other.opens_at)
    unit = Unit.objects.get(election=election_day.election, code="64")
    with pytest.raises(Http404):
        intake.submit_event(
            by=election_day.cast.province_operator,
            window=other,
            subject=unit,
            report_id=uuid.uuid4(),
            answers={},
            channel="WEB",
        )


def test_a_first_filing_costs_few_queries_whatever_the_tree(election_day: Day, django_assert_max_num_queries):
    obligation, answers = election_day.obligation(), None
    answers = election_day.answers(obligation)
    ptps = fresh(election_day.cast.ptps)
    with django_assert_max_num_queries(4):  # lock, write, and the savepoint of the test's own transaction
        intake.submit(by=ptps, obligation_id=obligation.pk, report_id=uuid.uuid4(), answers=answers, channel="API")
