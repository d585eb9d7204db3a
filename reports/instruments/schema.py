"""The shape of a published instrument: what it asks, and where each answer lands in the tally vector.

A `Schema` is immutable, travels as JSON (`InstrumentVersion.schema`) and fixes `layout`: integer answers add up,
choices are counted per option, and a time, date, photo or text is counted as answered (docs/adr/0006).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from hierarchy.lib.canonical import REPORT

INTEGER, YESNO, SELECT_ONE, SELECT_MULTIPLE = "integer", "yesno", "select_one", "select_multiple"
TIME, DATE, TEXT, PHOTO, CALCULATED, NOTE = "time", "date", "text", "photo", "calculated", "note"
CHOICE_KINDS = frozenset({YESNO, SELECT_ONE, SELECT_MULTIPLE})
NEVER_PUBLIC = frozenset({TEXT, PHOTO, NOTE})  # exempt from disclosure (PPID decision 1001/2019)
HARD, SOFT = "hard", "soft"
YES, NO = "ya", "tidak"


class Text(msgspec.Struct, frozen=True):
    """One phrase in Indonesian and, where it was translated, in English."""

    id: str
    en: str = ""

    def in_language(self, language: str | None) -> str:
        """The phrase for a language code such as `en-gb`; Indonesian where there is no translation."""
        return self.en if self.en and (language or "").startswith("en") else self.id


class Expression(msgspec.Struct, frozen=True):
    """A rule: `source` as it was typed in the XLSForm, `tree` as rules.py evaluates it."""

    source: str
    tree: list[Any]


class Message(msgspec.Struct, frozen=True):
    """A constraint message cut into parts: a string is shown as it is, a rule tree is computed (rules.render)."""

    id: list[str | list[Any]]
    en: list[str | list[Any]] = []


class Choice(msgspec.Struct, frozen=True):
    name: str
    label: Text


class Group(msgspec.Struct, frozen=True):
    """One screen of the form."""

    name: str
    title: Text
    relevant: Expression | None = None


class Question(msgspec.Struct, frozen=True):
    """One question. `problem` is the answer that names one: `ya`, `tidak`, `>0`, `>07:00`, `<13:00`."""

    name: str
    kind: str
    group: str
    label: Text
    hint: Text = Text("")
    required: bool = False
    required_if: Expression | None = None
    relevant: Expression | None = None
    constraint: Expression | None = None
    message: Message | None = None
    severity: str = HARD
    calculation: Expression | None = None
    choices: tuple[Choice, ...] = ()
    indicator: str = ""
    problem: str = ""
    public: bool = False
    multiline: bool = False
    numeric: bool = False  # of a calculated question: its result is a number

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(choice.name for choice in self.choices)


class CellKind(StrEnum):
    SUM = "SUM"  # the answers added up
    ANSWERED = "ANSWERED"  # how many reports answered
    OPTION = "OPTION"  # how many reports chose this option
    LATE = "LATE"  # how many reports gave a time after the limit
    PROBLEM = "PROBLEM"  # how many reports gave a number or a time that is a problem


class Cell(NamedTuple):
    """One position of the tally vector."""

    position: int
    question: str
    kind: CellKind
    option: str = ""


class Problem(NamedTuple):
    """A parsed problem condition: `operator` is `option`, `<` or `>`; `limit` an option name, digits or HH:MM."""

    operator: str
    limit: str


PROBLEM_FORM = re.compile(r"(?P<operator>[<>])(?P<limit>[0-9]{1,7}|[0-2][0-9]:[0-5][0-9])|(?P<option>[a-z0-9_]+)")


def parse_problem(condition: str) -> Problem | None:
    """The parsed condition, or None where there is none. Raises ValueError where it is not of a known form."""
    if not condition:
        return None
    match = PROBLEM_FORM.fullmatch(condition)
    if match is None:
        raise ValueError(condition)
    return Problem(match["operator"] or "option", match["limit"] or match["option"])


class Schema(msgspec.Struct, frozen=True, dict=True):
    """A whole instrument. `code` is its form_id; `questions` stand in the order they are asked."""

    code: str
    title: Text
    groups: tuple[Group, ...]
    questions: tuple[Question, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for a JSONB column. `from_json` gives the same schema back."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any], digest: bytes | None = None) -> Schema:
        """A schema as it was published, under the `digest` it was published with; None for one that never was.

        Raises msgspec.ValidationError for anything `to_json` did not write.
        """
        schema = msgspec.convert(data, cls)
        if digest is not None:
            schema.__dict__["digest"] = digest
        return schema

    @cached_property
    def digest(self) -> bytes:
        """The schema's identity, 32 bytes, inside the hash of every report that answers it.

        Worked out once, at publishing (SHA-256 of the canonical JSON), and stored with the version: another release of
        this program may give these classes another field, and then the same schema would have another hash.
        """
        return REPORT.sha256(self)

    @cached_property
    def by_name(self) -> dict[str, Question]:
        return {question.name: question for question in self.questions}

    @cached_property
    def layout(self) -> tuple[Cell, ...]:
        """The positions of the tally vector, fixed for ever by the published version."""
        kinds = ((q.name, kind, option) for q in self.questions for kind, option in _cells(q))
        return tuple(Cell(position, *cell) for position, cell in enumerate(kinds))

    @cached_property
    def cells(self) -> dict[str, tuple[Cell, ...]]:
        """The cells of each question, by its name; questions without any are absent."""
        found: dict[str, list[Cell]] = {}
        for cell in self.layout:
            found.setdefault(cell.question, []).append(cell)
        return {name: tuple(cells) for name, cells in found.items()}

    def same_figures(self, other: Schema) -> bool:
        """Whether vectors of both may be added up: every position counts the same answers to the same question.

        Questions are known by their names, so a question that asks something else must have another name.
        """
        return self is other or self._figures == other._figures

    @cached_property
    def _figures(self) -> tuple[tuple[str, CellKind, str, str, str], ...]:
        """What each position counts; what is a problem matters to every choice and limit alike."""
        asked = self.by_name
        return tuple(
            (c.question, c.kind, c.option, asked[c.question].kind, asked[c.question].problem) for c in self.layout
        )

    def in_group(self, name: str) -> list[Question]:
        return [question for question in self.questions if question.group == name]

    def pair_of(self, name: str) -> str:
        """The other half of a Laki-laki/Perempuan pair (`x_l` and `x_p`), or an empty string."""
        other = {"_l": f"{name[:-2]}_p", "_p": f"{name[:-2]}_l"}.get(name[-2:], "")
        here, there = self.by_name.get(name), self.by_name.get(other)
        return other if here and there and here.kind == there.kind == INTEGER and here.group == there.group else ""


def _cells(question: Question) -> Iterator[tuple[CellKind, str]]:
    problem = parse_problem(question.problem)
    if question.kind in CHOICE_KINDS:
        yield from ((CellKind.OPTION, option) for option in question.options)
    elif question.kind == INTEGER or (question.kind == CALCULATED and question.numeric):
        yield CellKind.SUM, ""
        yield CellKind.ANSWERED, ""
        if problem:
            yield CellKind.PROBLEM, ""
    elif question.kind in {TIME, DATE, TEXT, PHOTO}:
        yield CellKind.ANSWERED, ""
        if problem:
            yield CellKind.LATE if problem.operator == ">" else CellKind.PROBLEM, ""


def problem_cells(schema: Schema) -> list[tuple[Question, int]]:
    """Every question that can name a problem, with the position that counts the reports in which it did."""
    found = []
    for question in schema.questions:
        problem = parse_problem(question.problem)
        for cell in schema.cells.get(question.name, ()) if problem else ():
            chosen = cell.kind is CellKind.OPTION and problem is not None and cell.option == problem.limit
            if chosen or cell.kind in {CellKind.LATE, CellKind.PROBLEM}:
                found.append((question, cell.position))
    return found


def sum_cells(schema: Schema) -> list[tuple[Question, int]]:
    """Every number that adds up, with the position of its sum."""
    return [(schema.by_name[cell.question], cell.position) for cell in schema.layout if cell.kind is CellKind.SUM]
