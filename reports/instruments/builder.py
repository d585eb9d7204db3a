"""Rows of an XLSForm to a Schema: every fault is collected with its sheet, row and column, then told at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from . import xpath
from .errors import InstrumentError
from .order import in_order
from .schema import (
    CALCULATED,
    CHOICE_KINDS,
    DATE,
    HARD,
    INTEGER,
    NEVER_PUBLIC,
    NO,
    NOTE,
    PHOTO,
    SELECT_MULTIPLE,
    SELECT_ONE,
    SOFT,
    TEXT,
    TIME,
    YES,
    YESNO,
    Choice,
    Expression,
    Group,
    Message,
    Question,
    Schema,
    Text,
    parse_problem,
)  # fmt: skip
from .sheet import COLUMNS, NAME, SheetRow, check_columns, choice_lists, rows_of

KINDS = {
    "integer": INTEGER, "select_one": SELECT_ONE, "select_multiple": SELECT_MULTIPLE, "time": TIME, "date": DATE,
    "text": TEXT, "image": PHOTO, "calculate": CALCULATED, "note": NOTE,
}  # fmt: skip
RULE_TYPES = {
    INTEGER: xpath.NUMBER, YESNO: xpath.TEXT, SELECT_ONE: xpath.TEXT, SELECT_MULTIPLE: xpath.LIST,
    TIME: xpath.TIME, DATE: xpath.DATE, TEXT: xpath.TEXT,
}  # fmt: skip
YES_WORDS, NO_WORDS = {"yes", "ya", "true", "true()"}, {"", "no", "tidak", "false", "false()"}
CODE = re.compile(r"[a-z][a-z0-9-]{0,49}")
PLAIN_GROUP = "umum"
_PART = re.compile(rf"\$\{{\s*(?P<name>{xpath.NAME})\s*\}}|\{{=(?P<formula>.*?)=\}}")


def build(definition: Any) -> Schema:
    """A Schema of pyxform's DefinitionData. Raises InstrumentError with every fault that was found."""
    faults: list[str] = []
    check_columns(definition, faults)
    if faults:
        raise InstrumentError(faults)
    rows = {sheet: list(rows_of(definition, sheet, faults)) for sheet in COLUMNS}
    settings = rows["settings"][0]
    if not CODE.fullmatch(settings.get("form_id")):
        settings.fault("form_id", _("isi kode instrumen dengan huruf kecil, angka, dan tanda hubung."))
    title = Text(settings.get("form_title") or settings.get("form_id"))
    survey = _Survey(rows["survey"], choice_lists(rows["choices"]), title)
    survey.read()
    if faults:
        raise InstrumentError(faults)
    schema = Schema(settings.get("form_id"), title, tuple(survey.groups), tuple(survey.questions))
    in_order(schema)  # raises InstrumentError where rules go in a circle
    return schema


class _Survey:
    """The survey sheet, read top down; rules are parsed after the last row, when every name is known."""

    def __init__(self, rows: list[SheetRow], choices: dict[str, tuple[Choice, ...]], title: Text) -> None:
        self.rows, self.choices = rows, choices
        self.plain = Group(PLAIN_GROUP, title)
        self.groups: list[Group] = []
        self.questions: list[Question] = []
        self.types: dict[str, str] = {}
        self.parsed: dict[tuple[int, str], Expression] = {}

    def read(self) -> None:
        self._learn_types()
        open_group: str = ""
        for row in self.rows:
            kind, _sep, _list = row.get("type").partition(" ")
            if kind in {"begin_group", "begin"}:
                if open_group:
                    row.fault("type", _("kelompok di dalam kelompok tidak didukung."))
                open_group = row.get("name")
                self._group(row)
            elif kind in {"end_group", "end"}:
                open_group = ""
            else:
                self._question(row, open_group)
        if open_group and self.rows:
            self.rows[-1].fault("type", _("kelompok “%s” belum ditutup dengan end_group.") % open_group)

    def _learn_types(self) -> None:
        """Fills `types`. A calculation's type comes from its formula, so one may use only those above it."""
        for row in self.rows:
            kind, name = self._kind(row), row.get("name")
            if kind in RULE_TYPES:
                self.types.setdefault(name, RULE_TYPES[kind])
        for row in self.rows:
            if self._kind(row) == CALCULATED:
                expression, kind = self._expression(row, "calculation", None)
                if expression is not None:
                    self.parsed[row.number, "calculation"] = expression
                    self.types[row.get("name")] = kind

    def _kind(self, row: SheetRow) -> str:
        first, _sep, rest = row.get("type").partition(" ")
        kind = KINDS.get(first, "")
        options = {choice.name for choice in self.choices.get(rest.strip(), ())}
        return YESNO if kind == SELECT_ONE and options == {YES, NO} else kind

    def _group(self, row: SheetRow) -> None:
        self._check_name(row)
        relevant = self._expression(row, "relevant", xpath.BOOL)[0]
        self.groups.append(Group(row.get("name"), row.text("label"), relevant))
        if not row.text("label").id:
            row.fault("label", _("isi judul kelompok dalam bahasa Indonesia."))

    def _check_name(self, row: SheetRow) -> None:
        taken = {group.name for group in self.groups} | {question.name for question in self.questions}
        if not NAME.fullmatch(row.get("name")):
            row.fault("name", _("gunakan huruf kecil, angka, dan garis bawah, diawali huruf."))
        elif row.get("name") in taken:
            row.fault("name", _("nama “%s” sudah dipakai.") % row.get("name"))

    def _question(self, row: SheetRow, group: str) -> None:
        kind = self._kind(row)
        if not kind:
            row.fault("type", _("jenis pertanyaan “%s” tidak didukung.") % row.get("type"))
            return
        if not group and self.plain not in self.groups:
            self.groups.append(self.plain)
        self._check_name(row)
        if not row.text("label").id and kind != CALCULATED:
            row.fault("label", _("isi label dalam bahasa Indonesia."))
        required, required_if = self._required(row)
        constraint = self._expression(row, "constraint", xpath.BOOL)[0]
        question = Question(
            name=row.get("name"),
            kind=kind,
            group=group or PLAIN_GROUP,
            label=row.text("label"),
            hint=row.text("hint"),
            required=required,
            required_if=required_if,
            relevant=self._expression(row, "relevant", xpath.BOOL)[0],
            constraint=constraint,
            message=self._message(row) if constraint else None,
            severity=self._one_of(row, "bind::bawaslu:severity", (HARD, SOFT)),
            calculation=self.parsed.get((row.number, "calculation")),
            choices=self._options(row, kind),
            indicator=row.get("bind::bawaslu:indicator"),
            problem=row.get("bind::bawaslu:problem"),
            public=self._one_of(row, "bind::bawaslu:public", (NO, YES)) == YES,
            multiline="multiline" in row.get("appearance"),
            numeric=kind == CALCULATED and self.types.get(row.get("name")) == xpath.NUMBER,
        )
        self._check_meaning(row, question)
        self.questions.append(question)

    def _options(self, row: SheetRow, kind: str) -> tuple[Choice, ...]:
        if kind not in CHOICE_KINDS:
            return ()
        wanted = row.get("type").partition(" ")[2].strip()
        if wanted not in self.choices:
            row.fault("type", _("daftar pilihan “%s” tidak ada di lembar “choices”.") % wanted)
        return self.choices.get(wanted, ())

    def _one_of(self, row: SheetRow, column: str, allowed: tuple[str, ...]) -> str:
        value = row.get(column) or allowed[0]
        if value not in allowed:
            row.fault(column, _("isi dengan salah satu dari: %s.") % ", ".join(allowed))
        return value

    def _required(self, row: SheetRow) -> tuple[bool, Expression | None]:
        word = row.get("required").lower()
        if word in YES_WORDS or word in NO_WORDS:
            return word in YES_WORDS, None
        return False, self._expression(row, "required", xpath.BOOL)[0]

    def _expression(self, row: SheetRow, column: str, wanted: str | None) -> tuple[Expression | None, str]:
        source = row.get(column)
        if not source:
            return None, ""
        try:
            tree, kind = xpath.parse(source, types=self.types, own=row.get("name"))
        except xpath.UnsupportedRule as error:
            row.fault(column, str(error))
            return None, ""
        if wanted and kind != wanted:
            row.fault(column, _("rumus ini harus berupa syarat yang benar atau salah."))
        return Expression(source, tree), kind

    def _message(self, row: SheetRow) -> Message | None:
        told = row.text("constraint_message")
        if not told.id:
            row.fault("constraint_message", _("isi pesan yang muncul bila aturan dilanggar."))
        return Message(self._parts(row, told.id), self._parts(row, told.en))

    def _parts(self, row: SheetRow, template: str) -> list[Any]:
        """A message cut at `${name}` and `{= formula =}`."""
        parts: list[Any] = []
        end = 0
        for match in _PART.finditer(template):
            parts.append(template[end : match.start()])
            try:
                parts.append(xpath.parse(match["formula"] or match[0], types=self.types, own=row.get("name"))[0])
            except xpath.UnsupportedRule as error:
                row.fault("constraint_message", str(error))
            end = match.end()
        return [part for part in (*parts, template[end:]) if part]

    def _check_meaning(self, row: SheetRow, question: Question) -> None:
        if question.public and question.kind in NEVER_PUBLIC:
            row.fault("bind::bawaslu:public", _("teks dan foto tidak pernah dipublikasikan."))
        if question.kind == CALCULATED and not row.get("calculation"):
            row.fault("calculation", _("isi rumusnya."))
        try:
            fits = _problem_fits(question)
        except ValueError:
            fits = False
        if not fits:
            row.fault("bind::bawaslu:problem", _("“%s” tidak cocok dengan jenis pertanyaan.") % question.problem)


def _problem_fits(question: Question) -> bool:
    problem = parse_problem(question.problem)
    if problem is None:
        return True
    if question.kind in CHOICE_KINDS:
        return problem.limit in question.options
    fits: dict[str, Callable[[str], bool]] = {INTEGER: str.isdigit, TIME: lambda limit: ":" in limit}
    return problem.operator != "option" and question.kind in fits and fits[question.kind](problem.limit)
