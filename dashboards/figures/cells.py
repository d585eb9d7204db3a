"""Figures as people read them: pure functions from counts and vectors to what a page, a workbook or a file shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from hierarchy.levels import Level
from reports.calendar.models import Cadence, Instrument
from reports.instruments import indicator_words
from reports.instruments.schema import CellKind, Question, Schema, problem_cells, sum_cells

COUNTED = frozenset({CellKind.SUM, CellKind.OPTION, CellKind.LATE, CellKind.PROBLEM})
# The question that every instrument ends with: what happened that no other question asks.
INCIDENT = "kejadian_khusus"
PROVISIONAL, RATIFIED = "sementara", "disahkan"


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
    counts_reports: bool = False  # the value is so many of `reports`, and the bar is its share


def public_cells(schema: Schema) -> tuple[tuple[str, int], ...]:
    """(key, position) of every cell whose sum may be published; key = "question" or "question.KIND.option"."""
    return tuple(
        (cell_key(cell.question, cell.kind, cell.option), cell.position)
        for cell in schema.layout
        if cell.kind in COUNTED and schema.by_name[cell.question].public
    )


def public_problems(schema: Schema) -> tuple[int, ...]:
    """Positions that count reports in which a public indicator named a problem."""
    return tuple(position for question, position in problem_cells(schema) if question.public)


def cell_key(question: str, kind: str, option: str = "") -> str:
    return question if kind == CellKind.SUM else ".".join(filter(None, [question, str(kind), option]))


@dataclass(frozen=True)
class FigureLine:
    """A question with its figure, in a list: a problem counted in reports, or a sum."""

    question: Question
    label: str
    value: int


@dataclass(frozen=True)
class SumRow:
    """A row of the table of sums: an L/P pair with its two halves, or one number alone (men and women None)."""

    label: str
    total: int
    men: int | None = None
    women: int | None = None


def problem_lines(schema: Schema, vector: Sequence[int], language: str | None = None) -> list[FigureLine]:
    """Problems by how many reports found them, most first; a problem nobody found is listed last with 0."""
    told = indicator_words.lines(schema, language)
    lines = [FigureLine(question, told[position], vector[position]) for question, position in problem_cells(schema)]
    return sorted(lines, key=lambda line: (-line.value, line.question.name))


def sum_lines(schema: Schema, vector: Sequence[int], language: str | None = None) -> list[FigureLine]:
    """Sums in the order they are asked."""
    told = indicator_words.lines(schema, language)
    return [FigureLine(question, told[position], vector[position]) for question, position in sum_cells(schema)]


def sum_rows(schema: Schema, lines: Iterable[FigureLine]) -> list[SumRow]:
    """Sums with the two halves of an L/P pair in one row, under what their labels share ("DPT: laki-laki" -> "DPT")."""
    lines = list(lines)
    by_name = {line.question.name: line for line in lines}
    rows = []
    for line in lines:
        name = line.question.name
        other = by_name.get(schema.pair_of(name))
        if other is None:
            rows.append(SumRow(line.label, line.value))
        elif name.endswith("_l"):
            label = line.label.rpartition(":")[0] or line.label
            rows.append(SumRow(label, line.value + other.value, line.value, other.value))
    # Forms often calculate the total of a pair under the pair's own name; the pair's row says it already.
    pairs = {(row.label, row.total) for row in rows if row.men is not None}
    return [row for row in rows if row.men is not None or (row.label, row.total) not in pairs]


def subject_noun(instrument: Instrument) -> str:
    """What is counted in "n dari N <noun>": units where each owes one report, else the reports themselves."""
    if instrument.subject_level is None or instrument.cadence != Cadence.ONCE:
        return _("laporan wajib")
    return str(Level(instrument.subject_level).spec.plural)


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
