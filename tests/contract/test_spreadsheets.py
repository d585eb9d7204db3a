"""Whatever opens in a spreadsheet: a unit, a person or an answer named like a formula is text in every file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db.models import F, Value
from django.db.models.functions import Concat

from dashboards.recaps import actions as recaps
from hierarchy.lib.tabular import FORMULA_STARTS
from hierarchy.models import Unit, User
from tests.contract import test_matrix
from tests.contract.test_matrix import TABLE, World, address, signed_in
from tests.days import fresh

HOSTILE = '=HYPERLINK("http://evil.example";"klik")'
SUMS = "=SUM("  # the only formulas that a file of ours has
world = test_matrix.world
READERS = ("admin", "province_chair", "panwascam_chair")


@pytest.fixture
def hostile(world: World) -> World:
    """The world with a formula before every name, and a recap made of it."""
    Unit.objects.update(name=Concat(Value(HOSTILE), F("name")))
    User.objects.update(name=Concat(Value("@SUM(1)"), F("name")))
    wish = {"unit": Unit.objects.get(pk=world.day.units["6472"].pk), "stage_code": "PEMUNGUTAN", "basis": "filed"}
    job = recaps.ask(**wish, by=fresh(world.day.cast.admin))
    assert recaps.make(job.pk)
    job.refresh_from_db()
    object.__setattr__(world, "job", job)
    return world


def files(world: World) -> Iterator[tuple[str, bytes]]:
    """(route and query, content) of every answer of the site that is a table."""
    for route, rule in TABLE.items():
        if rule.unsafe:
            continue
        url = address(route, rule.args(world))
        for query in ("", "?bentuk=csv", "?bentuk=xlsx"):
            for name in READERS:
                with closing(signed_in(world, name).get(url + query)) as answer:
                    content = answer.getvalue()
                kind = answer.headers.get("Content-Type", "")
                if answer.status_code == 200 and ("csv" in kind or "spreadsheet" in kind):
                    yield f"{route}{query}", content


def formulas(content: bytes) -> list[Any]:
    """Cells that a spreadsheet would calculate, our own sums excepted."""
    if not content.startswith(b"PK"):
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
        return [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return [cell.value for cell in cells if not str(cell.value).startswith(SUMS)]


def test_no_cell_of_any_file_is_a_command(hostile: World) -> None:
    found = [(place, content) for place, content in files(hostile)]
    places = {place for place, _content in found}
    assert places >= {
        "temuan/?bentuk=csv",
        "kepatuhan/<slug:election>/<slug:code>/?bentuk=csv",
        "kepatuhan/<slug:election>/<slug:code>/?bentuk=xlsx",
        "unduhan/<uuid:pk>/berkas",
    }
    named = {place for place, content in found if content.startswith(b"PK") or b"HYPERLINK" in content}
    assert named == places, "every file names a unit"
    assert [(place, cell) for place, content in found for cell in formulas(content)] == []
