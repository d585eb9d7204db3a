"""A filed report in words: its answers, what each revision changed, what happened to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from hierarchy.lib import formats
from hierarchy.models import Role, User
from reports.filing.models import Conflict, Report, Revision
from reports.instruments.schema import CALCULATED, CHOICE_KINDS, DATE, PHOTO, TIME, Question, Schema, problem_cells
from reports.journal.models import Event


@dataclass(frozen=True)
class AnswerRow:
    """One answered question. `remark` is the reviewer's, `reason` the filer's for a broken soft rule, `typed` a remark
    that is being written."""

    name: str
    label: str
    answer: str
    is_photo: bool
    is_problem: bool
    reason: str
    remark: str
    typed: str


@dataclass(frozen=True)
class AnswerGroup:
    title: str
    rows: list[AnswerRow]


def answered_groups(
    report: Report, typed: Mapping[str, str], hidden: frozenset[str] = frozenset()
) -> list[AnswerGroup]:
    """The answers of a report by screen of its instrument; screens without an answer are left out, as are `hidden`
    answers (findings.withheld)."""
    schema, language = report.window.version.parsed, get_language()
    problems = problems_of(report, schema)
    groups = []
    for group in schema.groups:
        rows = [
            AnswerRow(
                name=question.name,
                label=question.label.in_language(language),
                answer=in_words(question, report.answers[question.name], language),
                is_photo=question.kind == PHOTO,
                is_problem=question.name in problems,
                reason=report.reasons.get(question.name, ""),
                remark=report.remarks.get(question.name, ""),
                typed=typed.get(question.name, ""),
            )
            for question in schema.in_group(group.name)
            if question.name in report.answers and question.name not in hidden
        ]
        if rows:
            groups.append(AnswerGroup(group.title.in_language(language), rows))
    return groups


def problems_of(report: Report, schema: Schema) -> set[str]:
    """Names of the questions whose answers name problems."""
    return {question.name for question, position in problem_cells(schema) if report.vector[position]}


def in_words(question: Question, answer: Any, language: str | None) -> str:
    """`1.208`, `Ya`, `07.05`, `14 Feb 2024` or the text itself; a photo is its hash."""
    if question.kind in CHOICE_KINDS:
        labels = {choice.name: choice.label.in_language(language) for choice in question.choices}
        chosen: list[str] = answer if isinstance(answer, list) else [answer]
        return ", ".join(labels.get(name, name) for name in chosen)
    if question.kind == TIME:
        return answer.replace(":", ".") if not (language or "").startswith("en") else answer
    if question.kind == DATE:
        return formats.day(date.fromisoformat(answer))
    return formats.number(answer) if isinstance(answer, int) else str(answer)


# --- versions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnswerChange:
    """A question with its answers in two versions; an empty text is no answer. A photo is its hash."""

    label: str
    before: str
    after: str
    is_photo: bool
    changed: bool


def side_by_side(schema: Schema, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[AnswerChange]:
    """Every question that either version answers, in the order of the form."""
    language = get_language()

    def told(question: Question, answers: Mapping[str, Any]) -> str:
        return in_words(question, answers[question.name], language) if question.name in answers else ""

    return [
        AnswerChange(
            label=question.label.in_language(language),
            before=told(question, before),
            after=told(question, after),
            is_photo=question.kind == PHOTO,
            changed=before.get(question.name) != after.get(question.name),
        )
        for question in schema.questions
        if question.kind != CALCULATED and (question.name in before or question.name in after)
    ]


def differences(schema: Schema, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[AnswerChange]:
    """What was answered differently in two sets of canonical answers, in the order of the questions."""
    return [row for row in side_by_side(schema, before, after) if row.changed]


@dataclass(frozen=True)
class VersionChanges:
    """A revision, or a filing that was refused, beside the version it is compared with."""

    source: Revision | Conflict
    changes: list[AnswerChange]


def answers_in(source: Revision | Conflict, hidden: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The answers exactly as they were filed, from the bytes that were hashed, without the `hidden` ones."""
    answers: dict[str, Any] = json.loads(bytes(source.canonical))["answers"]
    return {name: answer for name, answer in answers.items() if name not in hidden}


def revisions_of(
    report: Report, revisions: Iterable[Revision], hidden: frozenset[str] = frozenset()
) -> list[VersionChanges]:
    """Newest first, each with what it changed; the first one changed nothing."""
    schema = report.window.version.parsed
    versions: list[VersionChanges] = []
    before: Mapping[str, Any] | None = None
    for revision in sorted(revisions, key=lambda each: each.number):
        answers = answers_in(revision, hidden)
        versions.append(VersionChanges(revision, differences(schema, before, answers) if before is not None else []))
        before = answers
    return versions[::-1]


def conflicts_of(
    report: Report, conflicts: Iterable[Conflict], hidden: frozenset[str] = frozenset()
) -> list[VersionChanges]:
    """What was sent and refused because another version stood, beside the report as it stands."""
    schema = report.window.version.parsed
    stands = {name: answer for name, answer in report.answers.items() if name not in hidden}
    return [VersionChanges(each, differences(schema, stands, answers_in(each, hidden))) for each in conflicts]


# --- history --------------------------------------------------------------------------------------------------------

# What a line of the journal says on the page of a report, and its icon; verbs not named here are not shown.
TOLD: dict[str, tuple[Promise, str]] = {
    "report.filed": (_("Laporan diterima"), "tick"),
    "report.revised": (_("Perbaikan diterima"), "tick"),
    "report.approved": (_("Laporan disetujui"), "double-tick"),
    "report.returned": (_("Dikembalikan untuk diperbaiki"), "return"),
    "report.conflict": (_("Kiriman lain ditolak dan disimpan"), "warning"),
    "approval.withdrawn": (_("Persetujuan dibatalkan"), "return"),
    "unit.unreachable": (_("Dicatat tanpa sinyal"), "no-signal"),
    "unit.reachable": (_("Catatan tanpa sinyal dibatalkan"), "circle"),
    "obligation.vacant": (_("Tercatat tanpa pengawas"), "dashed-circle"),
    "obligation.staffed": (_("Pengawas sudah ada"), "circle"),
}


@dataclass(frozen=True)
class TimelineEntry:
    """A line of the timeline (components/timeline.html)."""

    icon: str
    what: str
    at: datetime
    who: str
    note: str


def history(report: Report, *, told: bool = True) -> list[TimelineEntry]:
    """What happened to a report and its obligation, oldest first: two queries. Not `told`: without what was said of it.

    Found by their keys: an event holds the code its unit had at the time, and units get new codes.
    """
    events = list(Event.objects.filter(target__in=[str(report.pk), str(report.obligation_id)], verb__in=TOLD))
    names = dict(User.objects.filter(username__in={event.actor for event in events}).values_list("username", "name"))
    return [
        TimelineEntry(
            icon=TOLD[event.verb][1],
            what=str(TOLD[event.verb][0]),
            at=event.at,
            who=_who(event, names),
            note=event.detail.get("reason", "") if told else "",
        )
        for event in events
    ]


def _who(event: Event, names: Mapping[str, str]) -> str:
    """The name, and that somebody acted for another."""
    name = names.get(event.actor, event.actor)
    if event.detail.get("role") == Role.ACTING:
        return gettext("%(name)s (pelaksana tugas)") % {"name": name}
    return name
