"""Tables that people send: CSV and XLSX read as text, cell by cell, with the row number a spreadsheet shows.

Everything stays a string until the caller decides: a spreadsheet that turns a code into a number has already lost.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from hierarchy.lib import sheet
from hierarchy.lib.errors import Fault, Refusal, reason, sentences

MAX_BYTES = 32 * 1024 * 1024  # a province with its polling stations is under 1 MB
MAX_UNPACKED = 256 * 1024 * 1024  # an XLSX is a zip; a bomb names its size in the directory
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class TableRow:
    """One row below the heading: its number in the file (heading = 1) and its cells by column, stripped."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read(path: Path, *, required: Sequence[str], optional: Sequence[str] = ()) -> list[TableRow]:
    """The rows of `path` (.csv with comma or semicolon, .xlsx first sheet), blank rows left out.

    Raises Refusal naming what to do: missing, empty or too large a file, another format than the name says, text
    that is not UTF-8, a NUL, a missing, unknown or repeated column.
    """
    content = _content(path)
    grid = _from_xlsx(path, content) if path.suffix.lower() == ".xlsx" else _from_csv(path, content)
    number, heading = next(((number, row) for number, row in grid if any(row)), (0, []))
    if not heading:
        raise Refusal(_("%(file)s: tidak ada isinya. Pilih berkas lain.") % {"file": path.name})
    columns = [cell.strip().lower().replace(" ", "_") for cell in heading]
    while columns and not columns[-1]:
        columns.pop()
    faults = list(_bad_columns(columns, number, required, optional))
    lines = []
    for number, row in grid:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        faults += [Fault(number, name, cell, _("ada karakter yang tidak sah (NUL). Ketik ulang isinya."))
                   for name, cell in zip(columns, cells, strict=False) if "\0" in cell]  # fmt: skip
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            faults.append(Fault(number, "", cells[-1], _("isi baris ini lebih banyak daripada judul kolomnya.")))
        lines.append(TableRow(number, dict(zip(columns, cells, strict=False))))
    if faults:
        raise Refusal(sentences(faults, path.name))
    return lines


def safe_cell(value: object) -> str:
    """`value` as text that no spreadsheet will run: a leading = + - @ tab or CR is preceded by an apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _content(path: Path) -> bytes:
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise Refusal(_("%(file)s: hanya berkas .csv atau .xlsx yang dapat dibaca.") % {"file": path.name})
    try:
        size = path.stat().st_size
        if size == 0:
            raise Refusal(_("%(file)s: berkas kosong (0 byte). Kirim ulang berkasnya.") % {"file": path.name})
        if size > MAX_BYTES:
            raise Refusal(
                _("%(file)s: berkas %(size)d MB terlalu besar, paling besar %(limit)d MB. Bagi per provinsi.")
                % {"file": path.name, "size": size // 2**20, "limit": MAX_BYTES // 2**20}
            )
        return path.read_bytes()
    except OSError as error:
        raise Refusal(
            _("%(file)s: berkas tidak dapat dibuka (%(reason)s). Periksa letak dan izinnya.")
            % {"file": path.name, "reason": reason(error)}
        ) from error


def _from_csv(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refusal(
            _("%(file)s, baris %(line)d: bukan teks UTF-8. Simpan ulang sebagai “CSV UTF-8”.")
            % {"file": path.name, "line": line}
        ) from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        previous = 0
        for row in reader:
            yield previous + 1, row
            previous = reader.line_num
    except csv.Error as error:
        raise Refusal(
            _("%(file)s, baris %(line)d: tidak dapat dibaca sebagai CSV. Periksa tanda kutipnya.")
            % {"file": path.name, "line": reader.line_num}
        ) from error


def _from_xlsx(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    if content.startswith(OLD_EXCEL):
        raise Refusal(
            _("%(file)s: isinya Excel lama (.xls) yang diganti nama. Buka lalu simpan sebagai .xlsx.")
            % {"file": path.name}
        )
    unreadable = Refusal(_("%(file)s: bukan berkas Excel .xlsx yang utuh. Simpan ulang.") % {"file": path.name})
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise unreadable
    except zipfile.BadZipFile as error:
        raise unreadable from error
    try:
        yield from enumerate(sheet.rows(content), start=1)
    except sheet.Unreadable as error:
        raise unreadable from error
    except sheet.TooLarge as error:
        raise Refusal(
            _(
                "%(file)s: tabelnya terlalu besar untuk dibaca, paling banyak %(cells)d sel. Hapus baris dan kolom di"
                " luar tabel, atau simpan sebagai CSV."
            )
            % {"file": path.name, "cells": sheet.MOST_CELLS}
        ) from error


def _bad_columns(
    columns: Sequence[str], line: int, required: Iterable[str], optional: Iterable[str]
) -> Iterator[Fault]:
    known = [*required, *optional]
    listing = ", ".join(known)
    for name in required:
        if name not in columns:
            yield Fault(line, name, "", _("kolom ini tidak ada. Kolom yang dikenal: %(list)s.") % {"list": listing})
    for name in sorted(set(columns)):
        if name not in known:
            yield Fault(line, name, "", _("kolom ini tidak dikenal. Kolom yang dikenal: %(list)s.") % {"list": listing})
        elif columns.count(name) > 1:
            yield Fault(line, name, "", _("judul kolom ini muncul dua kali. Hapus salah satunya."))
