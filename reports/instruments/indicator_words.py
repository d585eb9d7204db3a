"""An indicator in words: the line a person reads beside a sum, or beside the number of reports that found a problem.

A question alone is not such a line: "Rapat dihadiri saksi: 1" says the opposite of what one report found, that no
witness was there; a number that is a problem from one upward gives two figures of one name, the sum and the reports.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from hierarchy.lib import formats
from hierarchy.lib.clock import WITA

from .schema import YES, Problem, Question, Schema, parse_problem, problem_cells, sum_cells


def lines(schema: Schema, language: str | None = None) -> dict[int, str]:
    """Position of every problem and every sum of the tally vector -> its line; no two of an instrument are the same.

    Where questions bear one label, the title of their group is added, and if that is one too, their number in it.
    """
    cells = {position: (question, problem_line(question, language)) for question, position in problem_cells(schema)}
    cells |= {position: (question, question.label.in_language(language)) for question, position in sum_cells(schema)}
    told = {position: words for position, (_question, words) in sorted(cells.items())}
    titles = {group.name: group.title.in_language(language) for group in schema.groups}
    told = _apart(told, {position: titles.get(question.group, "") for position, (question, _line) in cells.items()})
    return _apart(told, {position: formats.number(number) for number, position in enumerate(told, start=1)})


def sum_lines(schema: Schema, language: str | None = None) -> dict[str, str]:
    """Name of every question that adds up -> the line of its sum."""
    told = lines(schema, language)
    return {question.name: told[position] for question, position in sum_cells(schema)}


def problem_line(question: Question, language: str | None = None) -> str:
    """The question with the answer that is its problem, where it does not say it by itself:
    "Dihadiri saksi: Tidak", "Jam pembukaan: sesudah pukul 07.00 WITA", "Surat suara rusak: ada"."""
    label, answer = question.label.in_language(language), problem_answer(question, language)
    return f"{label}{' ' if label.endswith('?') else ': '}{answer}" if answer else label


def problem_answer(question: Question, language: str | None = None) -> str:
    """The answer that is a problem; "" of a statement that is one when it is true ("Surat suara tertukar")."""
    problem = parse_problem(question.problem)
    if problem is None:
        return ""
    with translation.override(language or settings.LANGUAGE_CODE):
        return _answer(question, problem, language)


def _answer(question: Question, problem: Problem, language: str | None) -> str:
    operator, limit = problem
    if operator == "option":
        named = {choice.name: choice.label.in_language(language) for choice in question.choices}
        stated = limit == YES and not question.label.in_language(language).endswith("?")
        return "" if stated else named.get(limit, limit)
    if ":" in limit:
        words = _("sesudah pukul %(limit)s") if operator == ">" else _("sebelum pukul %(limit)s")
        return words % {"limit": _clock_time(limit)}
    if (operator, limit) == (">", "0"):
        return _("ada")
    words = _("lebih dari %(limit)s") if operator == ">" else _("kurang dari %(limit)s")
    return words % {"limit": formats.number(int(limit))}


def _clock_time(limit: str) -> str:
    any_day = date(2024, 2, 14)
    return formats.hour(datetime.combine(any_day, time.fromisoformat(limit), WITA))


def _apart(told: dict[int, str], more: dict[int, str]) -> dict[int, str]:
    """The same lines, those that occur twice with `more` behind them."""
    often = Counter(told.values())
    return {position: f"{words} ({more[position]})" if often[words] > 1 else words for position, words in told.items()}
