"""What a plenary binds, what stands ratified, and what has moved since: reads only.

The ratified figure of a unit and a window is its newest ratified agenda item. It stays when a figure below changes; the
difference is shown beside it, and the body is asked to decide again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Count, Exists, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from hierarchy.levels import LEAF, Level
from hierarchy.lib import clock
from hierarchy.lib.canonical import TABLED
from hierarchy.models import Unit
from reports.calendar.models import Cadence, Window
from reports.calendar.querysets import without_schema
from reports.counting import TALLIED, WORDS, Counts
from reports.instruments import indicator_words
from reports.instruments.schema import Question, Schema, problem_cells, sum_cells
from reports.journal.models import Event
from reports.obligations.models import Extension, Obligation
from reports.obligations.queries import in_area
from reports.plenary import readiness
from reports.plenary.models import AgendaItem, Minutes, Vote
from reports.plenary.readiness import Readiness
from reports.rollup.fold import COUNTS
from reports.rollup.models import Tally

RATIFIED = AgendaItem.Decision.RATIFIED
# The counts that a body ratifies: of how many reports that are owed, how many are behind its sums. What was only filed
# lies beside them for its information.
BOUND = ("expected", "approved_count")


def figures(unit: Unit, window: Window) -> dict[str, Any] | None:
    """A unit's figures of a window as a plenary binds them: what they are of, the counts and both bases.

    None where there is no tally yet.
    """
    tally = Tally.objects.filter(unit=unit, window=window).first()
    return shown(tally, unit, window) if tally else None


def shown(tally: Tally, unit: Unit, window: Window) -> dict[str, Any]:
    """The same from a tally that was read already."""
    return {
        "election": unit.election.code,
        "unit": unit.code,
        "instrument": window.instrument.code,
        "version": window.version.number,
        "period": window.period,
        "counts": {name: getattr(tally, name) for name in COUNTS},
        "filed": list(tally.filed),
        "approved": list(tally.approved),
    }


def digest(laid: dict[str, Any]) -> bytes:
    """SHA-256 (32 bytes) of the canonical JSON: sorted names, no blanks, UTF-8."""
    return TABLED.sha256(laid)


def newest(unit: Unit, window: Window) -> AgendaItem | None:
    """The ratified figure that stands."""
    return AgendaItem.objects.filter(unit=unit, window=window, decision=RATIFIED).order_by("-version").first()


def moved(item: AgendaItem, *, version: int, counts: Mapping[str, int], approved: Sequence[int] | None) -> bool:
    """Whether a figure is another than its body ratified: the one answer for agendas, recaps, sheets and public pages.

    Compares what was ratified (the form's version, BOUND of `counts`, the approved sums; None: no report behind them)
    and not the digest, which also holds what was filed, and codes that an official renumbering changes.
    """
    laid = item.shown
    if version != laid["version"] or any(counts[name] != laid["counts"][name] for name in BOUND):
        return True
    return list(approved or [0] * len(laid["approved"])) != laid["approved"]


def tally_moved(item: AgendaItem, tally: Tally, window: Window) -> bool:
    """The same of a tally that was read already; `window` with its version."""
    counts = {name: getattr(tally, name) for name in BOUND}
    return moved(item, version=window.version.number, counts=counts, approved=tally.approved)


def counts_then(items: Iterable[AgendaItem], windows: Mapping[int, Window]) -> dict[int, dict[str, int]]:
    """Agenda item id -> the counts that were ratified, with `not_due` (counting.PASSING) as of the decision.

    What was missing was not due before the deadline of the window (`windows`, by id), afterwards only where time had
    been granted by then. What is due by now says nothing of it. One query where a body decided after the deadline.
    """
    found, late = {}, []
    for item in items:
        assert item.window_id, "a finding has no counts"
        assert item.decided_at, "what has not been decided was not counted yet"
        counts = {name: item.shown["counts"].get(name, 0) for name in TALLIED}
        found[item.pk] = counts | {"not_due": max(Counts(**counts).missing, 0)}
        if item.decided_at > windows[item.window_id].due_at and found[item.pk]["not_due"]:
            late.append(item.pk)
    granted = dict(_granted_then(late)) if late else {}
    for pk in late:
        found[pk]["not_due"] = min(found[pk]["not_due"], granted.get(pk, 0))
    return found


def _granted_then(items: Iterable[int]) -> Iterable[tuple[int, int]]:
    """(agenda item id, how many reports that were missing on the table had more time when the body decided)."""
    of_window = Extension.objects.filter(
        window=OuterRef("window"), granted_at__lte=OuterRef("decided_at"), due_at__gte=OuterRef("decided_at")
    )
    around = Q(unit=OuterRef("subject"))
    for level in Level:
        if level != LEAF:
            around |= Q(unit=OuterRef(f"subject__{level.spec.column}"))
    decided_at = OuterRef(OuterRef("decided_at"))
    of_subject = Extension.objects.filter(
        around, window=OuterRef("window"), granted_at__lte=decided_at, due_at__gte=decided_at
    )
    missing = Obligation.objects.filter(
        Q(first_filed_at=None, state="OWED") | Q(first_filed_at__gt=OuterRef("shown_at")),
        Exists(of_subject),
        in_area(),
        window=OuterRef("window"),
    ).order_by()
    counted = Subquery(missing.values("window").annotate(n=Count("pk")).values("n"))
    rows = AgendaItem.objects.filter(Exists(of_window), pk__in=items)
    return rows.annotate(n=Coalesce(counted, 0)).values_list("pk", "n")


def standing(units: Iterable[int]) -> dict[tuple[int, int], AgendaItem]:
    """(unit id, window id) -> the ratified figure that stands, with its plenary; one query."""
    rows = AgendaItem.objects.filter(unit__in=list(units), decision=RATIFIED, matter=AgendaItem.Matter.FIGURES)
    rows = rows.select_related("plenary").order_by("unit_id", "window_id", "-version").distinct("unit_id", "window_id")
    return {(item.unit_id, item.window_id): item for item in rows if item.window_id}


@dataclass(frozen=True)
class RatifiedChange:
    """A count or a sum that is no longer what was ratified."""

    label: str
    before: int
    after: int


def differences(
    before: dict[str, Any], after: dict[str, Any], schema: Schema, *, counts: Iterable[str] = BOUND
) -> list[RatifiedChange]:
    """What differs between two figures of the same unit and window in what a body ratifies, `counts` first, then
    approved sums by question; of two versions of a form the sums say nothing about each other."""
    found = [
        RatifiedChange(str(WORDS[TALLIED[name]].label), before["counts"][name], after["counts"][name])
        for name in counts
        if before["counts"][name] != after["counts"][name]
    ]
    if before["version"] != after["version"]:
        return [RatifiedChange(str(_("Versi formulir")), before["version"], after["version"]), *found]
    for position, line in sorted(indicator_words.lines(schema, get_language()).items()):
        old, new = before["approved"][position], after["approved"][position]
        if old != new:
            found.append(RatifiedChange(line, old, new))
    return found


def compared(before: dict[str, Any], after: dict[str, Any], schema: Schema) -> int:
    """Of how many lines the sum of what was filed, which lies beside what a body ratifies, differs."""
    if before["version"] != after["version"]:
        return 0
    return sum(before["filed"][at] != after["filed"][at] for at in indicator_words.lines(schema, get_language()))


@dataclass(frozen=True)
class FigureRow:
    """A line of the table that is ratified: what the body ratifies (approved), beside it what was filed."""

    label: str
    approved: int
    filed: int


@dataclass(frozen=True)
class FigureTables:
    """The figures that lie before a plenary, in the order of the form: `problems` count the reports that found one,
    `sums` add up."""

    problems: list[FigureRow]
    sums: list[FigureRow]


def schema_of(item: AgendaItem) -> Schema:
    """The form that the figures of an item answer: its window may have been given another version since, as long as
    nobody had reported (reports/obligations/pinning.py)."""
    window, number = item.window, item.shown["version"]
    assert window is not None, "only figures answer a form"
    pinned = window.version.number == number
    return window.version.parsed if pinned else window.instrument.versions.get(number=number).parsed


def tables(item: AgendaItem) -> FigureTables:
    schema, laid = schema_of(item), item.shown
    told = indicator_words.lines(schema, get_language())

    def rows(cells: Iterable[tuple[Question, int]]) -> list[FigureRow]:
        return [FigureRow(told[at], laid["approved"][at], laid["filed"][at]) for _question, at in cells]

    return FigureTables(rows(problem_cells(schema)), rows(sum_cells(schema)))


@dataclass(frozen=True)
class WindowMatter:
    """A window the body has figures of: what stands ratified, and whether the figures are others by now.

    due_at: when the last of its reports is due.
    """

    window: Window
    tally: Tally
    item: AgendaItem | None
    changed: bool
    due_at: datetime
    readiness: Readiness

    @property
    def to_decide(self) -> bool:
        """Never ratified, or no longer as ratified: a (correction) plenary is proposed."""
        return self.item is None or self.changed


def matters(unit: Unit) -> list[WindowMatter]:
    """The windows a body may ratify, those that are ready first, then as they were due: four queries."""
    windows = {
        window.pk: window
        for window in Window.objects.filter(election=unit.election_id, opened_at__isnull=False)
        .exclude(instrument__cadence=Cadence.EVENT)
        .select_related("instrument", "version", "stage")
        .defer(*without_schema("version"))
    }
    ratified, due, now = standing([unit.pk]), readiness.due_of(unit, windows.values()), clock.now()
    found = []
    for tally in Tally.objects.filter(unit=unit, window__in=windows, expected__gt=0):
        item, window = ratified.get((unit.pk, tally.window_id)), windows[tally.window_id]
        changed = item is not None and tally_moved(item, tally, window)
        counts = {name: getattr(tally, name) for name in COUNTS}
        ready = readiness.of(counts, due[window.pk], now)
        found.append(WindowMatter(window, tally, item, changed, due[window.pk], ready))
    order = list(Readiness)
    return sorted(found, key=lambda matter: (order.index(matter.readiness), matter.due_at, matter.window.pk))


def broken() -> Iterator[str]:
    """Sentences about what was ratified and is not what its members voted for (manage.py verify)."""
    versions: dict[tuple[int, int], int] = {}
    ratified = AgendaItem.objects.filter(decision=RATIFIED).select_related("plenary")
    for item in ratified.prefetch_related("votes").order_by("unit_id", "window_id", "version").iterator(chunk_size=500):
        name = f"agenda item {item.pk}"
        if digest(item.shown) != bytes(item.sha256):
            yield f"{name}: figures do not recompute to their hash"
        if (item.shown.get("filed", []), item.shown.get("approved", [])) != (item.filed, item.approved):
            yield f"{name}: vectors differ from the figures shown"
        votes = list(item.votes.all())
        agree = sum(each.choice == Vote.Choice.AGREE for each in votes)
        if agree * 2 <= len(votes) or any(bytes(each.seen) != bytes(item.sha256) for each in votes):
            yield f"{name}: {agree} of {len(votes)} votes are for these figures"
        if item.plenary.quorum is None or (item.present or 0) < item.plenary.quorum:
            yield f"{name}: decided by {item.present}, quorum {item.plenary.quorum}"
        if item.window_id is None:
            continue
        key = (item.unit_id, item.window_id)
        if item.version != versions.get(key, 0) + 1:
            yield f"{name}: version {item.version} follows {versions.get(key, 0)}"
        versions[key] = item.version or 0
    yield from _broken_minutes()


def _broken_minutes() -> Iterator[str]:
    """About minutes that are no longer what was kept. The hash of the file is taken where the file lies."""
    noted = {
        int(event.target.removeprefix("pleno-")): event.detail.get("sha256")
        for event in Event.objects.filter(verb="minutes.kept").order_by("pk")
    }
    now = Func("pdf", function="sha256", output_field=BinaryField())
    for row in Minutes.objects.defer("pdf").annotate(now=now).order_by("pk").iterator(chunk_size=500):
        name, kept = f"minutes of plenary {row.plenary_id}", bytes(row.sha256)
        if bytes(row.now) != kept:
            yield f"{name}: the file's bytes do not recompute to their hash"
        if noted.pop(row.plenary_id, None) != kept.hex():
            yield f"{name}: the file is not the one that the journal names"
        if digest(row.content) != bytes(row.fingerprint):
            yield f"{name}: what they say does not recompute to its fingerprint"
        if [member["name"] for member in row.members] != [listed[1] for listed in row.content["attendance"]]:
            yield f"{name}: their members are not those in the attendance list"
    yield from (f"minutes of plenary {plenary}: they were kept and are gone" for plenary in noted)
