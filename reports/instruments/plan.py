"""A schema made ready for work, once per process: typed decoder, compiled rules, positions in the tally vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from .answers import LARGEST
from .order import in_order
from .rules import Closure, compile_tree
from .schema import (
    CALCULATED,
    DATE,
    INTEGER,
    NOTE,
    PHOTO,
    SELECT_MULTIPLE,
    SELECT_ONE,
    TEXT,
    TIME,
    YESNO,
    CellKind,
    Expression,
    Question,
    Schema,
    parse_problem,
)

Adder = Callable[[list[int], Any], None]


class Step(msgspec.Struct):
    """One question, in working order: is it relevant, and what is it if it is computed."""

    name: str
    relevant: Closure | None
    calculate: Closure | None


class Check(msgspec.Struct):
    """One constraint."""

    question: Question
    holds: Closure


class Plan:
    """What `codec.decode` needs of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.answered = {q.name: q for q in schema.questions if q.kind not in {CALCULATED, NOTE}}
        self.ignored = {q.name for q in schema.questions} - set(self.answered)  # sent back to us, and made anew
        self.normalised = [q.name for q in schema.questions if q.kind in {TEXT, DATE, SELECT_MULTIPLE}]
        self.type = _struct_type(schema)
        self.steps = [step for q in in_order(schema) if (step := _step(schema, q)).relevant or step.calculate]
        self.required = [(q.name, _compiled(q.required_if)) for q in schema.questions if q.required or q.required_if]
        self.checks = [Check(q, compile_tree(q.constraint.tree)) for q in schema.questions if q.constraint]
        self.adders = [(q.name, _adder(schema, q)) for q in schema.questions if q.name in schema.cells]
        self.width = len(schema.layout)

    def vector(self, answers: Mapping[str, Any]) -> list[int]:
        """The tally vector of one report."""
        vector = [0] * self.width
        for name, add in self.adders:
            value = answers.get(name)
            if value is not None:
                add(vector, value)
        return vector


_plans: dict[bytes, Plan] = {}  # by digest: a schema parsed twice is worked out once


def plan_of(schema: Schema) -> Plan:
    """The plan of a schema, made at first use and kept for the life of the process."""
    plan = _plans.get(schema.digest)
    if plan is None:
        if len(_plans) >= 512:  # far more than an election has; a test may make thousands
            _plans.clear()
        plan = _plans[schema.digest] = Plan(schema)
    return plan


def _compiled(expression: Expression | None) -> Closure | None:
    return compile_tree(expression.tree) if expression else None


def _step(schema: Schema, question: Question) -> Step:
    group = next(group for group in schema.groups if group.name == question.group)
    trees = [rule.tree for rule in (group.relevant, question.relevant) if rule]
    relevant = compile_tree(trees[0] if len(trees) == 1 else ["and", *trees]) if trees else None
    return Step(question.name, relevant, _compiled(question.calculation))


def _struct_type(schema: Schema) -> type[msgspec.Struct]:
    """A struct that accepts exactly the canonical answers, so that well-typed reports skip the reading one by one."""
    fields = [(q.name, _field_type(q), None) for q in schema.questions]
    return msgspec.defstruct("Answers", fields, forbid_unknown_fields=True, gc=False)


def _field_type(question: Question) -> Any:
    if question.kind in {CALCULATED, NOTE}:
        return Any  # a client may send its own results back; they are made anew
    one_of: Any = Literal
    if question.kind in {YESNO, SELECT_ONE}:
        return one_of[question.options] | None
    if question.kind == SELECT_MULTIPLE:
        return list[one_of[question.options]] | None
    return _SIMPLE[question.kind] | None


_SIMPLE: dict[str, Any] = {
    INTEGER: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)],
    TIME: Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")],
    PHOTO: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")],
    DATE: str,
    TEXT: str,
}


def _adder(schema: Schema, question: Question) -> Adder:
    cells = schema.cells[question.name]
    if cells[0].kind is CellKind.OPTION:
        positions = {cell.option: cell.position for cell in cells}
        return _count_each(positions) if question.kind == SELECT_MULTIPLE else _count_one(positions)
    first = cells[0].position
    extra = cells[-1].position if cells[-1].kind in {CellKind.LATE, CellKind.PROBLEM} else -1
    found = _names_problem(question)
    if cells[0].kind is CellKind.SUM:
        return _sum(first, extra, found)
    return _count(first, extra, found)


def _count_one(positions: dict[str, int]) -> Adder:
    def add(vector: list[int], value: str) -> None:
        vector[positions[value]] = 1

    return add


def _count_each(positions: dict[str, int]) -> Adder:
    def add(vector: list[int], value: list[str]) -> None:
        for option in value:
            vector[positions[option]] = 1

    return add


def _sum(first: int, extra: int, found: Callable[[Any], bool]) -> Adder:
    def add(vector: list[int], value: int) -> None:
        vector[first] = value
        vector[first + 1] = 1
        if extra >= 0 and found(value):
            vector[extra] = 1

    return add


def _count(first: int, extra: int, found: Callable[[Any], bool]) -> Adder:
    def add(vector: list[int], value: str) -> None:
        vector[first] = 1
        if extra >= 0 and found(value):
            vector[extra] = 1

    return add


def _names_problem(question: Question) -> Callable[[Any], bool]:
    """Whether an answer meets the question's problem condition. Canonical times compare as text."""
    problem = parse_problem(question.problem)
    if problem is None:
        return lambda _value: False
    limit: Any = int(problem.limit) if question.kind == INTEGER else problem.limit
    if problem.operator == ">":
        return lambda value: value > limit
    return lambda value: value < limit
