"""A section of a published page made ready to be read: what is shown, withheld, ratified, and what stands still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from dashboards.figures.cells import (
    FigureLine,
    SumRow,
    problem_lines,
    published_vector,
    subject_noun,
    sum_lines,
    sum_rows,
)
from dashboards.releases.sections import ALL
from hierarchy.levels import LEAF
from reports.calendar.labels import period_words
from reports.calendar.models import Cadence, InstrumentVersion, Stage
from reports.counting import Counts
from reports.instruments.schema import Schema


@dataclass(frozen=True)
class Decision:
    """What a plenary of the unit's body has ratified of a section; period in words, "" where there is only one.

    moved: the approved figure has become another since.
    """

    period: str
    decided_at: datetime
    minutes: str
    version: int
    moved: bool
    sha256: str


@dataclass(frozen=True)
class StillSum:
    """A sum that stands still in a child unit (standstill.py), and the release since which it does."""

    label: str
    value: int
    since: int


@dataclass(frozen=True)
class PublicSum:
    """A row of the table of sums: the release since which it stands still, 0 where it does not; row None: withheld."""

    label: str
    row: SumRow | None
    since: int = 0


@dataclass(frozen=True)
class Section:
    """The chosen instrument's approved figures, with how complete they are.

    problems and sums are what is published; withheld are the labels of what is not, `all_withheld` where that is all.
    """

    key: str
    stage: str
    title: str
    noun: str
    counts: PublishedCounts
    recapped: bool = True  # its figures are ratified in plenaries
    silent: bool = False  # nothing but the counts is shown, whatever an old release holds
    problems: list[FigureLine] = field(default_factory=list)
    sums: list[PublicSum] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    all_withheld: bool = False
    below: int = 0  # fewer reports or supervisors than this are not published
    problem_total: int | None = 0  # None: withheld
    labels: Mapping[str, str] = field(default_factory=dict)  # of every sum, by key
    decided: list[Decision] = field(default_factory=list)
    periods: int = 0

    @property
    def ratified(self) -> bool:
        """Whether every figure shown is as its body ratified it."""
        return bool(self.decided) and len(self.decided) == self.periods and not self.moved

    @property
    def moved(self) -> bool:
        return any(decision.moved for decision in self.decided)


@dataclass(frozen=True)
class PublishedCounts(Counts):
    """The counts of a page. undated: missing reports of which its release does not say whether they were due yet, as
    those before `not_due` was published do not: no failing may be made of them."""

    undated: int = 0

    @property
    def past(self) -> int:
        return super().past - self.undated


def counts_of(published: Mapping[str, int]) -> PublishedCounts:
    counts = PublishedCounts(**published)
    return counts if "not_due" in published else replace(counts, undated=counts.missing)


def is_silent(level: int, data: Mapping[str, Any]) -> bool:
    """Whether a page says nothing of what was reported: a polling station's; a village's, where the release is older
    than the rule that withholds what names a supervisor."""
    return level == LEAF or (level == LEAF - 1 and "withheld" not in data)


def section_of(key: str, data: dict[str, Any], stage: Stage, version: InstrumentVersion, *, level: int) -> Section:
    """A section of a page of a unit of `level` made readable."""
    told = Section(
        key=key,
        stage=stage.name,
        title=version.instrument.title,
        noun=subject_noun(version.instrument),
        counts=counts_of(data["counts"]),
        recapped=version.instrument.cadence != Cadence.EVENT,
        silent=is_silent(level, data),
    )
    if told.silent:
        return told
    schema, language = version.parsed, get_language()
    vector = published_vector(schema, data["values"])
    public = {question.name for question in schema.questions if question.public}
    names = set(data.get("withheld", ()))
    hidden = public if ALL in names else names
    problems = [line for line in problem_lines(schema, vector, language) if line.question.name in public]
    sums = [line for line in sum_lines(schema, vector, language) if line.question.name in public]
    return replace(
        told,
        problems=[line for line in problems if line.question.name not in hidden],
        sums=_sums(schema, sums, hidden, data.get("still", {})),
        withheld=[line.label for line in problems if line.question.name in hidden],
        all_withheld=ALL in names,
        below=data.get("withheld_below", 0),
        problem_total=data["problems"],
        labels={line.question.name: line.label for line in sums},
        decided=[_decision(row) for row in data.get("ratified", ())],
        periods=data.get("periods", 0),
    )


def _sums(
    schema: Schema, lines: list[FigureLine], hidden: set[str], still: Mapping[str, Mapping[str, int]]
) -> list[PublicSum]:
    """The rows in the order of the form. A half and its pair's row share the words before the colon."""
    rows = sum_rows(schema, lines)
    of_row = {
        row.label: [line for line in lines if row.label in (line.label, line.label.rpartition(":")[0])] for row in rows
    }
    told = []
    for row in rows:
        names = [line.question.name for line in of_row[row.label]]
        since = [still[name]["since"] for name in names if name in still]
        covered = any(name in hidden for name in names)
        told.append(PublicSum(row.label, None if covered else row, max(since) if len(since) == len(names) else 0))
    return told


def _decision(row: Mapping[str, Any]) -> Decision:
    return Decision(
        period=period_words(row["period"]),
        decided_at=datetime.fromisoformat(row["decided_at"]),
        minutes=row["minutes"],
        version=row["version"],
        moved=row["moved"],
        sha256=row.get("sha256", ""),
    )
