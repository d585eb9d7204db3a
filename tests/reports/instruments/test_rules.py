"""The law of rules: one verdict however a rule is evaluated, and an unanswered question decides nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.instruments import xpath
from reports.instruments.rules import compile_tree, evaluate, references, render
from tests.reports.instruments import rule_vectors
from tests.reports.instruments.rule_vectors import TYPES


def _leaf(kind: str) -> st.SearchStrategy[Any]:
    refs = [["ref", name] for name, of in TYPES.items() if of == kind]
    literals: dict[str, st.SearchStrategy[Any]] = {
        "number": st.integers(0, 20).map(lambda n: ["num", n]),
        "text": st.sampled_from([["str", "ya"], ["str", "12"]]),
        "bool": st.sampled_from([["true"], ["false"]]),
        "time": st.just(["str", "07:00"]),
        "list": st.nothing(),
    }
    return (st.sampled_from(refs) if refs else st.nothing()) | literals[kind]


def _node(heads: list[str], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(heads), *parts).map(list)


def _deeper(sub: dict[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    """Trees one node deeper than `sub`, by type."""
    number, truth, text, several, time = (sub[kind] for kind in ("number", "bool", "text", "list", "time"))
    grown = {
        "number": _node(["+", "-", "*", "div", "mod"], number, number)
        | _node(["neg", "int", "round", "floor", "ceiling"], number)
        | _node(["if"], truth, number, number)
        | _node(["coalesce"], number, number)
        | _node(["number", "string-length"], text)
        | _node(["count-selected"], several),
        "bool": _node(["<", "<=", ">", ">=", "=", "!="], number, number)
        | _node(["<", ">=", "="], time, time)
        | _node(["=", "!="], text, text)
        | _node(["and", "or"], truth, truth)
        | _node(["not"], truth)
        | _node(["if"], truth, truth, truth)
        | _node(["empty", "filled"], number)
        | _node(["selected"], several, st.just(["str", "x"]))
        | _node(["regex"], text, st.just(["str", "[a-z]+"])),
    }
    return {**sub, **{kind: sub[kind] | deeper for kind, deeper in grown.items()}}


_LEAVES = {kind: _leaf(kind) for kind in ("number", "bool", "text", "list", "time")}
# Any well-typed tree of up to three levels, which is what xpath.parse lets through.
TREES = _deeper(_deeper(_deeper(_LEAVES)))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(0, 9_999_999),
        "b": st.integers(0, 20),
        "s": st.sampled_from(["ya", "tidak", "12", "0012", "é"]),
        "l": st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True),
        "h": st.sampled_from(["06:59", "07:00", "13:00"]),
        "d": st.just("2024-02-14"),
    },
)


@given(TREES["bool"] | TREES["number"], VALUES)
def test_closure_and_tree_give_one_verdict(tree: Any, values: dict[str, Any]) -> None:
    compiled, read = compile_tree(tree)(values), evaluate(tree, values)
    assert compiled == read
    assert isinstance(compiled, bool) == isinstance(read, bool)


@given(TREES["bool"], VALUES)
def test_a_verdict_reached_without_an_answer_stands_whatever_the_answer_turns_out_to_be(
    tree: Any, values: dict[str, Any]
) -> None:
    heads = json.dumps(tree)
    if any(f'"{head}"' in heads for head in ("empty", "filled", "coalesce", "count-selected", "string-length")):
        return  # these ask on purpose whether a question was answered
    missing = sorted(references(tree) - set(values))
    verdict = evaluate(tree, values)
    if verdict is not None and missing:
        filled = {"a": 3, "b": 5, "s": "ya", "l": ["y"], "h": "09:00", "d": "2024-02-14"}
        assert evaluate(tree, {**filled, **values}) == verdict


def test_the_vectors_for_other_evaluators_are_current() -> None:
    stored = json.loads(rule_vectors.FILE.read_text(encoding="utf-8"))
    assert stored == json.loads(rule_vectors.text()), "run python -m tests.reports.instruments.rule_vectors"
    for vector in stored:
        assert compile_tree(vector["tree"])(vector["values"]) == vector["result"], vector["source"]


@pytest.mark.parametrize(
    ("source", "values", "verdict"),
    [
        ("${a} <= ${b}", {"a": 5}, None),
        ("${a} <= ${b} or ${s} = 'ya'", {"a": 5, "s": "ya"}, True),
        ("${a} <= ${b} and ${s} = 'ya'", {"a": 5, "s": "tidak"}, False),
        ("${a} = ''", {}, True),
        ("${a} = ''", {"a": 0}, False),
        ("coalesce(${a}, 0) = 0", {}, True),
        ("${a} div ${b} = 1", {"a": 1, "b": 0}, None),
        ("${h} >= '07:00'", {"h": "06:59"}, False),
        ("ceiling(${a} * 2 div 100) = 6", {"a": 300}, True),
        ("ceiling(${a} * 2 div 100) = 5", {"a": 238}, True),
        ("-7 mod 2 = -1", {}, True),
        ("round(2.5) = 3 and round(-2.5) = -2", {}, True),
    ],
)
def test_what_a_rule_says(source: str, values: dict[str, Any], verdict: bool | None) -> None:
    tree, _kind = xpath.parse(source, types=TYPES)
    assert evaluate(tree, values) is verdict


@pytest.mark.parametrize(
    "source",
    [
        "", "1 +", "${a", "${tidak_ada} = 1", "a/b", "/data/a = 1", "${a}[1]", "foo(${a})", "position()",
        "concat('a', 'b')", "*", "+5", "-", ". = 1",
        "${a} = 'ya'", "${s} < 'ya'", "${s} + 1", "${l} = 'x'", "${a} and ${b}", "not(${a})", "if(${a}, 1, 2)",
        "if(true(), 1, 'x')", "${h} < '7 pagi'", "${h} < ${d}", "selected(${a}, 'x')", "selected(${l}, ${s})",
        "number(${l})",
        "coalesce(${a}, ${s})", "regex(${s}, '(a+)+')", "regex(${s}, '(?=a)')", "regex(${s}, '[')", "regex(${s}, ${s})",
        "1" + " + 1" * 600, "(" * 200 + "1" + ")" * 200, "${a} | ${b}", "${a} = 1 = 2", "now() > ${h}",
    ],
)  # fmt: skip
def test_anything_outside_the_subset_is_refused_in_a_sentence(source: str) -> None:
    with pytest.raises(xpath.UnsupportedRule) as refused:
        xpath.parse(source, types=TYPES)
    assert len(str(refused.value)) > 15


@given(st.text(max_size=60) | st.text("${}abslhd0123456789 .()=<>!+-*'\",|[]/andorivmt", max_size=60))
def test_no_text_breaks_the_parser(source: str) -> None:
    try:
        tree, _kind = xpath.parse(source, types=TYPES)
    except xpath.UnsupportedRule:
        return
    assert evaluate(tree, {}) == compile_tree(tree)({})


def test_a_quoted_reference_is_text_and_not_a_question() -> None:
    assert xpath.parse("${s} = '${a}'", types=TYPES)[0] == ["=", ["ref", "s"], ["str", "${a}"]]


def test_a_message_shows_numbers_and_times_as_the_language_writes_them() -> None:
    parts = ["Ada ", ["ref", "a"], " pukul ", ["ref", "h"], ", sisa ", ["ref", "b"], "."]
    values = {"a": 1208, "h": "07:30"}
    assert render(parts, values) == "Ada 1.208 pukul 07.30, sisa –."
    assert render(parts, values, language="en") == "Ada 1,208 pukul 07:30, sisa –."
