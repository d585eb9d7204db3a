"""Pytest plugin: real PostgreSQL and Valkey, apart from the developer's own data, before any setting is read.

Loaded with ``-p tests.services``: a conftest would come after pytest-django has imported the settings. Where
``DATABASE_URL`` or ``REDIS_URL`` is set, that server is used as it is. Two runs at once need two ``BAWASLU_DATA_DIR``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

DATA_DIR = Path(__file__).resolve().parent.parent / ".data" / "test"


def start() -> None:
    """Join the test servers; each xdist worker gets its own Valkey database, as pytest-django does for PostgreSQL."""
    os.environ["BAWASLU_TEST_SERVICES"] = "1"  # no fsync: a power loss may take the test database
    os.environ.setdefault("DATABASE_WAIT", "10")  # tests have more threads than the pool has connections
    os.environ.setdefault("BAWASLU_DATA_DIR", str(DATA_DIR))  # for the processes that tests start
    from bawaslu_data import embedded

    try:
        embedded.ensure()
    except embedded.EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error
    os.environ["REDIS_URL"] = own_redis_database(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", ""))


def own_redis_database(url: str, worker: str) -> str:
    """The same server, database 0 for the process without a worker and n + 1 for worker ``gw<n>``.

    >>> own_redis_database("unix:///run/valkey.sock?db=0", "gw1")
    'unix:///run/valkey.sock?db=2'
    >>> own_redis_database("redis://localhost:6379", "gw0")
    'redis://localhost:6379/1'
    """
    number = int(worker[2:]) + 1 if worker else 0
    if url.startswith("unix:"):
        return f"{url.partition('?')[0]}?db={number}"
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?]', rest)[0]}/{number}"


start()
