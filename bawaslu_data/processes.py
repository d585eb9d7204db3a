"""The processes of a site on this machine, for the demo and for measuring: web server, worker, beat."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from django.conf import settings
from django.core.management.base import CommandError

# Quiet: its banner and its warning about root would drown what the command shows.
CELERY = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "bawaslu_data.celery:app"]


@contextmanager
def worker(*, beat: bool = False, concurrency: int = 1) -> Iterator[None]:
    """A real Celery worker (and the clock that sweeps and opens windows) for as long as the block lasts."""
    command = ["worker", "--concurrency", str(concurrency), "--loglevel", "ERROR", "--without-mingle"]
    with ExitStack() as started:
        started.enter_context(running([*CELERY, *command]))
        if beat:
            # A process of its own: the worker's `--beat` forks one that outlives a worker which had to be killed.
            schedule = os.path.join(settings.BASE_DIR, ".data", "celerybeat-schedule")
            started.enter_context(running([*CELERY, "beat", "--schedule", schedule, "--loglevel", "CRITICAL"]))
        yield


@contextmanager
def web(port: int, *, workers: int = 1, threads: int = 4) -> Iterator[subprocess.Popen[bytes]]:
    """The web server on this machine's own address, ready to answer."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", str(threads), "--no-ws", "--log-level", "warning"]
    with running([*command, "bawaslu_data.wsgi:application"]) as process:
        wait_for(port, process)
        yield process


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all of its children, which are gone when the block ends."""
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind, or all of it
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
