"""What a leadership page of a unit shows, gathered in two queries however many reports lie beneath; in four where it
shows what stands ratified, and in two more where that was decided after a deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language

from dashboards.figures.cells import add_vectors, problem_lines, sum_lines, sum_rows
from dashboards.figures.stillness import still, with_more_to_come, with_yesterday
from dashboards.unit.shapes import UnitObligation, UnitPage, UnitPageRow, in_order
from hierarchy.access import COLLEGIAL
from hierarchy.levels import LEAF, Level
from hierarchy.models import Unit
from reports.calendar.labels import period_words
from reports.calendar.models import Window
from reports.calendar.querysets import without_schema
from reports.counting import PASSING, TALLIED, add_counts, counts_of, shown_state
from reports.filing.querysets import without_content
from reports.instruments.schema import problem_cells
from reports.obligations.models import Obligation
from reports.obligations.queries import with_not_due
from reports.plenary import queries as ratified
from reports.plenary.models import AgendaItem
from reports.rollup.models import Tally

BASES = ("filed", "approved", "ratified")  # the last one for units with a body, from its newest decisions
LIGHT = without_schema("window__version")
HEAVY = without_content("report", but="vector")


def unit_page(unit: Unit, *, instrument: str, period: str, basis: str, sort: str, now: datetime) -> UnitPage:
    """Gathers the page. An unknown instrument, period, basis or order falls back to: the newest with reports, all,
    filed, by code.

    Queries: the unit's own tallies (or a station's obligations), and its children's rows for the chosen instrument.
    """
    known = BASES if unit.level in COLLEGIAL else BASES[:2]
    basis = basis if basis in known else "filed"
    if unit.level == LEAF:
        obligations = _obligations_of(unit)
        reported = {each.window.instrument_id for each in obligations if each.first_filed_at}
        page = _begin(unit, [each.window for each in obligations], reported, instrument, period, basis, now)
        chosen = [each for each in obligations if _shown(page, each.window)]
        page.obligations = [_unit_obligation(each, now) for each in chosen]
        parts = [(each.window, counts_of(each, now), vector_of(each, basis)) for each in chosen]
    else:
        tallies = _tallies_of(unit, now)
        reported = {tally.window.instrument_id for tally in tallies if tally.filed_count}
        page = _begin(unit, [tally.window for tally in tallies], reported, instrument, period, basis, now)
        windows = [tally.window for tally in tallies if _shown(page, tally.window)]
        own = [tally for tally in tallies if _shown(page, tally.window)]
        if basis == "ratified":
            own, page.decided = _as_ratified(own)
        page.tallies = own
        parts = [(tally.window, tally_counts(tally), getattr(tally, _column(basis))) for tally in own]
        _add_rows(page, windows)
        page.rows = in_order(page.rows, sort)
    _fill(page, parts)
    return page


def _column(basis: str) -> str:
    """Where a tally keeps the vector of a basis; plenaries ratify what is approved."""
    return "filed" if basis == "filed" else "approved"


def _as_ratified(tallies: list[Tally]) -> tuple[list[Tally], list[AgendaItem]]:
    """The tallies, each with its window, as their bodies have ratified them, and the decisions; the rest is left out.
    One query, and one where they decided after a deadline."""
    standing = ratified.standing({tally.unit_id for tally in tallies})
    found = [(tally, standing[key]) for tally in tallies if (key := (tally.unit_id, tally.window_id)) in standing]
    windows = {tally.window_id: tally.window for tally, _item in found}
    then = ratified.counts_then((item for _tally, item in found), windows)
    for tally, item in found:
        for name, count in then[item.pk].items():
            setattr(tally, name, count)
        tally.approved = item.approved
    return [tally for tally, _item in found], [item for _tally, item in found]


def _begin(
    unit: Unit, windows: list[Window], reported: set[int], instrument: str, period: str, basis: str, now: datetime
) -> UnitPage:
    """The page with its choices made; `windows` come oldest first, `reported` are the instruments with reports."""
    tabs = _one_per_instrument(windows)
    page = UnitPage(unit, tabs, _choose(tabs, instrument, reported), basis, now)
    if page.current is not None:
        keys = {window.period for window in windows if window.instrument_id == page.current.instrument_id}
        page.periods = [(key, period_words(key)) for key in sorted(keys) if key]
        page.period = period if period in keys else ""
        if page.period:  # an older period may pin an older version
            page.current = next(w for w in windows if page.period == w.period and _shown(page, w))
    return page


def _shown(page: UnitPage, window: Window) -> bool:
    here = page.current is not None and window.instrument_id == page.current.instrument_id
    return here and page.period in ("", window.period)


def _tallies_of(unit: Unit, now: datetime) -> list[Tally]:
    return list(
        with_more_to_come(with_not_due(Tally.objects.filter(unit=unit), now), now)
        .select_related("window__instrument", "window__stage", "window__version")
        .defer(*LIGHT)
        .order_by("window__opens_at", "window__instrument__code")
    )


def _obligations_of(unit: Unit) -> list[Obligation]:
    return list(
        Obligation.objects.filter(subject=unit)
        .select_related("window__instrument", "window__stage", "window__version", "report")
        .defer(*LIGHT, *HEAVY)
        .order_by("window__opens_at", "window__instrument__code")
    )


def _fill(page: UnitPage, parts: list[tuple[Window, dict[str, int], list[int] | None]]) -> None:
    """Counts and figures out of one part per window. Periods of one instrument may pin different versions."""
    if page.current is None:
        return
    schema, language = page.current.version.parsed, get_language()
    same = [(counts, vector) for window, counts, vector in parts if page.sums_up(window)]
    page.counts = add_counts(counts for _window, counts, _vector in parts)
    page.summed = add_counts(counts for counts, _vector in same)
    vector = add_vectors((vector for _counts, vector in same if vector is not None), len(schema.layout))
    page.problems = problem_lines(schema, vector, language)
    page.sums = sum_rows(schema, sum_lines(schema, vector, language))


def _one_per_instrument(windows: Iterable[Window]) -> list[Window]:
    """The newest window of each instrument, in the order of stages."""
    latest = {window.instrument_id: window for window in windows}
    return sorted(latest.values(), key=lambda w: (w.stage.sequence, w.opens_at, w.instrument.code))


def _choose(tabs: list[Window], instrument: str, reported: set[int]) -> Window | None:
    """The named one, else the newest that has reports: what opened an hour ago says nothing yet."""
    named = next((window for window in tabs if window.instrument.code == instrument), None)
    scheduled = [window for window in tabs if window.stage.code != "NON_TAHAPAN"] or tabs
    spoken = [window for window in scheduled if window.instrument_id in reported]
    return named or max(spoken or scheduled, key=lambda w: (w.opens_at, w.instrument.code), default=None)


def _add_rows(page: UnitPage, windows: list[Window]) -> None:
    """One row per child; children without a tally or an obligation are left out (another level answers for them)."""
    if not windows:
        return
    found: dict[int, UnitPageRow] = {}
    problems = {
        window.pk: [p for _q, p in problem_cells(window.version.parsed)] if page.sums_up(window) else []
        for window in windows
    }
    by_id = {window.pk: window for window in windows}
    # Below a subject nobody holds a tally of that window, so it is one or the other, never both.
    if page.unit.level == Level.VILLAGE or windows[0].instrument.subject_level == page.unit.level:
        _add_subjects(page, found, by_id, problems)
    else:
        _add_tallied(page, found, by_id, problems)
    page.rows = list(found.values())
    if page.basis == "filed" and page.current is not None:
        _mark_still(page)


def _add_subjects(
    page: UnitPage, found: dict[int, UnitPageRow], windows: dict[int, Window], problems: dict[int, list[int]]
) -> None:
    """Children by their own obligations. What is about the unit itself becomes its obligations. One query."""
    unit = page.unit
    # As a set of keys: an OR over two tables would read every obligation there is.
    subjects = Unit.objects.filter(Q(parent=unit) | Q(pk=unit.pk)).order_by().values("pk")
    below = Obligation.objects.filter(subject__in=subjects, window__in=windows).select_related("subject", "report")
    for obligation in below.defer(*HEAVY).order_by("subject__code", "window_id"):
        obligation.window = windows[obligation.window_id]
        if obligation.subject_id == unit.pk:
            page.obligations.append(_unit_obligation(obligation, page.as_of))
            continue
        if page.basis == "ratified":
            continue  # what it says of its own subject was approved by a superior and ratified by nobody
        obligation.subject.village = unit
        row = found.setdefault(obligation.subject_id, UnitPageRow(obligation.subject))
        row.obligations.append(_unit_obligation(obligation, page.as_of))
        counts, vector = counts_of(obligation, page.as_of), vector_of(obligation, page.basis)
        _add(row, counts, vector, problems[obligation.window_id], obligation.first_filed_at)


def _add_tallied(
    page: UnitPage, found: dict[int, UnitPageRow], windows: dict[int, Window], problems: dict[int, list[int]]
) -> None:
    """Children by their tallies; of the basis "ratified" those that their bodies have decided."""
    held = with_not_due(Tally.objects.filter(window__in=windows, unit__parent=page.unit), page.as_of)
    tallies = list(with_yesterday(held, page.as_of).select_related("unit").order_by("unit__code"))
    for tally in tallies:
        tally.window = windows[tally.window_id]
    if page.basis == "ratified":
        tallies, _decided = _as_ratified(tallies)
    for tally in tallies:
        row = found.setdefault(tally.unit_id, UnitPageRow(tally.unit))
        row.tallies.append(tally)
        vector = getattr(tally, _column(page.basis))
        _add(row, tally_counts(tally), vector, problems[tally.window_id], tally.last_filed_at)


def _mark_still(page: UnitPage) -> None:
    assert page.current is not None
    more = not page.period and any(getattr(tally, "more_to_come", False) for tally in page.tallies)
    same = [[tally for tally in row.tallies if page.sums_up(tally.window)] for row in page.rows]
    schema = page.current.version.parsed
    page.still_since, found = still(same, schema=schema, at=page.as_of, more_to_come=more)
    for row in page.rows:
        row.still = found.get(row.unit.pk, [])


def _add(
    row: UnitPageRow, counts: dict[str, int], vector: list[int] | None, problems: list[int], filed_at: datetime | None
) -> None:
    row.counts = add_counts([row.counts.__dict__, counts])
    if vector is not None:
        row.problems += sum(vector[position] for position in problems)
    if filed_at is not None and (row.last_filed_at is None or filed_at > row.last_filed_at):
        row.last_filed_at = filed_at


def _unit_obligation(obligation: Obligation, now: datetime) -> UnitObligation:
    return UnitObligation(
        obligation,
        shown_state(obligation, now),
        period_words(obligation.window.period),
        getattr(obligation, "report", None),
    )


def tally_counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in (*TALLIED, *PASSING)}


def vector_of(obligation: Obligation, basis: str) -> list[int] | None:
    """The report's vector where it counts on this basis."""
    report: Any = getattr(obligation, "report", None)
    if report is None or (basis != "filed" and report.approved_sha256 is None):
        return None
    return report.vector
