"""Review: only the direct superior acts, never on their own filing, and only on what they saw."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404

from reports import review
from reports.models import Event, Obligation, Report, State
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db


def seen(report: Report) -> bytes:
    return bytes(report.sha256)


def test_approval_binds_to_the_content_that_was_seen(election_day: Day):
    cast = election_day.cast
    report = election_day.file(cast.ptps)
    review.approve(report=report, seen=seen(report), by=cast.pkd)
    report.refresh_from_db()
    assert bytes(report.approved_sha256) == bytes(report.sha256)
    assert (election_day.duty().state, report.approved_by) == (State.APPROVED, cast.pkd)
    edited = election_day.file(cast.ptps, report_id=report.pk, based_on=1, surat_rusak=1)
    assert (edited.approved_sha256, edited.approved_by, election_day.duty().state) == (None, None, State.FILED)
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
    assert (report.remarks, election_day.duty().state) == ({"surat_rusak": "Lihat C.Hasil"}, State.RETURNED)
    corrected = election_day.file(cast.ptps, report_id=report.pk, based_on=1, surat_rusak=1)
    assert (corrected.remarks, election_day.duty().state) == ({}, State.FILED)
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
    assert (election_day.duty().state, report.approved_sha256) == (State.FILED, None)


def test_many_are_approved_and_those_that_changed_stay(election_day: Day):
    cast = election_day.cast
    first = election_day.file(cast.ptps)
    second = election_day.file(cast.ptps_sibling, election_day.duty(subject="6472012001002"))
    looked_at = {first.pk: seen(first), second.pk: seen(second)}
    election_day.file(cast.ptps, report_id=first.pk, based_on=1, surat_rusak=1)
    reports = list(Report.objects.for_review().order_by("pk"))
    assert review.approve_many(reports=reports, seen=looked_at, by=cast.pkd) == 1
    states = dict(Obligation.objects.filter(report__isnull=False).values_list("report__pk", "state"))
    assert states == {first.pk: State.FILED, second.pk: State.APPROVED}


def test_no_signal_is_attested_by_a_superior_and_ends_with_a_report(election_day: Day):
    cast, duty = election_day.cast, election_day.duty()
    with pytest.raises(PermissionDenied):
        review.attest_unreachable(obligation=duty, reason="tidak ada sinyal", by=cast.ptps)
    with pytest.raises(review.ReviewError, match="alasan"):
        review.attest_unreachable(obligation=duty, reason=" ", by=cast.pkd)
    review.attest_unreachable(obligation=duty, reason="tidak ada sinyal", by=cast.pkd)
    assert election_day.duty().state == State.UNREACHABLE
    review.retract_unreachable(obligation=duty, by=cast.pkd)
    assert election_day.duty().state == State.OWED
    review.attest_unreachable(obligation=duty, reason="tidak ada sinyal", by=cast.pkd)
    election_day.file(cast.ptps)
    assert (election_day.duty().state, election_day.duty().attested_by) == (State.FILED, None)
    with pytest.raises(review.ReviewError, match="sudah berubah"):
        review.attest_unreachable(obligation=duty, reason="tidak ada sinyal", by=cast.pkd)
