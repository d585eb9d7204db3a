"""Rows by the ten thousand through COPY, which is what PostgreSQL offers for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def take_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` primary keys from the model's own sequence, ascending; nobody else can be given them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPYs `rows` (values in the order of `fields`) into the model's table.

    No save(), no signals, no validation in Python: the caller has validated, and the constraints of the database hold.
    """
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    names = ", ".join(f'"{columns[field]}"' for field in fields)
    statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)
    analyze(model)


def analyze(model: type[models.Model]) -> None:
    """Tells the planner what a bulk load has done. Until autovacuum comes by, a minute later, it would take a table of
    thousands of rows for an empty one, and join it row by row."""
    with connection.cursor() as cursor:
        cursor.execute(f'ANALYZE "{model._meta.db_table}"')
