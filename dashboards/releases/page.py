"""A published page made ready to be read: sections, children, map and addresses, all from one stored payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from dashboards.figures.cells import PROVISIONAL, RATIFIED, Figure, FigureLine
from dashboards.models import Publication, PublishedPage
from dashboards.releases.map import outlines
from dashboards.releases.page_section import (
    PublicSum,
    PublishedCounts,
    Section,
    StillSum,
    counts_of,
    is_silent,
    section_of,
)
from dashboards.releases.queries import stored
from hierarchy.access import COLLEGIAL
from hierarchy.levels import LEAF, Level
from hierarchy.lib import formats
from hierarchy.models import Unit
from reports.calendar.models import InstrumentVersion, Stage
from reports.calendar.querysets import without_schema
from reports.findings.models import Finding

TOP = 6  # problems shown as figures; the list below holds them all
WORST = 5  # children named among those with the most missing reports
# Steps of the map in tenths of a percent: nobody, then below each of these, then everybody. Fine near the top, where
# the last days of reporting are spent.
SHADES = (500, 750, 900, 950, 1000)


@dataclass(frozen=True)
class Address:
    """Where a page's links lead: within the same numbered release, the same language, the same instrument."""

    election: str
    number: int | None = None
    language: str = ""
    instrument: str = ""

    def page(self, code: str, instrument: str | None = None) -> str:
        named = {"instrumen": self.instrument if instrument is None else instrument, "bahasa": self.language}
        query = urlencode({key: value for key, value in named.items() if value})
        return self._at("public-unit", code=code) + (f"?{query}" if query else "")

    def json(self, code: str) -> str:
        return self._at("public-json", code=code)

    def manifest(self) -> str:
        return self._at("public-manifest")

    def _at(self, name: str, **parts: str) -> str:
        number = {} if self.number is None else {"number": self.number}
        return reverse(name, kwargs={"election": self.election, **number, **parts})


@dataclass(frozen=True)
class Tab:
    """One instrument of one stage that the page has figures of."""

    slug: str  # the instrument's code, with its version where the page has two of them
    stage: str
    title: str
    url: str
    current: bool


@dataclass(frozen=True)
class ChildRow:
    """A line of the table of children. problems None: withheld, or not shown (public_section.is_silent)."""

    code: str
    title: str
    url: str
    counts: PublishedCounts
    problems: int | None
    still: list[StillSum] = field(default_factory=list)

    @property
    def state(self) -> str:
        return state_of(self.counts)

    @property
    def more_still(self) -> int:
        """Sums that stand still, besides the first."""
        return max(len(self.still) - 1, 0)


@dataclass(frozen=True)
class MapArea:
    """A child on the map. `shade` 0: nobody reported; then the step of SHADES; the last one: everybody did."""

    child: ChildRow
    path: str

    @property
    def shade(self) -> int:
        share = formats.tenths(self.child.counts.filed_count, self.child.counts.expected)
        return 1 + sum(share >= limit for limit in SHADES) if share else 0

    @property
    def complete(self) -> bool:
        return self.shade > len(SHADES)


def state_of(counts: PublishedCounts) -> str:
    """The state of a single obligation as a key of formats.STATES; "" where several are counted together.

    OWED is what is not due yet, UNDATED what may be or not (PublishedCounts).
    """
    if counts.expected != 1:
        return ""
    held = {
        "APPROVED": counts.approved_count,
        "RETURNED": counts.returned,
        "FILED": counts.filed_count,
        "VACANT": counts.vacant,
        "UNREACHABLE": counts.unreachable,
    }
    missing = "UNDATED" if counts.undated else "OWED" if counts.not_due else "LATE"
    return next((state for state, count in held.items() if count), missing)


@dataclass
class PublicPage:
    """A published page, ready to be read. `current` is the chosen instrument, None where nothing was asked yet."""

    release: Publication
    stored: PublishedPage
    address: Address
    tabs: list[Tab]
    current: Section | None

    @cached_property
    def unit(self) -> Unit:
        return _unit(self.stored.payload, self.stored.payload["level"])

    @property
    def ancestors(self) -> list[tuple[str, str]]:
        """(title, address), province first."""
        rows = self.stored.payload["ancestors"]
        units = [_unit({"code": c, "name": name, "kind": kind}, level) for level, (c, name, kind) in enumerate(rows)]
        return [(unit.title, self.address.page(unit.code)) for unit in units]

    @property
    def unchanged(self) -> bool:
        """Whether this page is as it was in the release before."""
        return self.stored.number < self.release.number

    @property
    def findings(self) -> list[tuple[str, int]]:
        """(kind, number) of findings that plenaries of the area have confirmed."""
        counted = self.stored.payload.get("findings", {})
        return [(str(kind.label), counted[kind.value]) for kind in Finding.Kind if kind.value in counted]

    @property
    def findings_total(self) -> int:
        return sum(number for _kind, number in self.findings)

    @property
    def is_station(self) -> bool:
        return self.stored.payload["level"] == LEAF

    @property
    def holds_stations(self) -> bool:
        return self.stored.payload["level"] == LEAF - 1

    @property
    def has_body(self) -> bool:
        return self.stored.payload["level"] in COLLEGIAL

    @property
    def state(self) -> str:
        return state_of(self.current.counts) if self.current and not self.stored.payload["children"] else ""

    @cached_property
    def children(self) -> list[ChildRow]:
        key = self.current.key if self.current else ""
        level = self.stored.payload["level"] + 1
        unsaid = self.current is None or is_silent(level, self.stored.payload["sections"][key])
        return [
            ChildRow(
                code=row["code"],
                title=_unit(row, level).title,
                url=self.address.page(row["code"]),
                counts=counts_of(row["counts"][key]),
                problems=None if unsaid else row["problems"][key],
                still=self._still(row.get("still", {}).get(key, {})),
            )
            for row in self.stored.payload["children"]
            if key in row["counts"]
        ]

    def _still(self, marks: Mapping[str, Mapping[str, int]]) -> list[StillSum]:
        labels = self.current.labels if self.current else {}
        return [StillSum(labels[key], marks[key]["value"], marks[key]["since"]) for key in labels if key in marks]

    @property
    def worst(self) -> list[ChildRow]:
        """Where most reports are past their deadline."""
        silent = [child for child in self.children if child.counts.past]
        return sorted(silent, key=lambda child: (-child.counts.past, child.code))[:WORST]

    @property
    def unmoved(self) -> list[ChildRow]:
        """Where some figure stands still."""
        return [child for child in self.children if child.still]

    @property
    def body(self) -> str:
        """The unit's body by name: "Panwaslu Kecamatan Sungai Pinang"."""
        level = Level(self.unit.level)
        return f"{level.spec.body} {self.unit.name}" if level == Level.DISTRICT else f"Bawaslu {self.unit.title}"

    @cached_property
    def map(self) -> dict[str, Any] | None:
        """The children as areas; None below districts and where no outline is known."""
        drawn = outlines(self.stored.code) if len(self.children) > 1 else None
        if drawn is None:
            return None
        areas = [MapArea(child, drawn.paths[child.code]) for child in self.children if child.code in drawn.paths]
        edge = 4  # room for the outlines' own width
        box = f"-{edge} -{edge} {drawn.width + 2 * edge} {drawn.height + 2 * edge}"
        bands = [(step, limit // 10) for step, limit in enumerate(SHADES, 1)]
        return {"box": box, "areas": areas, "bands": bands, "labels": drawn.labels} if areas else None

    def figure(self, line: FigureLine) -> Figure:
        assert self.current is not None
        counts, ratified = self.current.counts, self.current.ratified
        return Figure(
            label=line.label,
            value=line.value if counts.approved_count else None,
            reports=counts.approved_count,
            filed=counts.approved_count,
            expected=counts.expected,
            noun=self.current.noun,
            as_of=max(decision.decided_at for decision in self.current.decided) if ratified else self.release.cut_off,
            status=RATIFIED if ratified else PROVISIONAL,
            version=None if ratified else self.release.number,
            counts_reports=True,
        )

    @property
    def found(self) -> list[FigureLine]:
        return [line for line in self.current.problems if line.value] if self.current else []

    @property
    def absent(self) -> list[FigureLine]:
        return [line for line in self.current.problems if not line.value] if self.current else []

    @property
    def sums(self) -> list[PublicSum]:
        return self.current.sums if self.current else []

    @property
    def top_problems(self) -> list[Figure]:
        return [self.figure(line) for line in self.found[:TOP]]

    @property
    def code_before(self) -> str:
        """The code of this unit in the release before, "" when it had no page there: units get new codes."""
        if self.stored.number < self.release.number or (self.stored.unit_id is None and self.release.number > 1):
            return self.stored.code
        return getattr(self.stored, "before", None) or ""

    @property
    def links(self) -> dict[str, str]:
        """The same page elsewhere: at its permanent address, in the release before, in the newest one, as data."""
        code, number, here = self.stored.code, self.release.number, self.address
        kept = replace(here, number=number)  # under its number a page never changes
        successor, last = self.stored.payload.get("successor"), self.stored.payload.get("last")  # of a tombstone
        return {
            "successor": here.page(successor) if successor else "",
            "last": replace(here, number=last).page(code) if last else "",
            "permanent": kept.page(code),
            "before": replace(here, number=number - 1).page(self.code_before) if self.code_before else "",
            "newest": replace(here, number=None).page(code),
            "json": kept.json(code),
            "manifest": kept.manifest(),
            "other_language": replace(here, language="" if here.language else "en").page(code),
        }


def _unit(data: dict[str, Any], level: int) -> Unit:
    """An unsaved unit, for its title."""
    found = Unit(code=data["code"], name=data["name"], kind=data["kind"])
    found.level = level
    return found


def page(of: Publication, code: str, *, address: Address) -> PublicPage | None:
    """The published page of a unit ("": the province), or None where it has none.

    Three queries: the page, the stages' names, the versions' titles.
    """
    found = stored(of, code)
    if found is None:
        return None
    sections = found.payload["sections"]
    stages = {stage.code: stage for stage in Stage.objects.filter(election_id=of.election_id)}
    rows = InstrumentVersion.objects.select_related("instrument").defer(*without_schema())
    versions = {(version.instrument.code, version.number): version for version in rows}
    keys = sorted(sections, key=lambda key: (stages[sections[key]["stage"]].sequence, key))
    slugs = {key: _slug(key, keys) for key in keys}
    chosen = _choose(sections, keys, slugs, address.instrument)
    address = replace(address, instrument=slugs[chosen] if chosen else "")
    tabs = [
        Tab(
            slug=slugs[key],
            stage=stages[sections[key]["stage"]].name,
            title=versions[sections[key]["instrument"], sections[key]["version"]].instrument.title,
            url=address.page(found.code, slugs[key]),
            current=key == chosen,
        )
        for key in keys
    ]
    current = None
    if chosen:
        section = sections[chosen]
        version = versions[section["instrument"], section["version"]]
        current = section_of(chosen, section, stages[section["stage"]], version, level=found.payload["level"])
    return PublicPage(of, found, address, tabs, current)


def _slug(key: str, keys: list[str]) -> str:
    _stage, code, version = key.split("/")
    return code if sum(other.split("/")[1] == code for other in keys) == 1 else f"{code}.{version}"


def _choose(sections: dict[str, dict[str, Any]], keys: list[str], slugs: dict[str, str], wanted: str) -> str | None:
    """The wanted section, else the last stage's that has reports: what opened an hour ago says nothing yet."""
    named = next((key for key in keys if wanted and slugs[key] == wanted), None)
    staged = [key for key in keys if not key.startswith("NON_TAHAPAN")] or keys
    reported = [key for key in staged if sections[key]["counts"]["filed_count"]]
    return named or next(iter((reported or staged)[-1:]), None)
