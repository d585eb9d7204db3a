"""Reads what a recap workbook says of a unit and a stage. Run it inside one snapshot: the rows are streamed later.

Figures of a polling station are its report, figures of any other unit its tally (docs/adr/0006). No query per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from dashboards.figures.cells import INCIDENT, add_vectors
from dashboards.figures.ratification import BodyProgress, bodies
from dashboards.recaps.columns import Column, Topic, topics
from dashboards.recaps.shapes import Incident, Recap, RecapPart, RecapRow
from hierarchy.access import COLLEGIAL
from hierarchy.levels import LEAF, Level
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Role, Unit
from hierarchy.querysets import within_q
from reports.calendar.labels import period_words
from reports.calendar.models import Cadence, InstrumentVersion, Stage, Window
from reports.counting import PASSING, TALLIED, WORDS, Counts, counts_of
from reports.obligations.models import Obligation, State
from reports.obligations.queries import with_not_due
from reports.plenary import queries as ratified
from reports.rollup.models import Tally

CHUNK = 2_000
# Where a body sits is not in the tree; a regency named here signs in its capital, any other unit in its own name.
TOWNS = {
    "64": "Samarinda",
    "6401": "Tana Paser",
    "6402": "Tenggarong",
    "6403": "Tanjung Redeb",
    "6407": "Sendawar",
    "6408": "Sangatta",
    "6409": "Penajam",
    "6411": "Ujoh Bilang",
    "6471": "Balikpapan",
    "6472": "Samarinda",
    "6474": "Bontang",
}


@dataclass(frozen=True)
class Source:
    """One version of an instrument with its opened windows in the stage, and the units its rows are about.

    own: the unit's own reports are a row too, because the rows below do not contain them. at: as of when.
    """

    version: InstrumentVersion
    windows: tuple[Window, ...]
    level: Level
    own: bool
    at: datetime

    @property
    def title(self) -> str:
        return self.version.instrument.title_id

    @property
    def key(self) -> str:
        return f"{self.version.instrument.code} v{self.version.number}"


def gather(*, unit: Unit, stage_code: str, basis: str, detail: bool, cut_off: datetime) -> Recap:
    """The recap of a unit. Raises Refusal when no instrument of the stage concerns it and its subordinates yet."""
    stage = Stage.objects.filter(election_id=unit.election_id, code=stage_code).first()
    sources = list(_sources(unit, stage, detail=detail, at=cut_off)) if stage else []
    if stage is None or not sources:
        raise Refusal(_("Belum ada instrumen yang dibuka untuk satuan ini pada tahapan itu. Pilih tahapan lain."))
    planned = [source for source in sources if source.version.instrument.cadence != Cadence.EVENT]
    windows = [window.pk for source in planned for window in source.windows]
    incidents = _incident_rows(unit, windows, basis)
    return Recap(
        body=body_of(unit),
        stage=stage.name_id,
        election=unit.election.name,
        basis=basis,
        cut_off=cut_off,
        made_at=cut_off,
        place=TOWNS.get(unit.code) or unit.name,
        signatories=signatories(unit),
        parts=[
            _compliance(sources, unit),
            *(_part(_for_basis(source, unit, basis), unit, basis) for source in sources),
        ],
        status=_status(sources, unit, basis),
        incidents=lambda: _incidents(incidents),
        incident_count=incidents.count(),
        versions=", ".join(source.key for source in sources),
    )


def body_of(unit: Unit) -> str:
    """The supervisory body of a unit as it signs: "Bawaslu Kota Samarinda", "Panwaslu Kecamatan Sungai Pinang"."""
    agency = {Level.PROVINCE: "Bawaslu", Level.REGENCY: "Bawaslu", LEAF: "Pengawas"}
    return f"{agency.get(Level(unit.level), 'Panwaslu')} {unit.title}"


def signatories(unit: Unit) -> list[tuple[str, str]]:
    """(name, position) of everyone who leads the body today: the chair first, then the members by name.

    A village or polling station has one supervisor and no plenary.
    """
    roles = [Role.CHAIR, Role.MEMBER] if Level(unit.level).spec.collegial else [Role.SUPERVISOR]
    rows = Membership.objects.current().filter(unit=unit, role__in=roles).select_related("user")
    return [(m.user.name, str(Role(m.role).label)) for m in sorted(rows, key=lambda m: (m.role, m.user.name))]


def _sources(unit: Unit, stage: Stage, *, detail: bool, at: datetime) -> Iterator[Source]:
    windows = Window.objects.filter(stage=stage, opened_at__isnull=False)
    rows = windows.select_related("version__instrument", "instrument").order_by(
        "instrument__code", "version__number", "period"
    )
    for version, run in groupby(rows, key=lambda window: window.version):
        about = version.instrument.subject_level
        below = Level(min(unit.level + 1, LEAF))
        if about is None:
            yield Source(version, tuple(run), below, own=unit.level < LEAF, at=at)
        elif about >= unit.level:
            level = Level(about) if detail else Level(min(about, below))
            yield Source(version, tuple(run), level, own=False, at=at)


def _for_basis(source: Source, unit: Unit, basis: str) -> Source:
    """What is ratified is the figure of a body: a row per body below, or of the unit's own where none sits there."""
    if basis != "ratified":
        return source
    below = Level(min(unit.level + 1, LEAF))
    return replace(source, level=min(source.level, below) if below in COLLEGIAL else Level(unit.level), own=False)


def _status(sources: Iterable[Source], unit: Unit, basis: str) -> str:
    """How the figures of the whole workbook stand. What was only filed is ratified by nobody."""
    windows = [window for source in sources for window in source.windows]
    found = bodies([unit], windows) if basis != "filed" and unit.level in COLLEGIAL else {}
    return found[unit.code].words if unit.code in found else _("sementara")


# --- rows ---------------------------------------------------------------------------------------------------------


def _part(source: Source, unit: Unit, basis: str) -> RecapPart:
    units = Unit.objects.within(unit).filter(level=source.level)
    names = _name_columns(unit, source.level)
    decided = basis != "filed" and source.level in COLLEGIAL

    def lines() -> Iterator[RecapRow]:
        own = _own(source, unit, basis) if source.own else ()
        rows = _with_own(units.order_by("code").values_list("code", *names.values()).iterator(CHUNK), source, unit)
        if decided:
            rows = _with_decisions(rows, bodies(units, source.windows))
        return _joined(rows, _chained(own, _figures(source, unit, source.level, basis)), basis)

    return RecapPart(
        source.key,
        topics(source.version.parsed),
        (*names, _("PENGESAHAN PLENO")) if decided else tuple(names),
        lines,
        units.count() + source.own,
        decided=decided,
        ratified=_ratified_total(source, unit) if basis == "ratified" and source.level > unit.level else None,
    )


def _with_decisions(rows: Iterable[tuple], decided: dict[str, BodyProgress]) -> Iterator[tuple]:
    """Beside the names: what the unit's body has ratified of these figures, and by which minutes."""
    for code, *names in rows:
        yield (code, *names, decided[code].words if code in decided else _("sementara"))


def _ratified_total(source: Source, unit: Unit) -> RecapRow:
    """The figure that the unit's own body ratified; what the rows add up to may be something else by now."""
    (_code, counts, vector), *_rest = [*_ratified(source, [unit]), (unit.code, Counts(), None)]
    return RecapRow(unit.code, (), counts.approved_count, counts.expected, vector if counts.approved_count else None)


def _name_columns(unit: Unit, level: Level) -> dict[str, str]:
    """Heading -> field of Unit, from the unit's children down to the units of the rows, so that namesakes differ."""
    above = [Level(n) for n in range(unit.level + 1, level)]
    columns = {str(step.spec.short): f"{step.spec.column}__name" for step in above}
    return columns | {str(level.spec.short): "name"}


def _with_own(rows: Iterable[tuple], source: Source, unit: Unit) -> Iterator[tuple]:
    if source.own:
        yield (unit.code, _("%(unit)s (lembaga sendiri)") % {"unit": unit.name})
    yield from rows


def _chained(*parts: Iterable[tuple]) -> Iterator[tuple]:
    for part in parts:
        yield from part


def _joined(units: Iterable[tuple], figures: Iterator[tuple], basis: str) -> Iterator[RecapRow]:
    """Both sides come in the order of their codes; a unit without figures has a row without figures."""
    waiting = next(figures, None)
    for code, *names in units:
        counts, vector = Counts(), None
        if waiting is not None and waiting[0] == code:
            counts, vector = waiting[1], waiting[2]
            waiting = next(figures, None)
        reports = counts.of(basis)
        yield RecapRow(code, tuple(names), reports, counts.expected, vector if reports else None)
    assert waiting is None, f"figures of {waiting} belong to no row"


def _figures(source: Source, unit: Unit, level: Level, basis: str) -> Iterator[tuple[str, Counts, list[int] | None]]:
    """(code, counts, summed vector) of every unit of a level below or at `unit` that owes something, by code."""
    if basis == "ratified":
        return _ratified(source, list(Unit.objects.within(unit).filter(level=level)))
    if level == LEAF:
        return _folded(_obligations(source, basis, within_q(unit, "subject__"), Q(subject__level=LEAF)), source)
    tallies = Tally.objects.filter(within_q(unit, "unit__"), unit__level=level, window__in=source.windows)
    rows = with_not_due(tallies, source.at).order_by("unit__code")
    return _folded(rows.values_list("unit__code", *TALLIED, *PASSING, basis).iterator(CHUNK), source)


def _ratified(source: Source, units: list[Unit]) -> Iterator[tuple[str, Counts, list[int] | None]]:
    """What stands ratified of the units, in the version of the source."""
    windows, codes = {window.pk: window for window in source.windows}, {unit.pk: unit.code for unit in units}
    found = [
        item
        for (_unit, window), item in ratified.standing(codes).items()
        if window in windows and item.shown["version"] == source.version.number
    ]
    then = ratified.counts_then(found, windows)
    rows = [
        (codes[item.unit_id], *(then[item.pk][name] for name in (*TALLIED, *PASSING)), item.approved) for item in found
    ]
    return _folded(iter(sorted(rows, key=itemgetter(0))), source)


def _own(source: Source, unit: Unit, basis: str) -> list[tuple[str, Counts, list[int] | None]]:
    return list(_folded(_obligations(source, basis, Q(subject=unit)), source))


def _obligations(source: Source, basis: str, *scope: Q) -> Iterator[tuple]:
    """Rows shaped like tallies, one per obligation: a station's own figure is its report."""
    rows = Obligation.objects.filter(*scope, window__in=source.windows).order_by("subject__code", "pk")
    wanted = ("subject__code", "state", "first_filed_at", "due_at", "report__vector")
    for one in rows.values_list(*wanted, named=True).iterator(CHUNK):
        counts = counts_of(one, source.at)
        vector = one.report__vector if counts["approved_count"] or basis == "filed" else None
        yield (one.subject__code, *counts.values(), vector)


def _folded(rows: Iterable[tuple], source: Source) -> Iterator[tuple[str, Counts, list[int] | None]]:
    """One row per code out of one per window."""
    for code, run in groupby(rows, key=itemgetter(0)):
        found = list(run)
        if len(found) == 1:
            ((_code, *counts, vector),) = found
        else:
            counts = [sum(column) for column in zip(*(row[1:-1] for row in found), strict=True)]
            vector = add_vectors((row[-1] for row in found if row[-1] is not None), source.version.width)
        yield code, Counts(**dict(zip((*TALLIED, *PASSING), counts, strict=True))), vector


# --- compliance ---------------------------------------------------------------------------------------------------

# Words of reports/counting.py: what was filed and how, then why the rest is not there.
_MEASURES = (
    *("owed", "filed", "on_time", "late", "waiting", "returned", "approved"),
    *("past", "not_due", "vacant", "unreachable"),
)


def _compliance(sources: list[Source], unit: Unit) -> RecapPart:
    """The sheet KEPATUHAN: who owed, filed, was late; a row per child, and one for the unit where it owes itself."""
    level = Level(min(unit.level + 1, LEAF))
    rows = list(Unit.objects.within(unit).filter(level=level).order_by("code").values_list("code", "name"))
    if level > unit.level and any(source.own or source.level == unit.level for source in sources):
        rows.insert(0, (unit.code, _("%(unit)s (lembaga sendiri)") % {"unit": unit.name}))
    columns = [
        Column(source.title, str(WORDS[word].label).upper(), index * len(_MEASURES) + place)
        for index, source in enumerate(sources)
        for place, word in enumerate(_MEASURES)
    ]

    def lines() -> Iterator[RecapRow]:
        known = [_counts_by_code(source, unit, level) for source in sources]
        for code, name in rows:
            counts = [found.get(code, Counts()) for found in known]
            values = [one.number(word) for one in counts for word in _MEASURES]
            yield RecapRow(code, (name,), 0, 0, values)

    return RecapPart(
        "kepatuhan",
        [Topic(_("Kepatuhan"), tuple(columns))],
        (str(level.spec.short),),
        lines,
        len(rows),
        coverage=False,
    )


def _counts_by_code(source: Source, unit: Unit, level: Level) -> dict[str, Counts]:
    """A row per child is few rows: at most the villages of a district or the stations of a village."""
    found = list(_own(source, unit, "filed")) if source.own else []
    found += _figures(source, unit, min(level, source.level), "filed")
    return {code: counts for code, counts, _vector in found}


# --- narratives ---------------------------------------------------------------------------------------------------


def _incident_rows(unit: Unit, windows: list[int], basis: str) -> Any:
    rows = Obligation.objects.within(unit).filter(window__in=windows, report__answers__has_key=INCIDENT)
    return rows if basis == "filed" else rows.filter(state=State.APPROVED)


def _incidents(rows: Any) -> Iterator[Incident]:
    wanted = ("subject__code", "subject__regency__name", "subject__district__name", "subject__village__name")
    fields = ("subject__name", "window__instrument__title_id", "window__period", "report__filed_at", "state")
    ordered = rows.order_by("subject__code", "window__period", "pk")
    found = ordered.values_list(*wanted, *fields, f"report__answers__{INCIDENT}").iterator(CHUNK)
    for code, *above, name, title, period, filed_at, state, words in found:
        place = " / ".join(dict.fromkeys(part for part in [*above, name] if part))
        yield Incident(code, place, title, period_words(period), filed_at, str(State(state).label), words)
