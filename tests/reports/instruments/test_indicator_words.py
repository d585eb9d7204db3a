"""What is said of an indicator is complete and true: every line of all instruments, in both languages."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.calendar.publishing import CATALOGUE
from reports.instruments import indicator_words
from reports.instruments.plan import plan_of
from reports.instruments.schema import NO, TIME, YES, CellKind, Group, Question, Schema, Text, problem_cells, sum_cells
from tests.reports.instruments.forge import ask, catalogued, every_code, form

LANGUAGES = ("id", "en")
EVERY = [(code, language) for code in every_code() for language in LANGUAGES]


def answers_told(question: Question, line: str, language: str) -> tuple[Any, Any]:
    """(the answer that a reader of `line` thinks was given, one they think was not), read from the words alone."""
    label = question.label.in_language(language)
    tail = line.removeprefix(label).lstrip(": ")
    named = {choice.label.in_language(language): choice.name for choice in question.choices}
    if not tail:
        assert not label.endswith("?"), "a question is no statement"
        return YES, NO
    if tail in named:
        return named[tail], next(name for name in question.options if name != named[tail])
    if question.kind == TIME:
        digits = tail.replace(".", ":").removesuffix(" WITA")[-5:]
        limit = datetime.strptime(digits, "%H:%M")  # noqa: DTZ007 - an hour of no day
        after = tail.startswith(words("sesudah pukul %(limit)s", language))
        assert after or tail.startswith(words("sebelum pukul %(limit)s", language))
        beyond = limit + timedelta(minutes=1 if after else -1)
        return f"{beyond:%H:%M}", f"{limit:%H:%M}"
    if tail == words("ada", language):
        return 1, 0
    limit = int("".join(filter(str.isdigit, tail)))
    if tail.startswith(words("lebih dari %(limit)s", language)):
        return limit + 1, limit
    assert tail.startswith(words("kurang dari %(limit)s", language))
    return limit - 1, limit


def words(message: str, language: str) -> str:
    with translation.override(language):
        return gettext(message).partition("%(")[0]


def vector_of(schema: Schema, question: Question, answer: Any) -> list[int]:
    return plan_of(schema).vector({question.name: answer})


@pytest.mark.parametrize(("code", "language"), EVERY)
def test_every_line_of_an_instrument_is_unique_complete_and_true_to_its_answer(code: str, language: str) -> None:
    schema = catalogued(code)
    lines = indicator_words.lines(schema, language)
    assert len(set(lines.values())) == len(lines), "two rows bear one name"
    assert set(lines) == {position for _q, position in [*problem_cells(schema), *sum_cells(schema)]}
    for question, position in problem_cells(schema):
        found, fine = answers_told(question, lines[position], language)
        assert vector_of(schema, question, found)[position] == 1, (lines[position], found)
        assert vector_of(schema, question, fine)[position] == 0, (lines[position], fine)
    for question, position in sum_cells(schema):
        assert lines[position].startswith(question.label.in_language(language))


with (CATALOGUE / "indicators.csv").open(encoding="utf-8", newline="") as _file:
    INDICATORS = [row["code"] for row in csv.DictReader(_file)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_indicator_that_is_counted_has_a_line_and_no_other_has_one(language: str) -> None:
    """Of the 162, those that are a number or a problem; a date, a photo or an activity is counted as answered alone."""
    counted, said = set(), set()
    for code in every_code():
        schema, lines = catalogued(code), indicator_words.lines(catalogued(code), language)
        for question in schema.questions:
            positions = {cell.position for cell in schema.cells.get(question.name, ())}
            if question.problem or any(schema.layout[at].kind is CellKind.SUM for at in positions):
                counted.add(question.indicator)
            if positions & lines.keys():
                said.add(question.indicator)
    assert len(INDICATORS) == 162
    assert said == counted <= {*INDICATORS, ""}


@pytest.mark.parametrize(
    ("code", "name", "line"),
    [
        ("penghitungan-tps", "dihadiri_saksi", "Rapat dimulai dengan dihadiri saksi dan pengawas TPS: Tidak"),
        ("pemungutan-tps", "jam_buka", "Jam pembukaan pemungutan suara: sesudah pukul 07.00 WITA"),
        ("pemungutan-tps", "surat_rusak", "Surat suara rusak/keliru dicoblos: ada"),
        ("pemungutan-tps", "surat_tertukar", "Surat suara tertukar"),
        ("form-a", "ada_dugaan", "Apakah ada dugaan pelanggaran? Ya"),
    ],
)
def test_the_answer_stands_behind_the_question_where_the_question_does_not_say_it(
    code: str, name: str, line: str
) -> None:
    schema = catalogued(code)
    assert indicator_words.problem_line(schema.by_name[name], "id") == line


LABELS = st.sampled_from(["Surat suara rusak", "Kotak rusak", "Surat suara rusak (Surat suara)"])


@st.composite
def alike(draw: st.DrawFn) -> Schema:
    """A form whose questions and groups often bear the same names."""
    number = draw(st.integers(2, 6))
    problems = draw(st.lists(st.sampled_from(["", ">0", ">10", "<3"]), min_size=number, max_size=number))
    asked = [
        ask("integer", f"q{at}", **({"bind::bawaslu:problem": problem} if problem else {}))
        for at, problem in enumerate(problems)
    ]
    schema = form(*asked)
    groups = tuple(Group(name, Text(draw(st.sampled_from(["Surat suara", "Kotak"])))) for name in ("g0", "g1"))
    questions = [
        Question(
            name=question.name,
            kind=question.kind,
            group=draw(st.sampled_from(["g0", "g1"])),
            label=Text(draw(LABELS)),
            problem=question.problem,
        )
        for question in schema.questions
    ]
    return Schema(code=schema.code, title=schema.title, groups=groups, questions=tuple(questions))


@settings(max_examples=60, deadline=None)
@given(alike())
def test_whatever_questions_are_called_no_two_rows_bear_one_name(schema: Schema) -> None:
    for language in LANGUAGES:
        lines = indicator_words.lines(schema, language)
        assert len(set(lines.values())) == len(lines) == len(problem_cells(schema)) + len(sum_cells(schema))
        for question, position in problem_cells(schema):
            assert lines[position].startswith(indicator_words.problem_line(question, language))
            found, fine = answers_told(question, indicator_words.problem_line(question, language), language)
            assert vector_of(schema, question, found)[position] == 1
            assert vector_of(schema, question, fine)[position] == 0
