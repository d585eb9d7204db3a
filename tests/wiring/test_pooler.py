"""A connection pooler that would lose filings is named before it does; PostgreSQL itself is told nothing.

What stands between is a line of ours to the real server: it makes up the process id as poolers do and, for the good
case, keeps names of its own for prepared statements.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from django.core.checks import ERROR, WARNING, run_checks
from django.db import connection

from bawaslu_data.pooler import LIBPQ, Pooler, find, said
from bawaslu_data.postgres.base import DatabaseWrapper

KEY = ord("K")  # BackendKeyData: type, length, process id, secret
Pass = Callable[[bytes], bytes]


def unchanged(data: bytes) -> bytes:
    return data


def renamed(data: bytes) -> bytes:
    return data.replace(b"_pg3_", b"_own_")


def remembered(data: bytes) -> bytes:
    """The second statement is used without being prepared, as by a pooler that missed DEALLOCATE ALL."""
    return data if data.startswith(b"P") else data.replace(b"_pg3_1", b"_pg3_0")


def _read(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := line.recv(count - len(data))):
        data += more
    return data


def _to_server(client: socket.socket, server: socket.socket, change: Pass) -> None:
    with suppress(OSError):
        while data := client.recv(65_536):
            server.sendall(change(data))
        server.shutdown(socket.SHUT_RDWR)


def _to_client(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while len(head := _read(server, 5)) == 5:
            body = _read(server, int.from_bytes(head[1:]) - 4)
            client.sendall(head + (bytes([body[0] ^ 1]) + body[1:] if head[0] == KEY else body))
        client.shutdown(socket.SHUT_RDWR)


@contextmanager
def through(change: Pass) -> Iterator[DatabaseWrapper]:
    """Django's connection to the test database over one client's line through a pooler."""
    direct, lines = connection.get_connection_params(), ExitStack()
    listening = lines.enter_context(socket.create_server(("127.0.0.1", 0)))
    server = lines.enter_context(socket.socket(socket.AF_UNIX))
    server.connect(f"{direct['host']}/.s.PGSQL.{direct.get('port') or 5432}")

    def carry() -> None:
        client = lines.enter_context(listening.accept()[0])
        threading.Thread(target=_to_client, args=(client, server), daemon=True).start()
        _to_server(client, server, change)

    carrier = threading.Thread(target=carry, daemon=True)
    carrier.start()
    host, port = listening.getsockname()
    options = {
        name: value for name, value in connection.settings_dict["OPTIONS"].items() if name not in ("pool", "host")
    }
    settings = connection.settings_dict | {"HOST": host, "PORT": port, "OPTIONS": options | {"sslmode": "disable"}}
    wrapper = DatabaseWrapper(settings, connection.alias)
    try:
        yield wrapper
    finally:
        wrapper.close()
        carrier.join(10)
        lines.close()


@pytest.mark.django_db(transaction=True)
def test_without_a_pooler_nothing_is_said() -> None:
    assert find(connection) is None
    assert [each for each in run_checks(databases=["default"]) if (each.id or "").startswith("bawaslu_data")] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (unchanged, Pooler(translates=False, forgets=True)),
        (renamed, Pooler(translates=True, forgets=True)),
        (remembered, Pooler(translates=True, forgets=False)),
    ],
)
def test_a_pooler_is_known_by_what_it_does(change: Pass, found: Pooler) -> None:
    with through(change) as wrapper:
        assert find(wrapper) == found


GOOD: dict[str, Any] = {"found": Pooler(translates=True, forgets=True), "libpq": LIBPQ, "cursors": False}
WRONG: dict[str, tuple[dict[str, Any], str, int]] = {
    "E010": ({"found": Pooler(translates=True, forgets=False)}, "PgBouncer 1.22", ERROR),
    "E011": ({"libpq": LIBPQ - 1}, "libpq 17", ERROR),
    "W010": ({"found": Pooler(translates=False, forgets=True)}, "max_prepared_statements", WARNING),
    "W011": ({"cursors": True}, "DISABLE_SERVER_SIDE_CURSORS=True", WARNING),
}


def test_a_pooler_that_keeps_statements_apart_and_forgets_them_is_told_nothing() -> None:
    assert list(said(**GOOD)) == []


@pytest.mark.parametrize("number", sorted(WRONG))
def test_each_lack_gives_one_sentence_and_what_to_do(number: str) -> None:
    change, hint, level = WRONG[number]
    (message,) = said(**GOOD | change)
    assert (message.id, message.level) == (f"bawaslu_data.{number}", level)
    assert message.msg.endswith(".")
    assert hint in (message.hint or "")
    assert (message.hint or "").endswith(".")
