"""From answers to content: one canonical form, one vector, one hash, and a sentence for whatever is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.instruments.codec import Content, InvalidAnswers, decode
from reports.instruments.schema import CALCULATED, SOFT, CellKind, Schema, problem_cells, sum_cells
from tests.reports.instruments.forge import EVERYTHING, answer_to, ask, catalogued, form, reports

REASON = {"lain": "Sudah diperiksa dua kali."}


def accepted(answers: dict[str, Any], schema: Schema = EVERYTHING) -> Content:
    return decode(schema, answers=answers, reasons=REASON)


def refused(answers: Any, schema: Schema = EVERYTHING, **kwargs: Any) -> InvalidAnswers:
    with pytest.raises(InvalidAnswers) as error:
        decode(schema, answers=answers, **kwargs)
    return error.value


def cell(schema: Schema, content: Content, question: str, kind: CellKind, option: str = "") -> int:
    found = [c.position for c in schema.layout if (c.question, c.kind, c.option) == (question, kind, option)]
    return content.vector[found[0]]


# --- laws ----------------------------------------------------------------------------------------------------------


@given(reports())
def test_decoding_its_own_answers_changes_nothing(answers: dict[str, Any]) -> None:
    content = accepted(answers)
    assert decode(EVERYTHING, answers=content.answers, reasons=content.reasons) == content
    stored = msgspec.json.decode(content.canonical)
    assert decode(EVERYTHING, answers=stored["answers"], reasons=stored["reasons"]) == content


@given(reports())
def test_typed_and_typed_in_answers_are_the_same_report(answers: dict[str, Any]) -> None:
    as_strings = {name: str(value) if isinstance(value, int) else value for name, value in answers.items()}
    assert accepted(as_strings) == accepted(answers)
    assert accepted(dict(reversed(list(answers.items())))) == accepted(answers)


@given(st.lists(reports(), max_size=5))
def test_the_sum_of_vectors_is_the_fold_of_the_reports(many: list[dict[str, Any]]) -> None:
    contents = [accepted(answers) for answers in many]
    nothing = [0] * len(EVERYTHING.layout)  # of no reports at all
    total = [sum(column) for column in zip(nothing, *(c.vector for c in contents), strict=True)]
    for position, question, kind, option in EVERYTHING.layout:
        values = [c.answers[question] for c in contents if question in c.answers]
        expected = {
            CellKind.SUM: lambda values=values: sum(values),
            CellKind.ANSWERED: lambda values=values: len(values),
            CellKind.OPTION: lambda values=values, option=option: sum(
                option in v if isinstance(v, list) else option == v for v in values
            ),
            CellKind.LATE: lambda values=values: sum(v > "07:00" for v in values),
            CellKind.PROBLEM: lambda values=values: sum(v > 0 for v in values),
        }[kind]()
        assert total[position] == expected, (question, kind)


def lenient(code: str) -> Schema:
    """A form of the catalogue whose rules all yield to a reason, because random numbers break the hard ones."""
    schema = catalogued(code)
    questions = tuple(msgspec.structs.replace(question, severity=SOFT) for question in schema.questions)
    return msgspec.structs.replace(schema, questions=questions)


@pytest.mark.parametrize("schema", [lenient("pemungutan-tps"), lenient("tps-rawan")], ids=lambda schema: schema.code)
@given(data=st.data())
@settings(max_examples=20)
def test_a_vector_is_as_long_as_its_layout(schema: Schema, data: st.DataObject) -> None:
    answers = {q.name: data.draw(answer_to(q)) for q in schema.questions if q.kind != CALCULATED}
    content = decode(schema, answers=answers, reasons=dict.fromkeys(answers, "Benar."))
    assert len(content.vector) == len(schema.layout)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from([question.name for question in EVERYTHING.questions]) | st.text(max_size=8)


@given(JSON | st.dictionaries(NAMES, JSON, max_size=12), JSON | st.dictionaries(NAMES, JSON, max_size=4))
def test_nothing_but_invalid_answers_is_ever_raised(answers: Any, reasons: Any) -> None:
    invalid: InvalidAnswers | None = None
    try:
        content = decode(EVERYTHING, answers=answers, reasons=reasons)
    except InvalidAnswers as error:
        invalid = error
    if invalid is None:
        assert decode(EVERYTHING, answers=content.answers, reasons=content.reasons) == content
    else:
        assert invalid.errors or invalid.needs_reason
        assert all(message for messages in invalid.errors.values() for message in messages)


# --- one answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("jumlah", "12", 12),
        ("jumlah", " 007 ", 7),
        ("jumlah", "1.208", 1208),
        ("jumlah", "9.999.999", 9_999_999),
        ("jumlah", 0, 0),
        ("jam", "7.05", "07:05"),
        ("jam", "07:05", "07:05"),
        ("jam", "07:05:30", "07:05"),
        ("tanggal", "14-02-2024", "2024-02-14"),
        ("tanggal", "14/2/2024", "2024-02-14"),
        ("warna_banyak", ["biru", "merah", "biru"], ["merah", "biru"]),
        ("warna_banyak", "biru", ["biru"]),
        ("foto", "ab" * 32, "ab" * 32),
    ],
)
def test_an_answer_is_kept_in_one_form(name: str, typed: object, kept: object) -> None:
    assert accepted({name: typed}).answers[name] == kept


def test_text_is_normalised() -> None:
    content = accepted({"setuju": "ya", "cerita": "  Kafe\u0301\r\nhujan  "})
    assert content.answers["cerita"] == "Kaf\u00e9\nhujan"


@pytest.mark.parametrize("empty", [None, "", "   ", []])
def test_an_empty_answer_is_no_answer(empty: object) -> None:
    assert accepted({name: empty for name in ("jumlah", "setuju", "warna_banyak", "jam", "cerita")}).answers == {}


@pytest.mark.parametrize(
    ("name", "typed", "part"),
    [
        ("jumlah", "dua", "angka bulat"),
        ("jumlah", "1,208", "angka bulat"),
        ("jumlah", "1.5", "angka bulat"),
        ("jumlah", 1.5, "angka bulat"),
        ("jumlah", True, "angka bulat"),
        ("jumlah", [1], "angka bulat"),
        ("jumlah", -1, "kurang dari 0"),
        ("jumlah", "-1", "kurang dari 0"),
        ("jumlah", "\u22121", "kurang dari 0"),
        ("jumlah", 10_000_000, "terlalu besar"),
        ("jumlah", "9" * 5000, "terlalu besar"),
        ("jumlah", 10**400, "terlalu besar"),
        ("jumlah", "١٢", "0 sampai 9"),
        ("jumlah", "１２", "0 sampai 9"),
        ("jumlah", "1\x00", "angka bulat"),
        ("setuju", "mungkin", "Ya, Tidak"),
        ("setuju", True, "Ya, Tidak"),
        ("warna_banyak", ["hijau"], "Merah, Biru"),
        ("warna_banyak", {"merah": 1}, "daftar"),
        ("jam", "24:00", "07.00"),
        ("jam", "pagi", "07.00"),
        ("jam", 7, "07.00"),
        ("tanggal", "2024-02-30", "tanggal"),
        ("tanggal", "14-02-1924", "tanggal"),
        ("foto", "AB" * 32, "Foto"),
        ("foto", "x.jpg", "Foto"),
    ],
)
def test_a_bad_answer_is_refused_in_a_sentence(name: str, typed: object, part: str) -> None:
    error = refused({name: typed})
    assert list(error.errors) == [name]
    assert part in error.errors[name][0]


@pytest.mark.parametrize("bad", ["a\x00b", "\x00", "a\x1bb", "a\ud800b"])
def test_text_that_cannot_be_stored_is_refused(bad: str) -> None:
    assert "karakter" in refused({"setuju": "ya", "cerita": bad}).errors["cerita"][0]


def test_text_has_a_limit() -> None:
    assert accepted({"setuju": "ya", "cerita": "x" * 10_000})
    assert "10000" in refused({"setuju": "ya", "cerita": "x" * 10_001}).errors["cerita"][0]


def test_an_unknown_question_is_refused() -> None:
    assert list(refused({"jumlah": 1, "asing": 1}).errors) == ["asing"]


def test_content_over_64_kb_is_refused() -> None:
    schema = form(*(ask("text", f"t{n}") for n in range(8)))
    assert list(refused({f"t{n}": "x" * 9_999 for n in range(8)}, schema).errors) == [""]


@pytest.mark.parametrize("shape", [[], None, "x", 3, [["jumlah", 1]]])
def test_answers_that_are_no_mapping_are_refused(shape: Any) -> None:
    assert list(refused(shape).errors) == [""]


# --- rules ---------------------------------------------------------------------------------------------------------


def test_a_soft_rule_asks_for_a_reason_and_then_keeps_it() -> None:
    answers = {"jumlah": 1, "lain": 2}
    assert refused(answers).needs_reason == {"lain": "Lain 2."}
    assert refused(answers, reasons={"lain": "  "}).needs_reason == {"lain": "Lain 2."}
    assert decode(EVERYTHING, answers=answers, reasons=REASON).reasons == REASON
    assert decode(EVERYTHING, answers={"jumlah": 2, "lain": 2}, reasons=REASON).reasons == {}


def test_a_rule_whose_operand_is_not_answered_does_not_fire() -> None:
    assert decode(EVERYTHING, answers={"lain": 2}).answers == {"lain": 2}


def test_what_is_not_relevant_is_dropped_even_where_it_is_wrong() -> None:
    assert decode(EVERYTHING, answers={"setuju": "tidak", "cerita": "rahasia\x00"}).answers == {"setuju": "tidak"}
    assert decode(EVERYTHING, answers={"cerita": "rahasia"}).answers == {}


def test_relevance_goes_through_a_chain() -> None:
    schema = form(
        ask("text", "c", relevant="${b} = 'ya'", required="yes"),
        ask("select_one ya_tidak", "b", relevant="${a} > 0", required="yes"),
        ask("integer", "a", required="yes"),
    )
    assert decode(schema, answers={"a": 0, "b": "ya", "c": "x"}).answers == {"a": 0}
    assert list(refused({"a": 1, "b": "ya"}, schema).errors) == ["c"]
    assert list(refused({"a": 1}, schema).errors) == ["b"]
    assert list(refused({}, schema).errors) == ["a"]


def test_a_condition_of_requirement() -> None:
    schema = form(ask("integer", "a"), ask("integer", "b", required="${a} > 0"))
    assert decode(schema, answers={"a": 0}).answers == {"a": 0}
    assert list(refused({"a": 1}, schema).errors) == ["b"]


def test_a_calculation_is_ours_whatever_was_sent() -> None:
    assert accepted({"jumlah": 2, "lain": 1, "total": 99}).answers["total"] == 3
    assert "total" not in accepted({"jumlah": 2, "total": 99}).answers


def test_a_calculation_out_of_bounds_is_told() -> None:
    schema = form(ask("integer", "a"), ask("calculate", "x", calculation="${a} * ${a} * ${a}"))
    assert list(refused({"a": 9_999_999}, schema).errors) == ["x"]


def test_the_hash_depends_on_the_instrument_and_the_reasons() -> None:
    one, other = form(ask("integer", "a")), form(ask("integer", "a"), code="lain")
    assert decode(one, answers={"a": 1}).sha256 != decode(other, answers={"a": 1}).sha256
    answers = {"jumlah": 1, "lain": 2}
    assert accepted(answers).sha256 != decode(EVERYTHING, answers=answers, reasons={"lain": "Lain lagi."}).sha256


# --- the vector ----------------------------------------------------------------------------------------------------


def test_cells_count_what_they_say() -> None:
    content = accepted({"jumlah": 3, "setuju": "tidak", "warna_banyak": ["merah", "biru"], "jam": "07:01"})
    assert cell(EVERYTHING, content, "jumlah", CellKind.SUM) == 3
    assert cell(EVERYTHING, content, "jumlah", CellKind.ANSWERED) == 1
    assert cell(EVERYTHING, content, "jumlah", CellKind.PROBLEM) == 1
    assert cell(EVERYTHING, content, "setuju", CellKind.OPTION, "tidak") == 1
    assert cell(EVERYTHING, content, "setuju", CellKind.OPTION, "ya") == 0
    assert cell(EVERYTHING, content, "warna_banyak", CellKind.OPTION, "biru") == 1
    assert cell(EVERYTHING, content, "jam", CellKind.LATE) == 1
    assert cell(EVERYTHING, content, "tanggal", CellKind.ANSWERED) == 0


def test_an_opening_at_seven_sharp_is_not_late() -> None:
    assert cell(EVERYTHING, accepted({"jam": "07.00"}), "jam", CellKind.LATE) == 0


def test_problem_and_sum_cells_point_into_the_layout() -> None:
    problems = {question.name: EVERYTHING.layout[position] for question, position in problem_cells(EVERYTHING)}
    assert {name: (c.kind, c.option) for name, c in problems.items()} == {
        "jumlah": (CellKind.PROBLEM, ""),
        "setuju": (CellKind.OPTION, "tidak"),
        "jam": (CellKind.LATE, ""),
    }
    assert [question.name for question, _position in sum_cells(EVERYTHING)] == ["jumlah", "lain", "total"]


ONE_FORM = [ask("integer", "a"), ask("integer", "b", **{"bind::bawaslu:problem": ">0"}), ask("select_one warna", "c")]
RENAMED = [ask("integer", "lain"), *ONE_FORM[1:]]
OTHER_LIMIT = [ONE_FORM[0], ask("integer", "b", **{"bind::bawaslu:problem": ">5"}), ONE_FORM[2]]


@pytest.mark.parametrize(
    ("rows", "same"),
    [
        ([*ONE_FORM, ask("note", "catatan")], True),
        ([ask("integer", "a", label="Kata lain", hint="Petunjuk baru", required="yes"), *ONE_FORM[1:]], True),
        ([ONE_FORM[1], ONE_FORM[0], ONE_FORM[2]], False),
        (RENAMED, False),
        (OTHER_LIMIT, False),
        ([*ONE_FORM, ask("text", "d")], False),
    ],
)
def test_figures_add_up_only_where_each_position_counts_the_same(rows: list, same: bool) -> None:
    """Not because they are equally wide."""
    one, other = form(*ONE_FORM), form(*rows)
    assert one.same_figures(other) is other.same_figures(one) is same
