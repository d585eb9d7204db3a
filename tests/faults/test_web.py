"""The web process dies with requests in its hands, or its answer never arrives: one report, and a receipt for it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tests.faults.processes import KINDS, PATIENCE
from tests.faults.world import World, WorldObligation

RETRIES = 5


def at_the_door(obligation: WorldObligation) -> str:
    """Filing waits for its obligation, with nothing written."""
    return f"SELECT id FROM reports_obligation WHERE id = {obligation.obligation} FOR UPDATE"


def half_written(obligation: WorldObligation) -> str:
    """Filing waits for the journal, with its obligation locked and the rest of it written or being written."""
    return "LOCK TABLE reports_event IN SHARE MODE"


@pytest.mark.parametrize("where", [at_the_door, half_written])
@pytest.mark.parametrize("who", KINDS)
def test_a_request_cut_off_by_the_death_of_its_server_is_filed_once(world: World, who: str, where) -> None:
    (obligation,) = world.take(1)
    with ThreadPoolExecutor() as pool, world.hold(where(obligation)) as held:
        filing = pool.submit(world.file, obligation)
        held.await_waiting()
        KINDS[who](world.web)
        world.web.supervise()
        held.release()
        # The main process gives up when its children die often, and that may be a moment after they were killed.
        while not wait([filing], timeout=0.2).done:
            world.web.supervise()
        assert filing.result().revision == 1
    world.supervise()
    world.check()


@contextlib.contextmanager
def cutting(port: int) -> Iterator[int]:
    """The port of a proxy to `port` that hands on requests, and cuts the line the moment an answer comes."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=_cut_each, args=(server, port))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)  # `accept` returns with an error
            thread.join(PATIENCE)


def _cut_each(server: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _address = server.accept()
            with client, socket.create_connection(("127.0.0.1", port)) as upstream:
                while not upstream_has_answered(client, upstream):
                    pass


def upstream_has_answered(client: socket.socket, upstream: socket.socket) -> bool:
    """Hands on what the client says; True once the other side says anything at all."""
    readable, _, _ = select.select([client, upstream], [], [], PATIENCE)
    if upstream in readable:
        return True
    upstream.sendall(client.recv(65_536))
    return not readable


def test_an_answer_lost_five_times_is_the_same_receipt_the_sixth_time(world: World) -> None:
    (obligation,) = world.take(1)
    report = str(uuid.uuid4())
    with cutting(world.stack.port) as port:
        for _retry in range(RETRIES):
            assert world.try_once(obligation, report=report, port=port) is None
    receipt, again = world.file(obligation, report=report), world.file(obligation, report=report)
    assert (receipt.status, receipt.revision) == (200, 1)
    assert receipt == again
    world.check()


def test_five_retries_that_give_up_while_the_first_is_at_work_file_one_report(world: World) -> None:
    (obligation,) = world.take(1)
    report = str(uuid.uuid4())
    with world.hold(at_the_door(obligation)) as held:
        for _retry in range(RETRIES):  # they end in one process behind each other, or in several side by side
            with contextlib.closing(world.line()) as line:
                world.post(line, obligation, report=report)
                held.await_waiting()
    assert world.file(obligation, report=report).revision == 1
    world.check()
