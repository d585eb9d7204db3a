"""What must hold where a connection pooler stands before PostgreSQL: found out by using it, said as a system check.

An ordinary connection cannot ask a pooler for its version or settings, so it is tried what the filing path needs
(docs/adr/0009). `check --database default` and `migrate` do; without a pooler nothing is said. Sources: psycopg 3.2,
"Using prepared statements with PgBouncer"; changelog of PgBouncer 1.21 and 1.22; Django, "Transaction pooling and
server-side cursors".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

LIBPQ = 170_000  # closes one statement by protocol; older ones say DEALLOCATE, which no PgBouncer understands
OURS = "_pg3_"  # how psycopg names what it prepares
NAMES = "SELECT name FROM pg_prepared_statements"
NEEDED = "PgBouncer 1.22 or later in transaction mode with max_prepared_statements = 200"


@dataclass(frozen=True)
class Pooler:
    """`translates`: prepared statements have names of its own on the server, so that connections can be shared.
    `forgets`: DEALLOCATE ALL, which psycopg sends after each rollback, leaves nothing behind that is thought prepared.
    """

    translates: bool
    forgets: bool


@register(Tags.database)
def pooler(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    return [message for alias in databases or () for message in _said_of(connections[alias])]


def find(connection: Any) -> Pooler | None:
    """The pooler behind Django's connection; None where PostgreSQL itself answers.

    A pooler makes up the process id that a client would cancel by, because its server changes.
    """
    connection.ensure_connection()
    line: psycopg.Connection[Any] = connection.connection
    if line.execute("SELECT pg_backend_pid()").fetchall() == [(line.info.backend_pid,)]:
        return None
    try:
        with line.transaction():  # one server connection throughout
            names = _prepared(line)
            line.execute("DEALLOCATE ALL")
            _prepared(line)
    except psycopg.Error:
        return Pooler(translates=True, forgets=False)
    return Pooler(translates=not any(name.startswith(OURS) for name in names), forgets=True)


def _prepared(line: psycopg.Connection[Any]) -> list[str]:
    """Names of prepared statements on the server, the one that asks among them; as hierarchy/lib/prepared.py asks."""
    with psycopg.Cursor(line) as cursor:  # Django's own cursors never prepare
        return [row[0] for row in cursor.execute(NAMES, prepare=True).fetchall()]


def _said_of(connection: Any) -> Iterator[CheckMessage]:
    if found := find(connection):
        cursors = not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        yield from said(found, libpq=psycopg.pq.version(), cursors=cursors)


def said(found: Pooler, *, libpq: int, cursors: bool) -> Iterator[CheckMessage]:
    """`libpq`: its version as a number (170002: 17.2); `cursors`: whether long results are read through one."""
    if not found.forgets:
        yield Error(
            "The connection pooler loses prepared statements after a rollback.",
            hint=f"Use {NEEDED}: 1.21 does not notice DEALLOCATE ALL.",
            id="bawaslu_data.E010",
        )
    if libpq < LIBPQ:
        yield Error(
            f"libpq {libpq // 10_000} closes prepared statements in a way that PgBouncer does not understand.",
            hint="Install psycopg[binary] as requirements.lock has it, or libpq 17 or later.",
            id="bawaslu_data.E011",
        )
    if not found.translates:
        yield Warning(
            "The connection pooler does not keep prepared statements apart: filing fails as soon as clients share a "
            "connection to the server.",
            hint=f"Use {NEEDED}. In session mode nothing is shared and this can be ignored.",
            id="bawaslu_data.W010",
        )
    if cursors:
        yield Warning(
            "A connection pooler in transaction mode loses the place in a long result.",
            hint="Add ?DISABLE_SERVER_SIDE_CURSORS=True to DATABASE_URL; recaps and files then need more memory.",
            id="bawaslu_data.W011",
        )
