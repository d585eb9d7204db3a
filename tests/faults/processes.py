"""What can be killed: the two servers and the services of docker-compose.yml, as processes of one world alone."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from bawaslu_data.embedded_servers import Postgres, Server, Valkey
from tests.wiring.test_deploy import PROJECT, SERVICES, Stack

PATIENCE = 60.0  # seconds anything may take on a busy machine before a wait counts as failed
HOST = "lapor.example.go.id"
Found = TypeVar("Found")


def wait_for(what: str, condition: Callable[[], Found], patience: float = PATIENCE) -> Found:
    """The first true value of `condition`, asked over and over. Raises AssertionError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """Processes that `pid` has started and that live."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(status.parent.name))
    return sorted(found)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# --- servers --------------------------------------------------------------------------------------------------------


class OwnServer(Server):
    """An embedded server without its keeper: nobody but the test starts it again."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.processes: list[subprocess.Popen[bytes]] = []

    def call(self, command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        process = super().call(command, output)
        self.processes.append(process)  # kept, because one that is forgotten while it runs warns
        return process

    def kill(self) -> None:
        """SIGKILL to the server and to every process it has started, all at once."""
        kill([self.pid, *children_of(self.pid)])
        wait_for(f"{self.name} is dead", lambda: not self.alive())

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
        self.stop()
        for process in self.processes:
            process.wait(PATIENCE)


class OwnPostgres(OwnServer, Postgres):
    test_settings: dict[str, str] = {}  # durable as in production: a commit that was told must survive


class OwnValkey(OwnServer, Valkey):
    """Reached over TCP, as in a deployment: a socket's file is missing at once where a dead host is only silent."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.port = free_port()

    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self, binary: Path) -> list[str]:
        words = super().command(binary)
        words[words.index("--port") + 1] = str(self.port)
        return [*words, "--bind", "127.0.0.1"]


# --- services -------------------------------------------------------------------------------------------------------


class Service:
    """One service of the compose file, with the file's own command. `name` tells two of a kind apart."""

    ready_words = {"worker": " ready.", "beat": "beat: Starting..."}

    def __init__(self, stack: Stack, kind: str, name: str = "") -> None:
        self.stack, self.kind, self.name = stack, kind, name or kind
        self.log = stack.folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}
        self.log_start = 0

    def start(self, **changed: str) -> None:
        """Starts it with `changed` environment and returns without waiting."""
        self.environment |= changed
        command = [self.stack.resolve(word) for word in SERVICES[self.kind]["command"]]
        if self.name != self.kind:
            command.append(f"--hostname={self.name}@%h")
        environment = self.stack.environment(self.kind) | self.environment
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(self.process)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def await_ready(self) -> None:
        def ready() -> bool:
            assert self.lives(), f"{self.name} ended"
            return (
                self._answers() if self.kind == "web" else self.ready_words[self.kind.partition("-")[0]] in self.text()
            )

        wait_for(f"{self.name} is ready", ready)

    def text(self) -> str:
        """What it has logged since its last start."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def _answers(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=5)) as line:
            try:
                line.request("GET", "/healthz", headers={"Host": HOST})
                return line.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def kill_children(self) -> None:
        kill(children_of(self.pid))

    def kill_main(self) -> None:
        kill([self.pid])
        assert self.process is not None
        self.process.wait(PATIENCE)

    def kill_all(self) -> None:
        """The whole group at once, as a container or a cgroup ends when it is killed."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def supervise(self) -> None:
        """What `restart: unless-stopped` does: starts it anew where its first process has ended, leftovers gone."""
        if not self.lives():
            self.kill_all()
            self.start()


KINDS: dict[str, Any] = {"children": Service.kill_children, "main": Service.kill_main, "everything": Service.kill_all}
