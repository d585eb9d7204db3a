"""Restoring: what is not a whole dump changes nothing. The drill across a migration is tests/full/test_restore.py."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bawaslu_data import restoring


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


def test_the_programs_are_those_of_the_server(monkeypatch: Any, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        assert restoring.tool(name).is_file()
    (tmp_path / "pg_dump").touch()
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    assert restoring.tool("pg_dump") == tmp_path / "pg_dump"
    with pytest.raises(restoring.RestoreRefused, match="pg_restore tidak ditemukan"):
        restoring.tool("pg_restore")
