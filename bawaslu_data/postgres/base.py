"""Django's PostgreSQL backend, which remembers for a moment that the database is away, and keeps no dead connections.

Each attempt to connect costs a thread the pool's whole patience. While the database is known to be away, one request
in REST_SECONDS pays it to look again; all others fail at once. Who finds every connection lent to others pays for
themself alone: that says nothing about the database.
"""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar
from weakref import WeakSet

import psycopg
from django.db.backends.postgresql import base
from django.db.utils import OperationalError
from psycopg_pool import PoolTimeout

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
    lent: ClassVar[WeakSet[Any]] = WeakSet()  # connections that threads of this process hold

    def get_new_connection(self, conn_params: Any) -> Any:
        if not self.known.allows_look():
            raise OperationalError("the database was away a moment ago")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            # The pool says the same of no connection free and of none to be had.
            if not (isinstance(error, PoolTimeout) and self._all_lent()):
                self.known.note(away=True)
            raise
        self.known.note(away=False)
        self.lent.add(connection)
        return connection

    def _all_lent(self) -> bool:
        return self.pool is not None and len(self.lent) >= self.pool.max_size

    def _close(self) -> None:
        # Whatever ended this connection ended those that lie idle beside it; each would fail a request of its own, up
        # to minutes after the database has come back.
        pool = self.pool if self.connection is not None and self.connection.broken else None
        self.lent.discard(self.connection)
        super()._close()  # type: ignore[misc]  # the stubs leave it out
        if pool is not None:
            pool.drain()
