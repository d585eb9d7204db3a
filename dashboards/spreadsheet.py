"""A workbook whose rows are streamed: openpyxl makes the book, its styles and its print set-up, rows go out as XML.

openpyxl's own write-only mode builds an element per cell, which took 2.5 times as long as XlsxWriter, and it writes
formulas without their value, so that the preview of a phone shows empty totals. Rows are kept in a temporary file per
sheet: memory does not grow with them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from hierarchy.lib.tabular import safe_cell

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

LONGEST_TEXT = 32_000  # characters; Excel refuses more than 32,767 in a cell
LONGEST_NAME = 31  # characters of a sheet's name
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
# XML 1.0 has no way to write these; Excel calls a file with one of them damaged.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROWS = re.compile(rb"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.DOTALL)
_EXTENT = re.compile(rb"<dimension [^>]*/>")


class Formula(NamedTuple):
    """A live formula, without "=", and the value it has now, for readers that do not calculate."""

    expression: str
    value: int


Value = int | str | Formula | None


@dataclass(frozen=True)
class Style:
    """How a cell looks. `align`: left, center, right; `pattern`: a number format of Excel."""

    bold: bool = False
    size: int = 10
    align: str = "left"
    pattern: str = "General"
    border: bool = False
    fill: str = ""
    wrap: bool = False
    italic: bool = False


@cache
def letters(column: int) -> str:
    """1 -> A, 27 -> AA."""
    name = ""
    while column:
        column, digit = divmod(column - 1, 26)
        name = chr(65 + digit) + name
    return name


def text(value: str) -> str:
    """`value` as the content of an XML element: never a formula, never longer than a cell may be."""
    clean = safe_cell(_NOT_IN_XML.sub("", value))  # in this order: what is dropped may stand before an equals sign
    if len(clean) > LONGEST_TEXT:
        clean = clean[: LONGEST_TEXT - 1] + "…"
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


class Book:
    """Sheets that may be filled in turn. Use as a context manager: temporary files are closed with it."""

    def __init__(self) -> None:
        from openpyxl import Workbook

        self.book: Any = Workbook()
        self.book.remove(self.book.active)
        self.sheets: list[Sheet] = []
        self._styles: dict[Style, int] = {}

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_exception: object) -> None:
        for sheet in self.sheets:
            sheet.rows.close()

    def sheet(self, name: str) -> Sheet:
        """A new sheet; its name is cut and numbered until Excel accepts it."""
        clean = _NOT_IN_NAMES.sub(" ", _NOT_IN_XML.sub("", name)).strip(" '") or "LEMBAR"
        taken = {title.casefold() for title in self.book.sheetnames}
        wanted, number = clean[:LONGEST_NAME].strip(), 1
        while wanted.casefold() in taken:
            number += 1
            ending = f" ({number})"
            wanted = clean[: LONGEST_NAME - len(ending)].strip() + ending
        sheet = Sheet(self, self.book.create_sheet(wanted))
        self.sheets.append(sheet)
        return sheet

    def style(self, style: Style) -> int:
        """The number of a style in the book."""
        if style not in self._styles:
            self._styles[style] = self._register(style)
        return self._styles[style]

    def _register(self, style: Style) -> int:
        from openpyxl.cell import Cell
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

        cell: Any = Cell(self.book.worksheets[0], row=1, column=1)
        cell.font = Font(name="Calibri", bold=style.bold, italic=style.italic, size=style.size)
        cell.alignment = Alignment(horizontal=style.align, vertical="center", wrap_text=style.wrap)
        cell.number_format = style.pattern
        if style.border:
            cell.border = Border(*[Side(style="thin")] * 4)
        if style.fill:
            cell.fill = PatternFill("solid", fgColor=style.fill)
        return int(cell.style_id)

    def save(self, path: Path) -> None:
        """Writes the file at `path`, over what may be there. A book is saved once."""
        empty = BytesIO()
        self.book.save(empty)
        bodies = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(self.sheets, 1)}
        with zipfile.ZipFile(empty) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                with target.open(name, "w") as member:
                    if name in bodies:
                        bodies[name].splice(source.read(name), member)
                    else:
                        member.write(source.read(name))


class Sheet:
    """One sheet. `paper` is openpyxl's worksheet, for widths, panes and print set-up; its cells are never used."""

    def __init__(self, book: Book, paper: Worksheet) -> None:
        self.book, self.paper = book, paper
        self.rows: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the book)
        self.last_row = 0
        self.last_column = 1

    def row(self, cells: Sequence[tuple[int, Value]], *, at: int = 1, height: float | None = None) -> int:
        """Appends a row of (style number, value) from column `at` on; returns its number."""
        self.last_row += 1
        number = self.last_row
        written = [_cell(letters(column), number, style, value) for column, (style, value) in enumerate(cells, at)]
        size = f' ht="{height}" customHeight="1"' if height else ""
        self.rows.write(f'<row r="{number}"{size}>{"".join(written)}</row>'.encode())
        self.last_column = max(self.last_column, at + len(cells) - 1)
        return number

    def skip(self, rows: int = 1) -> None:
        """Leaves rows empty."""
        self.last_row += rows

    def merge(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
        if (first_row, first_column) != (last_row, last_column):
            self.paper.merged_cells.add(  # merge_cells() would make cells that splice() throws away
                f"{letters(first_column)}{first_row}:{letters(last_column)}{last_row}"
            )

    def splice(self, frame: bytes, target: IO[bytes]) -> None:
        """Writes openpyxl's XML of this sheet with the rows in the place of its cells."""
        extent = f'<dimension ref="A1:{letters(self.last_column)}{max(self.last_row, 1)}"/>'.encode()
        before, after = _ROWS.split(_EXTENT.sub(extent, frame, count=1))
        target.write(before + b"<sheetData>")
        self.rows.seek(0)
        shutil.copyfileobj(self.rows, target, 1 << 20)
        target.write(b"</sheetData>" + after)


def _cell(column: str, row: int, style: int, value: Value) -> str:
    if value is None:
        return f'<c r="{column}{row}" s="{style}"/>'
    if isinstance(value, int):
        return f'<c r="{column}{row}" s="{style}"><v>{int(value)}</v></c>'
    if isinstance(value, Formula):
        return f'<c r="{column}{row}" s="{style}"><f>{value.expression}</f><v>{value.value}</v></c>'
    return f'<c r="{column}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text(value)}</t></is></c>'
