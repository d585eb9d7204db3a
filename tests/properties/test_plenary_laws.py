"""Laws of the plenary, whatever members do in whatever order: no ratification without quorum, one member one vote,
ratified figures never change, versions are 1..n, and the hash is of the figures that are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.models import Membership, Role, Unit, User
from reports.bodies import queries as bodies
from reports.filing.models import Report
from reports.obligations.models import State
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import queries as ratified
from reports.plenary import sheet, table
from reports.plenary.models import AgendaItem, Minutes, Plenary, Vote
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.verify import decided as verify_decided
from tests.cast import SINCE
from tests.days import AFTERNOON, Day, fresh

pytestmark = pytest.mark.django_db
CODE = "647201"
WHO = ("chair", "second", "third", "operator", "stranger", "pkd")
REFUSALS = (plenary.PlenaryError, PermissionDenied, Http404, review.ReviewError)
MOST = ["arrive", "arrive", "arrive", "open", "vote", "vote", "vote", "vote", "decide", "decide"]
ACTS = st.tuples(
    st.sampled_from(
        [
            *MOST,
            "call",
            "leave",
            "refresh",
            "postpone",
            "close",
            "cancel",
            "report",
            "approve",
            "again",
            "grow",
            "shrink",
            "preside",
        ]
    ),
    st.sampled_from(WHO),
    st.integers(0, 5),
)


class Body:
    """A district committee and whoever tries their hand at its plenary. Refusals are part of life."""

    def __init__(self, day: Day) -> None:
        self.day = day
        chair, second, third = day.cast.district_members
        self.people: dict[str, User] = {
            "chair": chair, "second": second, "third": third, "operator": day.cast.panwascam_operator,
            "stranger": day.cast.stranger_member, "pkd": day.cast.pkd,
        }  # fmt: skip
        self.unit = Unit.objects.select_related("election").get(election=day.election, code=CODE)
        self.kept: dict[int, tuple[Any, ...]] = {}
        self.files: dict[int, bytes] = {}
        self.decisions: list[tuple[int, int]] = []
        rollup.run_pending()
        self.call("chair", 0)

    def act(self, verb: str, who: str, number: int) -> None:
        act: Callable[[str, int], Any] = getattr(self, verb)
        try:
            with transaction.atomic():
                act(who, number)
        except REFUSALS:
            pass
        rollup.run_pending()
        self.check()

    def by(self, who: str) -> User:
        return fresh(self.people[who])

    @property
    def meeting(self) -> Plenary:
        return Plenary.objects.select_related("unit__election").order_by("-pk")[0]

    def item(self) -> AgendaItem:
        return AgendaItem.objects.select_related("plenary__unit__election", "window").order_by("-pk")[0]

    def call(self, who: str, _n: int) -> None:
        plenary.call(
            unit=self.unit, windows=[self.day.windows["pemungutan-tps"]], meets_at=AFTERNOON, place="Kantor",
            public=False, by=self.by(who), reason="",
        )  # fmt: skip

    def arrive(self, who: str, number: int) -> None:
        sitting.arrive(
            plenary=self.meeting, member=self.by(WHO[number]), by=self.by(who if number > 2 else WHO[number])
        )

    def leave(self, who: str, _n: int) -> None:
        sitting.leave(plenary=self.meeting, member=self.by(who), by=self.by(who))

    def preside(self, who: str, _n: int) -> None:
        plenary.preside(plenary=self.meeting, by=self.by(who))

    def open(self, who: str, _n: int) -> None:
        plenary.open_(plenary=self.meeting, by=self.by(who), presider=self.by(who))

    def vote(self, who: str, number: int) -> None:
        item = self.item()
        seen = bytes(item.sha256) if number else bytes(32)
        choice = ("AGREE", "AGREE", "AGREE", "AGREE", "DISAGREE", "ABSTAIN")[number]
        plenary.vote(item=item, choice=choice, seen=seen, dissent="tidak cocok", by=self.by(who))

    def decide(self, who: str, number: int) -> None:
        item = self.item()
        members = bodies.members_of(self.unit)
        present = len(sitting.present_at(item.plenary, members))
        reason = "diminta hari ini" if number else ""
        decided = plenary.decide(item=item, by=self.by(who), reason=reason)
        assert decided.present == present
        self.decisions.append((present, len(members)))

    def refresh(self, who: str, _n: int) -> None:
        table.refresh(item=self.item(), by=self.by(who))

    def postpone(self, who: str, _n: int) -> None:
        plenary.postpone(item=self.item(), note="nanti", by=self.by(who))

    def close(self, who: str, number: int) -> None:
        plenary.close(plenary=self.meeting, minutes_number=f"{self.meeting.pk}-{number}", notes="", by=self.by(who))

    def cancel(self, who: str, _n: int) -> None:
        plenary.cancel(plenary=self.meeting, reason="batal", by=self.by(who))

    def report(self, _who: str, number: int) -> None:
        """A figure below changes: a first report, or a correction that undoes its approval."""
        standing = Report.objects.filter(obligation=self.day.obligation()).first()
        more = {"report_id": standing.pk, "based_on": standing.revision} if standing else {}
        self.day.file(self.day.cast.ptps, surat_rusak=number, **more)

    def approve(self, who: str, _n: int) -> None:
        """Anybody tries, the filer too."""
        report = Report.objects.for_page().filter(obligation=self.day.obligation()).first()
        if report is None:
            return
        by = self.day.cast.ptps if who == "stranger" else self.people[who]
        review.approve(report=report, seen=bytes(report.sha256), by=fresh(by))

    def again(self, who: str, number: int) -> None:
        """Ends what runs and calls the next one, so that second versions come about."""
        self.close("chair", number)
        self.call(who, number)

    def grow(self, _who: str, _n: int) -> None:
        """The body gets a fourth and a fifth member, while it sits or before."""
        if len(bodies.members_of(self.unit)) < 5:
            user = User.objects.create(username=f"baru-{User.objects.count()}", name="Baru")
            Membership.objects.create(user=user, unit=self.unit, role=Role.MEMBER, since=SINCE)

    def shrink(self, who: str, _n: int) -> None:
        """Somebody's term ended yesterday, while the body sits or before."""
        Membership.objects.filter(user=self.people[who], unit=self.unit, role__in=bodies.BODY_ROLES).update(
            until=AFTERNOON.date() - timedelta(days=1)
        )

    def check_list(self) -> None:
        """Only members sign; whoever is listed sat there when it opened, or came while they did."""
        meeting = self.meeting
        members = {membership.user.name for membership in bodies.members_of(self.unit)}
        if meeting.state in ("CALLED", "OPEN"):
            said = sheet.data(meeting)
            assert {row[1] for row in said["signed"]} <= members
            listed = {row[1]: row[3] for row in said["attendance"]}
            assert meeting.state == "OPEN" or set(listed) == members

    def check_told(self) -> None:
        """Once a life: the journal is append-only, so what it tells wrongly stays wrong."""
        assert [told for told in verify_decided.broken_meetings() if "was there" in told or "was absent" in told] == []

    def check(self) -> None:
        self.check_list()
        assert list(ratified.broken()) == []
        for item in AgendaItem.objects.filter(decision="RATIFIED"):
            assert item.reason, "six reports are never all approved here, and 15.00 is before the deadline"
            values = (item.shown, bytes(item.sha256), item.filed, item.approved, item.version, item.decided_at)
            assert self.kept.setdefault(item.pk, values) == values, "a ratified figure changed"
        files = {row.plenary_id: bytes(row.pdf) for row in Minutes.objects.all()}
        assert set(files) == set(Plenary.objects.filter(state="CLOSED").values_list("pk", flat=True))
        assert {key: files.get(key) for key in self.files} == self.files, "minutes changed"
        self.files = files
        versions = AgendaItem.objects.filter(decision="RATIFIED").order_by("pk").values_list("version", flat=True)
        assert list(versions) == list(range(1, len(versions) + 1))
        assert all(present * 2 > members for present, members in self.decisions), "decided without a quorum"
        votes = list(Vote.objects.values_list("item_id", "user__username"))
        assert len(votes) == len(set(votes))
        assert {name for _item, name in votes} <= {user.username for user in self.day.cast.district_members}
        for report in Report.objects.filter(approved_by__isnull=False):
            assert not report.revisions.filter(filed_by=report.approved_by).exists()
            assert report.obligation.state == State.APPROVED


def live(day: Day, lives: int, acts: int) -> None:
    @settings(
        max_examples=lives, deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip
    @given(st.lists(ACTS, min_size=acts // 2, max_size=acts))
    def run(life: list[tuple[str, str, int]]) -> None:
        with transaction.atomic():
            body = Body(day)
            for act in life:
                body.act(*act)
            body.check_told()
            transaction.set_rollback(True)

    run()


def test_whatever_members_do_what_is_ratified_had_a_quorum_and_stays(election_day: Day) -> None:
    live(election_day, lives=6, acts=25)


@pytest.mark.full
def test_whatever_members_do_for_long_what_is_ratified_had_a_quorum_and_stays(election_day: Day) -> None:
    live(election_day, lives=80, acts=60)


def test_the_laws_are_about_plenaries_that_do_ratify(election_day: Day) -> None:
    """Twice over, with a change between: else the laws above could hold because nothing is ever decided."""
    body = Body(election_day)
    round_ = [("arrive", "chair", 0), ("arrive", "second", 1), ("open", "chair", 0), ("vote", "chair", 1)]
    round_ += [("vote", "second", 1), ("decide", "chair", 1), ("report", "pkd", 3)]
    round_ += [("approve", "pkd", 0), ("again", "chair", 0)]
    for act in [*round_, *round_]:
        body.act(*act)
    assert sorted(AgendaItem.objects.filter(decision="RATIFIED").values_list("version", flat=True)) == [1, 2]
