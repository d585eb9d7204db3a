"""Whatever ends the process that started a site, all of the site is gone soon after, and the next one can start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.processes import free_port
from tests.wiring.test_embedded import PROJECT, _await, _clean, _commands, _servers, place  # noqa: F401

SITE = """
import sys, threading
from bawaslu_data import processes
port = int(sys.stdin.readline())
processes.require_free(port)
with processes.site(port):
    print("open", flush=True)
    threading.Event().wait()
"""
ENDS = {"closed terminal": signal.SIGHUP, "kill": signal.SIGTERM, "kill -9": signal.SIGKILL, "Ctrl+C": signal.SIGINT}


class Site:
    """`manage.py` with its embedded servers, and under it web, workers and beat, as the demo starts them."""

    def __init__(self, base: Path, port: int, log: Path) -> None:
        self.base = base
        env = {"PATH": os.environ["PATH"], "BAWASLU_DATA_DIR": str(base), "LOG_LEVEL": "CRITICAL"}
        env["BAWASLU_TEST_SERVICES"] = "1"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-v", "0", "-c", SITE],
                cwd=PROJECT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{port}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "open\n", log.read_text()

    def living(self) -> dict[int, str]:
        """Everything that was started for this site's data directory, the servers and their keepers among it."""
        found = {pid: name for name, pid in _servers(self.base).items()}
        for pid, command in _commands():
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if f"BAWASLU_DATA_DIR={self.base}".encode() in environment:
                    found[pid] = command
        return found

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()
        self.process.wait()


@pytest.fixture
def start(place: Path, tmp_path: Path) -> Iterator[Callable[[int], Site]]:  # noqa: F811
    sites: list[Site] = []

    def make(port: int) -> Site:
        sites.append(Site(place, port, tmp_path / "site.log"))
        return sites[-1]

    yield make
    for site in sites:
        for pid in site.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        site.close()


def test_whatever_ends_it_nothing_of_a_site_is_left(start: Callable[[int], Site]) -> None:
    port = free_port()
    for how, number in ENDS.items():
        site = start(port)  # on the same port as the one that was ended before
        started = " ".join(site.living().values())
        for what in ("granian", "--queues=figures", "--queues=reminders", "--queues=slow", " beat "):
            assert what in started, f"{what} was not started"
        assert set(_servers(site.base)) == {"postgres", "valkey", "keeper of postgres", "keeper of valkey"}
        os.killpg(site.process.pid, number)  # as a terminal does: everything that is still of its session
        site.process.wait(10)
        _await(lambda site=site: not site.living(), f"after {how} there is still {site.living()}")


def test_servers_that_another_command_has_joined_stay(start: Callable[[int], Site]) -> None:
    site = start(free_port())
    env = {"PATH": os.environ["PATH"], "BAWASLU_DATA_DIR": str(site.base)}
    wait = "import sys; print('here', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", wait],
        cwd=PROJECT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "here\n"
        servers = set(_servers(site.base).values())
        site.process.kill()
        _await(lambda: set(site.living()) <= servers | {other.pid}, "the site is still there")
        assert set(_servers(site.base).values()) == servers
