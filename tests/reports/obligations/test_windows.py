"""Who owes what by when."""

from __future__ import annotations

import itertools
import uuid
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.http import Http404
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from hierarchy.levels import LEAF
from hierarchy.lib.clock import WITA
from hierarchy.models import Membership, Role, Unit
from hierarchy.people import roster
from reports.calendar import actions as calendar
from reports.calendar import periods
from reports.calendar.models import Cadence, Stage, Window
from reports.filing import actions as intake
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from tests.days import TPS, Day, fresh
from tests.interleaved import interleaved

pytestmark = pytest.mark.django_db


@given(
    first=st.dates(date(2022, 1, 1), date(2025, 12, 31)),
    days=st.integers(0, 400),
    cadence=st.sampled_from([Cadence.DAILY, Cadence.WEEKLY]),
)
def test_periods_cover_a_stage_without_gap_or_overlap(first: date, days: int, cadence: str):
    last = first + timedelta(days=days)
    found = list(periods.of(cadence, first, last))
    assert (found[0][1], found[-1][2]) == (first, last)
    assert all(after[1] == before[2] + timedelta(days=1) for before, after in itertools.pairwise(found))
    assert len({key for key, _first, _last in found}) == len(found)


def test_both_elections_have_their_stages_and_windows(election_day: Day):
    calendar.load()
    assert Stage.objects.filter(election__code="pemilu2024").exclude(code="NON_TAHAPAN").count() == 19
    assert Stage.objects.filter(election__code="pilkada2024").exclude(code="NON_TAHAPAN").count() == 20
    count = Window.objects.count()
    calendar.load()
    assert Window.objects.count() == count
    voting = Window.objects.get(election__code="pemilu2024", instrument__code="pemungutan-tps")
    assert voting.opens_at == datetime(2024, 2, 14, 6, 0, tzinfo=WITA)
    coklit = Window.objects.filter(election__code="pemilu2024", instrument__code="coklit-desa")
    assert coklit.count() == 30  # 12 February to 13 March 2023


def test_every_subject_owes_exactly_once(election_day: Day):
    window = election_day.windows["pemungutan-tps"]
    assert obligations.open_window(window=window) == 0
    rows = Obligation.objects.filter(window=window)
    stations = Unit.objects.filter(election=election_day.election, level=LEAF)
    assert sorted(rows.values_list("subject", flat=True)) == sorted(stations.values_list("pk", flat=True))
    assert Event.objects.filter(verb="window.opened", target=window.pk).count() == 1


def test_a_village_files_about_each_of_its_stations(election_day: Day):
    rows = Window.objects.filter(election__code="pilkada2024", instrument__code="tps-rawan")
    window = rows.select_related("instrument", "version", "election").get()
    Window.objects.filter(pk=window.pk).update(election=election_day.election)
    window.refresh_from_db()
    obligations.open_window(window=window)
    rows = Obligation.objects.filter(window=window).select_related("subject", "filer", "counted_in")
    assert {(d.subject.level, d.filer_id == d.subject.village_id, d.counted_in_id == d.filer_id) for d in rows} == {
        (LEAF, True, True)
    }


def test_the_roster_decides_between_owed_and_vacant(election_day: Day):
    obligation = election_day.obligation(subject="6472012002001")
    assert obligation.state == State.VACANT
    newcomer = election_day.cast.nobody
    roster.appoint(user=newcomer, unit=obligation.subject, role=Role.SUPERVISOR, since=date(2024, 1, 22), by=None)
    assert obligations.refresh_vacancies() > 0
    assert election_day.obligation(subject="6472012002001").state == State.OWED
    Membership.objects.filter(user=newcomer).update(until=date(2024, 2, 1))
    obligations.refresh_vacancies()
    assert election_day.obligation(subject="6472012002001").state == State.VACANT
    assert obligations.refresh_vacancies() == 0


def test_an_extension_moves_an_area_and_says_who_and_why(election_day: Day):
    window, admin = election_day.windows["pemungutan-tps"], election_day.cast.admin
    area = Unit.objects.get(election=election_day.election, code="647201")
    due = window.due_at + timedelta(hours=3)
    obligations.extend(window=window, area=area, due_at=due, closes_at=window.closes_at, reason=" banjir ", by=admin)
    assert election_day.obligation().due_at == due
    assert election_day.obligation(subject="6401012001001").due_at == window.due_at
    event = Event.objects.get(verb="window.extended")
    assert (event.actor, event.unit, event.detail["reason"]) == ("admin", "647201", "banjir")


@pytest.mark.parametrize(
    ("hours", "reason", "sentence"), [(0, "banjir", "sesudah tenggat"), (-5, "banjir", "sesudah"), (3, " ", "alasan")]
)
def test_a_senseless_extension_is_refused(election_day: Day, hours: int, reason: str, sentence: str):
    window = election_day.windows["pemungutan-tps"]
    area = Unit.objects.get(election=election_day.election, code="6472")
    with pytest.raises(calendar.CalendarError, match=sentence):
        obligations.extend(
            window=window,
            area=area,
            due_at=window.due_at + timedelta(hours=hours),
            closes_at=window.closes_at,
            reason=reason,
            by=election_day.cast.admin,
        )


def test_only_who_manages_the_calendar_extends(election_day: Day):
    window = election_day.windows["pemungutan-tps"]
    area = Unit.objects.get(election=election_day.election, code="6472")
    for name, error in (("regency_chair", PermissionDenied), ("stranger_member", Http404)):
        with pytest.raises(error):
            obligations.extend(
                window=window,
                area=area,
                due_at=window.due_at + timedelta(hours=1),
                closes_at=window.closes_at,
                reason="banjir",
                by=fresh(getattr(election_day.cast, name)),
            )


def test_a_window_opens_by_itself_once_its_time_has_come(election_day: Day):
    opened = Window.objects.filter(opened_at__isnull=False).count()
    assert obligations.open_due(at=datetime(2024, 2, 14, 15, 0, tzinfo=WITA)) > 0
    assert Window.objects.filter(opened_at__isnull=False).count() > opened
    late = Window.objects.filter(opened_at__isnull=False, closes_at__lt=datetime(2024, 2, 14, 15, 0, tzinfo=WITA))
    assert not late.exists()
    assert obligations.open_due(at=datetime(2024, 2, 14, 15, 0, tzinfo=WITA)) == 0


# --- reports nobody owed in advance --------------------------------------------------------------------------------


def extended_form_a(day: Day, area: str = "6472") -> Window:
    """Form A, open since the campaign and closed a minute ago but for one regency, which has a week more."""
    window = day.open("form-a")
    obligations.extend(
        window=window,
        area=day.units[area],
        due_at=window.due_at + timedelta(days=5),
        closes_at=window.closes_at + timedelta(days=7),
        reason="banjir",
        by=fresh(day.cast.admin),
    )
    day.set_clock(window.closes_at + timedelta(minutes=1))
    return window


def test_an_extension_of_an_event_window_lets_its_area_file_on(election_day: Day):
    window = extended_form_a(election_day)
    answers = election_day.answers(Obligation(window=window, subject=election_day.units[TPS]))
    filing = {"window": window, "report_id": uuid.uuid4(), "answers": answers, "channel": "WEB"}
    subject = election_day.units[TPS]
    intake.submit_event(by=fresh(election_day.cast.ptps), subject=subject, **filing)
    obligation = Obligation.objects.get(window=window)
    assert (obligation.due_at, obligation.closes_at) == (
        window.due_at + timedelta(days=5),
        window.closes_at + timedelta(days=7),
    )
    with pytest.raises(intake.ReportRefused, match="ditutup"):
        intake.submit_event(
            by=fresh(election_day.cast.stranger),
            subject=election_day.units["6401012001"],
            **filing | {"report_id": uuid.uuid4()},
        )


def test_only_the_extended_area_is_offered_the_form(election_day: Day, client: Client):
    window = extended_form_a(election_day)
    form = reverse("file-event", args=[window.pk])
    for name, offered in (("ptps", True), ("stranger", False)):
        client.force_login(getattr(election_day.cast, name))
        assert (form in client.get(reverse("tasks")).content.decode()) is offered
        assert ("Pelaporan ini sudah ditutup" not in client.get(form).content.decode()) is offered
        found = client.get("/api/v1/windows/").json()["results"]
        closes = [datetime.fromisoformat(row["closes_at"]) for row in found if row["id"] == window.pk]
        assert closes == ([window.closes_at + timedelta(days=7)] if offered else [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("extension_first", [True, False])
def test_an_extension_reaches_an_event_that_is_filed_in_the_same_moment(election_day: Day, extension_first: bool):
    window = election_day.open("form-a")
    answers = election_day.answers(Obligation(window=window, subject=election_day.units[TPS]))
    due, by = window.due_at + timedelta(days=5), fresh(election_day.cast.ptps)
    admin = fresh(election_day.cast.admin)
    acts = [
        lambda: obligations.extend(
            window=window, area=election_day.units["64"], due_at=due, closes_at=due, reason="banjir", by=admin
        ),
        lambda: intake.submit_event(
            by=by,
            window=Window.objects.select_related("instrument").get(pk=window.pk),
            subject=election_day.units[TPS],
            report_id=uuid.uuid4(),
            answers=answers,
            channel="WEB",
        ),
    ]
    assert interleaved(*(acts if extension_first else acts[::-1])) == []
    assert Obligation.objects.get(window=window).due_at == due


# --- the journal ---------------------------------------------------------------------------------------------------


def test_what_changes_the_calendar_stands_in_the_journal_with_who_did_it(election_day: Day):
    def events(verb: str) -> list[tuple[str, str]]:
        return list(Event.objects.filter(verb=verb).order_by("pk").values_list("election", "actor"))

    assert events("calendar.loaded") == [("pemilu2024", ""), ("pilkada2024", "")]
    assert events("calendar.planned") == [("pemilu2024", ""), ("pilkada2024", "")]
    calendar.load(by=election_day.cast.admin)
    assert len(events("calendar.loaded")) == len(events("calendar.planned")) == 2, "nothing changed, nothing to tell"
    Stage.objects.filter(election=election_day.election, code="COKLIT").update(ends=date(2023, 3, 1))
    Window.objects.filter(instrument__code="coklit-desa", period="2023-02-12").delete()
    call_command("load_calendar", by="admin", stdout=StringIO())
    assert events("calendar.loaded")[2:] == events("calendar.planned")[2:] == [("pemilu2024", "admin")]
    assert Event.objects.filter(verb="calendar.loaded").latest("pk").detail == {"stages": ["COKLIT"]}
    assert Event.objects.filter(verb="calendar.planned").latest("pk").detail == {"windows": 1}
