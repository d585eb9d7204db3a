"""PostgreSQL is killed in the middle of a surge: no receipt is lost, and everything that used it heals by itself."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.faults.processes import kill
from tests.faults.world import World


def kill_server(world: World, outage: float = 0.0) -> None:
    """Every process of it at once; it stays away for `outage` seconds and recovers from its log."""
    world.postgres.kill()
    time.sleep(outage)
    world.postgres.start()


def kill_backends(world: World, outage: float = 0.0) -> None:
    """Those that serve connections, at random: the server drops all others and recovers on its own."""
    pids = [pid for (pid,) in world.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")]
    kill(Random(7).sample(pids, 2))


@pytest.mark.parametrize(
    ("harm", "reports", "rounds", "outage"),
    [
        pytest.param(kill_backends, 60, 1, 0.0, id="backends"),
        pytest.param(kill_server, 60, 1, 2.0, id="server"),
        pytest.param(kill_server, 1_200, 3, 20.0, id="server-thrice", marks=pytest.mark.full),
    ],
)
def test_a_surge_outlives_the_database(world: World, harm, reports: int, rounds: int, outage: float) -> None:
    before = world.processes()
    with world.surge(world.take(reports)) as surge:
        for number in range(1, rounds + 1):
            surge.await_share(0.8 * number / rounds)
            harm(world, outage)
    assert len(surge.told) == reports
    world.check()
    assert world.processes() == before, "nothing had to be started anew"


@pytest.mark.full
def test_an_evening_on_which_everything_dies_in_turn(world: World) -> None:
    """2,000 reports, three rounds in which web, workers, broker and database are killed one after the other."""
    with world.surge(world.take(2_000)) as surge:
        for number in range(1, 4):
            surge.await_share(0.3 * number - 0.1)
            for victim in (world.worker.kill_all, world.web.kill_all, world.valkey.kill, world.postgres.kill):
                victim()
                world.supervise()
    assert len(surge.told) == 2_000
    world.check()
