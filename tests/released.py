"""Releases in tests: how they are made while a tree changes, and what must hold of each whatever the moment.

`contradictions` gives sentences, none when a release agrees with itself and with the rows; its fold is plain Python.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from dashboards.figures.cells import public_cells
from dashboards.models import Publication, PublishedPage
from dashboards.releases import actions as publish
from dashboards.releases.content import uneven
from dashboards.releases.standing import COUNTED_AT
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election, Unit
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.calendar.models import Cadence, Instrument, Window
from reports.obligations.models import Obligation, State
from reports.review import actions as review
from tests.days import Day, fresh

Figures = Mapping[str, Counter[Any]]  # section key -> what it counts and sums

VILLAGE = "6472012001"


def in_force(release: Publication) -> dict[str, dict[str, Any]]:
    """Code -> payload of every page in force at a release."""
    rows = PublishedPage.objects.filter(election_id=release.election_id, number__lte=release.number)
    return {page.code: page.payload for page in rows.order_by("code", "-number").distinct("code")}


def contradictions(release: Publication, fold: Mapping[str, Figures] | None = None) -> Iterator[str]:
    """Where a page differs from the sum of its children's pages, or from the fold (default: of the rows as they are
    now)."""
    pages = {code: page for code, page in in_force(release).items() if "fate" not in page}
    folded = plain_fold(release.election, release.cut_off) if fold is None else fold
    events = set(Instrument.objects.filter(cadence=Cadence.EVENT).values_list("code", flat=True))
    for code, page in pages.items():
        yield from uneven(page, [pages[row["code"]] for row in page["children"]])
        for row in page["children"]:
            child = pages[row["code"]]["sections"]
            if row["counts"] != {key: section["counts"] for key, section in child.items()}:
                yield f"page {code}: its line of {row['code']} differs from that page"
            if row.get("problems", {}) != {key: part["problems"] for key, part in child.items() if "problems" in part}:
                yield f"page {code}: the problems in its line of {row['code']} differ from that page"
        rows = folded.get(code, {})
        for key in page["sections"].keys() | rows.keys():
            if page["level"] > Level.DISTRICT and key.split("/")[1] in events:
                if key in page["sections"]:
                    yield f"page {code}: tells of {key}, which nobody owed, and so who filed it"
                continue
            yield from _unlike(f"page {code} {key}", page["sections"].get(key), rows.get(key, Counter()))


def _unlike(place: str, section: Mapping[str, Any] | None, rows: Counter[Any]) -> Iterator[str]:
    """Where a section differs from the rows: every count, and every sum that it publishes."""
    said = Counter(section["counts"]) + Counter(section.get("values", {})) if section else Counter()
    withheld = section.get("withheld", ["*"]) if section else []  # a polling station publishes no sum
    hidden = {name for name in rows if name not in COUNTED_AT and {"*", name.partition(".")[0]} & set(withheld)}
    expected = Counter({name: value for name, value in rows.items() if name not in hidden})
    if +said != +expected:
        yield f"{place}: says {+said}, the rows {+expected}"


def plain_fold(election: Election, at: datetime | None = None) -> dict[str, Figures]:
    """Unit code -> figures by code prefix, from obligations and reports; `at`: what is not due yet (default: now)."""
    at = at or clock.now()
    found: dict[str, dict[str, Counter[Any]]] = defaultdict(lambda: defaultdict(Counter))
    windows = Window.objects.for_pages(election).in_bulk()
    for obligation in Obligation.objects.filter(window__in=windows).select_related("subject", "report"):
        window, report = windows[obligation.window_id], getattr(obligation, "report", None)
        key = f"{window.stage.code}/{window.instrument.code}/{window.version.number}"
        filed = report is not None
        counted = dict(
            zip(
                COUNTED_AT,
                (
                    1,
                    filed,
                    filed and obligation.first_filed_at <= obligation.due_at,
                    obligation.state == State.APPROVED,
                    obligation.state == State.RETURNED,
                    obligation.state == State.VACANT,
                    obligation.state == State.UNREACHABLE,
                    obligation.state == State.OWED and obligation.due_at >= at,
                ),
                strict=True,
            )
        )
        figures = Counter({name: int(value) for name, value in counted.items()})
        if obligation.state == State.APPROVED:
            assert report is not None
            figures.update({name: report.vector[at] for name, at in public_cells(window.version.parsed)})
        for width in (2, 4, 6, 10, 13):
            if width <= len(obligation.subject.code):
                found[obligation.subject.code[:width]][key].update(figures)
    return found


# --- making releases, and a tree that changes between them ---------------------------------------------------------


def release(day: Day) -> Publication:
    """As the field does it: nobody waits for the outbox to be empty first."""
    return publish.publish(election=day.election, by=None)


def approve_one(day: Day) -> None:
    report = day.file(day.cast.ptps)
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def village(day: Day, code: str, name: str = "Batu Cermin") -> Unit:
    """A village without polling stations, as the tree files have them between two counts: it may be closed again."""
    return tree.add_child(parent=unit(code[:6]), row=UnitRow(code, name, "desa"), by=None)


def unit(code: str) -> Unit:
    return Unit.objects.with_ancestors().get(code=code)


def renumber(old: str, new: str) -> None:
    tree.move(unit=unit(old), parent=unit(old).parent, code=new, by=None)


def told(code: str, number: int | None = None) -> dict[str, Any]:
    newest = Publication.objects.get(number=number) if number else Publication.objects.first()
    return in_force(newest)[code]


def fate(code: str) -> tuple[str, str | None]:
    payload = told(code)
    return payload["fate"], payload["successor"]


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
