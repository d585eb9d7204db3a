"""How reports came in through the day, as a line and as a table. Pure: from counts per quarter hour to an SVG path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hierarchy.lib import formats

WIDTH, HEIGHT, TOP = 360, 160, 10  # of the drawing, in its own units; whole units keep the page small
STEP, DAY = timedelta(minutes=15), timedelta(days=1)
LONGEST = timedelta(hours=36)  # beyond, a point per day: nobody reads five hundred quarter hours


@dataclass(frozen=True)
class Point:
    """Until `until`, `new` reports came in its step and `total` since the beginning."""

    until: datetime
    new: int
    total: int


@dataclass(frozen=True)
class Trend:
    """`path` in SVG units; `due_x` where the deadline stands, None with several; first and last are the ends' words."""

    points: list[Point]
    expected: int
    path: str
    due_x: int | None
    first: str
    last: str
    by_day: bool


def trend(filed: list[tuple[datetime, int]], *, expected: int, due_at: datetime | None, now: datetime) -> Trend | None:
    """The line of what was filed, from (beginning of a quarter hour, reports) in order; None before the first."""
    if not filed or not expected:
        return None
    by_day = filed[-1][0] - filed[0][0] > LONGEST
    points = _points(filed, by_day)
    begin = min(filed[0][0], due_at) if due_at else filed[0][0]
    end = max(points[-1].until, due_at) if due_at else points[-1].until

    def x(moment: datetime) -> int:
        return round(WIDTH * ((moment - begin) / (end - begin)))

    def y(total: int) -> int:
        return HEIGHT - round((HEIGHT - TOP) * total / expected)

    level = max(min(now, end), points[-1].until)
    steps = [f"L{x(point.until)} {y(point.total)}" for point in points]
    path = f"M{x(filed[0][0])} {y(0)}{''.join(steps)}H{x(level)}"
    words = formats.day if by_day else formats.moment
    return Trend(points, expected, path, x(due_at) if due_at else None, words(begin), words(end), by_day)


def _points(filed: list[tuple[datetime, int]], by_day: bool) -> list[Point]:
    if by_day:
        days: dict[datetime, int] = {}
        for moment, new in filed:
            midnight = moment.astimezone(formats.WITA).replace(hour=0, minute=0)
            days[midnight] = days.get(midnight, 0) + new
        filed = sorted(days.items())
    points, total = [], 0
    for moment, new in filed:
        total += new
        points.append(Point(moment + (DAY if by_day else STEP), new, total))
    return points
