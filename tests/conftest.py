"""What every test may use: the named cast and its tree (tests/cast.py), election day (tests/days.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

from tests.cast import *  # noqa: F403
from tests.days import *  # noqa: F403
from tests.needed import pytest_configure  # noqa: F401  (tests without their program are told of)


@pytest.fixture(autouse=True, scope="session")
def may_flush() -> Iterator[None]:
    """Tests with real transactions are cleaned up by TRUNCATE, which the database refuses for history."""
    flush = DatabaseOperations.sql_flush

    def unguarded(self: DatabaseOperations, *args: Any, **options: Any) -> list[str]:
        role = "SET LOCAL session_replication_role = {}"
        return [role.format("replica"), *flush(self, *args, **options), role.format("origin")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", unguarded)
        yield
