"""The sections of a release's pages: gathered from the rows, with what is withheld, ratified, and stands still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models.functions import Length

from dashboards.figures.cells import public_cells
from dashboards.figures.standstill import LONG_ENOUGH, Reading, may_grow, standing_still
from dashboards.models import Publication
from dashboards.releases import disclosure
from dashboards.releases.disclosure import DisclosureArea, DisclosureGroup
from dashboards.releases.proof import in_force
from dashboards.releases.standing import COUNTED_AT, standing
from hierarchy.access import COLLEGIAL
from hierarchy.levels import LEAF, Level
from hierarchy.models import Unit
from reports.calendar.models import Cadence, Window
from reports.instruments.schema import CellKind
from reports.plenary import queries as ratified
from reports.plenary.models import AgendaItem

ALL = "*"  # in a section's `withheld`: every question
Payload = dict[str, Any]


@dataclass
class _Section:
    """One instrument of one stage in one version, over all its periods, by unit id."""

    window: Window  # one of them, for what they share
    accepting: bool = False  # some window still takes reports
    extended: set[int] = field(default_factory=set)  # areas to which some window gave time that has not run out
    counts: dict[int, list[int]] = field(default_factory=dict)
    vectors: dict[int, list[int]] = field(default_factory=dict)
    supervisors: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    periods: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    decided: dict[int, list[tuple[Window, AgendaItem, bool]]] = field(default_factory=lambda: defaultdict(list))

    @cached_property
    def groups(self) -> list[DisclosureGroup]:
        return disclosure.groups(self.window.version.parsed)

    @cached_property
    def cells(self) -> list[tuple[str, int, int]]:
        """(key, position, number of its group) of every public sum."""
        schema = self.window.version.parsed
        number = {name: number for number, group in enumerate(self.groups) for name in group.questions}
        return [(key, at, number[schema.layout[at].question]) for key, at in public_cells(schema)]

    @cached_property
    def sums(self) -> list[tuple[str, int, int]]:
        """Those of them that add up numbers."""
        layout = self.window.version.parsed.layout
        return [cell for cell in self.cells if layout[cell[1]].kind is CellKind.SUM]

    def told_of(self, units: Mapping[int, Unit]) -> list[int]:
        """The units whose pages have the section. That a report nobody owes was filed is itself what somebody said, so
        those of single supervisors are counted from the district upward."""
        lowest = Level.DISTRICT if self.window.instrument.cadence == Cadence.EVENT else LEAF
        return [unit_id for unit_id in self.counts if units[unit_id].level <= lowest]

    def own(self, units: Mapping[int, Unit]) -> dict[int, dict[str, int]]:
        """unit id -> the counts of obligations about the unit itself, of units that have others told of below them."""
        below: dict[int, list[list[int]]] = defaultdict(list)
        for unit_id in self.told_of(units):
            if parent := units[unit_id].parent_id:
                below[parent].append(self.counts[unit_id])
        left = {
            unit_id: [all_ - sum(part) for all_, *part in zip(self.counts[unit_id], *parts, strict=True)]
            for unit_id, parts in below.items()
        }
        return {
            unit_id: {name: count for name, count in zip(COUNTED_AT, counts, strict=True) if count}
            for unit_id, counts in left.items()
            if any(counts)
        }

    def count(self, unit_id: int, name: str) -> int:
        return self.counts[unit_id][COUNTED_AT.index(name)]


def sections_of(province: Unit, units: Mapping[int, Unit], at: datetime) -> dict[int, dict[str, Payload]]:
    """unit id -> "stage/instrument/version" -> section."""
    gathered = _gather(province, units, at)
    before, base = _pasts(province, at)
    coming = set(
        Window.objects.filter(election=province.election_id, opened_at=None, closes_at__gt=at).values_list(
            "stage_id", "instrument_id"
        )
    )
    found: dict[int, dict[str, Payload]] = defaultdict(dict)
    for key, section in gathered.items():
        hidden = _hidden(key, section, units, before)
        more = (section.window.stage_id, section.window.instrument_id) in coming
        still = _still(key, section, units, hidden, base, more=more, at=at)
        own = section.own(units)
        for unit_id in section.told_of(units):
            said = found[unit_id][key] = _said(section, units[unit_id], hidden.get(unit_id, frozenset()))
            if unit_id in own:
                said["own"] = own[unit_id]
            if marked := still.get(unit_id):
                old = before.section(unit_id, key)
                said["still"] = {name: _standing(name, said, old, base) for name in marked}
    return found


def _gather(province: Unit, units: Mapping[int, Unit], at: datetime) -> dict[str, _Section]:
    decided = ratified.standing(unit.pk for unit in units.values() if unit.level in COLLEGIAL)
    found: dict[str, _Section] = {}
    for window in Window.objects.for_pages(province.election).prefetch_related("extensions"):
        name = f"{window.stage.code}/{window.instrument.code}/{window.version.number}"
        section = found.setdefault(name, _Section(window))
        section.accepting |= window.closes_at > at
        section.extended |= {later.unit_id for later in window.extensions.all() if later.closes_at > at}
        for unit_id, *counts, vector in standing(window, province, at):
            _add(section, window, unit_id, counts, vector, decided.get((unit_id, window.pk)))
    return found


def _add(
    section: _Section,
    window: Window,
    unit_id: int,
    counts: list[int],
    vector: list[int] | None,
    item: AgendaItem | None,
) -> None:
    known = section.counts.get(unit_id)
    section.counts[unit_id] = [a + b for a, b in zip(known, counts, strict=True)] if known else counts
    section.periods[unit_id] += 1
    approved = counts[COUNTED_AT.index("approved_count")]
    # One window asks a station's supervisor for one report, a village's for one about each of its stations.
    behind = approved if window.instrument.filer_level == LEAF else min(approved, 1)
    section.supervisors[unit_id] = max(section.supervisors[unit_id], behind)
    if vector is not None:
        known = section.vectors.get(unit_id)
        section.vectors[unit_id] = [a + b for a, b in zip(known, vector, strict=True)] if known else vector
    if item is not None:
        named = dict(zip(COUNTED_AT, counts, strict=True))
        moved = ratified.moved(item, version=window.version.number, counts=named, approved=vector)
        section.decided[unit_id].append((window, item, moved))


# --- what is withheld, and what stands still ------------------------------------------------------------------------


@dataclass
class _FormerSections:
    """The sections of a province as a release had them, from the village upward, by unit id."""

    release: Publication | None
    pages: Mapping[int, dict[str, Payload]]

    def section(self, unit_id: int, key: str) -> Payload | None:
        return self.pages.get(unit_id, {}).get(key)


def _pasts(province: Unit, at: datetime) -> tuple[_FormerSections, _FormerSections]:
    """The newest release, and the newest that is old enough for a figure to have moved since."""
    releases = list(Publication.objects.filter(election=province.election_id).order_by("-number"))
    newest = next(iter(releases), None)
    old_enough = next((release for release in releases if at - release.cut_off >= LONG_ENOUGH), None)
    before = _past(province, newest)
    return before, before if old_enough == newest else _past(province, old_enough)


def _past(province: Unit, release: Publication | None) -> _FormerSections:
    if release is None:
        return _FormerSections(None, {})
    longest = Level(LEAF - 1).spec.code_length
    pages = in_force(province.election, release.number).filter(code__startswith=province.code)
    rows = pages.annotate(length=Length("code")).filter(length__lte=longest, unit_id__isnull=False)
    said = rows.values_list("unit_id", "payload__sections", "payload__fate")
    # A unit that got another code has a tombstone beside its page, which says nothing of its figures.
    return _FormerSections(release, {unit_id: sections for unit_id, sections, fate in said if fate is None})


def _hidden(
    key: str, section: _Section, units: Mapping[int, Unit], before: _FormerSections
) -> dict[int, frozenset[int]]:
    """unit id -> numbers of the groups it withholds. What bodies report is a statement of an office."""
    if section.window.instrument.filer_level in COLLEGIAL or not section.groups or not section.vectors:
        return {}
    supervisors: dict[int, int] = defaultdict(int)
    for unit_id in section.vectors:
        if (unit := units[unit_id]).level == Level.VILLAGE:
            for above in (unit_id, unit.district_id, unit.regency_id, unit.province_id):
                supervisors[above] += section.supervisors[unit_id]
    areas = {
        unit_id: DisclosureArea(
            parent=units[unit_id].parent_id if units[unit_id].level else None,
            level=units[unit_id].level,
            reports=section.count(unit_id, "approved_count"),
            supervisors=supervisors[unit_id],
            vector=vector,
            each=section.periods[unit_id],
        )
        for unit_id, vector in section.vectors.items()
        if units[unit_id].level != LEAF
    }
    kept = {
        unit_id: _numbers(section.groups, old.get("withheld", ()))
        for unit_id in areas
        if (old := before.section(unit_id, key))
    }
    return disclosure.withheld(areas, section.groups, k=settings.DISCLOSURE_K, before=kept)


def _numbers(groups: Sequence[DisclosureGroup], names: Collection[str]) -> frozenset[int]:
    return frozenset(at for at, group in enumerate(groups) if ALL in names or set(group.questions) & set(names))


def _still(
    key: str,
    section: _Section,
    units: Mapping[int, Unit],
    hidden: Mapping[int, frozenset[int]],
    base: _FormerSections,
    *,
    more: bool,
    at: datetime,
) -> dict[int, list[str]]:
    """unit id -> the sums that stand still there since the release `base` (standstill.py)."""
    found: dict[int, list[str]] = defaultdict(list)
    if base.release is None:
        return found
    holding = {pk for unit_id in section.extended & units.keys() for pk in units[unit_id].lineage}
    growing = {
        unit_id: _may_grow(section, units[unit_id], more, later=unit_id in holding) for unit_id in section.counts
    }
    siblings: dict[int, list[int]] = defaultdict(list)
    for unit_id in growing:
        if units[unit_id].level != LEAF and units[unit_id].parent_id:
            siblings[units[unit_id].parent_id].append(unit_id)
    elapsed = at - base.release.cut_off
    for beside in siblings.values():
        for name, position, group in section.sums if any(growing[unit_id] for unit_id in beside) else ():
            readings = {
                unit_id: Reading(
                    _value(base.section(unit_id, key), name, section.groups[group]),
                    _after(section, unit_id, position, group in hidden.get(unit_id, ())),
                    growing[unit_id],
                )
                for unit_id in beside
            }
            for unit_id in standing_still(readings, elapsed=elapsed):
                found[unit_id].append(name)
    return found


def _may_grow(section: _Section, unit: Unit, more: bool, *, later: bool) -> bool:
    """later: an area at or below the unit has more time."""
    count = dict(zip(COUNTED_AT, section.counts[unit.pk], strict=True))
    return may_grow(
        missing=count["expected"] - count["filed_count"] - count["vacant"] - count["unreachable"],
        undecided=count["filed_count"] - count["approved_count"],
        accepting=section.accepting or later or bool(section.extended & unit.lineage),
        more_to_come=more,
    )


def _value(old: Payload | None, name: str, group: DisclosureGroup) -> int | None:
    """A sum as a release had it; None where it had none, nothing was approved, or it was withheld."""
    if (
        old is None
        or not old["counts"]["approved_count"]
        or ALL in old.get("withheld", ())
        or set(group.questions) & set(old.get("withheld", ()))
    ):
        return None
    found: int = old["values"].get(name, 0)
    return found


def _after(section: _Section, unit_id: int, position: int, hidden: bool) -> int | None:
    vector = section.vectors.get(unit_id)  # None where nothing is approved: no figure, not 0
    return None if hidden or vector is None else vector[position]


def _standing(name: str, said: Payload, old: Payload | None, base: _FormerSections) -> Payload:
    """The sum and the release since which it has stood still: the one that first said so, while the sum is the same."""
    assert base.release is not None
    value = said["values"].get(name, 0)
    marked = old and old.get("still", {}).get(name)
    since = marked["since"] if marked and marked["value"] == value else base.release.number
    return {"since": since, "value": value}


# --- saying it ------------------------------------------------------------------------------------------------------


def _said(section: _Section, unit: Unit, hidden: frozenset[int]) -> Payload:
    window = section.window
    said: Payload = {
        "stage": window.stage.code,
        "instrument": window.instrument.code,
        "version": window.version.number,
        "counts": dict(zip(COUNTED_AT, section.counts[unit.pk], strict=True)),
    }
    if unit.level == LEAF:
        return said
    vector = section.vectors.get(unit.pk)
    # A value not named is 0: most problems are absent from most villages.
    said["values"] = {
        key: vector[at] for key, at, number in section.cells if vector[at] and number not in hidden
    } if vector else {}  # fmt: skip
    problems = [at for group in section.groups for at in group.problems] if vector else []
    doubtful = any(section.groups[number].problems for number in hidden)
    said["problems"] = None if doubtful else sum(vector[at] for at in problems) if vector else 0
    said["withheld"] = _names(section.groups, hidden)
    if hidden:
        said["withheld_below"] = settings.DISCLOSURE_K
    if decided := section.decided.get(unit.pk):
        said["periods"] = section.periods[unit.pk]
        said["ratified"] = [_decision(unit, *each, oracle=bool(hidden)) for each in decided]
    return said


def _names(groups: Sequence[DisclosureGroup], hidden: frozenset[int]) -> list[str]:
    if hidden and len(hidden) == len(groups):
        return [ALL]
    return sorted(name for number in hidden for name in groups[number].questions)


def _decision(unit: Unit, window: Window, item: AgendaItem, moved: bool, *, oracle: bool) -> Payload:
    """What a plenary ratified. `oracle`: a digest of figures most of which are published would give the rest away."""
    return {
        "period": window.period,
        "body": unit.code,
        "decided_at": item.decided_at.isoformat() if item.decided_at else "",
        "minutes": item.plenary.minutes_number,
        "version": item.version,
        "moved": moved,
        **({} if oracle else {"sha256": bytes(item.sha256).hex()}),
    }
