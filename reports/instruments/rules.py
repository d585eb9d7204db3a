"""Rule trees at work: compiled once to Python closures, interpreted for proof, rendered into messages.

The law, the same for whoever evaluates the trees (so far this module alone): **an unanswered question makes whatever
depends on it unknown**, and unknown decides nothing. A constraint refuses only when it is false; a relevance or a
requirement holds only when it is true. `and`/`or` follow Kleene: false and unknown is false, true or unknown is true.
Numbers are IEEE doubles, and what is not finite (a division by zero) is unknown. Text compares by equality; HH:MM and
YYYY-MM-DD by order.

| node | meaning |
|---|---|
| `["num", n]`, `["str", s]`, `["true"]`, `["false"]`, `["ref", name]` | a value; `ref` is unknown where unanswered |
| `["empty", x]`, `["filled", x]` | whether x is unanswered; never unknown |
| `["selected", x, option]` | x is that option, or the list x holds it |
| `["if", c, a, b]`, `["coalesce", a, b, ...]` | unknown where c is; the first that is known |
| `["number", x]` | a number in text, 1 or 0 for true or false, else unknown |
| `["int", x]`, `["round", x]` | cut toward zero; floor(x + 0.5) |
| `["mod", a, b]` | remainder with the sign of a, as `%` in JavaScript |
| `["regex", x, pattern]` | the whole of x matches, ASCII classes |
| `["count-selected", x]`, `["string-length", x]` | 0 where x is unanswered; characters are code points |
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Value = int | float | str | bool | list[str] | None
Values = Mapping[str, Any]
Closure = Callable[[Values], Any]
Tree = Sequence[Any]

_NUMERAL = re.compile(r"[ \t\n]*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)[ \t\n]*")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _divide(a: float, b: float) -> float | None:
    return a / b if b else None


def _modulo(a: float, b: float) -> float | None:
    return math.fmod(a, b) if b else None


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        match = _NUMERAL.fullmatch(value)
        return float(match[1]) if match else None
    return None if value is None or isinstance(value, list) else float(value)


def _selected(value: Value, option: str) -> bool:
    return option in value if isinstance(value, list) else value == option


@lru_cache(maxsize=512)
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source, re.ASCII)


# Every function here is called with known operands only; an unknown one has already made the result unknown.
_STRICT: dict[str, Callable[..., Any]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: _finite(float(a) + float(b)),
    "-": lambda a, b: _finite(float(a) - float(b)),
    "*": lambda a, b: _finite(float(a) * float(b)),
    "div": lambda a, b: _divide(float(a), float(b)),
    "mod": lambda a, b: _modulo(float(a), float(b)),
    "neg": lambda a: -float(a),
    "int": lambda a: float(math.trunc(a)),
    "floor": lambda a: float(math.floor(a)),
    "ceiling": lambda a: float(math.ceil(a)),
    "round": lambda a: float(math.floor(a + 0.5)),
    "number": _number,
    "not": lambda a: not a,
    "selected": _selected,
    "regex": lambda a, pattern: _pattern(pattern).fullmatch(a) is not None,
}
_LENGTHS: dict[str, Callable[[Any], int]] = {"count-selected": len, "string-length": len}


def compile_tree(tree: Tree) -> Closure:
    """A function from answers (by name; absent or None is unanswered) to the value of `tree`."""
    head = tree[0]
    if head in _LEAVES:
        return _LEAVES[head](tree)
    parts = [compile_tree(part) for part in tree[1:]]
    if head in _COMBINE:
        return _COMBINE[head](parts)
    if head in _LENGTHS:
        inner = parts[0]
        return lambda values: len(inner(values) or ())
    return _strict(_STRICT[head], parts)


def _strict(function: Callable[..., Any], parts: list[Closure]) -> Closure:
    if len(parts) == 1:
        only = parts[0]

        def unary(values: Values) -> Any:
            a = only(values)
            return None if a is None else function(a)

        return unary
    left, right = parts

    def binary(values: Values) -> Any:
        a, b = left(values), right(values)
        return None if a is None or b is None else function(a, b)

    return binary


def _constant(value: Value) -> Closure:
    return lambda _values: value


def _reference(tree: Tree) -> Closure:
    name = tree[1]
    return lambda values: values.get(name)


def _junction(parts: list[Closure], decisive: bool) -> Closure:
    """Kleene's `and` (decisive: False) and `or` (decisive: True)."""

    def junction(values: Values) -> bool | None:
        verdict: bool | None = not decisive
        for part in parts:
            value = part(values)
            if value is decisive:
                return decisive
            if value is None:
                verdict = None
        return verdict

    return junction


def _if(parts: list[Closure]) -> Closure:
    condition, then, otherwise = parts

    def conditional(values: Values) -> Any:
        holds = condition(values)
        return None if holds is None else (then if holds else otherwise)(values)

    return conditional


def _coalesce(parts: list[Closure]) -> Closure:
    def first_known(values: Values) -> Any:
        return next((value for part in parts if (value := part(values)) is not None), None)

    return first_known


_LEAVES: dict[str, Callable[[Tree], Closure]] = {
    "num": lambda tree: _constant(tree[1]),
    "str": lambda tree: _constant(tree[1]),
    "true": lambda _tree: _constant(True),
    "false": lambda _tree: _constant(False),
    "ref": _reference,
}
_COMBINE: dict[str, Callable[[list[Closure]], Closure]] = {
    "and": lambda parts: _junction(parts, False),
    "or": lambda parts: _junction(parts, True),
    "if": _if,
    "coalesce": _coalesce,
    "empty": lambda parts: lambda values: parts[0](values) is None,
    "filled": lambda parts: lambda values: parts[0](values) is not None,
}


def references(tree: Tree) -> set[str]:
    """The names of all questions a tree depends on."""
    if tree[0] == "ref":
        return {tree[1]}
    return set().union(*(references(part) for part in tree[1:] if isinstance(part, (list, tuple))), set())


def evaluate(tree: Tree, values: Values) -> Value:
    """The value of `tree`, read node by node: the plain statement of the law above that the closures are held to."""
    head, *rest = tree
    if head in {"num", "str"}:
        return rest[0]
    if head in {"true", "false"}:
        return head == "true"
    if head == "ref":
        return values.get(rest[0])
    if head == "if":
        holds = evaluate(rest[0], values)
        return None if holds is None else evaluate(rest[1] if holds else rest[2], values)
    return _evaluate_eager(head, [evaluate(part, values) for part in rest])


def _evaluate_eager(head: str, known: list[Value]) -> Value:
    if head in {"and", "or"}:
        decisive = head == "or"
        return decisive if decisive in known else (None if None in known else not decisive)
    if head == "coalesce":
        return next((value for value in known if value is not None), None)
    if head in {"empty", "filled"}:
        return (known[0] is None) is (head == "empty")
    if head in _LENGTHS:
        return _LENGTHS[head](known[0]) if known[0] is not None else 0
    return None if None in known else _STRICT[head](*known)


def render(parts: Sequence[str | Tree], values: Values, *, language: str | None = "id") -> str:
    """A message with its numbers in place, grouped in thousands as the language writes them; unknown is a dash."""
    return "".join(part if isinstance(part, str) else _shown(evaluate(part, values), language) for part in parts)


def _shown(value: Value, language: str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, (int, float)):
        text = f"{round(value):,}" if float(value).is_integer() else f"{value:,.2f}"
        return text if (language or "").startswith("en") else text.translate(_INDONESIAN)
    if isinstance(value, list):
        return ", ".join(value)
    # Indonesian writes 07.00 where the stored time is 07:00.
    return value.replace(":", ".") if _CLOCK.fullmatch(value) and not (language or "").startswith("en") else value


_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9]")
_INDONESIAN = str.maketrans(",.", ".,")
