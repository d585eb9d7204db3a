"""The drill: an older dump, read back over a newer database, whole or not at all. Minutes long, so marked `full`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bawaslu_data.restoring import tool

pytestmark = pytest.mark.full
ROOT = Path(__file__).resolve().parent.parent.parent
DRILL = "restore_drill"
SHAPE = """
SELECT 'constraint', conrelid::regclass::text || '.' || conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexname FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2
"""


def address(name: str) -> str:
    return re.sub(r"^(\w+://[^/]*)/[^?]*", rf"\1/{name}", os.environ["DATABASE_URL"])


def server(statement: str) -> list[tuple]:
    with psycopg.connect(address("postgres"), autocommit=True) as admin:
        done = admin.execute(statement)
        return done.fetchall() if done.description else []


def ask(statement: str) -> list[tuple]:
    with psycopg.connect(address(DRILL)) as database:
        return database.execute(statement).fetchall()


def run(*words: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": address(DRILL)}
    return subprocess.run([str(word) for word in words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def manage(*words: object) -> str:
    done = run(sys.executable, "manage.py", *words)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def names() -> set[str]:
    return {name for (name,) in server(f"SELECT datname FROM pg_database WHERE datname LIKE '{DRILL}%'")}


@pytest.fixture
def drill() -> Iterator[None]:
    """A database with a small country that has reported; everything by that name is dropped at the end."""
    for name in names():
        server(f'DROP DATABASE "{name}" WITH (FORCE)')
    server(f"CREATE DATABASE {DRILL} TEMPLATE template0")
    manage("migrate", "--noinput")
    manage("simulate", "nation", "--stations", "60")
    yield
    for name in names():
        server(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_an_older_dump_becomes_the_database_whole_or_not_at_all(drill: None, tmp_path: Path) -> None:
    shape, reports = ask(SHAPE), ask("SELECT count(*) FROM reports_report")
    for app in ("dashboards", "reports"):  # as before the newest migration of each
        *_older, previous, _newest = sorted(path.stem for path in (ROOT / app / "migrations").glob("0*.py"))
        manage("migrate", app, previous)
    assert ask(SHAPE) != shape
    dump, cut = tmp_path / "bawaslu.dump", tmp_path / "cut.dump"
    done = run(tool("pg_dump"), "--format", "custom", "--file", dump, "--dbname", address(DRILL))
    assert done.returncode == 0, done.stderr
    cut.write_bytes(dump.read_bytes()[:-3000])
    manage("migrate", "--noinput")
    with psycopg.connect(address(DRILL)) as database:
        database.execute("INSERT INTO hierarchy_election (code, name, kind, voting_day) VALUES ('x', 'x', 'x', now())")

    with psycopg.connect(address(DRILL)):
        refused = run(sys.executable, "manage.py", "restore", dump)
    assert (refused.returncode, "masih dipakai" in refused.stderr) == (1, True), refused.stderr
    broken = run(sys.executable, "manage.py", "restore", cut)
    assert (broken.returncode, names()) == (1, {DRILL}), broken.stdout + broken.stderr
    assert (ask(SHAPE), ask("SELECT count(*) FROM hierarchy_election WHERE code = 'x'")) == (shape, [(1,)])

    assert "sudah menjadi basis data" in manage("restore", dump)
    assert ask(SHAPE) == shape
    assert ask("SELECT count(*) FROM reports_report") == reports
    assert ask("SELECT count(*) FROM hierarchy_election WHERE code = 'x'") == [(0,)]
    assert "0 perbedaan" in manage("verify")
    assert len(names()) == 2, "the database from before is kept under another name"
