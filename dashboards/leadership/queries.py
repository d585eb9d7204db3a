"""What a body's leaders see at one glance: what is in and missing, what moved since yesterday, which bodies have
ratified, the commonest problems with each area's share, and what people wrote of incidents.

Built upon the page of the unit (pages.py); four queries more, whatever the number of reports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from dashboards.figures import snapshots
from dashboards.figures.cells import INCIDENT, FigureLine, add_vectors, problem_lines
from dashboards.figures.ratification import BodyProgress, body
from dashboards.models import Snapshot
from dashboards.unit.queries import vector_of
from dashboards.unit.shapes import UnitPage, UnitPageRow
from hierarchy.access import COLLEGIAL
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit
from hierarchy.querysets import within_q
from reports.calendar.models import Window
from reports.counting import WORDS, Counts, add_counts
from reports.filing.models import Report
from reports.filing.querysets import without_content
from reports.findings import queries as registered
from reports.findings.models import Finding
from reports.instruments.schema import Schema
from reports.plenary import queries as ratified
from reports.plenary.readiness import recapped

TOP = 8  # problems; more would not fit on one sheet
NAMED = 3  # areas named with each problem
MOST_MOVED = 4  # problems that grew or shrank
INCIDENTS = 8
TOLD = ("filed", "approved", "returned", "vacant", "unreachable")  # the words whose movement is told


@dataclass(frozen=True)
class DayChange:
    """A count, or the reports that name one problem, beside what it was at the end of an earlier day."""

    label: str
    before: int
    after: int

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class LeadershipArea:
    """A child unit. more: reports that came in since the snapshot, None where there is none; body: None where no
    commissioners sit, or none ratifies.
    """

    row: UnitPageRow
    more: int | None
    body: BodyProgress | None


@dataclass(frozen=True)
class AreaProblem:
    """A problem of the whole, and the (area, reports) that name it most."""

    line: FigureLine
    shares: list[tuple[Unit, int]]


@dataclass(frozen=True)
class Leadership:
    """`since` is when the figures were kept that `moved` and `areas` compare with, None before the first; `own` is None
    where no plenary ratifies (Form A)."""

    page: UnitPage
    since: datetime | None
    moved: list[DayChange]
    areas: list[LeadershipArea]
    problems: list[AreaProblem]
    own: BodyProgress | None
    incidents: list[tuple[Report, str]]
    findings: list[tuple[str, int]]

    @property
    def bodies(self) -> list[BodyProgress]:
        return [area.body for area in self.areas if area.body]

    @property
    def decided(self) -> int:
        """Bodies below that have ratified every figure."""
        return sum(one.ratified == one.matters for one in self.bodies)


def leadership(page: UnitPage) -> Leadership:
    """Gathers what the unit's page does not hold; `page` is of the reports filed."""
    if page.current is None:
        return Leadership(page, None, [], [], [], None, [], [])
    today = page.as_of.astimezone(WITA).date()
    units = [page.unit.pk, *(row.unit.pk for row in page.rows)]
    windows = [tally.window for tally in page.tallies]
    earlier: dict[int, list[Snapshot]] = defaultdict(list)
    for (unit_id, _window), kept in snapshots.before(today, units=units, windows=[w.pk for w in windows]).items():
        earlier[unit_id].append(kept)
    since = max((row.taken_at for row in earlier[page.unit.pk]), default=None)
    standing = ratified.standing(units)
    decides = recapped(page.current)
    return Leadership(
        page=page,
        since=since,
        moved=_moved(page, earlier[page.unit.pk]) if since else [],
        areas=[
            LeadershipArea(
                row=row,
                more=_more(row, earlier[row.unit.pk]),
                body=body(row.unit, row.tallies, standing)
                if decides and row.unit.level in COLLEGIAL and row.tallies
                else None,
            )
            for row in page.rows
        ],
        problems=_problems(page),
        own=body(page.unit, page.tallies, standing) if decides else None,
        incidents=incidents(page.unit, windows),
        findings=_findings_of(page.unit),
    )


def _counts(rows: Iterable[Snapshot]) -> Counts:
    return add_counts(row.counts for row in rows)


def _moved(page: UnitPage, earlier: Sequence[Snapshot]) -> list[DayChange]:
    """Counts that are others than they were, then the problems that moved most."""
    assert page.current is not None
    old = _counts(earlier)
    counts = [DayChange(str(WORDS[word].label), old.number(word), page.counts.number(word)) for word in TOLD]
    schema = page.current.version.parsed
    same = {tally.window_id for tally in page.tallies if page.sums_up(tally.window)}
    kept = snapshots.known((row.filed for row in earlier if row.window_id in same), len(schema.layout))
    before = _problem_counts(schema, kept)
    problems = [DayChange(line.label, before[line.question.name], line.value) for line in page.problems]
    problems.sort(key=lambda moved: -abs(moved.change))
    return [moved for moved in [*counts, *problems[:MOST_MOVED]] if moved.change]


def _problem_counts(schema: Schema, vectors: Iterable[Sequence[int]]) -> dict[str, int]:
    """Question -> reports that name it as a problem; `vectors` are all of this version."""
    total = add_vectors(vectors, len(schema.layout))
    return {line.question.name: line.value for line in problem_lines(schema, total, get_language())}


def _more(row: UnitPageRow, earlier: Sequence[Snapshot]) -> int | None:
    return row.counts.filed_count - _counts(earlier).filed_count if earlier else None


def _problems(page: UnitPage) -> list[AreaProblem]:
    assert page.current is not None
    schema = page.current.version.parsed
    parts = [(row.unit, _problem_counts(schema, _vectors(page, row))) for row in page.rows]
    return [
        AreaProblem(line, sorted(shares, key=lambda share: (-share[1], share[0].code))[:NAMED])
        for line in page.found[:TOP]
        for shares in [[(unit, found[line.question.name]) for unit, found in parts if found[line.question.name]]]
    ]


def _vectors(page: UnitPage, row: UnitPageRow) -> list[list[int]]:
    """What was filed below a row on the version of the page."""
    obligations = [own.obligation for own in row.obligations if page.sums_up(own.obligation.window)]
    vectors = [vector for each in obligations if (vector := vector_of(each, "filed")) is not None]
    return vectors + [tally.filed for tally in row.tallies if page.sums_up(tally.window)]


def _findings_of(unit: Unit) -> list[tuple[str, int]]:
    """(status, number) of suspected violations that happened in the area, in the order they pass through."""
    counted = registered.counts(unit)
    return [(str(status.label), counted[status.value]) for status in Finding.Status if status.value in counted]


def incidents(unit: Unit, windows: Sequence[Window]) -> list[tuple[Report, str]]:
    """The newest (report, what was written) of incidents in the unit and below it; one query.

    Whether there is text is read from the vector, which is a fraction of the answers' size.
    """
    told: dict[int, list[int]] = defaultdict(list)
    for window in windows:
        for cell in window.version.parsed.cells.get(INCIDENT, ()):
            told[cell.position].append(window.pk)
    if not told:
        return []
    asked = [Q(window__in=some, **{f"vector__{position}__gt": 0}) for position, some in told.items()]
    rows: QuerySet[Report] = Report.objects.filter(
        within_q(unit, "obligation__subject__"), reduce(lambda one, other: one | other, asked)
    )
    areas = [f"obligation__subject__{level}" for level in ("village", "district", "regency")]
    rows = rows.select_related(*areas)
    rows = rows.defer(*without_content(but="answers")).order_by("-filed_at", "-pk")[:INCIDENTS]
    return [(report, str(report.answers.get(INCIDENT, ""))) for report in rows]
