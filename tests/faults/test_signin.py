"""A flood of sign-ins at the real web processes: passwords are hashed in turns, and filing does not wait for them."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import make_password

from hierarchy.lib.locks import Lock
from hierarchy.signin.hashing import Lane
from tests.faults.processes import HOST
from tests.faults.world import World, WorldObligation

PASSWORD = "perahu-merah-dua"
STRANGERS, EACH = 16, 6  # clients at once, and how often each tries
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s"


@pytest.fixture
def obligations(world: World) -> Iterator[list[WorldObligation]]:
    """Of people who have a password; one of them for each stranger to guess at.

    Nobody activated an account with it, which `verify` rightly names: it is taken back before the world is checked.
    """
    taken = world.take(4)
    before = dict(world.ask("SELECT id, password FROM hierarchy_user"))
    world.ask("UPDATE hierarchy_user SET password = %s RETURNING id", make_password(PASSWORD))
    yield taken
    for pk, password in before.items():
        world.ask("UPDATE hierarchy_user SET password = %s WHERE id = %s RETURNING id", password, pk)
    world.check()


@contextlib.contextmanager
def somebody_hashes(world: World, lane: Lane) -> Iterator[None]:
    with contextlib.closing(psycopg.connect(world.postgres.url(), autocommit=True)) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (Lock.HASHING, lane))
        yield


def call(world: World, method: str, path: str, sent: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
    with contextlib.closing(world.line()) as line:
        body = json.dumps(sent) if sent else None
        line.request(method, path, body, {"Host": HOST, "Content-Type": "application/json", **headers})
        answer = line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, json.loads(answer.read())


def sign_in(world: World, name: str, number: int, password: str = PASSWORD, **more: str) -> Any:
    """From a network of its own, as the proxy names it."""
    sent = {"username": name, "password": password, **more}
    return call(world, "POST", "/api/v1/token/", sent, **{"X-Forwarded-For": f"2001:db8:{number:x}::1"})


def reads(world: World, obligation: WorldObligation) -> int:
    return call(world, "GET", "/api/v1/me/", Authorization=f"Token {obligation.token}")[0]


def test_strangers_wait_for_their_turn_and_nobody_waits_for_strangers(
    world: World, obligations: list[WorldObligation]
) -> None:
    status, _headers, told = sign_in(world, obligations[0].unit, 1)
    assert status == 201
    with somebody_hashes(world, Lane.STRANGER):
        with ThreadPoolExecutor(STRANGERS) as pool:
            knocking = [pool.submit(sign_in, world, obligations[0].unit, 100 + n) for n in range(STRANGERS)]
            assert [reads(world, obligation) for obligation in obligations * 5] == [200] * 20
        for answer in knocking:
            status, headers, problem = answer.result()
            assert (status, problem["type"]) == (503, "urn:bawaslu-kaltim:problem:busy")
            assert int(headers["retry-after"]) > 0
        assert sign_in(world, obligations[0].unit, 2, device=told["device"])[0] == 201, (
            "a known device has its own turn"
        )
        assert sign_in(world, obligations[0].unit, 1)[0] == 201, "and so has who is at home in this network"
    assert sign_in(world, obligations[0].unit, 3)[0] == 201


def test_a_flood_hashes_one_password_at_a_time_and_reads_go_on(
    world: World, obligations: list[WorldObligation]
) -> None:
    at_once, over, statuses = Counter[int](), threading.Event(), Counter[int]()

    def watch() -> None:
        with contextlib.closing(psycopg.connect(world.postgres.url(), autocommit=True)) as connection:
            while not over.is_set():
                [count] = connection.execute(HELD, (Lock.HASHING, Lane.STRANGER)).fetchone() or [0]
                at_once[count] += 1
                time.sleep(0.005)

    def flood(client: int) -> None:
        for turn in range(EACH):
            unit = obligations[client % len(obligations)].unit
            statuses[sign_in(world, unit, 1_000 + client * EACH + turn, "salah-sekali")[0]] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(STRANGERS) as pool:
        floods = [pool.submit(flood, client) for client in range(STRANGERS)]
        read = Counter[int]()
        while not all(each.done() for each in floods):
            read[reads(world, obligations[0])] += 1
        for each in floods:
            each.result()
    over.set()
    watcher.join()
    assert set(read) == {200}
    assert set(statuses) == {401, 503}
    assert statuses.total() == STRANGERS * EACH
    assert set(at_once) == {0, 1}
    assert sign_in(world, obligations[0].unit, 4)[0] == 201
