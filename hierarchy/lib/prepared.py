"""Statements that PostgreSQL parses and plans once per connection, for the few paths that thousands wait on at once.

Django writes its SQL anew for every query and sends it with the values inside, so the server plans it anew too: for a
filing that is most of the time it takes (docs/adr/0009). Everything else uses the ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from django.db import connection
from django.db.models import Model
from psycopg.types.numeric import Int8


def execute(statement: str, values: Mapping[str, Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Runs a statement (values as %(name)s) on Django's own connection, inside whatever transaction it is in.

    The text must be constant, for each text is a plan that is kept; columns are named, never `*`. Values whose type
    PostgreSQL cannot tell by themselves are cast in the statement.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        # psycopg sends an int as the smallest type it fits, and each mix of types would be a plan of its own.
        sized = {name: Int8(value) if type(value) is int else value for name, value in values.items()}
        cursor.execute(statement, sized, prepare=True)
    if connection.queries_logged:  # whoever counts queries must see these too
        connection.queries_log.append({"sql": statement, "time": "0.000"})
    return cursor


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with execute(statement, values) as cursor:
        return cursor.fetchall()


def columns(model: type[Model], *names: str) -> list[str]:
    """`names` in the order in which the model's `from_db` wants their values."""
    return [field.attname for field in model._meta.concrete_fields if field.attname in names]


def array(numbers: Iterable[int]) -> str:
    """Integers as PostgreSQL writes an array of them; the statement casts it: %(name)s::bigint[]."""
    return f"{{{','.join(map(str, numbers))}}}"
