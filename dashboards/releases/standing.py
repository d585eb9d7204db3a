"""The figures of a window as the rows have them: folded from obligations and reports alone, polling stations included.

A release reads these, not the tallies: those lag behind while marks wait in the outbox (docs/adr/0008). One statement
counts every level from the same rows, so a unit is the sum of what lies beneath it at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from hierarchy.levels import LEAF, Level
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.counting import PASSING, counted
from reports.rollup.fold import COUNTED, COUNTS

# What is counted at a moment: what a tally keeps, and what passes while nobody does anything.
COUNTED_AT = [*COUNTS, *PASSING]


def standing(window: Window, province: Unit, at: datetime) -> Iterator[tuple[Any, ...]]:
    """(unit id, *COUNTED_AT, sums over approved reports by position) of every unit that a window's obligations are
    about, or that lies above one; the sums are None where no report is approved, and of polling stations: no page says
    what a single one reported."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(window.version.width), {"at": at, "window": window.pk, "province": province.pk})
        yield from cursor.fetchall()


@lru_cache(maxsize=512)
def _sql(width: int) -> str:
    """Generated of integers and column names only. A station has no column of its own among its ancestors."""
    columns = [f"u.{level.spec.column}_id" for level in Level if level != LEAF]
    station = f"(CASE WHEN u.level = {int(LEAF)} THEN u.id END)"
    sums = ", ".join(
        f"reports_total(r.vector[{i}]) FILTER (WHERE r.approved_sha256 IS NOT NULL)" for i in range(1, width + 1)
    )
    sets = [*columns, station]
    passing = [counted(word, "%(at)s") for word in PASSING.values()]
    return f"""
        SELECT coalesce({", ".join(reversed(sets))}) AS unit_id, {", ".join([*COUNTED.values(), *passing])},
            CASE WHEN count(r.approved_sha256) > 0 AND grouping({station}) = 1 THEN ARRAY[{sums}] END
        FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id
            LEFT JOIN reports_report r ON r.obligation_id = o.id
        WHERE o.window_id = %(window)s AND u.province_id = %(province)s
        GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in sets)})
        HAVING coalesce({", ".join(reversed(sets))}) IS NOT NULL"""
