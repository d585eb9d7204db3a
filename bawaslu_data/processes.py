"""The processes of a site on this machine, for the demo and for measuring: web server, workers, beat."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.core.management.base import CommandError

from bawaslu_data import embedded, launcher
from bawaslu_data.celery import QUEUES, SLOW

LAUNCHER = str(launcher.__file__)
# Quiet: its banner and its warning about root would drown what the command shows.
CELERY = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "bawaslu_data.celery:app"]


@contextmanager
def site(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Everything that docker-compose.yml starts, on this machine; the web server's process, ready to answer."""
    with workers(), web(port) as process:
        yield process


@contextmanager
def workers() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A worker for each queue, by its name, and beat."""
    with ExitStack() as started:
        found = {queue: started.enter_context(worker(queue)) for queue in QUEUES}
        started.enter_context(beat())
        yield found


@contextmanager
def worker(*queues: str, concurrency: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker for as long as the block lasts; without queues, one that fetches from all."""
    wanted = ",".join(queues or QUEUES)
    command = ["worker", f"--queues={wanted}", f"--hostname={wanted}@%h", "--concurrency", str(concurrency)]
    patient = ["nice", "-n", "10"] if queues == (SLOW,) else []  # as in docker-compose.yml
    with running([*patient, *CELERY, *command, "--loglevel", "ERROR", "--without-mingle"]) as process:
        yield process


@contextmanager
def beat() -> Iterator[subprocess.Popen[bytes]]:
    """The clock that sweeps and opens windows. A worker's own `--beat` forks one that outlives a killed worker."""
    schedule = embedded.data_dir() / "celerybeat-schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    with running([*CELERY, "beat", "--schedule", str(schedule), "--loglevel", "CRITICAL"]) as process:
        yield process


@contextmanager
def web(port: int, *, workers: int = 1, threads: int = 6) -> Iterator[subprocess.Popen[bytes]]:
    """The web server on this machine's own address, ready to answer."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", str(threads), "--no-ws"]
    # Not its warnings: it counts threads against cores, but ours wait for the database more than they compute.
    command += ["--log-level", "error"]
    known = os.environ | {"WEB_THREADS": str(threads)}  # as docker-compose.yml says it to both
    with running([*command, "bawaslu_data.wsgi:application"], env=known) as process:
        wait_for(port, process)
        yield process


@contextmanager
def running(command: list[str], *, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all of its children, which are gone when the block ends, and when this process does, however.

    What is given is the launcher's process: it lives as long as the command, and ends with the command's exit status.
    """
    theirs, ours = os.pipe()
    with os.fdopen(ours, "wb") as held:
        with os.fdopen(theirs, "rb") as watched:
            process = subprocess.Popen(
                [sys.executable, "-I", LAUNCHER, str(watched.fileno()), *command],
                cwd=settings.BASE_DIR,
                env=env,
                stdin=subprocess.DEVNULL,
                pass_fds=[watched.fileno()],
                start_new_session=True,  # a closed terminal and Ctrl+C reach this process alone
            )
        try:
            yield process
        finally:
            held.close()
            process.wait()


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f'Porta {port} sedang dipakai. Coba porta lain: make demo ARGS="--port {port + 1}"'
            ) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(150):
        if process.poll() is not None:
            raise CommandError("Server web berhenti saat mulai. Pesannya ada di atas.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise CommandError(f"Server web tidak menjawab di porta {port} setelah 30 detik.")
