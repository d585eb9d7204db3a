"""Flags: raised by what is doubtful, withdrawn when it no longer is, settled only in words and by the superior."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext

from hierarchy.lib import clock
from hierarchy.models import Unit
from reports.filing.models import Report
from reports.journal.models import Event
from reports.quality import actions as quality
from reports.quality import rules
from reports.quality.labels import SENTENCES, in_a_sentence
from reports.quality.models import Flag, Reference
from tests.days import TPS, Day, fresh
from tests.interleaved import interleaved

pytestmark = pytest.mark.django_db
COUNTING = "penghitungan-tps"


def rules_of(report: Report) -> list[tuple[str, str]]:
    flags = quality.open_flags([report.pk]).get(report.pk, [])
    return sorted((flag.rule, flag.question) for flag in flags)


def agreeing(day: Day, voting: Report) -> dict[str, Any]:
    """Counting answers that agree with a voting report."""
    came, received, spoiled = (voting.answers[name] for name in ("pengguna", "surat_diterima", "surat_rusak"))
    return {
        "surat_diterima": received,
        "surat_digunakan": came,
        "surat_rusak": spoiled,
        "surat_sisa": received - came - spoiled,
        "pengguna_l": came // 2,
        "pengguna_p": came - came // 2,
        "suara_sah": came,
        "suara_tidak_sah": 0,
    }


def test_every_rule_has_its_words():
    assert SENTENCES.keys() == rules.RULES.keys()


def test_a_clean_report_has_no_flag_and_a_check_repeated_raises_nothing(election_day: Day):
    cast = election_day.cast
    voting = election_day.file(cast.ptps)
    counting = election_day.file(cast.ptps, election_day.obligation(COUNTING), **agreeing(election_day, voting))
    for window in election_day.windows.values():
        assert quality.check(window) == quality.check(window) == 0
    assert rules_of(voting) == rules_of(counting) == []


def test_stages_that_contradict_each_other_are_flagged_until_one_is_corrected(election_day: Day):
    cast, window = election_day.cast, election_day.windows[COUNTING]
    voting = election_day.file(cast.ptps)
    answers = agreeing(election_day, voting)
    answers |= {"surat_diterima": answers["surat_diterima"] + 3, "surat_sisa": answers["surat_sisa"] + 3}
    counting = election_day.file(cast.ptps, election_day.obligation(COUNTING), **answers)
    assert quality.check(window) == 1
    assert quality.check(window) == 0
    assert rules_of(counting) == [("stages", "surat_diterima")]
    flag = Flag.objects.get()
    received = voting.answers["surat_diterima"]
    assert in_a_sentence(flag, window.version.parsed) == (
        f"Surat suara diterima termasuk cadangan {received + 3}, "
        f"sedangkan laporan pemungutan suara menyebut {received}."
    )
    counting = election_day.file(
        cast.ptps,
        election_day.obligation(COUNTING),
        report_id=counting.pk,
        based_on=1,
        **agreeing(election_day, voting),
    )
    assert rules_of(counting) == []  # of old content, before any check
    assert quality.check(window) == 0


def test_two_stations_of_a_village_with_the_same_numbers_are_flagged_both(election_day: Day):
    cast = election_day.cast
    first = election_day.file(cast.ptps)
    second = election_day.file(cast.ptps_sibling, election_day.obligation(subject="6472012001002"), **first.answers)
    assert quality.check(election_day.windows["pemungutan-tps"]) == 2
    assert rules_of(first) == rules_of(second) == [("same", "")]


def test_a_figure_that_differs_from_the_reference_is_flagged_and_cleared_with_it(election_day: Day):
    cast, window = election_day.cast, election_day.windows["pemungutan-tps"]
    report = election_day.file(cast.ptps)
    reference = Reference(election=election_day.election, unit=Unit.objects.get(code=TPS), instrument="pemungutan-tps")
    reference.question, reference.value = "dpt_l", report.answers["dpt_l"] + 1
    reference.source, reference.imported_at = "DPT 21-06-2023", clock.now()
    reference.save()
    assert quality.check(window) == 1
    assert rules_of(report) == [("reference", "dpt_l")]
    Reference.objects.update(value=report.answers["dpt_l"])
    quality.check(window)
    assert rules_of(report) == []


def test_only_windows_with_news_are_checked_again(election_day: Day):
    election_day.file(election_day.cast.ptps)
    quality.check_pending()
    with CaptureQueriesContext(connection) as queries:
        assert quality.check_pending() == 0
    assert len(queries) == 3
    first = Report.objects.get()
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject="6472012001002"), **first.answers)
    assert quality.check_pending() == 2


@pytest.fixture
def flag(election_day: Day) -> Flag:
    first = election_day.file(election_day.cast.ptps)
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject="6472012001002"), **first.answers)
    quality.check(election_day.windows["pemungutan-tps"])
    return Flag.objects.get(report=first)


def test_a_flag_is_settled_in_words_by_the_direct_superior(election_day: Day, flag: Flag):
    with pytest.raises(quality.FlagError, match="Tuliskan"):
        quality.resolve(flag=flag, resolution=" \n", by=fresh(election_day.cast.pkd))
    quality.resolve(flag=flag, resolution=" Sudah dicocokkan dengan C.Hasil. ", by=fresh(election_day.cast.pkd))
    flag.refresh_from_db()
    assert (flag.resolution, flag.resolved_by) == ("Sudah dicocokkan dengan C.Hasil.", election_day.cast.pkd)
    assert quality.open_flags([flag.report_id]) == {}
    assert quality.check(election_day.windows["pemungutan-tps"]) == 0
    assert quality.open_flags([flag.report_id]) == {}
    event = Event.objects.get(verb="flag.resolved")
    assert (event.actor, event.detail["reason"]) == ("pkd", "Sudah dicocokkan dengan C.Hasil.")
    with pytest.raises(quality.FlagError, match="sudah diselesaikan"):
        quality.resolve(flag=flag, resolution="Lagi.", by=fresh(election_day.cast.pkd))


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("stranger", Http404),
        ("nobody", Http404),
        ("pkd_sibling", Http404),
        ("ptps", PermissionDenied),
        ("panwascam_chair", PermissionDenied),
        ("province_chair", PermissionDenied),
    ],
)
def test_nobody_else_settles_a_flag(election_day: Day, flag: Flag, name: str, refusal: type[Exception]):
    with pytest.raises(refusal):
        quality.resolve(flag=flag, resolution="Benar.", by=fresh(getattr(election_day.cast, name)))
    assert Flag.objects.get(pk=flag.pk).resolved_at is None


def test_a_flag_of_old_content_cannot_be_settled(election_day: Day, flag: Flag):
    spoiled = flag.report.answers["surat_rusak"] + 1
    election_day.file(election_day.cast.ptps, report_id=flag.report_id, based_on=1, surat_rusak=spoiled)
    with pytest.raises(quality.FlagError, match="isi yang lama"):
        quality.resolve(flag=flag, resolution="Benar.", by=fresh(election_day.cast.pkd))


def test_flags_of_a_whole_page_cost_one_query(election_day: Day, flag: Flag):
    with CaptureQueriesContext(connection) as queries:
        assert len(quality.open_flags(Report.objects.values_list("pk", flat=True)[:50])) == 2
    assert len(queries) <= 2  # the ids, the flags


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("check_first", [True, False])
def test_a_check_and_a_reviewer_settling_a_flag_do_not_lock_each_other_out(election_day: Day, check_first: bool):
    """The check holds flags and then wants their report, for a new flag's foreign key; the reviewer the other way."""
    cast, window = election_day.cast, election_day.windows[COUNTING]
    voting = election_day.file(cast.ptps)
    answers = agreeing(election_day, voting)
    answers |= {"surat_diterima": answers["surat_diterima"] + 3, "surat_sisa": answers["surat_sisa"] + 3}
    counting = election_day.file(cast.ptps, election_day.obligation(COUNTING), **answers)
    assert quality.check(window) == 1
    flag = Flag.objects.get()
    Reference.objects.create(
        election=election_day.election, unit=counting.obligation.subject, instrument=COUNTING, question="suara_sah",
        value=answers["suara_sah"] + 1, source="KPU", imported_at=clock.now(), imported_by=cast.admin,
    )  # fmt: skip
    reviewer = fresh(cast.pkd)
    acts = [
        lambda: quality.check(window),
        lambda: quality.resolve(flag=flag, resolution="Sudah dicek.", by=reviewer),
    ]
    assert interleaved(*(acts if check_first else acts[::-1])) == []
    assert Flag.objects.exclude(resolved_at=None).count() == 1
    assert rules_of(counting) == [("reference", "suara_sah")]


@pytest.mark.django_db(transaction=True)
def test_two_checks_of_one_window_take_turns(election_day: Day):
    cast, window = election_day.cast, election_day.windows[COUNTING]
    voting = election_day.file(cast.ptps)
    answers = agreeing(election_day, voting)
    answers |= {"surat_diterima": answers["surat_diterima"] + 3, "surat_sisa": answers["surat_sisa"] + 3}
    election_day.file(cast.ptps, election_day.obligation(COUNTING), **answers)
    found: list[int] = []
    assert interleaved(*[lambda: found.append(quality.check(window))] * 2) == []
    assert found == [1, 0]
