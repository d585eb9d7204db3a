"""Whoever stops in the middle of a request, or reads an answer at walking pace, waits with the proxy, not with web."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.crowd import slow_readers, stalled_bodies
from tests.faults.processes import HOST, free_port, wait_for
from tests.faults.world import World
from tests.needed import PROGRAMS
from tests.wiring import caddy
from tests.wiring.test_deploy import SERVICES

pytestmark = pytest.mark.proxy
GUESTS = Path(__file__).with_name("guests.py")
READERS = 32
SERVED = 12
MB = 1_000_000


@pytest.fixture
def door(world: World) -> Iterator[int]:
    """The port of a Caddy in front of the world's web server."""
    port = free_port()
    with caddy.proxy(world.stack.folder, port=port, web=world.stack.port):
        yield port


def threads(world: World) -> int:
    """How many requests web serves at once, by the compose file's own command."""
    given = dict(
        word.removeprefix("--").split("=")
        for word in map(world.stack.resolve, SERVICES["web"]["command"])
        if "=" in word
    )
    return int(given["workers"]) * int(given["blocking-threads"])


def guests(world: World, size: int) -> dict[str, Any]:
    return json.loads(world.manage("shell", "-v", "0", feed=GUESTS.read_text(), GUEST_BYTES=str(size)))


def get(port: int, path: str, cookie: str = "", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        line.request("GET", path, headers={"Host": HOST, "Cookie": cookie, **headers})
        answer = line.getresponse()
        return answer, answer.read()


def everybody_else_is_served(world: World, port: int) -> None:
    """Phones get their receipt and the site answers. No retry: one that was not served fails."""
    for obligation in world.take(SERVED):
        assert get(port, "/healthz")[0].status == 200
        assert world.try_once(obligation, report=world.new_id(), port=port), "no receipt"


# (address, announced bytes, sent bytes): small; more than its address takes; as large as a photo
STALLED = [("/masuk/", 100_000, 50_000), ("/masuk/", 10 * MB, 8_600_000), ("/lapor/1/", 12 * MB, 9 * MB)]


@pytest.mark.parametrize("stalled", STALLED, ids=["small", "too-large", "photo"])
def test_bodies_that_never_end_hold_no_thread_of_web(world: World, door: int, stalled: tuple[str, int, int]) -> None:
    # Twice as many as there are threads: they fall on the processes at random.
    with stalled_bodies(door, [stalled] * (2 * threads(world) + 1)):
        everybody_else_is_served(world, door)
    world.check()


def test_readers_with_one_bar_hold_no_thread_of_web(world: World, door: int) -> None:
    found = guests(world, 8 * MB)
    paths = (list(found["paths"].values()) * READERS)[:READERS]
    with slow_readers(door, found["cookie"], paths) as begun:
        wait_for("every reader has begun to get an answer", lambda: all(each.is_set() for each in begun))
        everybody_else_is_served(world, door)
    world.check()


def test_a_file_comes_from_the_proxy_as_web_describes_it(world: World, door: int) -> None:
    found = guests(world, 100_000)
    path, cookie = found["paths"]["workbook"], found["cookie"]
    named, nothing = get(world.stack.port, path, cookie)
    answer, content = get(door, path, cookie)
    assert nothing == b""
    kept = world.stack.folder / "media" / named.headers["X-Accel-Redirect"].strip("/")
    assert hashlib.sha256(content).digest() == hashlib.sha256(kept.read_bytes()).digest()
    assert (answer.status, answer.headers["Content-Length"]) == (200, "100000")
    for name in ("Content-Type", "Content-Disposition", "Cache-Control", "Content-Security-Policy"):
        assert answer.headers[name] == named.headers[name], name
    assert "X-Accel-Redirect" not in answer.headers
    assert get(door, path)[0].status == 302, "who is not signed in gets no file"
    assert get(door, named.headers["X-Accel-Redirect"], cookie)[0].status == 404, "nobody gets one by its place"


TOO_LARGE = {403, 413, 502}  # Caddy before 2.7 says 502, unless web has refused the head of it already


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/masuk/", 300_000),
        ("/api/v1/reports/", 300_000),
        ("/api/v1/reports/batch/", 2_200_000),
        ("/api/v1/evidence/", 13_100_000),
        ("/mutu/angka-kpu/", 6_100_000),
        ("/tugas/1/lapor/", 13_100_000),
    ],
)
def test_no_address_takes_more_than_it_needs(world: World, door: int, path: str, size: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", door, timeout=60)) as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.request("POST", path, b"a" * size, {"Host": HOST, "Content-Type": "application/octet-stream"})
        assert line.getresponse().status in TOO_LARGE
    assert get(door, "/healthz")[0].status == 200


def test_whoever_sends_too_much_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an address that answers 413 whatever comes, since an older Caddy says 502 of a body."""
    ours, theirs = tmp_path / "ours", caddy.CADDYFILE.read_text()
    ours.write_text(theirs.replace("respond @inside 404", "error @inside 413"))
    monkeypatch.setattr(caddy, "CADDYFILE", ours)
    port = free_port()
    with caddy.proxy(tmp_path, port=port, web=free_port()):
        answer, content = get(port, "/metrics")
    assert (answer.status, answer.headers["Content-Type"]) == (413, "text/plain; charset=utf-8")
    assert "kirim foto atau berkas yang lebih kecil" in content.decode()


def test_the_caddyfile_is_one_that_caddy_takes(tmp_path: Path) -> None:
    (tmp_path / "Caddyfile").write_text(caddy.rendered(port=free_port(), web=free_port(), media=tmp_path))
    command = [PROGRAMS["proxy"].path(), "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(command, env=caddy.environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert caddy.said("fail_duration") == [], "whoever breaks off a body would close the site for that long"
    sizes = map(caddy.bytes_of, caddy.said("max_size"))
    assert max(sizes) <= caddy.bytes_of(*caddy.said("request_buffers")), "the rest would be handed on as it trickles in"
