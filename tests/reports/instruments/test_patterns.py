"""No pattern that may be published takes long, whatever is answered; counted in steps, never in seconds."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.instruments import patterns, xpath
from reports.instruments.patterns import One, PatternGroup
from reports.instruments.xpath import UnsupportedRule


class Matcher:
    """Matches the whole of a text by plain trying, and counts its steps."""

    def __init__(self, text: str) -> None:
        self.text, self.steps = text, 0

    def matches(self, pattern: str) -> bool:
        return self._group(patterns.parse(pattern), [], 0)

    def _group(self, group: PatternGroup, then: list[One | PatternGroup], at: int) -> bool:
        self.steps += 1
        return any(self._sequence([*branch, *then], at) for branch in group.branches)

    def _sequence(self, items: list[One | PatternGroup], at: int) -> bool:
        self.steps += 1
        if not items:
            return at == len(self.text)
        first, *then = items
        if isinstance(first, PatternGroup):
            return self._group(first, then, at)
        end = at
        while (
            end < len(self.text) and self.text[end] in first.letters and (first.high is None or end - at < first.high)
        ):
            end += 1
            self.steps += 1
        for stop in range(end, at + first.low - 1, -1):  # greedy
            if then and isinstance(then[0], One) and then[0].low and self.text[stop : stop + 1] not in then[0].letters:
                self.steps += 1  # a look at the next letter, as in the real matchers
            elif self._sequence(then, stop):
                return True
        return False


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "[a-c]", "1", "\\w", "é", "[à-é]"])
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,3}", "{1,}", "*?", "{,2}"])
PIECES = st.builds("{}{}".format, ATOMS, REPEATS)
SEQUENCES = st.lists(PIECES, max_size=4).map("".join)
GROUPS = st.builds(
    lambda branches, mark: f"({'|'.join(branches)}){mark}", st.lists(SEQUENCES, min_size=1, max_size=2),
    st.sampled_from(["", "?"]),
)  # fmt: skip
PATTERNS = st.lists(PIECES | GROUPS, min_size=1, max_size=4).map("".join)


@given(PATTERNS, st.text("ab1\né", max_size=14))
@example(".*.*.*x", "a" * 14)
@example("[ab]*a?[ab]*", "a" * 13 + "1")
@example("(a|[a-c]).*a.*", "a" * 12 + "\n")
@example("(a?|b)(a?|b)(a?|b)1", "aaaaaaaaaaaa")
def test_no_answer_takes_more_steps_than_were_counted(pattern: str, text: str) -> None:
    matcher = Matcher("".join(x if x in pattern or x.isascii() else patterns.OTHER for x in text))
    assert matcher.matches(pattern) is (re.fullmatch(pattern, text, re.ASCII) is not None)
    assert matcher.steps <= 4 * patterns.work(pattern, longest=len(text))


@pytest.mark.parametrize(
    "pattern",
    [".*.*.*x", ".*.*x", "[a-z]*[a-z]*x", ".*a.*", "a*a*", "(a*|b)a*x", "[a-z]{0,9000}[a-z]{0,9000}x", "\\w*\\d*x"],
)
def test_a_pattern_that_may_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedRule, match="terlalu lama"):
        xpath.parse(f"regex(${{s}}, '{pattern}')", types={"s": xpath.TEXT})


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]+", "\\d{1,3}", "\\d{16}", "[A-Z]+/\\d+/[A-Z.]+/\\d{4}", "[A-Za-z .-]+", ".{0,200}kata.{0,200}",
        "(Januari|Februari|Maret)( \\d{4})?", ".*", ".*x", "[^ @]+@[^ @]+", "-?\\d+", "a{,5}b",
    ],
)  # fmt: skip
def test_what_forms_ask_for_passes(pattern: str) -> None:
    tree, kind = xpath.parse(f"regex(${{s}}, '{pattern}')", types={"s": xpath.TEXT})
    assert (tree[0], kind) == ("regex", xpath.BOOL)
