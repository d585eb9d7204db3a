"""Instruments and answers made for tests: small forms in a line each, and valid reports of any form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reports.calendar.publishing import CATALOGUE
from reports.instruments import xlsform
from reports.instruments.schema import (
    DATE,
    INTEGER,
    PHOTO,
    SELECT_MULTIPLE,
    SELECT_ONE,
    TEXT,
    TIME,
    YESNO,
    Question,
    Schema,
)

CHOICES = [
    ("ya_tidak", "ya", "Ya"),
    ("ya_tidak", "tidak", "Tidak"),
    ("warna", "merah", "Merah"),
    ("warna", "biru", "Biru"),
]
Row = Mapping[str, str]


def table(sheet: str, rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return "\n".join([f"| {sheet} |", *(f"| | {' | '.join(line)} |" for line in lines)])


def markdown(*rows: Row, code: str = "uji", choices: Sequence[tuple[str, str, str]] = CHOICES) -> bytes:
    """An XLSForm with these survey rows; a row without a label gets its name as one."""
    survey = [{"type": "", "name": "", "label": row.get("name", ""), **row} for row in rows]
    listed = [dict(zip(("list_name", "name", "label"), choice, strict=True)) for choice in choices]
    settings = {"form_id": code, "form_title": "Uji", "namespaces": 'bawaslu="https://example.org/xlsform"'}
    return "\n\n".join([table("survey", survey), table("choices", listed), table("settings", [settings])]).encode()


def form(*rows: Row, code: str = "uji") -> Schema:
    return xlsform.read(markdown(*rows, code=code), suffix=".md")


def ask(kind: str, name: str, **columns: str) -> Row:
    return {"type": kind, "name": name, **columns}


@cache
def catalogued(code: str) -> Schema:
    return xlsform.read(CATALOGUE / f"{code}.md")


def every_code() -> list[str]:
    return sorted(Path(file).stem for file in CATALOGUE.glob("*.md") if file.stem != "SOURCES")


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=20).filter(str.strip)
_BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    INTEGER: st.integers(0, 9_999_999),
    TIME: st.times().map(lambda t: t.strftime("%H:%M")),
    DATE: st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31)).map(str),
    TEXT: WORDS,
    PHOTO: st.binary(min_size=32, max_size=32).map(bytes.hex),
}


def answer_to(question: Question) -> st.SearchStrategy[Any]:
    """A well-formed answer; whether it obeys the form's rules is another matter."""
    if question.kind in {YESNO, SELECT_ONE}:
        return st.sampled_from(question.options)
    if question.kind == SELECT_MULTIPLE:
        return st.lists(st.sampled_from(question.options), unique=True)
    return _BY_KIND[question.kind]


# One question of every kind, with a computed one, a condition and a soft rule, none of them required.
EVERYTHING = form(
    ask("integer", "jumlah", **{"bind::bawaslu:problem": ">0"}),
    ask(
        "integer",
        "lain",
        constraint=". <= ${jumlah}",
        constraint_message="Lain ${lain}.",
        **{"bind::bawaslu:severity": "soft"},
    ),
    ask("select_one ya_tidak", "setuju", **{"bind::bawaslu:problem": "tidak"}),
    ask("select_one warna", "warna_satu"),
    ask("select_multiple warna", "warna_banyak"),
    ask("time", "jam", **{"bind::bawaslu:problem": ">07:00"}),
    ask("date", "tanggal"),
    ask("text", "cerita", relevant="${setuju} = 'ya'"),
    ask("image", "foto"),
    ask("note", "catatan"),
    ask("calculate", "total", calculation="${jumlah} + ${lain}"),
)


@st.composite
def reports(draw: st.DrawFn, schema: Schema = EVERYTHING) -> dict[str, Any]:
    """Answers to some of the questions of a form."""
    asked = [q for q in schema.questions if q.kind in _BY_KIND or q.options]
    chosen = draw(st.lists(st.sampled_from(asked), unique_by=lambda q: q.name))
    return {question.name: draw(answer_to(question)) for question in chosen}
