"""A day of reminders with real beat, worker, mail server and gateway: every rung once, level by level, whoever dies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hierarchy.lib.clock import WITA
from tests.faults.post import Gateway, Letters
from tests.faults.processes import wait_for
from tests.faults.world import World, WorldObligation

DUE = datetime(2024, 2, 14, 18, 0, tzinfo=WITA)
STATIONS = 8
HIRE = """
from hierarchy.people import roster
from hierarchy.models import Election, Role, Unit, User
from hierarchy.people.roster import RosterRow
from tests.cast import SINCE
levels = {1: Role.CHAIR, 2: Role.CHAIR, 3: Role.SUPERVISOR}
above = Unit.objects.filter(level__in=levels)
rows = [RosterRow(u.code, u.code, levels[u.level], "0800" + u.code, username=u.code, since=SINCE) for u in above]
roster.load(election=Election.objects.get(code="pemilu2024"), rows=rows, by=None)
for user in User.objects.all():
    User.objects.filter(pk=user.pk).update(email=user.username + "@example.id")
"""


class PostedWorld(World):
    """A small world in which everybody up to the regency has an address, and the clock can be moved."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder, STATIONS)
        self.worker = self.reminders
        self.letters, self.gateway = Letters(), Gateway()

    @property
    def services(self) -> list[Any]:
        return [self.worker, self.beat]  # nobody files over HTTP here but through `web`, started when it is needed

    def begin(self) -> None:
        super().begin()
        self.manage("shell", "-v", "0", feed=HIRE)

    def at(self, moment: datetime) -> None:
        """Worker and beat are stopped the hard way and come back at another time of the day."""
        told = {"EMAIL_URL": self.letters.url, "GATEWAY_URL": self.gateway.url}
        offset = (moment - datetime.now(UTC)).total_seconds()
        for service in self.services:
            service.kill_all()
            service.start(CLOCK_OFFSET=str(offset), **told)
        for service in self.services:
            service.await_ready()

    def close(self) -> None:
        self.letters.shutdown()
        self.letters.server_close()
        self.gateway.shutdown()
        self.gateway.server_close()
        self.web.kill_all()
        super().close()

    def rungs(self) -> dict[str, int]:
        return dict(self.ask("SELECT rung, count(*) FROM reports_notice GROUP BY 1"))

    def told(self, address: str) -> list[str]:
        return self.letters.to(f"{address}@example.id")

    def file_at(self, obligation: WorldObligation, moment: datetime) -> None:
        self.web.kill_all()
        self.web.start(CLOCK_OFFSET=str((moment - datetime.now(UTC)).total_seconds()))
        self.web.await_ready()
        self.file(obligation)

    def nobody_twice(self) -> None:
        """Each message left once at most, and what left is what the log says."""
        mails = self.ask("SELECT address, subject FROM reports_message WHERE carrier = 'EMAIL' AND state <> 'DROPPED'")
        got = [(name, str(letter["Subject"])) for name, letter in self.letters.letters]
        assert sorted(got) == sorted(set(got)), "somebody got the same letter twice"
        assert set(got) <= {(name, subject) for name, subject in mails}
        assert len(self.gateway.taken) == len(set(self.gateway.taken))


@pytest.fixture
def posted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostedWorld]:
    world = PostedWorld(tmp_path_factory.mktemp("posted"))
    try:
        world.begin()
        yield world
    finally:
        world.close()


def voting(world: PostedWorld) -> list[WorldObligation]:
    """The obligations that are due at 18.00."""
    due = {row[0] for row in world.ask("SELECT id FROM reports_obligation WHERE due_at = %s", DUE)}
    return [obligation for obligation in [*world.obligations, *sum(world.pairs, ())] if obligation.obligation in due]


def settled(world: PostedWorld) -> bool:
    return not world.ask("SELECT 1 FROM reports_message WHERE state IN ('WAITING', 'SENDING')")


@pytest.mark.full
def test_a_day_of_reminders_climbs_the_ladder_once_and_stops_on_filing(posted: PostedWorld) -> None:
    obligations = voting(posted)
    quick, late, silent = obligations[0], obligations[1], obligations[-1]
    everybody = len(obligations)
    posted.at(DUE - timedelta(minutes=60))
    wait_for("the first rung", lambda: posted.rungs().get("h-60") == everybody and settled(posted))
    assert all(len(posted.told(obligation.unit)) == 1 for obligation in obligations)
    assert len(posted.gateway.to(f"628{quick.unit}")) == 1
    posted.file_at(quick, DUE - timedelta(minutes=20))

    posted.at(DUE)
    wait_for("the deadline", lambda: posted.rungs().get("h0") == everybody - 1 and settled(posted))
    assert posted.rungs()["h0-atasan"] == everybody - 1
    assert len(posted.told(quick.unit)) == 1, "who has filed hears nothing more"
    assert [len(posted.told(silent.unit[:digits])) for digits in (10, 6, 4)] == [1, 0, 0]
    posted.file_at(late, DUE + timedelta(minutes=10))

    posted.at(DUE + timedelta(minutes=30))
    wait_for("half an hour late", lambda: posted.rungs().get("h+30") == everybody - 2 and settled(posted))
    assert [len(posted.told(silent.unit[:digits])) for digits in (10, 6, 4)] == [1, 1, 0]
    assert len(posted.told(late.unit)) == 2

    posted.at(DUE + timedelta(minutes=120))
    wait_for("two hours late", lambda: posted.rungs().get("h+120") == everybody - 2 and settled(posted))
    assert [len(posted.told(silent.unit[:digits])) for digits in (10, 6, 4)] == [1, 1, 1]
    posted.at(DUE + timedelta(minutes=125))
    ticks = "SELECT count(*) FROM reports_notice"
    before = posted.ask(ticks)
    wait_for("beat has sent two more ticks", lambda: posted.beat.text().count("remind") >= 2)
    assert posted.ask(ticks) == before
    posted.nobody_twice()


def test_a_worker_killed_while_sending_sends_nothing_twice_and_the_rest_still_goes_out(posted: PostedWorld) -> None:
    obligations = voting(posted)
    posted.letters.hang.set()
    posted.at(DUE - timedelta(minutes=60))
    posted.send("remind", times=2)  # beside beat's own
    assert posted.letters.hanging.wait(60), "nothing was sent"
    posted.worker.kill_all()
    posted.letters.hang.clear()
    [(held,)] = posted.ask("SELECT count(*) FROM reports_message WHERE state = 'SENDING'")
    assert held >= 1
    posted.at(DUE - timedelta(minutes=45))  # later than a claim may last: what was being sent is given up
    wait_for("the rest has gone out", lambda: settled(posted))
    posted.nobody_twice()
    [(unsure,)] = posted.ask("SELECT count(*) FROM reports_message WHERE state = 'UNSURE'")
    assert unsure == held, "all that was claimed by the dead, and nothing else"
    assert posted.rungs() == {"h-60": len(obligations)}
    posted.send("remind", times=3)
    posted.nobody_twice()
