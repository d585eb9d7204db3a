"""XLSForm expressions to rule trees: real XPath 1.0 syntax, statically typed, nothing outside the subset.

The subset: `.` and `${name}`; `and`, `or`, `not()`, `true()`, `false()`; `= != < <= > >=`; `+ - * div mod`;
`selected()`, `count-selected()`, `if()`, `coalesce()`, `number()`, `int()`, `round()`, `floor()`, `ceiling()`,
`string-length()`, `regex()`. Times (HH:MM) and dates (YYYY-MM-DD) compare with each other and with literals.
Types are checked here, at publishing time, so that no report ever meets a rule that compares a number with a word.

A tree is JSON: `["<=", ["ref", "used"], ["num", 300]]`. rules.py documents what each node means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from elementpath import ElementPathError, XPath1Parser
from elementpath.tdop import Parser

from . import patterns

NUMBER, TEXT, BOOL, LIST, TIME, DATE = "number", "text", "bool", "list", "time", "date"
LONGEST, DEEPEST = 2000, 40
NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
_TOKENS = re.compile(rf"""(?P<quoted>'[^']*'|"[^"]*")|\$\{{\s*(?P<name>{NAME})\s*\}}""")
_SHAPES = {TIME: re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), DATE: re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")}
# Only what Python and the browser read alike: no look-around, no group repeats. What is left can still take very long
# (`.*.*.*x`), so patterns.py counts how long.
_PORTABLE = re.compile(r"(?:[^\\()]|\\[dw.\-+*?/^$|()\[\]{}]|\((?!\?)|\(\?:|\)(?![*+{]))*")

Tree = list[Any]
Typed = tuple[Tree, str]


class UnsupportedRule(ValueError):
    """An expression outside the subset; the text says which part and what to do."""


class RuleParser(XPath1Parser):
    """XPath 1.0 with the functions XLSForm adds to it; used for its syntax only, never to evaluate."""


_ADDED: dict[str, int | tuple[int, int | None]] = {
    "if": 3, "selected": 2, "coalesce": (2, None), "regex": 2, "int": 1, "count-selected": 1,
}  # fmt: skip
for _name, _count in _ADDED.items():
    RuleParser.function(_name, nargs=_count)
RuleParser.build()


def parse(source: str, *, types: Mapping[str, str], own: str = "") -> Typed:
    """The rule tree of `source` and its type. `types` maps question names to types; `own` is what `.` stands for.

    Raises UnsupportedRule, with an Indonesian sentence, for anything outside the subset.
    """
    if len(source) > LONGEST:
        raise UnsupportedRule(_("Rumus terlalu panjang; paling banyak %(limit)d huruf.") % {"limit": LONGEST})
    plain = _TOKENS.sub(lambda m: m["quoted"] or f" ${m['name']} ", source)
    try:
        # The tdop parse only: XPath1Parser.parse would also try to evaluate, without any data, what it has read.
        token = Parser.parse(RuleParser(), plain)
    except (ElementPathError, RecursionError, ValueError, ArithmeticError) as error:
        raise UnsupportedRule(_("Rumus tidak dapat dibaca: %(source)s") % {"source": source}) from error
    return _Translator(types, own).node(token, 0)


def _unsupported(symbol: str) -> UnsupportedRule:
    return UnsupportedRule(_("“%(part)s” tidak didukung dalam rumus.") % {"part": symbol})


class _Translator:
    """Walks one syntax tree; every method gives a rule tree with its type."""

    def __init__(self, types: Mapping[str, str], own: str) -> None:
        self.types, self.own = types, own

    def node(self, token: Any, depth: int) -> Typed:
        if depth > DEEPEST:
            raise UnsupportedRule(_("Rumus terlalu bertingkat; sederhanakan."))
        symbol = token.symbol
        if symbol in _LITERALS:
            return _LITERALS[symbol](token)
        if symbol in {".", "$"}:
            return self.reference(self.own if symbol == "." else token[0].value)
        arguments = [self.node(child, depth + 1) for child in token]
        if symbol == "(" and len(arguments) == 1:
            return arguments[0]
        if symbol in _COMPARISONS and len(arguments) == 2:
            return _COMPARISONS[symbol](symbol, *arguments)
        if signature := _SIGNATURES.get((symbol, len(arguments))):
            head, wants, gives = signature
            return [head, *(_expect(each, wants, symbol) for each in arguments)], gives
        if symbol in _FUNCTIONS:
            return _FUNCTIONS[symbol](arguments)
        raise _unsupported(symbol)

    def reference(self, name: str) -> Typed:
        if name not in self.types:
            raise UnsupportedRule(_("Tidak ada pertanyaan bernama “%(name)s”.") % {"name": name or "."})
        return ["ref", name], self.types[name]


def _expect(typed: Typed, wanted: str, where: str) -> Tree:
    if typed[1] != wanted:
        raise UnsupportedRule(
            _("“%(part)s” memerlukan %(wanted)s, tetapi mendapat %(got)s.")
            % {"part": where, "wanted": _type_name(wanted), "got": _type_name(typed[1])}
        )
    return typed[0]


def _type_name(kind: str) -> str:
    return {
        NUMBER: _("angka"), TEXT: _("teks"), BOOL: _("syarat ya/tidak"), LIST: _("pilihan ganda"),
        TIME: _("jam"), DATE: _("tanggal"),
    }[kind]  # fmt: skip


def _same_type(symbol: str, left: Typed, right: Typed) -> str:
    """The common type of two operands; a literal in the shape of a time or a date is one, beside a time or a date."""
    kinds = {left[1], right[1]}
    for shape, pattern in _SHAPES.items():
        texts = [tree for tree, kind in (left, right) if kind == TEXT]
        if kinds == {shape, TEXT} and all(tree[0] == "str" and pattern.fullmatch(tree[1]) for tree in texts):
            return shape
    if len(kinds) > 1:
        raise UnsupportedRule(
            _("“%(part)s” membandingkan %(left)s dengan %(right)s.")
            % {"part": symbol, "left": _type_name(left[1]), "right": _type_name(right[1])}
        )
    return left[1]


def _equality(symbol: str, left: Typed, right: Typed) -> Typed:
    for one, other in ((left, right), (right, left)):
        if other[0] == ["str", ""]:
            return ["empty" if symbol == "=" else "filled", one[0]], BOOL
    if _same_type(symbol, left, right) == LIST:
        raise UnsupportedRule(_("Gunakan selected() untuk memeriksa pilihan ganda."))
    return [symbol, left[0], right[0]], BOOL


def _order(symbol: str, left: Typed, right: Typed) -> Typed:
    if _same_type(symbol, left, right) not in {NUMBER, TIME, DATE}:
        raise UnsupportedRule(_("“%(part)s” hanya untuk angka, jam, atau tanggal.") % {"part": symbol})
    return [symbol, left[0], right[0]], BOOL


def _selected(arguments: list[Typed]) -> Typed:
    (choice, kind), (option, _kind) = arguments
    if kind not in {LIST, TEXT} or option[0] != "str":
        raise UnsupportedRule(_("Tulis selected(${pertanyaan}, 'pilihan')."))
    return ["selected", choice, option], BOOL


def _if(arguments: list[Typed]) -> Typed:
    condition = _expect(arguments[0], BOOL, "if")
    return ["if", condition, arguments[1][0], arguments[2][0]], _same_type("if", arguments[1], arguments[2])


def _coalesce(arguments: list[Typed]) -> Typed:
    kind = arguments[0][1]
    for each in arguments[1:]:
        kind = _same_type("coalesce", arguments[0], each)
    return ["coalesce", *(tree for tree, _kind in arguments)], kind


def _number(arguments: list[Typed]) -> Typed:
    if arguments[0][1] == LIST:
        raise UnsupportedRule(_("Gunakan count-selected() untuk menghitung pilihan ganda."))
    return ["number", arguments[0][0]], NUMBER


def _regex(arguments: list[Typed]) -> Typed:
    text = _expect(arguments[0], TEXT, "regex")
    kind, pattern = arguments[1][0][0], arguments[1][0][-1]
    if kind != "str" or not _PORTABLE.fullmatch(pattern) or not _compiles(pattern):
        raise UnsupportedRule(_("Pola regex() tidak didukung; gunakan huruf, [..], \\d, dan pengulangan sederhana."))
    if patterns.work(pattern) > patterns.MOST_WORK:
        raise UnsupportedRule(
            _(
                "Pola regex() ini dapat memakan waktu terlalu lama pada jawaban yang panjang. "
                "Batasi pengulangannya, misalnya .{0,200} sebagai ganti .*"
            )
        )
    return ["regex", text, ["str", pattern]], BOOL


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern, re.ASCII)
    except re.error:
        return False
    return True


_LITERALS: dict[str, Callable[[Any], Typed]] = {
    "(integer)": lambda token: (["num", int(token.value)], NUMBER),
    "(decimal)": lambda token: (["num", float(token.value)], NUMBER),
    "(float)": lambda token: (["num", float(token.value)], NUMBER),
    "(string)": lambda token: (["str", str(token.value)], TEXT),
    "true": lambda _token: (["true"], BOOL),
    "false": lambda _token: (["false"], BOOL),
}
_COMPARISONS: dict[str, Callable[[str, Typed, Typed], Typed]] = {
    **dict.fromkeys(("=", "!="), _equality),
    **dict.fromkeys(("<", "<=", ">", ">="), _order),
}
# By symbol and number of operands, because "*" and "-" alone mean something else: node head, operand type, own type.
_SIGNATURES: dict[tuple[str, int], tuple[str, str, str]] = {
    **{(symbol, 2): (symbol, NUMBER, NUMBER) for symbol in ("+", "-", "*", "div", "mod")},
    **{(symbol, 1): (symbol, NUMBER, NUMBER) for symbol in ("int", "round", "floor", "ceiling")},
    **{(symbol, 2): (symbol, BOOL, BOOL) for symbol in ("and", "or")},
    ("-", 1): ("neg", NUMBER, NUMBER),
    ("not", 1): ("not", BOOL, BOOL),
    ("string-length", 1): ("string-length", TEXT, NUMBER),
    ("count-selected", 1): ("count-selected", LIST, NUMBER),
}
_FUNCTIONS: dict[str, Callable[[list[Typed]], Typed]] = {
    "selected": _selected, "if": _if, "coalesce": _coalesce, "number": _number, "regex": _regex,
}  # fmt: skip
