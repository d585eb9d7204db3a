"""How long matching a regex() pattern may take at the worst, counted before it is published.

Python and the browser match by trying: each way of sharing an answer out among `.*.*.*x` is a try, and 10,000 letters
have 10^11 of them. `work` bounds the tries from the pattern alone. A repeat gives ways only where what may come next
can begin with one of its own letters: `[a-z]+ [0-9]+` is read straight on, `.*a` may stop at every letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .answers import LONGEST_TEXT

MOST_WORK = 1_000_000  # 13 ms at the worst that was found on the development machine

_TOKENS = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)|(?P<edge>[\^$])"
    r"|(?P<repeat>(?:[*+?]|\{(?:(?P<low>[0-9]+)(?:(?P<to>,)(?P<high>[0-9]*))?|,(?P<most>[0-9]*))\})[?+]?)"
    r"|(?P<one>\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|.)",
    re.DOTALL,
)
OTHER = "\uffff"  # stands for every letter that is neither ASCII nor near one that the pattern names
_KNOWN = frozenset([*map(chr, range(128)), OTHER])


class One(NamedTuple):
    """One letter out of `letters`, repeated `low` to `high` times (None: without end)."""

    letters: frozenset[str]
    low: int
    high: int | None


class PatternGroup(NamedTuple):
    """One of several sequences."""

    branches: list[list[One | PatternGroup]]


Sequence = list[One | PatternGroup]


def work(pattern: str, longest: int = LONGEST_TEXT) -> int:
    """No answer of `longest` letters takes more steps than this to match or to refuse. `pattern` compiles in `re` and
    repeats no group."""
    return _work(parse(pattern).branches, 1, frozenset(), longest)[0]


def parse(pattern: str) -> PatternGroup:
    """The pattern as a tree."""
    near = {chr(ord(letter) + step) for letter in pattern if letter > "\x7f" for step in (-1, 0, 1)}
    return _group(_TOKENS.finditer(pattern), _KNOWN | near)


def _group(tokens: Iterator[re.Match[str]], known: frozenset[str]) -> PatternGroup:
    """What stands up to the closing bracket. `known` are the letters that two classes may tell apart."""
    branches: list[Sequence] = [[]]
    for token in tokens:
        here = branches[-1]
        match token.lastgroup:
            case "close":
                break
            case "open":
                here.append(_group(tokens, known))
            case "bar":
                branches.append([])
            case "one":
                letters = re.compile(token["one"], re.ASCII)
                here.append(One(frozenset(filter(letters.fullmatch, known)), 1, 1))
            case "repeat" if here:
                here[-1] = _repeated(here[-1], token)
    return PatternGroup(branches)


def _repeated(last: One | PatternGroup, token: re.Match[str]) -> One | PatternGroup:
    if isinstance(last, PatternGroup):
        return PatternGroup([*last.branches, []])  # a group is repeated by "?" alone
    sign = token["repeat"][0]
    if sign != "{":
        return One(last.letters, int(sign == "+"), 1 if sign == "?" else None)
    low, high = int(token["low"] or 0), token["high"] if token["low"] else token["most"]
    return One(last.letters, low, (int(high) if high else None) if token["to"] or not token["low"] else low)


def _work(branches: list[Sequence], rest: int, follow: frozenset[str], longest: int) -> tuple[int, frozenset[str]]:
    """(steps, letters it may begin with) of one of the branches and then the `rest`, which begins with `follow`."""
    total, begins = 0, frozenset[str]()
    for branch in branches:
        steps, next_letters = rest, follow
        for item in reversed(branch):
            if isinstance(item, PatternGroup):
                steps, next_letters = _work(item.branches, steps, next_letters, longest)
                continue
            high = longest if item.high is None else min(item.high, longest)
            ways = high - min(item.low, high) + 1 if item.letters & next_letters else 1
            steps = 2 * high + 1 + ways * steps
            next_letters = item.letters if item.low else item.letters | next_letters
        total, begins = total + steps + 1, begins | next_letters
    return total, begins
