"""The made-up country reports by the real verbs, and its answers are always good ones."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election, Membership, Unit, User
from hierarchy.rehearsal.nation import counts
from hierarchy.units import tree
from reports.calendar import actions as calendar
from reports.calendar.models import Window
from reports.filing.bulk import Filing, import_filings
from reports.filing.models import Report
from reports.instruments.codec import decode
from reports.instruments.schema import CellKind
from reports.instruments.xlsform import read
from reports.obligations.models import Obligation, State
from reports.rehearsal import nation
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from reports.verify.queries import CHECKS

SCHEMA = read(nation.SOURCE)


@settings(max_examples=300)
@given(seed=st.integers(0, 2**64))
def test_made_up_answers_are_always_accepted(seed: int):
    content = decode(SCHEMA, answers=nation.answers(Random(seed)))
    assert content.reasons == {}
    assert len(content.answers) == 30


def test_the_instrument_adds_up_thirty_numbers():
    kinds = [cell.kind for cell in SCHEMA.layout]
    assert (kinds.count(CellKind.SUM), kinds.count(CellKind.ANSWERED), len(kinds)) == (30, 30, 60)


@given(seed=st.integers(0, 2**64))
def test_a_report_id_is_a_uuid_of_its_moment(seed: int):
    now = clock.now()
    made = nation.report_id(now, Random(seed))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(now.timestamp() * 1000)
    assert nation.report_id(now + timedelta(seconds=1), Random(seed)) > made


@pytest.mark.django_db
def test_the_whole_country_reports():
    seen: dict[str, tuple[int, int]] = {}
    election = nation.build(
        stations=120, windows=2, progress=lambda step, done, total: seen.update({step: (done, total)})
    )
    size = counts(120)
    assert election.units.count() == sum(size.values())
    assert Membership.objects.filter(unit__level=Level.VILLAGE).count() == size[Level.VILLAGE]
    assert Report.objects.count() == Obligation.objects.count() == 2 * 120
    assert set(Obligation.objects.values_list("state", flat=True)) == {State.FILED}
    assert {step: done for step, (done, total) in seen.items() if done == total} == {
        "tree": sum(size.values()),
        "people": size[Level.VILLAGE],
        "windows": 2,
        "reports": 120,
    }
    rollup.run_all()
    assert tree.check(election) == []
    assert [sentence for check in CHECKS.values() for sentence in check()] == []
    top = Tally.objects.filter(unit__level=Level.PROVINCE)
    assert [tally.filed_count for tally in top] == [120, 120]
    assert [tally.on_time for tally in top] == [120, 120]


@pytest.mark.django_db
def test_a_share_leaves_the_rest_to_be_filed():
    election = nation.build(stations=200, reports=False)
    window = Window.objects.select_related("election").get()
    first = nation.file_all(window, share=0.3).filed
    assert 30 <= first <= 90
    assert nation.file_all(window).filed == 200 - first
    assert election.windows.get().pk == window.pk


@pytest.mark.django_db
def test_supervisors_file_for_their_own_village_only():
    election = nation.build(stations=120, reports=False)
    people = nation.supervisors(Unit.objects.get(election=election, level=Level.PROVINCE))
    owed = Obligation.objects.order_by("pk")[0]
    stranger = next(user for unit, user in people.items() if unit != owed.filer_id)
    filing = Filing(stranger, owed.pk, nation.report_id(clock.now(), Random(1)), nation.answers(Random(1)))
    assert [outcome.code for outcome in import_filings(filings=[filing]).refused] == ["not-found"]


@pytest.mark.django_db
def test_no_real_election_gets_a_window_of_the_load_test():
    nation.found()
    calendar.load()
    for election in Election.objects.exclude(code=nation.CODE):
        calendar.plan(election=election)
        assert not Window.objects.filter(election=election, instrument__code=nation.ENTRY.code).exists()


@pytest.mark.django_db
def test_hiring_reads_the_roster_of_one_province_only():
    """A load costs what its province costs: nobody of another province is read."""
    election = nation.build(stations=120, reports=False)
    elsewhere = User.objects.create(username="9901012001", name="Di tempat lain")
    read_names: list[str] = []
    original = User.from_db.__func__

    class Spy:
        def __get__(self, instance, owner):
            def from_db(db, fields, values):
                user = original(owner, db, fields, values)
                read_names.append(user.username)
                return user

            return from_db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(User, "from_db", Spy())
        nation.hire(election)
    assert read_names
    assert elsewhere.username not in read_names


@pytest.mark.django_db
def test_the_command_refuses_a_deployment_and_a_database_in_use(settings):
    call_command("simulate", "nation", "--stations", "40", stdout=StringIO())
    assert Report.objects.count() == 40
    with pytest.raises(CommandError, match="--fresh"):
        call_command("simulate", "nation", "--stations", "40", stdout=StringIO())
    settings.DEPLOYED = True
    with pytest.raises(CommandError, match="DEPLOYED"):
        call_command("simulate", "nation", "--stations", "40", "--fresh", stdout=StringIO())
    assert Report.objects.count() == 40
