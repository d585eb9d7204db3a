"""The columns that a filing writes are those of the models, but for what stays empty until somebody else acts."""

from __future__ import annotations

import pytest
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from reports.filing import columns, write_many, write_one
from reports.filing.models import Report, Revision
from reports.journal.models import Event

# table -> (its columns in a filing, the columns that its review or the database fills)
TABLES: dict[type[Model], tuple[columns.Columns, set[str]]] = {
    Report: (columns.REPORT, {"approved_sha256", "approved_by_id", "approved_at", "correct_by"}),
    Revision: (columns.REVISION, {"id"}),
    Event: (columns.EVENT, {"id"}),
}


@pytest.mark.parametrize("model", TABLES)
def test_every_column_of_the_model_is_written_or_left_on_purpose(model: type[Model]) -> None:
    written, left = TABLES[model]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    assert {*written} | left == {*fields}
    assert not {*written} & left
    assert all(fields[name].null or fields[name].primary_key for name in left)


def test_both_ways_of_writing_name_the_same_columns() -> None:
    for (statement, table), (written, _left) in zip(write_many.COPIES, TABLES.values(), strict=True):
        assert table is written
        assert f"({table.names})" in statement
        assert f"({table.names}) SELECT {table.parameters}" in write_one.WRITE


def test_a_new_version_replaces_all_but_what_it_is_about_and_forgets_its_review() -> None:
    _written, left = TABLES[Report]
    replaced = {part.split(" = ")[0].strip() for part in f"{columns.REVISED}, {columns.UNSEEN}".split(",")}
    assert replaced == {*columns.REPORT, *left} - {"id", *columns.WHAT}


@pytest.mark.django_db
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_cell_is_read_back_as_it_was(text: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS cells (said text, raw bytea, nothing text)")
        cursor.execute("TRUNCATE cells")
        with cursor.copy("COPY cells FROM STDIN") as stream:
            stream.write("\t".join(map(columns.cell, (text, text.encode(), None))) + "\n")
        cursor.execute("SELECT said, raw, nothing FROM cells")
        assert cursor.fetchone() == (text, text.encode(), None)
