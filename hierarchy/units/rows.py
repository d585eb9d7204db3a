"""One unit as a file describes it, and what can be wrong with a set of them (pure: no database)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from hierarchy.levels import Level, level_of, parent_code, station_number
from hierarchy.lib.errors import Fault

CODE = re.compile(r"[0-9]+")  # not \d and not isdigit(): those accept Arabic-Indic digits, which match no official code
NAME_LENGTH, TAG_LENGTH, MAX_VOTERS = 120, 40, 250_000_000
EDITABLE = ("name", "kind", "registered_voters", "latitude", "longitude", "tags")  # what a file may change in place


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as it should be.

    code: digits without dots; the level and the parent follow from it.
    previous_code: the code under which the same unit stands in the tree now, when an official renumbering moved it.
    line: row in the source file for messages, 0 when there is none.
    """

    code: str
    name: str
    kind: str = ""
    registered_voters: int | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    tags: tuple[str, ...] = ()
    previous_code: str = ""
    line: int = 0

    @property
    def level(self) -> Level:
        level = level_of(self.code)
        assert level is not None, "asked of rows that `faults` has passed"
        return level

    @property
    def parent_code(self) -> str | None:
        return parent_code(self.code)

    @property
    def number(self) -> int | None:
        return station_number(self.code)

    def editable(self) -> tuple[Any, ...]:
        """The values of EDITABLE, to compare with what the tree holds."""
        return (self.name, self.kind, self.registered_voters, self.latitude, self.longitude, self.tags)


def faults(rows: Sequence[UnitRow], *, whole: bool = True) -> list[Fault]:
    """Everything wrong with `rows`: bad or repeated codes, bad cells and, when they should be whole trees, orphans."""
    found = [*_bad_codes(rows), *_bad_cells(rows)]
    return [*found, *_orphans(rows)] if whole else found


def _bad_codes(rows: Iterable[UnitRow]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    sources: dict[str, int] = {}
    for row in rows:
        if not CODE.fullmatch(row.code) or level_of(row.code) is None:
            yield Fault(row.line, "code", row.code, _("kode harus 2, 4, 6, 10, atau 13 angka 0–9."))
        elif row.code in first:
            yield Fault(
                row.line,
                "code",
                row.code,
                _("kode ini sudah ada di baris %(line)d. Hapus salah satunya.") % {"line": first[row.code]},
            )
        if row.previous_code and (len(row.previous_code) != len(row.code) or row.previous_code in sources):
            sentence = _("kode lama harus sama panjang dengan kode baru dan hanya dipakai sekali.")
            yield Fault(row.line, "previous_code", row.previous_code, sentence)
        first.setdefault(row.code, row.line)
        if row.previous_code:
            sources[row.previous_code] = row.line


def _bad_cells(rows: Iterable[UnitRow]) -> Iterator[Fault]:
    for row in rows:
        if not row.name.strip() or len(row.name) > NAME_LENGTH or "\0" in row.name:
            yield Fault(
                row.line,
                "name",
                row.name,
                _("nama wajib diisi, paling panjang %(length)d huruf.") % {"length": NAME_LENGTH},
            )
        if len(row.kind) > 20:
            yield Fault(row.line, "kind", row.kind, _("jenis paling panjang 20 huruf."))
        if row.registered_voters is not None and not 0 <= row.registered_voters <= MAX_VOTERS:
            sentence = _("jumlah pemilih harus bilangan bulat dari 0.")
            yield Fault(row.line, "registered_voters", str(row.registered_voters), sentence)
        for column, value, bound in (("lat", row.latitude, 90), ("lng", row.longitude, 180)):
            if value is not None and not abs(value) <= bound:
                sentence = _("koordinat harus antara -%(bound)d dan %(bound)d.") % {"bound": bound}
                yield Fault(row.line, column, str(value), sentence)
        for tag in row.tags:
            if not tag or len(tag) > TAG_LENGTH:
                yield Fault(row.line, "tags", tag, _("tiap label 1–%(length)d huruf.") % {"length": TAG_LENGTH})


def _orphans(rows: Sequence[UnitRow]) -> Iterator[Fault]:
    codes = {row.code for row in rows}
    for row in rows:
        if level_of(row.code) is None:
            continue
        parent = row.parent_code
        if parent is not None and parent not in codes:
            sentence = _("satuan induk %(parent)s tidak ada. Tambahkan baris induknya.") % {"parent": parent}
            yield Fault(row.line, "code", row.code, sentence)


def edges(codes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Nested-set edges (lft, rght) of every code in one pass; each province starts again at 1.

    Because a child's code starts with its parent's, plain order of codes is the depth-first order of the tree, so no
    parent has to be looked up.
    """
    found: dict[str, tuple[int, int]] = {}
    path: list[tuple[str, int]] = []
    edge = 0

    def leave(until: str) -> None:
        nonlocal edge
        while path and not until.startswith(path[-1][0]):
            code, left = path.pop()
            edge += 1
            found[code] = (left, edge)

    for code in sorted(codes):
        leave(code)
        if not path:
            edge = 0
        edge += 1
        path.append((code, edge))
    leave("\0")
    return found
