"""Answers in, validated content out: canonical values, reasons, tally vector and the SHA-256 that receipts carry.

The only validator: the web form, the API, its batches and the import of tables all end here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hierarchy.lib.canonical import REPORT
from hierarchy.lib.errors import Refusal

from .answers import LONGEST_REASON, BadAnswer, clean_text, read_answer
from .plan import Plan, plan_of
from .rules import render
from .schema import SOFT, Question, Schema

LARGEST_CONTENT = 64 * 1024  # bytes of canonical JSON
LARGEST_RESULT = 2**53  # beyond this a browser no longer counts in ones
MOST_UNKNOWN = 20


class InvalidAnswers(Refusal):
    """Answers that cannot be filed.

    `errors` maps a question's name to sentences ("" for the report as a whole); `needs_reason` maps a question whose
    soft rule is broken to the sentence that says how. Both may be filled at once.
    """

    code, status = "invalid-answers", 422

    def __init__(self, errors: dict[str, list[str]], needs_reason: dict[str, str] | None = None) -> None:
        self.errors = errors
        self.needs_reason = needs_reason or {}
        super().__init__("; ".join(sorted({*errors, *self.needs_reason})))


class Content(msgspec.Struct, frozen=True):
    """What a report says. `answers` holds relevant, answered and calculated questions; `vector` fits the layout."""

    answers: dict[str, Any]
    reasons: dict[str, str]
    vector: list[int]
    sha256: bytes
    canonical: bytes


def decode(schema: Schema, *, answers: Mapping[str, object], reasons: Mapping[str, str] | None = None) -> Content:
    """The content of a report. Raises InvalidAnswers, whatever the answers are made of, and nothing else."""
    plan = plan_of(schema)
    values, errors = _read(plan, answers)
    irrelevant = _work_out(plan, values, errors)
    for name in _missing(plan, values, irrelevant):
        errors.setdefault(name, [_("Pertanyaan ini belum dijawab.")])
    kept, needed = _check(plan, values, _given(reasons, errors), errors)
    if errors or needed:
        raise InvalidAnswers(errors, needed)
    canonical = REPORT.encode({"answers": values, "reasons": kept})
    if len(canonical) > LARGEST_CONTENT:
        raise InvalidAnswers({"": [_("Isi laporan terlalu panjang. Ringkas uraian yang paling panjang.")]})
    digest = hashlib.sha256(schema.digest)
    digest.update(canonical)
    return Content(values, kept, plan.vector(values), digest.digest(), canonical)


def _missing(plan: Plan, values: Mapping[str, Any], irrelevant: set[str]) -> list[str]:
    return [
        name
        for name, condition in plan.required
        if name not in values and name not in irrelevant and (condition is None or condition(values) is True)
    ]


def _read(plan: Plan, answers: object) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Canonical values of what was answered, and what could not be read, by name."""
    if not isinstance(answers, Mapping):
        raise InvalidAnswers({"": [_("Jawaban harus berupa daftar nama pertanyaan dan isinya.")]})
    try:
        typed = msgspec.convert(answers, plan.type)
    except (msgspec.ValidationError, UnicodeError, RecursionError, TypeError, OverflowError):
        return _read_each(plan, answers)
    values = {name: value for name in plan.answered if (value := getattr(typed, name)) is not None}
    errors: dict[str, list[str]] = {}
    for name in plan.normalised:
        if name in values:
            _read_one(plan.answered[name], values.pop(name), values, errors)
    return values, errors


def _read_each(plan: Plan, answers: Mapping[Any, object]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    unknown = [name for name in answers if name not in plan.answered and name not in plan.ignored]
    for name in unknown[:MOST_UNKNOWN]:
        errors[str(name)[:60]] = [_("Pertanyaan ini tidak ada dalam instrumen. Muat ulang formulir.")]
    for name, question in plan.answered.items():
        _read_one(question, answers.get(name), values, errors)
    return values, errors


def _read_one(question: Question, raw: object, values: dict[str, Any], errors: dict[str, list[str]]) -> None:
    try:
        value = read_answer(question, raw)
    except BadAnswer as error:
        errors[question.name] = [str(error)]
    else:
        if value is not None:
            values[question.name] = value


def _work_out(plan: Plan, values: dict[str, Any], errors: dict[str, list[str]]) -> set[str]:
    """Drops what is not relevant, faults included, and computes what is calculated; operands always come first.

    Returns the names of the irrelevant questions.
    """
    irrelevant: set[str] = set()
    for step in plan.steps:
        if step.relevant is not None and step.relevant(values) is not True:
            irrelevant.add(step.name)
            values.pop(step.name, None)
            errors.pop(step.name, None)
        elif step.calculate is not None and (result := _result(step.calculate(values))) is not None:
            if isinstance(result, int) and abs(result) > LARGEST_RESULT:
                errors[step.name] = [_("Hasil hitungan terlalu besar. Periksa angka yang Anda isi.")]
            else:
                values[step.name] = result
    return irrelevant


def _result(value: Any) -> int | str | None:
    """A calculation as it is kept: numbers are rounded half up to a whole one, because tallies are whole."""
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    return math.floor(value + 0.5) if isinstance(value, float) else value


def _given(reasons: object, errors: dict[str, list[str]]) -> dict[str, str]:
    """The reasons that were really given, cleaned."""
    if reasons is None:
        return {}
    if not isinstance(reasons, Mapping):
        raise InvalidAnswers({"": [_("Alasan harus berupa daftar nama pertanyaan dan alasannya.")]})
    given: dict[str, str] = {}
    for name, raw in reasons.items():
        try:
            text = clean_text(raw, LONGEST_REASON) if raw is not None else None
        except BadAnswer as error:
            errors.setdefault(str(name)[:60], []).append(_("Alasan: %s") % error)
        else:
            if text:
                given[name] = text
    return given


def _check(
    plan: Plan, values: dict[str, Any], given: dict[str, str], errors: dict[str, list[str]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Reasons kept and reasons still needed; broken hard rules go to `errors`. Unknown is not broken."""
    kept: dict[str, str] = {}
    needed: dict[str, str] = {}
    for check in plan.checks:
        name = check.question.name
        if name not in values or check.holds(values) is not False:
            continue
        if check.question.severity != SOFT:
            errors.setdefault(name, []).append(_told(check.question, values))
        elif name in given:
            kept[name] = given[name]
        else:
            needed[name] = _told(check.question, values)
    return kept, needed


def _told(question: Question, values: Mapping[str, Any]) -> str:
    language = get_language() or "id"
    assert question.message is not None, "builder.py lets no constraint pass without its message"
    english = question.message.en if language.startswith("en") else []
    return render(english or question.message.id, values, language=language if english else "id")
