"""What must hold of a release whatever the moment it was made in, in plain Python that shares nothing with publish.py.

`from tests.released import contradictions`: sentences, none when the release agrees with itself and with the rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.figures import public_cells
from dashboards.models import Publication, PublishedPage
from hierarchy.models import Election
from reports.models import Obligation, State, Window
from reports.rollup import COUNTS

Figures = Mapping[str, Counter[Any]]  # section key -> what it counts and sums

__all__ = ["contradictions", "in_force", "plain_fold"]


def in_force(release: Publication) -> dict[str, dict[str, Any]]:
    """Code -> payload of every page in force at a release."""
    rows = PublishedPage.objects.filter(election_id=release.election_id, number__lte=release.number)
    return {page.code: page.payload for page in rows.order_by("code", "-number").distinct("code")}


def contradictions(release: Publication, fold: Mapping[str, Figures] | None = None) -> Iterator[str]:
    """Where a page differs from the sum of its children's pages, or from the fold (default: of the rows as they are
    now)."""
    pages = {code: page for code, page in in_force(release).items() if "fate" not in page}
    folded = plain_fold(release.election) if fold is None else fold
    for code, page in pages.items():
        said = _said(page)
        if page["children"]:
            below = _sum(_said(pages[row["code"]]) for row in page["children"])
            if said != below:
                yield f"page {code}: says {said}, its children together {below}"
        for row in page["children"]:
            child = pages[row["code"]]["sections"]
            if row["counts"] != {key: section["counts"] for key, section in child.items()}:
                yield f"page {code}: its line of {row['code']} differs from that page"
            if row["problems"] != {key: section["problems"] for key, section in child.items()}:
                yield f"page {code}: the problems in its line of {row['code']} differ from that page"
        if said != _nonzero(folded.get(code, {})):
            yield f"page {code}: says {said}, the rows {_nonzero(folded.get(code, {}))}"


def _said(page: Mapping[str, Any]) -> Figures:
    return _nonzero(
        {key: Counter(section["counts"]) + Counter(section["values"]) for key, section in page["sections"].items()}
    )


def _sum(parts: Any) -> Figures:
    total: dict[str, Counter[Any]] = defaultdict(Counter)
    for part in parts:
        for key, figures in part.items():
            total[key].update(figures)
    return _nonzero(total)


def _nonzero(figures: Figures) -> Figures:
    return {key: +values for key, values in figures.items() if +values}


def plain_fold(election: Election) -> dict[str, Figures]:
    """Unit code -> figures by code prefix, from obligations and reports."""
    found: dict[str, dict[str, Counter[Any]]] = defaultdict(lambda: defaultdict(Counter))
    windows = Window.objects.for_pages(election).in_bulk()
    for duty in Obligation.objects.filter(window__in=windows).select_related("subject", "report"):
        window, report = windows[duty.window_id], getattr(duty, "report", None)
        key = f"{window.stage.code}/{window.instrument.code}/{window.version.number}"
        filed = report is not None
        counted = dict(
            zip(
                COUNTS,
                (
                    1,
                    filed,
                    filed and duty.first_filed_at <= duty.due_at,
                    duty.state == State.APPROVED,
                    duty.state == State.RETURNED,
                    duty.state == State.VACANT,
                    duty.state == State.UNREACHABLE,
                ),
                strict=True,
            )
        )
        figures = Counter({name: int(value) for name, value in counted.items()})
        if duty.state == State.APPROVED:
            assert report is not None
            figures.update({name: report.vector[at] for name, at in public_cells(window.version.parsed)})
        for width in (2, 4, 6, 10, 13):
            if width <= len(duty.subject.code):
                found[duty.subject.code[:width]][key].update(figures)
    return found
