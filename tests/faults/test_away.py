"""PostgreSQL is away for a while: who reads goes on reading, who files is told so at once and loses nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
from urllib.parse import urlencode

from tests.faults.processes import HOST, wait_for
from tests.faults.test_proxy import get, guests
from tests.faults.world import World

ASKED = 60  # often enough that each of the web processes is among those that answer
SOON = 8  # seconds; it was ten and more when each request waited for the database by itself


def send(port: int, path: str, body: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as line:
        line.request("POST", path, body, {"Host": HOST, **headers})
        answer = line.getresponse()
        return answer, answer.read().decode()


def test_a_database_that_is_away_costs_a_second_and_nothing_that_was_typed(world: World) -> None:
    (obligation,) = world.take(1)
    public = guests(world, 1)["paths"]["public"]
    world.web.kill_all()
    world.web.start(CLOCK_OFFSET="0")  # in a rehearsal no page is kept
    world.web.await_ready()
    port, before = world.stack.port, world.processes()
    try:
        pages = {get(port, public)[1] for _ in range(ASKED)}
        assert len(pages) == 1
        world.postgres.kill()

        assert {get(port, public)[1] for _ in range(ASKED)} == pages, "what is published goes on"
        for _ in range(ASKED):
            answer, page = get(port, "/cara-memeriksa/")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "Sistem sedang tidak dapat melayani Anda" in page.decode()

        token = {"Authorization": f"Token {obligation.token}", "Content-Type": "application/json"}
        answer, told = send(port, "/api/v1/reports/", json.dumps({"id": world.new_id()}), **token)
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert json.loads(told)["status"] == 503

        secret = "a" * 32
        typed = urlencode({"csrfmiddlewaretoken": secret, "username": "64-1", "password": "rahasia-sekali"})
        headers = {"Cookie": f"csrftoken={secret}", "Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"X-Forwarded-Proto": "https", "Referer": f"https://{HOST}/masuk/"}
        answer, told = send(port, "/masuk/", typed, **headers)
        assert answer.status == 503
        assert "64-1</textarea>" in told
        assert "rahasia-sekali" not in told

        world.postgres.start()
        wait_for(
            "every process serves again",
            lambda: {get(port, "/cara-memeriksa/")[0].status for _ in range(ASKED)} == {200},
        )
        assert world.processes() == before, "nothing had to be started anew"
    finally:
        if not world.postgres.alive():
            world.postgres.start()
        world.web.kill_all()
        world.web.start(CLOCK_OFFSET=str(world.stack.offset))
        world.web.await_ready()
    world.file(obligation)
    world.check()
