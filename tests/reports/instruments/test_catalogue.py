"""The catalogue asks all that the field asks, once, in its own words."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from reports.calendar.publishing import CATALOGUE, catalogue
from reports.instruments.codec import InvalidAnswers, decode
from reports.instruments.schema import (
    CALCULATED,
    DATE,
    INTEGER,
    NEVER_PUBLIC,
    NOTE,
    PHOTO,
    SELECT_MULTIPLE,
    TEXT,
    TIME,
    YESNO,
    Question,
    Schema,
    problem_cells,
)
from tests.reports.instruments.forge import catalogued, every_code

with (CATALOGUE / "indicators.csv").open(encoding="utf-8", newline="") as _file:
    INDICATORS = list(csv.DictReader(_file))
KINDS = {
    "integer": INTEGER, "integer_lp": INTEGER, "boolean": YESNO, "boolean_per_tps": YESNO, "time": TIME, "date": DATE,
    "photo": PHOTO, "choice": SELECT_MULTIPLE,
}  # fmt: skip
PROBLEMS = {"true": "ya", "false": "tidak"}


def _asked() -> dict[str, list[tuple[Schema, Question]]]:
    found: dict[str, list[tuple[Schema, Question]]] = {}
    for code in every_code():
        for question in catalogued(code).questions:
            if question.indicator:
                found.setdefault(question.indicator, []).append((catalogued(code), question))
    return found


def test_the_index_lists_every_form_once() -> None:
    entries = catalogue()
    assert sorted(entry.code for entry in entries) == every_code()
    assert all(entry.file == f"{entry.code}.md" == f"{catalogued(entry.code).code}.md" for entry in entries)
    assert {entry.title_id for entry in entries} == {catalogued(entry.code).title.id for entry in entries}


def test_no_indicator_is_missing_or_invented() -> None:
    assert len(INDICATORS) == 162
    assert set(_asked()) == {indicator["code"] for indicator in INDICATORS}


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda indicator: indicator["code"])
def test_each_indicator_is_asked_by_one_instrument_under_its_own_label(indicator: dict[str, str]) -> None:
    asked = _asked()[indicator["code"]]
    label = re.sub(r"^\[[^]]*\] ", "", indicator["label_id"])
    pair = indicator["type"] == "integer_lp" or "(L/P)" in label
    several = indicator["code"] == "LOG-03"
    assert len({schema.code for schema, _question in asked}) == 1
    assert len(asked) == (7 if several else 2 if pair else 1)
    for schema, question in asked:
        assert question.kind == KINDS[indicator["type"]]
        assert question.problem == PROBLEMS.get(indicator["problem_when"], indicator["problem_when"])
        if pair or several:
            assert question.label.id.startswith(
                label.replace(" (L/P)", "").replace(" (per jenis pemilihan)", "") + ": "
            )
        else:
            assert question.label.id == label
        assert bool(schema.pair_of(question.name)) is pair


def test_a_problem_has_its_cell() -> None:
    wanted = Counter({i["code"] for i in INDICATORS if i["problem_when"]})
    counted = {
        question.indicator for code in every_code() for question, _position in problem_cells(catalogued(code))
    } - {""}
    assert counted == set(wanted)


@pytest.mark.parametrize("code", every_code())
class TestEveryInstrument:
    def test_ends_with_the_special_incident(self, code: str) -> None:
        last = catalogued(code).questions[-1]
        assert (last.name, last.kind, last.label.id) == ("kejadian_khusus", TEXT, "Kejadian khusus")

    def test_speaks_both_languages_and_never_shouts(self, code: str) -> None:
        schema = catalogued(code)
        texts = [group.title for group in schema.groups]
        texts += [text for q in schema.questions if q.kind != CALCULATED for text in (q.label, q.hint) if text.id]
        texts += [choice.label for question in schema.questions for choice in question.choices]
        assert all(text.id and text.en for text in texts)
        assert not [text for text in texts if "!" in text.id + text.en]
        assert all(q.message.en for q in schema.questions if q.message)

    def test_fits_a_phone_screen_by_screen(self, code: str) -> None:
        schema = catalogued(code)
        for group in schema.groups:
            asked = [q for q in schema.in_group(group.name) if q.kind not in {CALCULATED, NOTE}]
            seconds = [q for q in asked if q.name.endswith("_p") and schema.pair_of(q.name)]
            assert 1 <= len(asked) - len(seconds) <= 8
            assert len(group.title.id) <= 45

    def test_publishes_no_text_and_no_photo(self, code: str) -> None:
        assert not [q.name for q in catalogued(code).questions if q.public and q.kind in NEVER_PUBLIC]

    def test_survives_its_journey_as_json(self, code: str) -> None:
        schema = catalogued(code)
        again = Schema.from_json(schema.to_json())
        assert again == schema
        assert (again.digest, again.layout) == (schema.digest, schema.layout)

    def test_an_empty_report_is_told_what_is_missing(self, code: str) -> None:
        with pytest.raises(InvalidAnswers) as refused:
            decode(catalogued(code), answers={})
        required = {q.name for q in catalogued(code).questions if q.required and not q.relevant}
        assert set(refused.value.errors) <= required
        assert refused.value.errors


@pytest.mark.parametrize("code", ["pemungutan-tps", "penghitungan-tps"])
def test_the_forms_of_voting_day_stay_short(code: str) -> None:
    asked = [q for q in catalogued(code).questions if q.kind not in {CALCULATED, NOTE}]
    assert 20 <= len(asked) <= 32


def test_form_a_gives_away_nothing() -> None:
    assert not [q.name for q in catalogued("form-a").questions if q.public]
