"""Which figures stand still: what "tidak bergerak" means, once, for public pages, units' pages and the leaders' sheet.

A figure of an area stands still between two moments when all of this is true:

1. both values are known and equal. Movement is that of the figure: whoever files zeros day after day has moved nothing;
2. it was to be expected to grow: reports are still to come or to be approved (`may_grow`);
3. of the areas beside it that moved or were to be expected to, at least half moved, and one at least;
4. the moments lie LONG_ENOUGH apart: nothing stands still right after a release.

Nobody is marked without somebody to compare with, so a figure that rarely changes anywhere is marked nowhere. Pure.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

LONG_ENOUGH = timedelta(hours=6)

AreaKey = TypeVar("AreaKey", bound=Hashable)


@dataclass(frozen=True)
class Reading:
    """One indicator in one area at two moments; a value is None where it was not known, or was withheld.

    may_grow: whether the second was to be expected to be greater (`may_grow` below).
    """

    before: int | None
    after: int | None
    may_grow: bool = True

    @property
    def known(self) -> bool:
        return self.before is not None and self.after is not None

    @property
    def moved(self) -> bool:
        return self.known and self.before != self.after


def standing_still(readings: Mapping[AreaKey, Reading], *, elapsed: timedelta) -> frozenset[AreaKey]:
    """The areas whose figure stands still; `readings` are those of one indicator in areas beside each other."""
    if elapsed < LONG_ENOUGH:
        return frozenset()
    live = {key: reading for key, reading in readings.items() if reading.known and (reading.may_grow or reading.moved)}
    moved = sum(reading.moved for reading in live.values())
    return frozenset(key for key, reading in live.items() if not reading.moved and moved and moved * 2 >= len(live) - 1)


def may_grow(*, missing: int, undecided: int, accepting: bool, more_to_come: bool) -> bool:
    """Whether the approved figure of an area is to be expected to grow.

    missing: reports owed and not filed, neither vacant nor unreachable; undecided: filed, not yet approved; accepting:
    a window of the instrument still takes reports; more_to_come: another one will open in this stage.
    """
    return undecided > 0 or more_to_come or (accepting and missing > 0)
