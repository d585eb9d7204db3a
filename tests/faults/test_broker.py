"""The broker forgets, dies or hangs: filing goes on as if nothing were, and the figures come when it is back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import redis

from hierarchy.lib import jobs
from reports.rollup import outbox
from tests.faults.processes import wait_for
from tests.faults.world import World, folding


def flush(world: World) -> None:
    with redis.Redis.from_url(world.valkey.url()) as broker:
        broker.flushall()


@dataclass(frozen=True)
class Fault:
    begin: Callable[[World], None]
    end: Callable[[World], None] = lambda _world: None


FAULTS = {
    "flushed": Fault(flush),
    "down": Fault(lambda world: world.valkey.kill(), lambda world: world.valkey.start()),
    "silent": Fault(
        lambda world: os.kill(world.valkey.pid, signal.SIGSTOP), lambda world: os.kill(world.valkey.pid, signal.SIGCONT)
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("reports", "outage"),
    [pytest.param(40, 2.0, id="short"), pytest.param(400, 60.0, id="long", marks=pytest.mark.full)],
)
def test_filing_does_not_need_the_broker(world: World, fault: str, reports: int, outage: float) -> None:
    with world.surge(world.take(reports)) as surge:
        surge.await_share(0.2)
        FAULTS[fault].begin(world)
        try:
            surge.await_share(1.0)  # every report has its receipt while the broker is away
            time.sleep(outage)
        finally:
            FAULTS[fault].end(world)
    assert {receipt.status for receipt in surge.told} == {201}, "no phone had to try twice"
    world.check()


def test_a_broker_that_failed_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is silent costs whoever asks it seconds: asked at every filing, it would stop the whole server."""
    tried: list[float] = []
    moment = 1_000.0

    def send(*_args: object, **_options: object) -> None:
        tried.append(moment)
        raise TimeoutError

    monkeypatch.setattr(jobs, "send", send)
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: moment))
    monkeypatch.setattr(outbox, "_free_at", 0.0)
    for _filing in range(5):
        outbox.wake()
        moment += 2.0  # as long as a broker is waited for
    assert tried == [1_000.0]


def test_a_worker_with_a_task_in_its_hands_outlives_the_broker(world: World) -> None:
    (obligation,) = world.take(1)
    before = world.processes()
    with world.hold(folding(obligation.village)) as held:
        world.file(obligation)
        held.await_waiting()
        world.valkey.kill()
        wait_for("the worker has noticed", lambda: "Connection to broker lost" in world.worker.text())
        world.valkey.start()
    world.check()
    assert world.processes() == before, "nothing had to be started anew"
