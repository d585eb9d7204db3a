"""The figures of a window as the rows have them: folded from obligations and reports alone, polling stations included.

A release reads these, not the tallies: those lag behind while marks wait in the outbox (docs/adr/0008). One statement
counts every level from the same rows, so a unit is the sum of what lies beneath it at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.db import connection

from hierarchy.levels import LEAF, Level
from hierarchy.models import Unit
from reports.models import Window
from reports.rollup import COUNTED


def standing(window: Window, province: Unit) -> Iterator[tuple[Any, ...]]:
    """(unit id, *COUNTS, sums over approved reports by position) of every unit that a window's obligations are about,
    or that lies above one; the sums are None where no report is approved."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(window.version.width), [window.pk, province.pk])
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
    return f"""
        SELECT coalesce({", ".join(reversed(sets))}) AS unit_id, {", ".join(COUNTED.values())},
            CASE WHEN count(r.approved_sha256) > 0 THEN ARRAY[{sums}] END
        FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id
            LEFT JOIN reports_report r ON r.obligation_id = o.id
        WHERE o.window_id = %s AND u.province_id = %s
        GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in sets)})
        HAVING coalesce({", ".join(reversed(sets))}) IS NOT NULL"""
