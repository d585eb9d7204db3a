"""The filing form screen by screen, remarks of a returned report at their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.forms import BoundField

from reports.filing.forms import AnswerField, ReportForm
from reports.filing.models import Report
from reports.instruments.schema import PHOTO


@dataclass(frozen=True)
class PartField:
    """A field of the filing form with the reviewer's remark and the photo that stands ("" where there is none)."""

    field: BoundField
    remark: str
    photo: str


@dataclass(frozen=True)
class FormPart:
    """A group of the form. `rows` holds one field, or the two halves of an L/P pair; `todo` counts what to mend."""

    number: int
    title: str
    rows: list[list[PartField]]
    todo: int


def parts(form: ReportForm, standing: Report | None) -> Iterator[FormPart]:
    """The groups of a filing form in order, remarks of a returned report at their fields."""
    remarks = standing.remarks if standing else {}
    answers = standing.answers if standing else {}
    for number, (title, fields) in enumerate(form.groups(), start=1):
        rows: list[list[PartField]] = []
        for field in fields:
            kind = field.field.kind if isinstance(field.field, AnswerField) else ""
            photo = answers.get(field.name, "") if kind == PHOTO else ""
            shown = PartField(field, remarks.get(field.name, ""), photo)
            before = rows[-1] if rows else []
            if len(before) == 1 and _pair(before[0].field) == field.name:
                before.append(shown)
            else:
                rows.append([shown])
        todo = sum(bool(each.remark or each.field.errors) for row in rows for each in row)
        yield FormPart(number, title, rows, todo)


def _pair(field: BoundField) -> str:
    return field.field.pair if isinstance(field.field, AnswerField) else ""
