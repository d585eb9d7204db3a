"""The list behind a number of the board as a file: one query, read row by row, never a formula.

A file is whole before any of it is sent, and the site makes one at a time: seconds of computing for the longest list,
whoever asks and however slowly they read.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import IO

from django.db import transaction
from django.utils.translation import gettext as _

from dashboards.board.lists import MEASURES, ListedObligation
from dashboards.board.shapes import Heat
from hierarchy.lib import formats, locks
from hierarchy.lib.errors import Refusal
from hierarchy.lib.tabular import safe_cell
from hierarchy.models import Unit

CHUNK = 2_000


class Lock(IntEnum):
    """An advisory lock beside those of hierarchy/lib/locks.py and reports/locks.py. Never reuse or renumber it."""

    BOARD_FILE = 2001


Cell = str | int | None


def heading(unit: Unit, heat: Heat, state: str, search: str, now: datetime) -> list[list[str]]:
    """The lines above the table: what it is, of which unit, in which state, as of when."""
    title, searched = _("Papan kepatuhan"), _("pencarian: %(words)s") % {"words": search}
    return [
        [f"{title} · {unit.title} ({formats.unit_code(unit.code)}) · {unit.election.name}"],
        ["; ".join(each.label for each in heat.shown)],
        [f"{MEASURES[state].word} · {searched}" if search else str(MEASURES[state].word)],
        [_("keadaan %(at)s") % {"at": formats.moment(now)}],
        [],
    ]


def columns() -> list[str]:
    return [
        _("Kode"),
        _("Satuan"),
        _("Wilayah"),
        _("Laporan"),
        _("Tenggat"),
        _("Keadaan"),
        _("Diterima"),
        _("Menit terlambat"),
        _("Wajib diisi oleh"),
        _("Yang harus bertindak"),
        _("Telepon"),
        _("Terakhir terlihat"),
        _("Tanpa sinyal menurut"),
        _("Alasan"),
    ]


def cells(row: ListedObligation) -> list[Cell]:
    obligation, people = row.obligation, row.people
    return [
        formats.unit_code(obligation.subject.code),
        obligation.subject.title,
        row.place,
        row.window.label,
        formats.moment(obligation.due_at),
        str(formats.state(row.state).word),
        formats.moment(obligation.first_filed_at) if obligation.first_filed_at else "",
        row.minutes_late,
        obligation.filer.title,
        "; ".join(person.name for person in people),
        "; ".join(person.phone for person in people if person.phone),
        "; ".join(formats.moment(person.seen) for person in people if person.seen),
        obligation.attested_by.name if obligation.attested_by else "",
        obligation.attested_reason,
    ]


@contextmanager
def making() -> Iterator[None]:
    """A transaction in which one file is made. Raises Refusal while another is."""
    with transaction.atomic():
        if not locks.take(Lock.BOARD_FILE, [0], wait=False):
            raise Refusal(_("Berkas lain sedang dibuat. Tunggu beberapa detik, lalu unduh lagi."))
        yield


def table(head: list[list[str]], names: list[str], rows: Iterable[ListedObligation]) -> IO[bytes]:
    """As CSV, open for reading; it lives as long as it is open.

    UTF-8 with the mark Excel needs, semicolons as Excel in Indonesian reads them.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "papan.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as text:
            writer = csv.writer(text, delimiter=";")
            writer.writerows([safe_cell(cell) for cell in line] for line in [*head, names])
            writer.writerows([_for_csv(cell) for cell in cells(row)] for row in rows)
        return path.open("rb")


def _for_csv(cell: Cell) -> Cell:
    return cell if isinstance(cell, int) else safe_cell(cell)


def workbook(title: str, head: list[list[str]], names: list[str], rows: Iterable[ListedObligation]) -> IO[bytes]:
    """The same as XLSX, open for reading; it lives as long as it is open."""
    from dashboards.spreadsheet import Book, Style

    with tempfile.TemporaryDirectory() as folder, Book() as book:
        sheet = book.sheet(title)
        plain, bold = book.style(Style()), book.style(Style(bold=True, border=True, wrap=True))
        for line in head:
            sheet.row([(plain, cell) for cell in line])
        first = sheet.row([(bold, name) for name in names])
        for row in rows:
            sheet.row([(plain, cell) for cell in cells(row)])
        sheet.paper.freeze_panes = f"A{first + 1}"
        path = Path(folder) / "papan.xlsx"
        book.save(path)
        return path.open("rb")
