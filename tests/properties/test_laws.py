"""The laws of the design, held against any interleaving of what people do."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from dashboards.releases import actions as publish
from dashboards.releases import standing
from hierarchy.levels import Level
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Unit
from hierarchy.people import roster
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.calendar import actions as calendar
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing.models import Report
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup.fold import COUNTS
from reports.rollup.models import Tally
from reports.verify.queries import CHECKS
from tests.days import AFTERNOON, Day, fresh
from tests.released import contradictions, in_force

pytestmark = pytest.mark.django_db
STATIONS = ["6472012001001", "6472012001002", "6472012002001", "6401012001001", "6401022002901"]
INSTRUMENTS = ["pemungutan-tps", "penghitungan-tps"]
TREE_ACTS = ["move", "renumber", "add", "remove", "found", "close"]
# What people do, and to what; the verbs decide whether it is allowed. A refusal is as good as an act.
ACTS = st.tuples(
    st.sampled_from(
        [
            "file",
            "edit",
            "approve",
            "return",
            "withdraw",
            "attest",
            "retract",
            "extend",
            "vacate",
            "ratify",
            *TREE_ACTS,
        ]
    ),
    st.sampled_from(STATIONS),
    st.sampled_from(INSTRUMENTS),
    st.integers(0, 3),
)
REFUSALS = (
    intake.ReportRefused,
    review.ReviewError,
    PermissionDenied,
    Http404,
    calendar.CalendarError,
    Refusal,
    plenary.PlenaryError,
)


class World:
    """Carries out acts through the verbs, as whoever may."""

    def __init__(self, day: Day) -> None:
        self.day = day
        # By key: whatever becomes of their codes, people go on acting on the same stations.
        self.district = Unit.objects.get(code="647201").pk
        self.stations = dict(Unit.objects.filter(code__in=STATIONS).values_list("code", "pk"))
        self.acts: dict[str, Callable[[Obligation, int], object]] = {
            "file": self.file,
            "edit": self.edit,
            "approve": lambda obligation, _n: self.judge(obligation, review.approve),
            "return": lambda obligation, _n: self.judge(obligation, review.send_back, remarks={"": "periksa"}),
            "withdraw": lambda obligation, _n: self.judge(obligation, review.withdraw, reason="salah"),
            "attest": lambda obligation, _n: review.attest_unreachable(
                obligation=obligation, reason="tanpa sinyal", by=self.reviewer(obligation)
            ),
            "retract": lambda obligation, _n: review.retract_unreachable(
                obligation=obligation, by=self.reviewer(obligation)
            ),
            "extend": self.extend,
            "vacate": self.vacate,
            "ratify": self.ratify,
            "move": self.move,
            "renumber": self.renumber,
            "add": self.add,
            "remove": lambda obligation, _n: tree.remove(unit=_again(obligation.subject), by=None),
            "found": self.found,
            "close": self.close,
        }

    def act(self, verb: str, station: str, instrument: str, number: int) -> bool:
        obligations = Obligation.objects.for_intake().filter(window=self.day.windows[instrument])
        obligation = obligations.get(subject_id=self.stations[station])
        try:
            with transaction.atomic():
                self.acts[verb](obligation, number)
        except REFUSALS:
            return False
        return True

    def filer(self, obligation: Obligation) -> Any:
        membership = Membership.objects.filter(unit=obligation.filer).select_related("user").first()
        return fresh(membership.user) if membership else self.day.cast.pkd

    def reviewer(self, obligation: Obligation) -> Any:
        membership = Membership.objects.filter(unit_id=obligation.filer.parent_id).select_related("user").first()
        return fresh(membership.user) if membership else self.day.cast.ptps

    def file(self, obligation: Obligation, number: int) -> None:
        at = obligation.due_at + timedelta(minutes=number - 1)
        self.submit(obligation, uuid.uuid4(), None, at, number)

    def edit(self, obligation: Obligation, number: int) -> None:
        if report := Report.objects.filter(obligation=obligation).first():
            self.submit(obligation, report.pk, report.revision - number % 2, obligation.due_at, number)

    def submit(self, obligation: Obligation, report_id: uuid.UUID, based_on: int | None, at: Any, number: int) -> None:
        changes: dict[str, Any] = {"dihadiri_saksi": "tidak"} if number % 2 else {}
        if obligation.window.instrument.code == "pemungutan-tps":
            changes = {"intimidasi": "ya"} if number % 2 else {}
        intake.submit(
            by=self.filer(obligation),
            obligation_id=obligation.pk,
            report_id=report_id,
            answers=self.day.answers(obligation, **changes),
            based_on=based_on,
            channel="API",
            at=at,
        )

    def judge(self, obligation: Obligation, verb: Callable[..., None], **how: Any) -> None:
        report = Report.objects.for_review().filter(obligation=obligation).first()
        if report is not None:
            verb(report=report, seen=bytes(report.sha256), by=self.reviewer(obligation), **how)

    def extend(self, obligation: Obligation, number: int) -> None:
        area = Unit.objects.get(
            pk=[obligation.subject.pk, obligation.subject.village_id, obligation.subject.regency_id][number % 3]
        )
        due = obligation.window.due_at + timedelta(hours=1 + number)
        obligations.extend(
            window=obligation.window,
            area=area,
            due_at=due,
            closes_at=max(due, obligation.window.closes_at),
            reason="banjir",
            by=fresh(self.day.cast.admin),
        )

    def vacate(self, obligation: Obligation, number: int) -> None:
        until = date(2030, 1, 1) if number % 2 else date(2024, 2, 1)
        for membership in Membership.objects.filter(unit=obligation.filer).select_related("unit__election", "user"):
            roster.end(membership=membership, until=until, by=None)
        obligations.refresh_vacancies()

    def ratify(self, obligation: Obligation, number: int) -> None:
        """A whole plenary of the district, from the call to the minutes."""
        members = [fresh(user) for user in self.day.cast.district_members]
        meeting = plenary.call(
            unit=_again(self.district),
            windows=[obligation.window],
            meets_at=AFTERNOON,
            place="Kantor",
            public=False,
            reason="diminta hari ini",
            by=members[0],
        )
        for member in members:
            sitting.arrive(plenary=meeting, member=member, by=member)
        meeting = plenary.open_(plenary=meeting, by=members[0])
        item = meeting.items.select_related("plenary__unit__election", "window").get()
        for member in members:
            plenary.vote(item=item, choice="AGREE", seen=bytes(item.sha256), by=member)
        plenary.decide(item=item, by=members[0])
        plenary.close(plenary=meeting, minutes_number=f"{meeting.pk}", notes="", by=members[0])

    def move(self, obligation: Obligation, number: int) -> None:
        """The station goes to another village, or its village to another district, under a new code, for good."""
        level, digits = (Level.VILLAGE, "77") if number % 2 else (Level.DISTRICT, "207")
        moved = _again(obligation.subject if number % 2 else obligation.subject.village)
        parents = Unit.objects.filter(election=self.day.election, level=level).order_by("code")
        parent = parents[(number * 3 + len(moved.name)) % 4]
        tree.move(unit=moved, parent=parent, by=None, code=f"{parent.code}{digits}{number}")

    def renumber(self, obligation: Obligation, number: int) -> None:
        """The station, its village or its district gets another code where it is; 3: the code it began with."""
        village = _again(obligation.subject).village
        unit, code = [
            (obligation.subject, f"{village.code}55{number}"),
            (village, f"{village.code[:6]}2055"),
            (village.district, f"{village.code[:4]}55"),
            (village, f"{village.code[:6]}2001"),
        ][number]
        tree.move(unit=_again(unit), parent=_again(unit).parent, by=None, code=code)

    def add(self, obligation: Obligation, number: int) -> None:
        """A new station, also under the code that an old one had."""
        village = _again(obligation.subject).village
        code = f"{village.code}{['001', f'80{number}', '002', f'80{number}'][number]}"
        tree.add_child(parent=_again(village), row=UnitRow(code, f"TPS {code[-3:]}", "tps"), by=None)

    def found(self, obligation: Obligation, number: int) -> None:
        """A new village, without stations: it may be closed again."""
        district = _again(obligation.subject).district
        code = f"{district.code}{['2001', '2002', '2055', '2066'][number]}"
        tree.add_child(parent=_again(district), row=UnitRow(code, "Batu Cermin", "desa"), by=None)

    def close(self, _obligation: Obligation, number: int) -> None:
        empty = Unit.objects.filter(election=self.day.election, level=Level.VILLAGE, name="Batu Cermin")
        if chosen := list(empty.order_by("code")):
            tree.remove(unit=_again(chosen[number % len(chosen)]), by=None)


def _again(thing: Any) -> Unit:
    pk = thing if isinstance(thing, int) else thing.pk
    return Unit.objects.with_ancestors().get(pk=pk)


def broken() -> list[str]:
    return [sentence for check in CHECKS.values() for sentence in check()]


class Releases:
    """Releases, and what the public was told of each code: a unit, which one, or its fate."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.had: dict[str, int] = {}  # code -> the unit that had it when it last had a page with figures

    def make(self) -> None:
        made = publish.publish(election=self.day.election, by=None)
        assert list(contradictions(made)) == []
        units = dict(Unit.objects.filter(election=self.day.election).values_list("code", "pk"))
        pages, codes = in_force(made), {pk: code for code, pk in units.items()}
        self.had |= units
        assert pages.keys() == self.had.keys()
        for code, unit in self.had.items():
            if code in units:
                assert "fate" not in pages[code]
            else:
                lives = codes.get(unit)
                assert (pages[code]["fate"], pages[code]["successor"]) == ("RENUMBERED" if lives else "CLOSED", lives)
        listed = [row["code"] for page in pages.values() for row in page["children"]]
        assert sorted([*listed, "64"]) == sorted(units), "each living unit once"


def restart(*, connections: bool) -> None:
    """What a process has in its memory is gone."""
    for kept_in_memory in (rollup.fold_sql, standing._sql):
        kept_in_memory.cache_clear()
    caches["pages"].clear()
    if connections:
        connection.close()
    else:
        connection.cursor().execute("DISCARD PLANS")


class Life(RuleBasedStateMachine):
    """People act in any order; whenever the marks have been folded, every tally is the fold of what lies beneath, and
    every release is, whether they have been or not."""

    day: Day

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        # The isolation that a release asks for: it may not be changed once a transaction has begun.
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.world, self.releases = World(self.day), Releases(self.day)

    @rule(acts=st.lists(ACTS, min_size=1, max_size=4))
    def act(self, acts: list[tuple]) -> None:
        for act in acts:
            self.world.act(*act)

    @rule()
    def tick(self) -> None:
        tick(self.day)

    @rule()
    def release(self) -> None:
        self.releases.make()

    @rule()
    def restart(self) -> None:
        restart(connections=False)

    def teardown(self) -> None:
        try:
            self.releases.make()
            assert list(publish.broken()) == []
            tick(self.day)
            assert broken() == []
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)


def tick(day: Day) -> None:
    rollup.run_all()
    for window in day.windows.values():
        assert folded(window) == kept(window)


def live(day: Day, lives: int, acts: int) -> None:
    day.settings.PUBLICATION_KEY = "11" * 32
    machine = type("Life", (Life,), {"day": day})
    calm = settings(
        max_examples=lives, stateful_step_count=acts, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=calm)


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_every_tally_and_every_release_is_the_fold_of_what_lies_beneath(election_day: Day):
    live(election_day, lives=10, acts=12)


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_whatever_happens_for_long_every_tally_and_every_release_is_the_fold(election_day: Day):
    live(election_day, lives=2_000, acts=15)


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_between_restarts_every_release_is_the_fold(election_day: Day):
    """As above, committed for real, on a new connection after every few acts."""
    election_day.settings.PUBLICATION_KEY = "11" * 32
    world, releases, chance = World(election_day), Releases(election_day), Random(14)
    verbs = list(world.acts)
    for _ in range(12):
        for _ in range(5):
            world.act(chance.choice(verbs), chance.choice(STATIONS), chance.choice(INSTRUMENTS), chance.randrange(4))
        restart(connections=True)
        releases.make()
        if chance.random() < 0.3:
            tick(election_day)
    assert list(publish.broken()) == []


def kept(window: Window) -> dict[str, tuple]:
    """Unit code -> counts and sums as the tallies have them; empty tallies are no tallies."""
    return {
        tally.unit.code: (*(getattr(tally, name) for name in COUNTS), tuple(tally.filed), tuple(tally.approved))
        for tally in Tally.objects.filter(window=window, expected__gt=0).select_related("unit")
    }


def folded(window: Window) -> dict[str, tuple]:
    """The same in plain Python, by code prefix, straight from obligations and reports: nothing shared with rollup."""
    width = window.version.width
    found: dict[str, list] = defaultdict(lambda: [0] * len(COUNTS) + [[0] * width, [0] * width])
    for obligation in Obligation.objects.filter(window=window).select_related("subject", "report"):
        code, report = obligation.subject.code, getattr(obligation, "report", None)
        for prefix in (2, 4, 6, 10):
            row = found[code[:prefix]]
            row[0] += 1
            row[1] += report is not None
            row[2] += report is not None and obligation.first_filed_at <= obligation.due_at
            row[3] += obligation.state == State.APPROVED
            row[4] += obligation.state == State.RETURNED
            row[5] += obligation.state == State.VACANT
            row[6] += obligation.state == State.UNREACHABLE
            if report is not None:
                row[7] = [a + b for a, b in zip(row[7], report.vector, strict=True)]
            if obligation.state == State.APPROVED:
                row[8] = [a + b for a, b in zip(row[8], report.vector, strict=True)]
    return {code: (*row[:7], tuple(row[7]), tuple(row[8])) for code, row in found.items()}


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=st.lists(ACTS.filter(lambda act: act[0] not in TREE_ACTS), min_size=3, max_size=12))
def test_whatever_happens_no_filer_approves_and_an_approval_is_of_what_stands(election_day: Day, acts: list[tuple]):
    with transaction.atomic():
        world = World(election_day)
        for act in acts:
            world.act(*act)
        for report in Report.objects.filter(approved_by__isnull=False):
            assert not report.revisions.filter(filed_by=report.approved_by).exists()
            assert bytes(report.approved_sha256) == bytes(report.sha256)
        transaction.set_rollback(True)
