"""The whole rehearsal on the small tree with everybody in office: what the demo shows is there, by the real verbs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db.models import F
from django.test import override_settings

from bawaslu_data import rehearsal
from dashboards.figures import snapshots
from dashboards.models import ExportJob, Publication, PublishedPage
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people import roster
from hierarchy.rehearsal import sample
from reports.bodies import queries as bodies
from reports.calendar import actions as calendar
from reports.calendar import publishing
from reports.filing.models import Report
from reports.findings import queries as registered
from reports.findings.models import Finding
from reports.obligations.models import Extension, Obligation
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import queries as ratified
from reports.plenary.models import AgendaItem, Minutes, Plenary
from reports.quality.models import Flag
from reports.reminders.models import Message
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from tests import cast as people
from tests import days
from tests.emptied import empty

pytestmark = pytest.mark.django_db
OWN = {
    "PUBLICATION_KEY": "11" * 32,
    "PUBLICATION_PUBLIC_KEY": "",
    "CLOCK_OFFSET": 0,
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # nobody types these passwords
}


@pytest.fixture(scope="module")
def election(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Election]:
    """Committed to the test database, and emptied out of it in the end; the clock shows when the rehearsal was over."""
    own = override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media"), **OWN)
    with django_db_blocker.unblock(), own, pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "read", days._read_once)
        patch.setenv("CLOCK_OFFSET", "0")  # move_clock changes it
        try:
            yield lived()
        finally:
            empty()
            cache.clear()  # which knows the windows of this world by their numbers


def lived() -> Election:
    rehearsal.move_clock(rehearsal.simulate.END)
    publishing.load_catalogue()
    election = people.make_election()
    calendar.load()
    people.small_tree(election)
    codes = roster.load(election=election, rows=sample.sample_roster(election), by=None).codes
    assert not rehearsal.is_over()
    for _step in rehearsal.live(rehearsal.steps(election, seed=2024, settle=rollup.run_all)):
        pass
    rollup.run_all()
    rehearsal.activate(election, {issued.username: issued.code for issued in codes})
    rehearsal.move_clock_to_the_end()
    return election


def test_it_is_whole_and_knows_its_end(election: Election) -> None:
    said = io.StringIO()
    call_command("verify", stdout=said)
    assert "0 perbedaan" in said.getvalue()
    assert rehearsal.is_over()


@pytest.mark.parametrize("code", rehearsal.LINE)
def test_every_body_has_met_and_those_who_can_sign_in_can_hold_its_next_plenary(election: Election, code: str) -> None:
    body = Unit.objects.with_ancestors().get(election=election, code=code)
    held = Plenary.objects.filter(unit=body, state="CLOSED")
    assert held
    assert Minutes.objects.filter(plenary__in=held).count() == len(held)
    assert AgendaItem.objects.filter(unit=body, decision="RATIFIED", window__isnull=False).exists()
    meeting = Plenary.objects.get(unit=body, state="CALLED")
    assert meeting.items.filter(window__isnull=False, decision="PENDING").exists()
    assert meeting.items.filter(finding__isnull=False, decision="PENDING").exists()
    here = [membership.user for _label, membership in rehearsal.cast(election) if membership.unit_id == body.pk]
    assert not any(user.activation_digest for user in User.objects.filter(pk__in=[user.pk for user in here]))
    _hold(meeting, [membership.user for membership in bodies.members_of(body) if membership.user in here])
    meeting.refresh_from_db()
    assert (meeting.state, Minutes.objects.filter(plenary=meeting).count()) == ("CLOSED", 1)
    assert list(ratified.broken()) == []


def _hold(meeting: Plenary, members: list[User]) -> None:
    for member in members:
        sitting.arrive(plenary=meeting, member=member, by=member)
    opened = plenary.open_(plenary=meeting, by=members[0])
    for item in opened.items.all():
        for member in members:
            plenary.vote(item=item, choice="AGREE", seen=bytes(item.sha256), by=member)
        plenary.decide(item=item, by=members[0])
    plenary.close(plenary=meeting, minutes_number=f"BA {meeting.pk}", notes="", by=members[0])


def test_everybody_it_needs_can_sign_in(election: Election) -> None:
    memberships = [membership for _label, membership in rehearsal.cast(election)]
    assert len({membership.user_id for membership in memberships}) == len(memberships)
    district = [membership.role for membership in memberships if membership.unit.code == "647201"]
    assert district == [Role.CHAIR, Role.MEMBER, Role.MEMBER, Role.OPERATOR]
    assert {membership.role for membership in memberships} == {
        Role.SUPERVISOR,
        Role.CHAIR,
        Role.MEMBER,
        Role.OPERATOR,
        Role.ADMIN,
    }
    owing, returned = (Obligation.objects.get(subject=membership.unit, window__instrument__code="penghitungan-tps")
                       for membership in memberships[:2])  # fmt: skip
    assert (owing.state, returned.state) == ("OWED", "RETURNED")


def test_findings_stand_at_every_step_and_one_suspicion_waits(election: Election) -> None:
    district, regency, province = (Unit.objects.get(election=election, code=code) for code in reversed(rehearsal.LINE))
    assert set(Finding.objects.filter(unit=district).values_list("status", flat=True)) == {
        *("SUSPECTED", "EXTENDED", "CONCLUDED", "DISMISSED")
    }
    assert [one.status for one in Finding.objects.filter(unit=regency)] == ["FOUND"]
    assert [one.status for one in Finding.objects.filter(unit=province)] == ["SUSPECTED"]
    assert registered.unrecorded(district).count() == 1
    assert not Finding.objects.filter(handlers=None).exists()


def test_the_second_day_differs_from_the_first_and_the_second_release_too(election: Election) -> None:
    for tally in Tally.objects.filter(unit__code="64", window__instrument__code="penghitungan-tps"):
        day = tally.computed_at.date()
        before = snapshots.before(day, units=[tally.unit_id], windows=[tally.window_id])
        assert before[tally.unit_id, tally.window_id].counts["filed_count"] < tally.filed_count
    first, second = Publication.objects.order_by("number")
    assert first.cut_off < second.cut_off
    for code in (*rehearsal.LINE, "6472012001"):
        assert PublishedPage.objects.filter(election=election, code=code).count() == 2


def test_reports_came_back_came_late_and_were_flagged(election: Election) -> None:
    after = Report.objects.filter(revision__gt=1, obligation__state="APPROVED")
    assert after.exists()
    assert Obligation.objects.filter(state="RETURNED", report__correct_by__gt=F("report__filed_at")).exists()
    assert Obligation.objects.filter(first_filed_at__gt=F("due_at")).exists()
    assert Obligation.objects.filter(state="FILED").exists()
    assert Extension.objects.count() == 1
    assert {flag.resolved_at is None for flag in Flag.objects.filter(rule="reference")} == {True, False}
    assert Message.objects.filter(carrier="APP").exists()
    assert Membership.objects.filter(role=Role.ACTING).count() == 3
    assert set(ExportJob.objects.values_list("state", flat=True)) == {"DONE"}
