"""`{% load counting %}`: a word of counting on a page, always with its label, its number and what it is a part of.

`counts` is what has `number(word)` and `whole(word)`, as reports.counting.Counts does. What a word counts is printed
in an element with `data-word`, so that a test can hold every page against reports/counting.py.
"""

from __future__ import annotations

from typing import Any, Protocol

from django import template
from django.utils.translation import gettext as _

from hierarchy.lib import formats
from hierarchy.templatetags.bawaslu import th_urut
from reports.counting import WHOLES, WORDS

register = template.Library()


class HasCounts(Protocol):
    def number(self, word: str) -> int: ...
    def whole(self, word: str) -> int: ...


@register.simple_tag
def word_of(counts: HasCounts, word: str) -> str:
    """A number with its whole in words: 22 dari 32 wajib lapor (68,8 %)."""
    return formats.n_of_total(counts.number(word), counts.whole(word), str(WHOLES[WORDS[word].of]))


@register.inclusion_tag("components/word_share.html")
def word_share(counts: HasCounts, word: str) -> dict[str, Any]:
    """`{% word_share counts "filed" %}` -> 12 dari 24 (50,0 %), of the word's own denominator."""
    return {"word": word, "n": counts.number(word), "N": counts.whole(word)}


@register.inclusion_tag("components/bar.html")
def word_bar(counts: HasCounts, word: str) -> dict[str, Any]:
    """The same share as a bar; the words stand beside it."""
    return {"n": counts.number(word), "N": counts.whole(word), "label": None}


@register.inclusion_tag("components/th_sort.html", takes_context=True)
def th_word(context: template.Context, word: str, key: str, share: bool = False) -> dict[str, Any]:
    """A heading that is a word and sorts by `key`; with `share` it names the denominator of its column."""
    heading = th_urut(context, str(WORDS[word].label), key, number=True)
    whole = WHOLES.get(WORDS[word].of, "") if share else ""
    return heading | {"note": _("dari %(whole)s") % {"whole": whole} if whole else ""}
