"""The sheets of an XLSForm as rows that know where they stand, so that every fault can say where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from .schema import Choice, Text

COLUMNS = {
    "survey": {
        "type", "name", "label", "hint", "required", "relevant", "constraint", "constraint_message", "calculation",
        "appearance", "bind::bawaslu:indicator", "bind::bawaslu:problem", "bind::bawaslu:severity",
        "bind::bawaslu:public",
    },
    "choices": {"list_name", "name", "label"},
    "settings": {"form_id", "form_title", "version", "default_language", "namespaces"},
}  # fmt: skip
NEEDED = {"survey": ("type", "name", "label"), "choices": ("list_name", "name", "label"), "settings": ("form_id",)}
TRANSLATED = {"label", "hint", "constraint_message"}
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


class SheetRow:
    """One row of one sheet: its cells by column, and a place to report its faults to."""

    def __init__(self, sheet: str, number: int, cells: Mapping[str, Any], faults: list[str]) -> None:
        self.sheet, self.number, self.cells, self.faults = sheet, number, cells, faults

    def get(self, column: str) -> str:
        return str(self.cells.get(column) or "").strip()

    def text(self, column: str) -> Text:
        by_language = {"id": "", "en": ""}
        for header, value in self.cells.items():
            base, language = _column(header)
            if base == column and language in by_language and value:
                by_language[language] = str(value).strip()
        return Text(**by_language)

    def fault(self, column: str, problem: str) -> None:
        self.faults.append(
            _("Lembar “%(sheet)s”, baris %(row)d, kolom “%(column)s”: %(problem)s")
            % {"sheet": self.sheet, "row": self.number, "column": column, "problem": problem}
        )


def _column(header: str) -> tuple[str, str]:
    """Name and language of a column: `label::English (en)` is ("label", "en"), `label` is ("label", "id")."""
    base, _sep, language = header.partition("::")
    if base not in TRANSLATED:
        return header, "id"
    match = re.search(r"\(([a-z]{2})\)\s*$", language)
    return base, match[1] if match else ("id" if not language else "?")


def check_columns(definition: Any, faults: list[str]) -> None:
    for sheet, known in COLUMNS.items():
        header = getattr(definition, f"{sheet}_header") or [{}]
        found = [column for row in header for column in row]
        bases = {_column(column)[0] for column in found}
        for column in found:
            if _column(column)[0] not in known or _column(column)[1] == "?":
                faults.append(
                    _("Lembar “%(sheet)s”, kolom “%(column)s”: kolom ini tidak dikenal. Periksa ejaannya atau hapus.")
                    % {"sheet": sheet, "column": column}
                )
        faults.extend(
            _("Lembar “%(sheet)s”: kolom “%(column)s” tidak ada.") % {"sheet": sheet, "column": column}
            for column in NEEDED[sheet]
            if column not in bases
        )


def rows_of(definition: Any, sheet: str, faults: list[str]) -> Iterator[SheetRow]:
    for number, cells in enumerate(getattr(definition, sheet), start=2):  # row 1 holds the headings
        if any(str(value or "").strip() for value in cells.values()):
            yield SheetRow(sheet, number, cells, faults)


def choice_lists(rows: list[SheetRow]) -> dict[str, tuple[Choice, ...]]:
    lists: dict[str, list[Choice]] = {}
    for row in rows:
        name, label = row.get("name"), row.text("label")
        known = lists.setdefault(row.get("list_name"), [])
        if not NAME.fullmatch(name):
            row.fault("name", _("gunakan huruf kecil, angka, dan garis bawah, diawali huruf."))
        elif name in {choice.name for choice in known}:
            row.fault("name", _("pilihan “%s” sudah ada.") % name)
        elif not label.id:
            row.fault("label", _("isi label dalam bahasa Indonesia."))
        else:
            known.append(Choice(name, label))
    return {name: tuple(choices) for name, choices in lists.items()}
