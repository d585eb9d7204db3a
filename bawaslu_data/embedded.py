"""Real PostgreSQL and Valkey for a machine that has no server (docs/adr/0001-embedded-services.md).

``ensure()`` is the whole interface, and manage.py (for tests: tests/services.py) its only caller: what manage.py starts
finds the servers by the exported addresses, and importing the project starts nothing. Where ``DATABASE_URL`` or
``REDIS_URL`` is unset it starts, or joins, a private server and exports the variable; where one is set, nothing
embedded starts for it. A deployment (``DEPLOYED``) must set both. Django is never imported here.

How the processes share a server, with three lock files per server in ``.data/``:

* ``<name>.users``   shared by every process that uses the server, as long as it lives (``flock`` dies with its holder);
* ``<name>.keeper``  exclusive to one detached keeper, which starts the server, restarts it when it crashes, and stops
  it once it can take ``users`` exclusively, that is when the last user is gone, even by ``kill -9``;
* ``<name>.ready``   exclusive to the keeper while the server answers.

Locks instead of pid files: the kernel drops them in a crash, so nothing stale can block the next start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from bawaslu_data.embedded_places import EmbeddedError, explain
from bawaslu_data.embedded_servers import POLL_SECONDS, SERVERS, START_SECONDS, STOP_SECONDS, Server

__all__ = ["EmbeddedError", "data_dir", "ensure"]

PROJECT = Path(__file__).resolve().parent.parent
TRUE = ("1", "true", "on", "ok", "y", "yes")  # what django-environ takes for it
LINGER_SECONDS = 1.0  # between two commands of one shell script the servers stay up
# The keeper: isolated from the caller's PYTHON* variables and working directory.
KEEPER = f"import sys; sys.path.append({str(PROJECT)!r}); from bawaslu_data.embedded import main; main(*sys.argv[1:])"

_held: dict[Path, int] = {}  # the users locks of this process: path of the lock -> open descriptor


def ensure(base: Path | None = None) -> None:
    """Export ``DATABASE_URL`` and ``REDIS_URL``, starting or joining embedded servers for those that are unset.

    ``base`` holds data, locks and logs; default ``BAWASLU_DATA_DIR``, else ``.data`` in the project. Idempotent: a
    second call costs a connection. An inherited address of the very server in ``base`` is joined, not merely used, so
    a command may outlive the one that started it. Raises EmbeddedError.
    """
    if deployed():
        _require_addresses()
        return
    chosen = base or data_dir()
    try:
        folder = chosen.resolve()
        wanted = [server for kind in SERVERS if (server := kind(folder)).is_wanted()]
        reports = [_join(server) for server in wanted]  # both keepers start side by side
        for server, report in zip(wanted, reports, strict=True):
            _await(server, report)
            server.export()
    except OSError as error:
        raise EmbeddedError(explain(f"Folder data {chosen} tidak bisa dipakai.", str(error))) from error


def deployed() -> bool:
    """DEPLOYED as settings.py reads it, from its file first: to take a deployment for a clone would start an empty
    database. Raises EmbeddedError where the file cannot be read."""
    file = os.environ.get("DEPLOYED_FILE")
    try:
        said = Path(file).read_text(encoding="utf-8") if file else os.environ.get("DEPLOYED", "")
    except OSError as error:
        raise EmbeddedError(explain(f"Berkas {file} dari DEPLOYED_FILE tidak bisa dibaca.", str(error))) from error
    try:
        return int(said) != 0
    except ValueError:
        return said.lower().strip() in TRUE


def data_dir() -> Path:
    """Where this machine's own data lies."""
    return Path(os.environ.get("BAWASLU_DATA_DIR") or PROJECT / ".data")


def _require_addresses() -> None:
    """A misspelt variable must not become an empty database that trusts whoever reaches it. Raises EmbeddedError."""
    if missing := [kind.variable for kind in SERVERS if not kind.given()]:
        raise EmbeddedError(
            f"Ini server sungguhan (DEPLOYED), tetapi {' dan '.join(missing)} tidak diisi. Isi alamat server Anda "
            "(docs/operations.md); periksa juga ejaan nama variabelnya."
        )


def _join(server: Server) -> int | None:
    """Register this process as a user; start a keeper if there is none. Returns the pipe a new keeper reports on."""
    server.place.base.mkdir(parents=True, exist_ok=True)
    users = server.place.lock("users")
    if users not in _held or not _same_file(_held[users], users):
        _held[users] = _open_lock(users)
        _flock(_held[users], "shared", wait=True)  # waits here while a keeper is stopping the server
    return _spawn_keeper(server)


def _spawn_keeper(server: Server) -> int | None:
    lock = _open_lock(server.place.lock("keeper"))
    try:
        if not _flock(lock, "exclusive"):
            return None
        reader, writer = os.pipe()
        # The lock travels with its descriptor into the keeper, so there is no moment in which two could start.
        words = [server.name, str(server.place.base), str(lock), str(writer)]
        try:
            subprocess.run([sys.executable, "-I", "-c", KEEPER, *words], pass_fds=(lock, writer), cwd="/", check=True)
        finally:
            os.close(writer)
        return reader
    finally:
        os.close(lock)


def _await(server: Server, report: int | None) -> None:
    """Return when the server answers. Raises EmbeddedError with the keeper's own words when it could not start."""
    deadline = time.monotonic() + START_SECONDS + STOP_SECONDS
    while time.monotonic() < deadline:
        if report is not None:
            with open(report, "rb") as pipe:  # ends when the keeper is ready or dead
                problem = pipe.read().decode(errors="replace")
            if problem:
                raise EmbeddedError(problem)
        ready = _open_lock(server.place.lock("ready"))
        is_free = _flock(ready, "shared")
        os.close(ready)
        if not is_free and server.answers():
            return
        time.sleep(0.02)
        report = _spawn_keeper(server)  # one that was killed meanwhile is replaced
    raise EmbeddedError(f"{server.name} tidak menjawab. Baca {server.place.log}, lalu jalankan lagi.")


def main(name: str, base: str, lock: str, report: str) -> NoReturn:
    """The keeper's process; ``lock`` and ``report`` are the descriptors it was given."""
    for descriptor in (int(lock), int(report)):
        os.set_inheritable(descriptor, False)
    server = next(kind for kind in SERVERS if kind.name == name)(Path(base))
    _daemon(lambda: _keep(server, int(lock), int(report)))


def _daemon(work: Callable[[], None]) -> NoReturn:
    """Do the work in a process of its own session, child of nobody, and let the caller's child end at once."""
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # runs the `finally` that stops the server
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(
            nothing, standard
        )  # else whoever reads our caller's output to its end waits for the keeper's whole life
    work()
    sys.exit(0)


def _keep(server: Server, lock: int, report: int) -> None:
    """Run one server until its last user is gone. ``lock`` is already ours; what fails is written to ``report``."""
    users, ready = (_open_lock(server.place.lock(kind)) for kind in ("users", "ready"))
    try:
        try:
            server.start()
        except EmbeddedError as error:
            os.write(report, str(error).encode())
            return
        except (OSError, subprocess.SubprocessError) as error:
            os.write(report, explain(f"{server.name} tidak bisa dijalankan.", str(error)).encode())
            return
        _flock(ready, "exclusive", wait=True)
        os.close(report)
        _watch(server, users, ready)
    finally:
        _flock(ready, "release")
        server.stop()
        os.close(lock)
        os.close(users)  # last: who waits here must find the keeper's lock free


def _watch(server: Server, users: int, ready: int) -> None:
    """Restart the server when it crashes; return, holding ``users``, when nobody used it for LINGER_SECONDS."""
    idle_since: float | None = None
    while True:
        time.sleep(POLL_SECONDS)
        if not _same_file(users, server.place.lock("users")):
            return  # .data was deleted under us; a newer keeper owns what is there now
        if not server.alive():
            _flock(ready, "release")
            server.start()
            _flock(ready, "exclusive", wait=True)
        if not _flock(users, "exclusive"):
            idle_since = None
            continue
        idle_since = idle_since or time.monotonic()
        if time.monotonic() - idle_since >= LINGER_SECONDS:
            return
        _flock(users, "release")


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)  # not inherited across exec; flock needs no write access


def _flock(descriptor: int, how: str, *, wait: bool = False) -> bool:
    """Take or release a lock; False when somebody else has it and we do not wait."""
    import fcntl  # absent on Windows, where both variables must be set

    flag = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX, "release": fcntl.LOCK_UN}[how]
    try:
        fcntl.flock(descriptor, flag if wait else flag | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
