"""What a recap sheet says of an instrument: its groups as topics, its questions as columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from django.utils.translation import gettext as _

from reports.instruments.indicator_words import problem_answer
from reports.instruments.schema import (
    CALCULATED,
    CHOICE_KINDS,
    DATE,
    INTEGER,
    PHOTO,
    TIME,
    CellKind,
    Question,
    Schema,
    parse_problem,
)


@dataclass(frozen=True)
class Column:
    """One column of figures. Neighbours with the same `heading` share it, each over its own `part`.

    position: where the figure stands in a row's values; None: the sum of the two columns on the left (L + P).
    """

    heading: str
    part: str = ""
    position: int | None = None


@dataclass(frozen=True)
class Topic:
    """A sheet of the workbook: one group of an instrument."""

    title: str
    columns: tuple[Column, ...]


def topics(schema: Schema) -> list[Topic]:
    """The groups that have figures. Positions are those of the tally vector; texts have no column."""
    found = []
    for group in schema.groups:
        columns = [column for question in schema.in_group(group.name) for column in _columns(schema, question)]
        if columns:
            found.append(Topic(group.title.id, tuple(columns)))
    return found


def _columns(schema: Schema, question: Question) -> Iterator[Column]:
    if other := schema.pair_of(question.name):
        if question.name.endswith("_l"):
            yield from _pair(schema, question, schema.by_name[other])
        return
    if make := _BY_KIND.get(question.kind):
        yield from make(schema, question)


def _pair(schema: Schema, men: Question, women: Question) -> Iterator[Column]:
    shared = takewhile(lambda both: both[0] == both[1], zip(men.label.id, women.label.id, strict=False))
    heading = "".join(letter for letter, _same in shared).rstrip(" :,(-–") or men.label.id
    yield Column(heading, "L", _position(schema, men, CellKind.SUM))
    yield Column(heading, "P", _position(schema, women, CellKind.SUM))
    yield Column(heading, _("TOTAL"))


def _number(schema: Schema, question: Question) -> Iterator[Column]:
    counted = _position(schema, question, CellKind.PROBLEM)
    yield Column(
        question.label.id, _("JUMLAH") if counted is not None else "", _position(schema, question, CellKind.SUM)
    )
    if counted is not None:
        yield Column(question.label.id, _("LAPORAN: %s") % problem_answer(question).upper(), counted)


def _choice(schema: Schema, question: Question) -> Iterator[Column]:
    words = {choice.name: choice.label.id for choice in question.choices}
    for cell in schema.cells.get(question.name, ()):
        yield Column(question.label.id, words[cell.option], cell.position)


def _time(schema: Schema, question: Question) -> Iterator[Column]:
    problem = parse_problem(question.problem)
    if problem is None:
        yield from _answered(schema, question)
        return
    kind = CellKind.LATE if problem.operator == ">" else CellKind.PROBLEM
    yield Column(question.label.id, problem_answer(question).upper(), _position(schema, question, kind))


def _answered(schema: Schema, question: Question) -> Iterator[Column]:
    words = _("ADA FOTO") if question.kind == PHOTO else _("TERISI")
    yield Column(question.label.id, words, _position(schema, question, CellKind.ANSWERED))


def _position(schema: Schema, question: Question, kind: CellKind) -> int | None:
    return next((cell.position for cell in schema.cells.get(question.name, ()) if cell.kind is kind), None)


def _calculated(schema: Schema, question: Question) -> Iterator[Column]:
    if question.numeric:
        yield from _number(schema, question)


_BY_KIND: dict[str, Callable[[Schema, Question], Iterator[Column]]] = {
    INTEGER: _number,
    CALCULATED: _calculated,
    TIME: _time,
    DATE: _answered,
    PHOTO: _answered,
    **dict.fromkeys(CHOICE_KINDS, _choice),
}
