"""Which version of a form a window asks: from planning over opening and exchange to the figures."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from hierarchy.levels import LEAF
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.calendar import actions as calendar
from reports.calendar import publishing
from reports.calendar.models import InstrumentVersion, Window
from reports.calendar.publishing import CatalogueEntry
from reports.filing import actions as intake
from reports.filing.models import Report
from reports.instruments.codec import InvalidAnswers
from reports.instruments.errors import InstrumentError
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations import pinning
from reports.obligations.models import Obligation
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from tests.days import TPS, Day, fresh
from tests.interleaved import interleaved
from tests.reports.instruments.forge import ask, markdown

pytestmark = pytest.mark.django_db
CODE = "h01-angka"
FACTS = {
    "stage": "PEMUNGUTAN", "subject_level": "POLLING_STATION", "filer_level": "POLLING_STATION", "cadence": "ONCE",
    "title_id": "Angka jam satu", "title_en": "Figures of the first hour",
}  # fmt: skip
ONE = markdown(ask("integer", "hadir", required="yes"), code=CODE)
TWO = markdown(ask("integer", "pulang", required="yes"), ask("integer", "hadir"), code=CODE)
THREE = markdown(ask("integer", "hadir", required="yes"), ask("text", "cerita"), code=CODE)


def published(source: bytes, **changes: str) -> InstrumentVersion:
    entry = CatalogueEntry.from_row({"code": CODE, **FACTS, **changes})
    return publishing.publish(source=source, suffix=".md", entry=entry, by=None)


def run(*args: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def window_of(day: Day) -> Window:
    rows = Window.objects.filter(election=day.election, instrument__code=CODE)
    return rows.select_related("instrument", "version", "election", "stage").get()


def planned(day: Day, *sources: bytes) -> Window:
    """The window of the new instrument, its versions published in turn, not yet opened."""
    for source in sources:
        published(source)
    calendar.plan(election=day.election)
    return window_of(day)


def opened(day: Day, *sources: bytes) -> Window:
    obligations.open_window(window=planned(day, *sources))
    return window_of(day)


def filed(day: Day, answers: dict[str, Any], subject: str = TPS) -> intake.Receipt:
    obligation = Obligation.objects.get(window__instrument__code=CODE, subject__code=subject)
    by = fresh(day.cast.ptps if subject == TPS else day.cast.ptps_sibling)
    return intake.submit(by=by, obligation_id=obligation.pk, report_id=uuid.uuid4(), answers=answers, channel="WEB")


# --- planning ------------------------------------------------------------------------------------------------------


def test_a_new_instrument_goes_from_its_file_to_the_figure_of_the_province(election_day: Day, tmp_path: Path):
    file = tmp_path / "h01.md"
    file.write_bytes(ONE)
    run("publish_instrument", file, code=CODE, **FACTS)
    run("load_calendar")
    window = window_of(election_day)
    assert (window.opens_at, window.due_at, window.closes_at) == (
        datetime(2024, 2, 14, 6, 0, tzinfo=WITA),
        datetime(2024, 2, 14, 21, 0, tzinfo=WITA),
        datetime(2024, 2, 17, 23, 59, tzinfo=WITA),
    )
    obligations.open_due()
    assert Obligation.objects.filter(window=window).count() == 24
    filed(election_day, {"hadir": 211})
    rollup.run_all()
    tally = Tally.objects.get(window=window, unit__code="64")
    assert (tally.expected, tally.filed_count, tally.filed) == (24, 1, [211, 1])


@pytest.mark.parametrize("cadence", ["ONCE", "DAILY", "WEEKLY", "EVENT"])
def test_every_cadence_has_hours_of_its_own(election_day: Day, cadence: str):
    published(ONE, cadence=cadence, stage="COKLIT")
    assert calendar.plan(election=election_day.election) > 0
    rows = Window.objects.filter(election=election_day.election, instrument__code=CODE)
    assert all(row.opens_at < row.due_at <= row.closes_at for row in rows)


def test_an_unknown_stage_is_refused_with_the_names_of_those_there_are(election_day: Day, tmp_path: Path):
    with pytest.raises(InstrumentError, match=r"TAKADA.*COKLIT.*NON_TAHAPAN"):
        published(ONE, stage="TAKADA")
    file = tmp_path / "h01.md"
    file.write_bytes(ONE)
    with pytest.raises(CommandError, match=r"TAKADA.*COKLIT"):
        run("publish_instrument", file, code=CODE, **(FACTS | {"stage": "TAKADA"}))


def test_an_instrument_that_nobody_will_be_asked_is_named(election_day: Day):
    published(ONE, stage="PANWAS_ADHOC")
    assert "h01-angka belum punya masa laporan: tahapan PANWAS_ADHOC" in run("load_calendar")


# --- opening -------------------------------------------------------------------------------------------------------


def test_a_correction_before_the_opening_reaches_the_field(election_day: Day):
    window = planned(election_day, ONE)
    newest = published(THREE)
    obligations.open_window(window=window)
    assert window.version.pk == window_of(election_day).version_id == newest.pk
    assert Event.objects.get(verb="window.opened", target=window.pk).detail["version"] == 2


def test_a_correction_after_the_opening_leaves_the_window_as_it_is(election_day: Day):
    window = opened(election_day, ONE)
    published(THREE)
    calendar.plan(election=election_day.election)
    obligations.open_window(window=window)
    assert window_of(election_day).version.number == 1


def test_a_window_opens_with_the_newest_version_that_lives(election_day: Day):
    window = planned(election_day, ONE, TWO)
    publishing.withdraw(version=InstrumentVersion.objects.get(source_sha256=published(TWO).source_sha256), by=None,
                        reason="Tertukar.")  # fmt: skip
    obligations.open_window(window=window)
    assert window_of(election_day).version.number == 1


def test_a_window_without_a_living_version_does_not_open_and_says_so_everywhere(election_day: Day, caplog: Any):
    window = planned(election_day, ONE)
    publishing.withdraw(version=window.version, by=None, reason="Salah.")
    with pytest.raises(calendar.CalendarError, match="ditarik"):
        obligations.open_window(window=window)
    obligations.open_due()
    obligations.open_due()
    assert "ditarik" in caplog.text
    assert Event.objects.get(verb="window.not_opened").target == str(window.pk)
    assert "h01-angka: 2 masa laporan tidak akan terbuka" in run("load_calendar")
    published(THREE)
    obligations.open_due()
    assert window_of(election_day).version.number == 2


def test_one_window_that_cannot_open_holds_up_no_other(election_day: Day, caplog: Any):
    first = planned(election_day, ONE)
    Window.objects.filter(pk=first.pk).update(opens_at=first.opens_at - timedelta(days=400))
    publishing.withdraw(version=first.version, by=None, reason="Salah.")
    assert obligations.open_due() > 0
    unopened = Window.objects.due_to_open(election_day.obligation().due_at)
    assert [window.pk for window in unopened] == [first.pk]


def test_a_withdrawal_closes_no_open_window(election_day: Day):
    window = opened(election_day, ONE)
    publishing.withdraw(version=window.version, by=None, reason="Salah.")
    assert filed(election_day, {"hadir": 3}).new


@pytest.mark.django_db(transaction=True)
def test_a_version_withdrawn_while_a_window_opens_is_chosen_before_or_not_at_all(election_day: Day):
    window = planned(election_day, ONE, THREE)
    withdraw = publishing.withdraw
    newest = published(THREE)
    raised = interleaved(
        lambda: withdraw(version=newest, by=None, reason="Salah."), lambda: obligations.open_window(window=window)
    )
    assert (raised, window_of(election_day).version.number) == ([], 1)


# --- exchange ------------------------------------------------------------------------------------------------------


def test_an_open_window_takes_another_version_before_its_first_report(election_day: Day):
    window = opened(election_day, ONE)
    rollup.run_all()
    other = published(TWO)
    pinning.repin(window=window, version=other, by=fresh(election_day.cast.admin), reason=" pertanyaan kurang ")
    assert window_of(election_day).version_id == other.pk
    widths = {len(row.filed) for row in Tally.objects.filter(window=window)}
    assert widths == {other.width}, "no reader meets a tally of another layout, not even before the next fold"
    event = Event.objects.get(verb="window.repinned")
    assert (event.actor, event.target) == ("admin", str(window.pk))
    assert (event.detail["was"], event.detail["version"], event.detail["reason"]) == (1, 2, "pertanyaan kurang")
    with pytest.raises(InvalidAnswers):
        filed(election_day, {"hadir": 3})
    filed(election_day, {"hadir": 3, "pulang": 2})
    rollup.run_all()
    assert Tally.objects.get(window=window, unit__code="64").filed == [2, 1, 3, 1]


def refusals(day: Day) -> dict[str, Callable[[], object]]:
    """What `repin` must refuse, by a word of its sentence."""
    window, other = opened(day, ONE), published(TWO)
    repin = pinning.repin
    foreign = day.obligation().window.version
    return {
        "alasan": lambda: repin(window=window, version=other, by=None, reason=" "),
        "sudah memakai": lambda: repin(window=window, version=window.version, by=None, reason="a"),
        "instrumen lain": lambda: repin(window=window, version=foreign, by=None, reason="a"),
    }


def test_an_exchange_that_makes_no_sense_is_refused(election_day: Day):
    for words, act in refusals(election_day).items():
        with pytest.raises(calendar.CalendarError, match=words):
            act()
    assert not Event.objects.filter(verb="window.repinned").exists()


def test_a_window_that_is_not_open_needs_no_exchange(election_day: Day):
    window, other = planned(election_day, ONE), published(TWO)
    with pytest.raises(calendar.CalendarError, match="belum dibuka"):
        pinning.repin(window=window, version=other, by=None, reason="a")


def test_a_withdrawn_version_is_not_exchanged_for(election_day: Day):
    window, other = opened(election_day, ONE), published(TWO)
    publishing.withdraw(version=InstrumentVersion.objects.get(pk=other.pk), by=None, reason="Salah.")
    with pytest.raises(calendar.CalendarError, match="ditarik"):
        pinning.repin(window=window, version=other, by=None, reason="a")


def test_after_the_first_report_a_window_keeps_its_version(election_day: Day):
    window = opened(election_day, ONE)
    filed(election_day, {"hadir": 3})
    with pytest.raises(calendar.CalendarError, match="sudah menerima laporan"):
        pinning.repin(window=window, version=published(TWO), by=None, reason="a")


@pytest.mark.parametrize("name", ["regency_chair", "province_chair", "ptps"])
def test_only_who_manages_the_calendar_of_the_province_exchanges(election_day: Day, name: str):
    window, other = opened(election_day, ONE), published(TWO)
    with pytest.raises(PermissionDenied if name == "province_chair" else Exception) as refused:
        pinning.repin(window=window, version=other, by=fresh(getattr(election_day.cast, name)), reason="a")
    assert refused.type.__name__ in ("PermissionDenied", "Http404")
    assert window_of(election_day).version.number == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exchange_first", [True, False])
def test_no_report_of_one_version_lands_in_a_window_of_another(election_day: Day, exchange_first: bool):
    """Whoever comes second sees what the first one did, though both had read the window before."""
    window, other = opened(election_day, ONE), published(THREE)
    acts = [
        lambda: pinning.repin(window=window, version=other, by=None, reason="a"),
        lambda: filed(election_day, {"hadir": 3}),
    ]
    raised = interleaved(*(acts if exchange_first else acts[::-1]))
    width = window_of(election_day).version.width
    assert [len(row.vector) for row in Report.objects.filter(window=window)] == [width]
    assert [type(error) for error in raised] == ([] if exchange_first else [calendar.CalendarError])
    assert width == (other.width if exchange_first else 2)


@pytest.mark.django_db(transaction=True)
def test_who_sends_a_form_while_it_is_exchanged_is_shown_the_new_one_with_what_was_typed(
    election_day: Day, client: Client
):
    window, other = opened(election_day, ONE), published(TWO)
    url = reverse("file-report", args=[Obligation.objects.get(window=window, subject__code=TPS).pk])
    client.force_login(election_day.cast.ptps)
    pages: list[Any] = []
    raised = interleaved(
        lambda: pinning.repin(window=window, version=other, by=None, reason="a"),
        lambda: pages.append(client.post(url, {"hadir": "1208", "report_id": str(uuid.uuid4())})),
    )
    assert (raised, pages[0].status_code) == ([], 422)
    page = pages[0].content.decode()
    assert 'name="pulang"' in page
    assert 'value="1208"' in page


@pytest.mark.django_db(transaction=True)
def test_an_exchange_waits_for_a_worker_that_folds_the_old_version(election_day: Day):
    window, other = opened(election_day, ONE), published(TWO)
    regency = Unit.objects.get(election=election_day.election, code="6472")
    raised = interleaved(
        lambda: rollup.run_subtree(regency.pk),
        lambda: pinning.repin(window=window, version=other, by=None, reason="a"),
    )
    assert raised == []
    assert {len(row.filed) for row in Tally.objects.filter(window=window)} == {other.width}


# --- the tree ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("opening_first", [True, False])
def test_a_unit_added_while_a_window_opens_owes_its_report(election_day: Day, opening_first: bool):
    window = planned(election_day, ONE)
    village = election_day.units["6472012001"]
    row = UnitRow(f"{village.code}003", "TPS 003")
    acts = [
        lambda: obligations.open_window(window=window),
        lambda: tree.add_child(parent=village, row=row, by=None),
    ]
    assert interleaved(*(acts if opening_first else acts[::-1])) == []
    stations = Unit.objects.filter(election=election_day.election, level=LEAF)
    assert stations.count() == 25
    assert sorted(Obligation.objects.filter(window=window).values_list("subject", flat=True)) == sorted(
        stations.values_list("pk", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_a_province_that_is_loaded_for_the_first_time_while_a_window_opens_owes_too(election_day: Day):
    window = planned(election_day, ONE)
    codes = ("65", "6501", "650101", "6501012001", "6501012001001")
    rows = [UnitRow(code, f"Utara {code}" if len(code) < 13 else "TPS 001") for code in codes]
    raised = interleaved(
        lambda: tree.load(election=election_day.election, rows=rows, by=None),
        lambda: obligations.open_window(window=window),
    )
    assert raised == []
    assert Obligation.objects.filter(window=window, subject__code="6501012001001").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("extension_first", [True, False])
def test_an_extension_granted_while_a_window_opens_counts(election_day: Day, extension_first: bool):
    window = planned(election_day, ONE)
    due = window.due_at + timedelta(hours=5)
    admin, area = fresh(election_day.cast.admin), election_day.units["6472"]
    acts = [
        lambda: obligations.extend(
            window=window, area=area, due_at=due, closes_at=window.closes_at, reason="banjir", by=admin
        ),
        lambda: obligations.open_window(window=window),
    ]
    assert interleaved(*(acts if extension_first else acts[::-1])) == []
    rows = Obligation.objects.filter(window=window, subject__regency=area)
    assert set(rows.values_list("due_at", flat=True)) == {due}


# --- commands ------------------------------------------------------------------------------------------------------


def test_the_operator_withdraws_and_exchanges_from_the_shell(election_day: Day):
    opened(election_day, ONE)
    published(TWO)
    told = run("withdraw_version", CODE, "1", reason="Salah cetak.", by="admin")
    assert "1 masa laporan yang sudah terbuka tetap memakainya" in told
    told = run("repin_window", CODE, "2", election="pemilu2024", reason="Salah cetak.", by="admin")
    assert told == "Angka jam satu sekarang memakai versi 2.\n"
    actors = Event.objects.filter(verb__in=["instrument.withdrawn", "window.repinned"]).values_list("actor", flat=True)
    assert list(actors) == ["admin", "admin"]


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("repin_window", CODE, "9"), {"election": "pemilu2024"}, "tidak punya versi 9"),
        (("repin_window", CODE, "1"), {"election": "pemilu2024", "period": "2024-W07"}, "tidak punya masa laporan"),
        (("repin_window", CODE, "1"), {"election": "pemilu2024"}, "sudah memakai"),
        (("repin_window", CODE, "1"), {"election": "pemilu2024", "by": "siapa"}, "Tidak ada akun"),
        (("withdraw_version", CODE, "9"), {}, "tidak punya versi 9"),
    ],
)
def test_a_command_that_cannot_do_it_says_why(election_day: Day, arguments: tuple, options: dict, words: str):
    opened(election_day, ONE)
    with pytest.raises(CommandError, match=words):
        run(*arguments, reason="Salah.", **options)


def test_publishing_says_which_windows_will_ask_the_new_version(election_day: Day, tmp_path: Path):
    file = tmp_path / "h01.md"
    file.write_bytes(ONE)
    assert "load_calendar" in run("publish_instrument", file, code=CODE, **FACTS)
    calendar.plan(election=election_day.election)
    obligations.open_window(window=window_of(election_day))
    file.write_bytes(TWO)
    assert "1 masa laporan yang sudah terbuka tetap memakai versi lamanya" in run("publish_instrument", file, code=CODE)
