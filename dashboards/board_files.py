"""The list behind a number of the board as a file: one query, streamed row by row, never a formula."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from django.utils import translation
from django.utils.translation import gettext as _

from dashboards.board_list import MEASURES, Listed
from dashboards.board_shapes import Heat
from hierarchy import formats
from hierarchy.models import Unit
from hierarchy.tabular import safe_cell

CHUNK = 2_000
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
        _("Orang"),
        _("Telepon"),
        _("Terakhir terlihat"),
        _("Tanpa sinyal menurut"),
        _("Alasan"),
    ]


def cells(row: Listed) -> list[Cell]:
    duty, people = row.duty, row.people
    return [
        formats.unit_code(duty.subject.code),
        duty.subject.title,
        row.place,
        row.asked.label,
        formats.moment(duty.due_at),
        str(formats.state(row.state).word),
        formats.moment(duty.first_filed_at) if duty.first_filed_at else "",
        row.minutes_late,
        duty.filer.title,
        "; ".join(person.name for person in people),
        "; ".join(person.phone for person in people if person.phone),
        "; ".join(formats.moment(person.seen) for person in people if person.seen),
        duty.attested_by.name if duty.attested_by else "",
        duty.attested_reason,
    ]


class _Echo:
    """A file that hands every line straight back."""

    def write(self, text: str) -> str:
        return text


def csv_lines(head: list[list[str]], names: list[str], rows: Iterable[Listed]) -> Iterator[bytes]:
    """The file piece by piece: UTF-8 with the mark Excel needs, semicolons as Excel in Indonesian reads them."""
    language = translation.get_language()
    writer = csv.writer(_Echo(), delimiter=";")
    yield b"\xef\xbb\xbf"
    for line in [*head, names]:
        yield writer.writerow([safe_cell(cell) for cell in line]).encode()
    with translation.override(language):  # the page's language is gone by the time a file is read
        for row in rows:
            yield writer.writerow([_for_csv(cell) for cell in cells(row)]).encode()


def _for_csv(cell: Cell) -> Cell:
    return cell if isinstance(cell, int) else safe_cell(cell)


def workbook(title: str, head: list[list[str]], names: list[str], rows: Iterable[Listed]) -> IO[bytes]:
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
