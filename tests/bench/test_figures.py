"""What a measurement says of itself: its ratio, whether it holds, and that the load it makes is the load it claims."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bawaslu_data.bench import load
from bawaslu_data.bench.figures import Figure, number

positive = st.floats(0.001, 1e6)


@given(ours=positive, baseline=positive, goal=positive)
def test_a_figure_holds_on_one_side_of_its_goal(ours: float, baseline: float, goal: float):
    less = Figure("waktu", "s", ours, baseline, goal)
    more = Figure("laju", "laporan/s", ours, baseline, goal, at_least=True)
    assert less.ratio == more.ratio == ours / baseline
    assert less.holds == (ours / baseline <= goal)
    assert less.holds or more.holds  # both only where the goal is met exactly
    assert (less.holds and more.holds) == (ours / baseline == goal)


@given(ours=positive, goal=positive)
def test_without_a_baseline_the_goal_bounds_the_figure_itself(ours: float, goal: float):
    assert Figure("umur", "s", ours, goal=goal).holds == (ours <= goal)
    assert Figure("umur", "s", ours).holds is None


def test_programs_read_the_eight_fields():
    told = Figure("rekap", "s", 3.0, 2.0, 1.5, why="gaya").as_json()
    assert told == {
        "name": "rekap", "unit": "s", "ours": 3.0, "baseline": 2.0, "ratio": 1.5, "goal": 1.5, "holds": True,
        "why": "",
    }  # fmt: skip


@given(ours=positive, goal=positive)
def test_only_a_missed_goal_says_why(ours: float, goal: float):
    told = Figure("umur", "s", ours, goal=goal, why="beban").as_json()
    assert told["why"] == ("" if told["holds"] else "beban")


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1234"), (12.345, "12.3"), (0.01234, "0.0123"), (None, "")])
def test_three_digits_that_count(value: float | None, shown: str):
    assert number(value) == shown


# --- the load ---------------------------------------------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Answers with the status that the path names and a body longer than one read."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = b"x" * 100_000
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_every_request_is_sent_once_and_every_answer_read_to_its_end(port: int):
    sent = [load.request("GET", f"/{status}", port=port) for status in [200] * 30 + [404] * 7]
    outcome = load.closed_loop(port, sent, connections=4)
    assert outcome.statuses == {200: 30, 404: 7}
    assert len(outcome.waits) == len(outcome.ends) == 37
    with pytest.raises(RuntimeError, match="404"):
        outcome.only(200)


def test_an_open_loop_does_not_come_sooner_than_it_says(port: int):
    outcome = load.open_loop(port, [load.request("GET", "/200", port=port)] * 20, connections=4, per_second=100)
    assert outcome.seconds >= 19 / 100
    assert all(later >= earlier for earlier, later in pairwise(sorted(outcome.waits)))
    assert outcome.wait(0.0) <= outcome.wait(0.5) <= outcome.wait(0.99)


def test_headers_come_in_lower_case(port: int):
    line = load.Connection(port)
    status, head = line.head(load.request("GET", "/200", port=port))
    line.close()
    assert (status, head["content-length"]) == (200, "100000")


def test_a_server_that_hangs_up_is_an_error_of_the_run(port: int):
    with pytest.raises(ConnectionError):
        load.closed_loop(port, [b"not http\r\n\r\n"] * 3, connections=1)
