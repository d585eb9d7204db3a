"""Restoring: what is not a whole dump changes nothing. The drill across a migration is tests/full/test_restore.py."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from bawaslu_data import restoring
from bawaslu_data.management.commands import restore
from hierarchy.lib.errors import Refusal

PROJECT = Path(__file__).resolve().parents[2]


def databases() -> set[str]:
    with psycopg.connect(**restoring._parameters("postgres"), autocommit=True) as server:
        return {name for (name,) in server.execute("SELECT datname FROM pg_database")}


@pytest.mark.django_db(transaction=True)
def test_what_is_no_dump_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    broken = tmp_path / "bawaslu.dump"
    broken.write_bytes(b"PGDMP" + bytes(90))
    before = databases()
    for path in (broken, tmp_path / "nothing.dump"):
        with pytest.raises(CommandError, match="bukan cadangan yang utuh"):
            call_command("restore", path)
    assert databases() == before
    with pytest.raises(CommandError, match="Sebutkan satu berkas"):
        call_command("restore")


@pytest.mark.django_db(transaction=True)
def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    with (
        psycopg.connect(**restoring._parameters(connection.settings_dict["NAME"])),
        pytest.raises(CommandError, match="Hentikan dulu web, worker, dan beat"),
    ):
        call_command("restore", database="any")


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_for_its_owner_alone_and_holds_what_verify_needs(tmp_path: Path, settings: Any) -> None:
    settings.KEY_DIR, settings.MEDIA_ROOT = tmp_path / "keys", tmp_path / "media"
    for path in (tmp_path / "keys/publication.key", tmp_path / "media/evidence/foto.jpg"):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    call_command("backup", tmp_path / "backup")
    dump, state = tmp_path / "backup/bawaslu.dump", tmp_path / "backup/state.tar"
    assert [path.stat().st_mode & 0o777 for path in (dump, state)] == [0o600, 0o600]
    with tarfile.open(state) as archive:
        assert {"keys/publication.key", "media/evidence/foto.jpg"} <= set(archive.getnames())
    listed = subprocess.run([restoring.tool("pg_restore"), "--list", dump], capture_output=True, text=True, check=True)
    assert "TABLE DATA public reports_event" in listed.stdout


def test_a_program_reaches_the_database_it_is_given_however_the_deployment_names_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With both set, settings read the file: the dump would have been migrated and verified in the database in use."""
    (tmp_path / "url").write_text("postgres:///live")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    asked = "from bawaslu_data import settings; assert settings.DATABASES['default']['NAME'] == 'another'"
    restoring._run([sys.executable, "-c", asked], "wrong", DATABASE_URL="postgres:///another")


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_fails_leaves_yesterdays(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KEY_DIR, settings.MEDIA_ROOT = tmp_path / "keys", tmp_path / "media"
    call_command("backup", tmp_path / "backup")
    before = {path.name: path.read_bytes() for path in (tmp_path / "backup").iterdir()}

    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile, "open", full)
    with pytest.raises(OSError, match="No space"):
        call_command("backup", tmp_path / "backup")
    assert {name: (tmp_path / "backup" / name).read_bytes() for name in before} == before


@pytest.fixture
def drill(transactional_db: None) -> Iterator[str]:
    """The name of an empty database of today's schema; beside it, by that name with `_restoring`, one in which the
    journal tells of a report that is not there."""
    own = f"accepting_{os.getpid()}"
    template = sql.Identifier(connection.settings_dict["NAME"])

    def clear() -> None:
        for name in (each for each in databases() if each.startswith(own)):
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    with restoring._server() as server:
        clear()
        for name in (own, own + restoring.SUFFIX):
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        with psycopg.connect(**restoring._parameters(own + restoring.SUFFIX)) as broken:
            broken.execute(
                """INSERT INTO reports_event (at, verb, actor, election, unit, target, detail)
                VALUES (now(), 'report.filed', 'ptps', '', '', gen_random_uuid()::text, '{"revision": 1}')"""
            )
        yield own
        clear()


def test_differences_are_accepted_by_whoever_has_seen_them_and_the_journal_says_so(drill: str) -> None:
    def run(*more: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "restore", "--database", drill + restoring.SUFFIX, *more]
        env = {**os.environ, "DATABASE_URL": restoring._address(drill)}
        return subprocess.run(command, cwd=PROJECT, env=env, input=typed, capture_output=True, text=True, check=False)

    def events() -> list[tuple[str, str, list[str]]]:
        with psycopg.connect(**restoring._parameters(drill)) as own:
            asked = "SELECT verb, target, detail->'differences' FROM reports_event ORDER BY id"
            return own.execute(asked).fetchall()

    difference = "the journal tells of its filing, and it is not there"
    refused = run()
    assert (refused.returncode, "--accept-differences" in refused.stderr) == (1, True), refused.stderr
    assert difference in refused.stderr
    declined = run("--accept-differences", typed="tidak\n")
    assert (declined.returncode, difference in declined.stdout) == (1, True), declined.stdout + declined.stderr
    assert events() == [], "what is in use is as it was"
    accepted = run("--accept-differences", typed="terima\n")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    (filed, _target, _none), (verb, before, told) = events()
    assert (filed, verb) == ("report.filed", "database.restored")
    assert before in databases()
    assert any(difference in line for line in told)


def _in(monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    """This process restores into the database `own`."""
    monkeypatch.setitem(os.environ, "DATABASE_URL", restoring._address(own))
    monkeypatch.setattr(restoring, "_own", lambda: own)


def test_a_kill_while_the_names_change_cannot_lose_what_was_accepted(
    drill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is in the database before it is the one in use."""
    real, name = restoring.sql.SQL, drill + restoring.SUFFIX

    def killed(words: str) -> sql.SQL:
        if "RENAME" in words:
            raise KeyboardInterrupt
        return real(words)

    _in(monkeypatch, drill)
    monkeypatch.setattr(restoring.sql, "SQL", killed)
    with pytest.raises(KeyboardInterrupt):
        restoring.take_over(name, accept=lambda _differences: True)
    monkeypatch.undo()
    with psycopg.connect(**restoring._parameters(name)) as restored:
        [(target, told)] = restored.execute(
            "SELECT target, detail->'differences' FROM reports_event WHERE verb = 'database.restored'"
        ).fetchall()
    assert target.startswith(f"{drill}_before_")
    assert any("the journal tells of its filing, and it is not there" in line for line in told)


def test_a_wrongly_pinned_key_does_not_keep_a_dump_from_being_restored(
    drill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system check would refuse to migrate; that the key is wrong is said wherever the site is started."""
    monkeypatch.setenv("PUBLICATION_KEY", "0a" * 32)
    monkeypatch.setenv("PUBLICATION_PUBLIC_KEY", "0b" * 32)
    _in(monkeypatch, drill)
    assert restoring.take_over(drill + restoring.SUFFIX, accept=lambda _differences: True) in databases()


@pytest.mark.parametrize(
    ("options", "typed", "expected"),
    [
        ({}, [], False),
        ({"accept_differences": True}, [], False),
        ({"accept_differences": True}, ["tidak"], False),
        ({"accept_differences": True}, [" Terima "], True),
        ({"accept_differences": True, "yes": True}, [], True),
    ],
)
def test_who_accepts_differences(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, bool], typed: list[str], expected: bool
) -> None:
    def answer() -> str:
        if not typed:
            raise EOFError
        return typed.pop()

    asked: list[bool] = []
    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(restore, "take_over", lambda _name, accept: str(asked.append(accept("beda"))))
    call_command("restore", database="any", **options)
    assert asked == [expected]


def test_the_answer_is_not_given_before_the_question() -> None:
    with pytest.raises(CommandError, match="hanya berlaku bersama"):
        call_command("restore", database="any", yes=True)


def test_the_programs_are_those_of_the_server(monkeypatch: Any, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        assert restoring.tool(name).is_file()
    (tmp_path / "pg_dump").touch()
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    assert restoring.tool("pg_dump") == tmp_path / "pg_dump"
    with pytest.raises(Refusal, match="pg_restore tidak ditemukan"):
        restoring.tool("pg_restore")
