"""The clock of the web server is set back by an hour: receipts, figures and seals go on."""

from __future__ import annotations

from datetime import datetime

from tests.faults.processes import wait_for
from tests.faults.world import World

HOUR = 3_600.0


def seal(world: World) -> None:
    before = world.count("seal")
    world.send("seal_journal")
    wait_for("the journal is sealed", lambda: world.count("seal") > before)


def restart(world: World, offset: float) -> None:
    world.web.kill_all()
    world.web.start(CLOCK_OFFSET=str(offset))
    world.web.await_ready()


def test_a_clock_set_back_harms_nothing(world: World) -> None:
    edited, new, later = world.take(3)
    first = world.file(edited)
    seal(world)
    restart(world, world.stack.offset - HOUR)
    try:
        fresh = world.file(new)
        assert datetime.fromisoformat(fresh.filed_at) < datetime.fromisoformat(first.filed_at), "it was set back"
        revised = world.file(edited, 1, report=first.report, based_on=1)
        assert (revised.status, revised.revision) == (201, 2)
        assert world.file(new, report=fresh.report).sha256 == fresh.sha256
        seal(world)
        world.check()
    finally:
        restart(world, world.stack.offset)
    world.file(later)
    seal(world)
    negative = (
        "SELECT id FROM reports_tally WHERE LEAST(expected, filed_count, on_time, approved_count, returned, vacant, "
        "unreachable, expected - filed_count - vacant - unreachable, filed_count - on_time) < 0"
    )
    assert world.ask(negative) == []
    world.check()
