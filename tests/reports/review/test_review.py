"""Review: only the direct superior acts, never on their own filing, and only on what they saw."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404

from hierarchy.lib import clock
from hierarchy.models import Unit
from hierarchy.people import acting
from reports.filing.models import Report
from reports.journal.models import Event
from reports.obligations.models import Obligation, State
from reports.review import actions as review
from reports.review.queries import slow_reviewers
from tests.cast import membership_of
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh

pytestmark = pytest.mark.django_db


def seen(report: Report) -> bytes:
    return bytes(report.sha256)


def test_approval_binds_to_the_content_that_was_seen(election_day: Day):
    cast = election_day.cast
    report = election_day.file(cast.ptps)
    review.approve(report=report, seen=seen(report), by=cast.pkd)
    report.refresh_from_db()
    assert bytes(report.approved_sha256) == bytes(report.sha256)
    assert (election_day.obligation().state, report.approved_by) == (State.APPROVED, cast.pkd)
    edited = election_day.file(cast.ptps, report_id=report.pk, based_on=1, surat_rusak=1)
    assert (edited.approved_sha256, edited.approved_by, election_day.obligation().state) == (None, None, State.FILED)
    with pytest.raises(review.ReviewError, match="berubah sejak Anda membukanya"):
        review.approve(report=edited, seen=seen(report), by=cast.pkd)


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody", "pkd_sibling", "ptps_sibling"])
def test_who_does_not_see_the_report_finds_nothing(election_day: Day, name: str):
    report = election_day.file(election_day.cast.ptps)
    by = fresh(getattr(election_day.cast, name))
    for act in (
        lambda: review.approve(report=report, seen=seen(report), by=by),
        lambda: review.send_back(report=report, seen=seen(report), remarks={"": "x"}, by=by),
        lambda: review.withdraw(report=report, seen=seen(report), reason="x", by=by),
    ):
        with pytest.raises(Http404):
            act()


@pytest.mark.parametrize("name", ["ptps", "panwascam_member", "regency_chair", "province_chair", "admin"])
def test_only_the_direct_superior_acts(election_day: Day, name: str):
    report = election_day.file(election_day.cast.ptps)
    with pytest.raises(PermissionDenied):
        review.approve(report=report, seen=seen(report), by=fresh(getattr(election_day.cast, name)))


def test_the_database_refuses_a_filer_who_approves(election_day: Day):
    report = election_day.file(election_day.cast.ptps)
    with pytest.raises(IntegrityError, match="report_filer_is_not_approver"), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(
            approved_by=report.filed_by, approved_sha256=seen(report), approved_at=report.filed_at
        )


def test_a_return_carries_reasons_to_the_questions_and_ends_with_a_correction(election_day: Day):
    cast = election_day.cast
    report = election_day.file(cast.ptps)
    with pytest.raises(review.ReviewError, match="Tuliskan"):
        review.send_back(report=report, seen=seen(report), remarks={"": "  "}, by=cast.pkd)
    review.send_back(report=report, seen=seen(report), remarks={"surat_rusak": " Lihat C.Hasil "}, by=cast.pkd)
    report.refresh_from_db()
    assert (report.remarks, election_day.obligation().state) == ({"surat_rusak": "Lihat C.Hasil"}, State.RETURNED)
    corrected = election_day.file(cast.ptps, report_id=report.pk, based_on=1, surat_rusak=1)
    assert (corrected.remarks, election_day.obligation().state) == ({}, State.FILED)
    assert list(Event.objects.filter(target=str(report.pk)).values_list("verb", flat=True)) == [
        "report.filed",
        "report.returned",
        "report.revised",
    ]


def test_an_approval_is_withdrawn_with_a_reason(election_day: Day):
    report = election_day.file(election_day.cast.ptps)
    by = election_day.cast.pkd
    with pytest.raises(review.ReviewError, match="berstatus"):
        review.withdraw(report=report, seen=seen(report), reason="salah tekan", by=by)
    review.approve(report=report, seen=seen(report), by=by)
    with pytest.raises(review.ReviewError, match="alasan"):
        review.withdraw(report=report, seen=seen(report), reason="", by=by)
    review.withdraw(report=report, seen=seen(report), reason="salah tekan", by=by)
    report.refresh_from_db()
    assert (election_day.obligation().state, report.approved_sha256) == (State.FILED, None)


def test_many_are_approved_and_those_that_changed_stay(election_day: Day):
    cast = election_day.cast
    first = election_day.file(cast.ptps)
    second = election_day.file(cast.ptps_sibling, election_day.obligation(subject="6472012001002"))
    looked_at = {first.pk: seen(first), second.pk: seen(second)}
    election_day.file(cast.ptps, report_id=first.pk, based_on=1, surat_rusak=1)
    reports = list(Report.objects.for_review().order_by("pk"))
    assert review.approve_many(reports=reports, seen=looked_at, by=cast.pkd) == 1
    states = dict(Obligation.objects.filter(report__isnull=False).values_list("report__pk", "state"))
    assert states == {first.pk: State.FILED, second.pk: State.APPROVED}


def test_no_signal_is_attested_by_a_superior_and_ends_with_a_report(election_day: Day):
    cast, obligation = election_day.cast, election_day.obligation()
    with pytest.raises(PermissionDenied):
        review.attest_unreachable(obligation=obligation, reason="tidak ada sinyal", by=cast.ptps)
    with pytest.raises(review.ReviewError, match="alasan"):
        review.attest_unreachable(obligation=obligation, reason=" ", by=cast.pkd)
    review.attest_unreachable(obligation=obligation, reason="tidak ada sinyal", by=cast.pkd)
    assert election_day.obligation().state == State.UNREACHABLE
    review.retract_unreachable(obligation=obligation, by=cast.pkd)
    assert election_day.obligation().state == State.OWED
    review.attest_unreachable(obligation=obligation, reason="tidak ada sinyal", by=cast.pkd)
    election_day.file(cast.ptps)
    assert (election_day.obligation().state, election_day.obligation().attested_by) == (State.FILED, None)
    with pytest.raises(review.ReviewError, match="sudah berubah"):
        review.attest_unreachable(obligation=obligation, reason="tidak ada sinyal", by=cast.pkd)


# --- the deadline of a correction -----------------------------------------------------------------------------------


def test_a_report_returned_after_the_window_has_closed_can_still_be_corrected(election_day: Day):
    cast = election_day.cast
    report = election_day.file(cast.ptps)
    after = election_day.obligation().closes_at + timedelta(hours=1)
    review.send_back(report=report, seen=seen(report), remarks={"": "x"}, by=cast.pkd, at=after)
    report.refresh_from_db()
    assert report.correct_by == election_day.obligation().closes_at == after + review.CORRECTION
    corrected = election_day.file(
        cast.ptps, report_id=report.pk, based_on=1, surat_rusak=1, at=after + timedelta(hours=2)
    )
    assert (corrected.correct_by, election_day.obligation().state) == (None, State.FILED)
    assert election_day.obligation().on_time, "it was on time when it was filed, and a correction does not change that"


def test_a_deadline_never_shortens_the_time_to_file(election_day: Day):
    cast, closes = election_day.cast, election_day.obligation().closes_at
    report = election_day.file(cast.ptps)
    soon = AFTERNOON + timedelta(hours=2)
    review.send_back(report=report, seen=seen(report), remarks={"": "x"}, by=cast.pkd, correct_by=soon, at=AFTERNOON)
    report.refresh_from_db()
    assert (report.correct_by, election_day.obligation().closes_at) == (soon, closes)


@pytest.mark.parametrize("hours", [-1, 0, 7 * 24 + 1])
def test_a_deadline_lies_ahead_and_is_near(election_day: Day, hours: int):
    report = election_day.file(election_day.cast.ptps)
    wanted = AFTERNOON + timedelta(hours=hours)
    with pytest.raises(review.ReviewError, match="Batas perbaikan"):
        review.send_back(
            report=report, seen=seen(report), remarks={"": "x"}, by=election_day.cast.pkd,
            correct_by=wanted, at=AFTERNOON,
        )  # fmt: skip
    assert election_day.obligation().state == State.FILED


# --- the journal ----------------------------------------------------------------------------------------------------


def test_the_journal_says_who_in_which_office_from_which_state_and_why(election_day: Day):
    cast = election_day.cast
    report = election_day.file(cast.ptps)
    village = Unit.objects.with_ancestors().get(pk=membership_of(cast.pkd).unit_id)
    acting.let_act(
        user=cast.pkd_sibling, unit=village, until=clock.today(), reason="PKD sakit", by=fresh(cast.panwascam_member)
    )
    review.approve(report=report, seen=seen(report), by=fresh(cast.pkd_sibling))
    review.send_back(report=report, seen=seen(report), remarks={"": "Hitung lagi"}, by=cast.pkd)
    told = [
        (event.verb, event.actor, event.detail["was"], event.detail["role"], event.detail.get("reason"))
        for event in Event.objects.filter(target=str(report.pk)).exclude(verb="report.filed")
    ]
    assert told == [
        ("report.approved", "pkd_sibling", State.FILED, "ACTING", None),
        ("report.returned", "pkd", State.APPROVED, "SUPERVISOR", "Hitung lagi"),
    ]


# --- reviewers who keep reports waiting -----------------------------------------------------------------------------


def test_reports_that_wait_are_shown_one_level_higher_with_every_day(election_day: Day):
    cast = election_day.cast
    election_day.file(cast.ptps, at=AFTERNOON)
    election_day.file(
        cast.ptps_sibling, election_day.obligation(subject="6472012001002"), at=AFTERNOON + timedelta(hours=1)
    )

    def told(user, hours: float) -> list[tuple[str, int, str]]:
        found = slow_reviewers(of=[membership_of(user).unit_id], now=AFTERNOON + timedelta(hours=hours))
        return [(each.unit.code, each.reports, each.waiting) for each in found]

    assert told(cast.panwascam_member, 24) == []
    assert told(cast.panwascam_member, 24.5) == [("6472012001", 1, "1 hari")]
    assert told(cast.regency_member, 24.5) == []
    assert told(cast.regency_member, 50) == [("6472012001", 2, "2 hari 2 jam")]
    for other in (cast.pkd, cast.province_member, cast.stranger_member):
        assert told(other, 50) == []
    report = Report.objects.for_page().get(obligation=election_day.obligation())
    review.approve(report=report, seen=seen(report), by=cast.pkd)
    assert told(cast.regency_member, 50) == [("6472012001", 1, "2 hari 1 jam")]


def test_whom_to_call_about_a_slow_reviewer_and_nobody_where_the_post_is_vacant(election_day: Day):
    cast = election_day.cast
    election_day.file(cast.ptps, at=AFTERNOON)
    found = slow_reviewers(of=[membership_of(cast.panwascam_chair).unit_id], now=MORNING_AFTER + timedelta(days=1))
    assert [(person.name, person.phone) for person in found[0].contacts] == [(cast.pkd.name, cast.pkd.phone)]
    membership_of(cast.pkd).delete()
    found = slow_reviewers(of=[membership_of(cast.panwascam_chair).unit_id], now=MORNING_AFTER + timedelta(days=1))
    assert found[0].contacts == []
