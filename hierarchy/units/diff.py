"""What a file would change in the tree, computed before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from hierarchy.units.rows import UnitRow


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A unit as the tree holds it. `editable` is in the order of rows.EDITABLE."""

    pk: int
    code: str
    editable: tuple[Any, ...]

    @property
    def name(self) -> str:
        return str(self.editable[0])


@dataclass(frozen=True, slots=True)
class Change:
    """One existing unit that a row changes."""

    was: Snapshot
    row: UnitRow

    @property
    def moved(self) -> bool:
        return self.was.code != self.row.code

    @property
    def renamed(self) -> bool:
        return self.was.name != self.row.name


@dataclass(frozen=True)
class Diff:
    """The difference between the tree and the rows; empty when loading the same file twice.

    changed holds every existing unit that differs: moved, renamed or with other particulars (voters, place, tags).
    closed: units of the provinces in the file that the file no longer lists.
    blocked: sentences naming the closed units that something still refers to; load refuses while there is one.
    """

    new: list[UnitRow] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    closed: list[Snapshot] = field(default_factory=list)
    unchanged: int = 0
    blocked: list[str] = field(default_factory=list)

    @property
    def moved(self) -> list[Change]:
        return [change for change in self.changed if change.moved]

    @property
    def renamed(self) -> list[Change]:
        return [change for change in self.changed if change.renamed]

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.closed)

    @property
    def touches_structure(self) -> bool:
        return bool(self.new or self.closed or self.moved)

    def summary(self) -> list[tuple[str, int]]:
        """(words, count) for the table that a person reads before confirming. A unit may count as moved and renamed."""
        return [
            (_("baru"), len(self.new)),
            (_("pindah"), len(self.moved)),
            (_("ganti nama"), len(self.renamed)),
            (_("data lain berubah"), sum(not (c.moved or c.renamed) for c in self.changed)),
            (_("ditutup"), len(self.closed)),
            (_("tetap"), self.unchanged),
        ]


def compare(existing: Mapping[str, Snapshot], rows: Sequence[UnitRow]) -> Diff:
    """The Diff that turns `existing` (by code) into `rows`. Pure.

    A unit is known by its code. Under a renumbered parent the children follow without naming their previous codes:
    the parent's old code and the child's own digits say which unit is meant.
    """
    wanted = {row.code for row in rows}
    old_code_of: dict[str, str] = {}
    diff = Diff()
    kept: set[str] = set()
    unchanged = 0
    for row in sorted(rows, key=lambda row: row.code):
        source = _source(row, existing, wanted, old_code_of)
        if source is None or source in kept:
            diff.new.append(row)
            continue
        kept.add(source)
        old_code_of[row.code] = source
        was = existing[source]
        if source == row.code and was.editable == row.editable():
            unchanged += 1
        else:
            diff.changed.append(Change(was, row))
    closed = [was for code, was in existing.items() if code not in kept]
    return Diff(diff.new, diff.changed, closed, unchanged)


def _source(
    row: UnitRow, existing: Mapping[str, Snapshot], wanted: set[str], old_code_of: Mapping[str, str]
) -> str | None:
    """The code under which the tree holds this row's unit now, None when it is new."""
    if row.previous_code and row.previous_code in existing:
        return row.previous_code
    parent = row.parent_code
    if parent is not None and old_code_of.get(parent, parent) != parent:
        followed = old_code_of[parent] + row.code[len(parent) :]
        if followed in existing and followed not in wanted:
            return followed
    return row.code if row.code in existing else None
