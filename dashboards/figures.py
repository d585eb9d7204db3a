"""Figures as people read them: pure functions from counts and vectors to what a page, a workbook or a file shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.instruments.schema import CellKind, Question, Schema, problem_cells, sum_cells

COUNTED = frozenset({CellKind.SUM, CellKind.OPTION, CellKind.LATE, CellKind.PROBLEM})
PROVISIONAL, RATIFIED = "sementara", "disahkan"


@dataclass(frozen=True)
class Counts:
    """How complete a unit's reporting is; the fields of a Tally."""

    expected: int = 0
    filed_count: int = 0
    on_time: int = 0
    approved_count: int = 0
    returned: int = 0
    vacant: int = 0
    unreachable: int = 0

    @property
    def missing(self) -> int:
        return self.expected - self.filed_count - self.vacant - self.unreachable

    @property
    def late(self) -> int:
        return self.filed_count - self.on_time

    @property
    def waiting(self) -> int:
        """Filed, neither approved nor returned."""
        return self.filed_count - self.approved_count - self.returned

    def of(self, basis: str) -> int:
        """Reports behind a sum on a basis: `filed` or `approved`."""
        return self.approved_count if basis == "approved" else self.filed_count


def add_counts(rows: Iterable[Mapping[str, int]]) -> Counts:
    """The sum of several counts (windows of one unit)."""
    total = dict.fromkeys(Counts.__dataclass_fields__, 0)
    for row in rows:
        for name in total:
            total[name] += row[name]
    return Counts(**total)


@dataclass(frozen=True)
class Figure:
    """One number with everything it must never be shown without (templates/components/figure.html).

    value: None when no report is behind it; reports: reports it sums; filed of expected: completeness in `noun`.
    """

    label: str
    value: int | None
    reports: int
    filed: int
    expected: int
    noun: str
    as_of: datetime
    status: str = PROVISIONAL
    version: int | None = None
    unchanged: bool = False


def public_cells(schema: Schema) -> tuple[tuple[str, int], ...]:
    """(key, position) of every cell whose sum may be published; key = "question" or "question.KIND.option"."""
    return tuple(
        (cell_key(cell.question, cell.kind, cell.option), cell.position)
        for cell in schema.layout
        if cell.kind in COUNTED and schema.by_name[cell.question].public
    )


def public_problems(schema: Schema) -> tuple[int, ...]:
    """Positions that count reports in which a public indicator was a finding."""
    return tuple(position for question, position in problem_cells(schema) if question.public)


def cell_key(question: str, kind: str, option: str = "") -> str:
    return question if kind == CellKind.SUM else ".".join(filter(None, [question, str(kind), option]))


@dataclass(frozen=True)
class Line:
    """A question with its figure, in a list: a problem counted in reports, or a sum."""

    question: Question
    label: str
    value: int


def problem_lines(schema: Schema, vector: Sequence[int], language: str | None = None) -> list[Line]:
    """Problems by how many reports found them, most first; a problem nobody found is listed last with 0."""
    lines = [
        Line(question, question.label.in_language(language), vector[position])
        for question, position in problem_cells(schema)
    ]
    return sorted(lines, key=lambda line: (-line.value, line.question.name))


def sum_lines(schema: Schema, vector: Sequence[int], language: str | None = None) -> list[Line]:
    """Sums in the order they are asked."""
    return [
        Line(question, question.label.in_language(language), vector[position])
        for question, position in sum_cells(schema)
    ]


def published_vector(schema: Schema, values: Mapping[str, int]) -> list[int]:
    """A full vector from a page's sparse values; what is not public or not named is 0."""
    vector = [0] * len(schema.layout)
    for key, position in public_cells(schema):
        vector[position] = values.get(key, 0)
    return vector


def add_vectors(vectors: Iterable[Sequence[int]], width: int) -> list[int]:
    """Element-wise sum; zeros of `width` when there are none."""
    total = [0] * width
    for vector in vectors:
        for position, value in enumerate(vector):
            total[position] += value
    return total
