"""What the rules find in the reports of a window: against each other, another stage, and the figures of the KPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, F, When

from hierarchy.levels import Level
from reports.calendar.models import Cadence, Window
from reports.filing.models import Report
from reports.instruments.schema import INTEGER, Schema
from reports.quality import statistics
from reports.quality.models import Reference

BATCH = 2_000


class Cross(NamedTuple):
    """Two questions of two stages that must agree for one unit; the flag is raised on the first."""

    instrument: str
    question: str
    other: str
    other_question: str


COUNTING, VOTING = "penghitungan-tps", "pemungutan-tps"
CROSS = [
    Cross(COUNTING, "pengguna", VOTING, "pengguna"),  # voters counted = voters who came
    Cross(COUNTING, "surat_digunakan", VOTING, "pengguna"),  # each voter uses one ballot paper
    Cross(COUNTING, "surat_diterima", VOTING, "surat_diterima"),
    Cross(COUNTING, "surat_rusak", VOTING, "surat_rusak"),
]


class ReportFacts(NamedTuple):
    """A report as far as flags go. `area` is what siblings share: a station's district, any other unit's parent."""

    pk: UUID
    sha256: bytes
    answers: dict[str, Any]
    reasons: dict[str, str]
    subject_id: int
    village_id: int | None
    level: int
    area: int | None


class FlagDraft(NamedTuple):
    """A flag before it is written: `line` is the report it speaks of."""

    line: ReportFacts
    rule: str
    question: str
    detail: dict[str, Any]


@dataclass
class Comparisons:
    """What reports of a window are held against: figures by (unit, question)."""

    references: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)  # value, source
    stages: dict[Cross, dict[int, int]] = field(default_factory=dict)  # by unit


def facts_of(window: Window) -> Iterator[ReportFacts]:
    """The window's reports area by area, streamed."""
    area = Case(
        When(obligation__subject__level=Level.POLLING_STATION, then=F("obligation__subject__district_id")),
        default=F("obligation__subject__parent_id"),
    )
    subject = [f"obligation__subject_{column}" for column in ("id", "_village_id", "_level")]
    rows = Report.objects.filter(window=window).annotate(area=area).order_by("area", "pk")
    values = rows.values_list("pk", "sha256", "answers", "reasons", *subject, "area")
    for pk, sha256, *rest in values.iterator(BATCH):
        yield ReportFacts(pk, bytes(sha256), *rest)


def comparisons_of(window: Window) -> Comparisons:
    code, election = window.instrument.code, window.election_id
    found = Comparisons()
    for row in Reference.objects.filter(election=election, instrument=code):
        found.references[row.unit_id, row.question] = row.value, row.source
    for cross in CROSS:
        if cross.instrument == code:
            others = Report.objects.filter(window__election=election, window__instrument__code=cross.other)
            values = others.order_by("window__opens_at").values_list(
                "obligation__subject_id", f"answers__{cross.other_question}"
            )
            found.stages[cross] = {unit: value for unit, value in values if isinstance(value, int)}
    return found


def drafts_in(lines: list[ReportFacts], schema: Schema, window: Window, beside: Comparisons) -> Iterator[FlagDraft]:
    """Everything doubtful about the reports of one area."""
    asked = [question.name for question in schema.questions if question.kind == INTEGER]
    for line in lines:
        for name in line.reasons:
            yield FlagDraft(line, "soft", name, {"reason": line.reasons[name]})
        if statistics.is_round(_numbers(line, asked)):
            yield FlagDraft(line, "round", "", {"count": sum((n or 0) >= 10 for n in _numbers(line, asked))})
        yield from _against(line, beside)
    if window.instrument.cadence != Cadence.EVENT:  # two incidents need not resemble each other
        yield from _outliers(lines, asked)
        yield from _copies(lines, asked)


def _against(line: ReportFacts, beside: Comparisons) -> Iterator[FlagDraft]:
    for cross, values in beside.stages.items():
        ours, theirs = line.answers.get(cross.question), values.get(line.subject_id)
        if isinstance(ours, int) and theirs is not None and ours != theirs:
            detail = {"value": ours, "other": theirs, "instrument": cross.other, "question": cross.other_question}
            yield FlagDraft(line, "stages", cross.question, detail)
    for name, ours in line.answers.items() if beside.references else ():
        reference = beside.references.get((line.subject_id, name))
        if reference and isinstance(ours, int) and ours != reference[0]:
            yield FlagDraft(line, "reference", name, {"value": ours, "other": reference[0], "source": reference[1]})


def _outliers(lines: list[ReportFacts], asked: list[str]) -> Iterator[FlagDraft]:
    by_pk = {line.pk: line for line in lines}
    for name in asked:
        verdict = statistics.outliers({line.pk: line.answers[name] for line in lines if name in line.answers})
        for pk, score in verdict[1].items() if verdict else ():
            assert verdict
            usual = verdict[0]
            detail = {"value": by_pk[pk].answers[name], "low": usual.low, "high": usual.high, "size": usual.size}
            detail |= {"median": usual.median, "score": round(score, 2), "level": by_pk[pk].level}
            yield FlagDraft(by_pk[pk], "outlier", name, detail)


def _copies(lines: list[ReportFacts], asked: list[str]) -> Iterator[FlagDraft]:
    by_village: dict[int, dict[UUID, ReportFacts]] = {}
    for line in lines:
        if line.level == Level.POLLING_STATION and line.village_id:
            by_village.setdefault(line.village_id, {})[line.pk] = line
    for village in by_village.values():
        for pk, others in statistics.copies({pk: _numbers(line, asked) for pk, line in village.items()}).items():
            yield FlagDraft(village[pk], "same", "", {"others": sorted(str(other) for other in others)})


def _numbers(line: ReportFacts, asked: list[str]) -> list[int | None]:
    return [line.answers.get(name) for name in asked]
