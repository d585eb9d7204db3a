"""Figures for leadership: tallies of a unit on both bases, filed and approved, side by side."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from rest_framework.request import Request
from rest_framework.response import Response

from hierarchy.lib import clock
from hierarchy.models import Unit
from reports import counting
from reports.api.base import Endpoint, Id, Name, operation, read_query, user_of
from reports.api.shapes import UnitRef, WindowShape, local
from reports.calendar.querysets import without_schema
from reports.counting import PASSING, TALLIED
from reports.instruments.indicator_words import lines
from reports.obligations.queries import with_not_due
from reports.rollup.models import Tally


class Counts(msgspec.Struct, kw_only=True):
    """Obligations of the subtree, `expected` in all. `missing` is not filed and could be: `past` its deadline, or
    `not_due` yet; a vacant post and an attested lack of signal are neither. `late` was filed after the deadline.
    """

    expected: int
    filed: int
    on_time: int
    late: int
    waiting: int
    returned: int
    approved: int
    missing: int
    past: int
    not_due: int
    vacant: int
    unreachable: int

    @classmethod
    def of(cls, row: Tally) -> Counts:
        """`row` comes with what is not due yet."""
        counts = counting.Counts(**{name: getattr(row, name) for name in (*TALLIED, *PASSING)})
        return cls(
            expected=counts.expected,
            **{name: counts.number(name) for name in cls.__struct_fields__ if name != "expected"},
        )


class Figure(msgspec.Struct, kw_only=True):
    """One figure of a question on both bases. `kind`: SUM, ANSWERED, OPTION, LATE or PROBLEM.

    `label`: what a sum, or the number of reports that found a problem, is called on pages; "" of every other figure.
    """

    question: str
    kind: str
    option: str
    label: str
    filed: int
    approved: int


class TallyShape(msgspec.Struct, kw_only=True):
    unit: UnitRef
    window: WindowShape
    counts: Counts
    figures: list[Figure]
    last_filed_at: datetime | None
    computed_at: datetime

    @classmethod
    def of(cls, row: Tally) -> TallyShape:
        schema = row.window.version.parsed
        cells, told = zip(schema.layout, row.filed, row.approved, strict=True), lines(schema, get_language())
        return cls(
            unit=UnitRef.of(row.unit, row.window.election.code),
            window=WindowShape.of(row.window),
            counts=Counts.of(row),
            figures=[
                Figure(
                    question=cell.question,
                    kind=cell.kind.value,
                    option=cell.option,
                    label=told.get(cell.position, ""),
                    filed=filed,
                    approved=approved,
                )
                for cell, filed, approved in cells
            ],
            last_filed_at=local(row.last_filed_at),
            computed_at=local(row.computed_at),
        )


class TallyList(msgspec.Struct, kw_only=True):
    """The unit first, then its children by code; each in the order of the calendar."""

    results: list[TallyShape]


class TallyQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """With `window`: that window for the unit and each of its children; without: every window of the unit."""

    window: Id | None = None
    stage: Name | None = None
    instrument: Name | None = None


class Tallies(Endpoint):
    @operation(
        "units_tallies",
        "Figures of a unit; with `window`, of its children too. A polling station has none: its report is its figure.",
        query=TallyQuery,
        answers={200: TallyList},
        problems=(400,),
    )
    def get(self, request: Request, election: str, code: str) -> Response:
        query = read_query(request, TallyQuery)
        visible = Unit.objects.visible_to(user_of(request))
        unit = get_object_or_404(visible, election__code=election, code=code)
        tallies = Tally.objects.visible_to(user_of(request))
        rows = tallies.of_unit_and_children(unit) if query.window else tallies.filter(unit=unit)
        wanted = {
            "window": query.window,
            "window__stage__code": query.stage,
            "window__instrument__code": query.instrument,
        }
        rows = rows.filter(**{field: value for field, value in wanted.items() if value is not None})
        rows = rows.select_related(
            "unit__village", "window__election", "window__stage", "window__instrument", "window__version"
        )
        rows = with_not_due(rows, clock.now()).defer(*without_schema("window__version"))
        order = ("unit__level", "unit__code", "window__stage__sequence", "window__instrument__code", "window__period")
        return Response(TallyList(results=[TallyShape.of(row) for row in rows.order_by(*order)]))
