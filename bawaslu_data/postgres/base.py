"""Django's PostgreSQL backend, which remembers for a moment that the database is away, and keeps no dead connections.

Each attempt to connect costs a thread the pool's whole patience. While the database is known to be away, one request
in REST_SECONDS pays it to look again; all others fail at once.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

REST_SECONDS = 1.0


class Away:
    """Whether the database is away, as far as this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_look: float | None = None  # None: it was there when last asked

    def allows_look(self) -> bool:
        with self._lock:
            if self._next_look is None:
                return True
            if time.monotonic() < self._next_look:
                return False
            self._next_look = time.monotonic() + REST_SECONDS  # who comes meanwhile does not wait as well
            return True

    def note(self, *, away: bool) -> None:
        with self._lock:
            self._next_look = time.monotonic() + REST_SECONDS if away else None


class DatabaseWrapper(base.DatabaseWrapper):
    known = Away()

    def get_new_connection(self, conn_params: Any) -> Any:
        if not self.known.allows_look():
            raise OperationalError("the database was away a moment ago")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            self.known.note(away=True)
            raise
        self.known.note(away=False)
        return connection

    def _close(self) -> None:
        # Whatever ended this connection ended those that lie idle beside it; each would fail a request of its own, up
        # to minutes after the database has come back.
        pool = self.pool if self.connection is not None and self.connection.broken else None
        super()._close()  # type: ignore[misc]  # the stubs leave it out
        if pool is not None:
            pool.drain()
