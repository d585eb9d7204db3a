"""What makes a number doubtful, as pure functions of numbers: no database, no words.

Robust z after Iglewicz & Hoaglin, How to Detect and Handle Outliers (ASQC 1993): 0.6745 (x - median) / MAD, and where
more than half of a sample is equal (MAD = 0) (x - median) / (1.253314 mean absolute deviation); doubtful above 3.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

LIMIT = 3.5
FEWEST_SIBLINGS = 8
# A station with 3 pindahan voters among stations with none has an enormous score and nothing to explain.
NEAREST = 10
FEWEST_EQUAL = 5
FEWEST_ROUND = 6

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Sample:
    """What is usual: the median, half of the values between `low` and `high`, and the unit that distance is told in.

    `spread` is MAD / 0.6745, or 1.253314 x mean absolute deviation, or 0 for a constant sample.
    """

    size: int
    median: float
    low: float
    high: float
    spread: float

    def score(self, value: float) -> float:
        """Robust z of a value, never negative; 0 for every value of a constant sample."""
        return abs(value - self.median) / self.spread if self.spread else 0.0


def sample(values: Iterable[int]) -> Sample:
    """Raises statistics.StatisticsError when there are no values."""
    ordered = sorted(values)
    middle = median(ordered)
    distances = [abs(value - middle) for value in ordered]
    spread = median(distances) / 0.6745 or 1.253314 * sum(distances) / len(distances)
    quarter = (len(ordered) - 1) // 4
    return Sample(len(ordered), middle, ordered[quarter], ordered[-1 - quarter], spread)


def outliers(values: Mapping[Key, int]) -> tuple[Sample, dict[Key, float]] | None:
    """The sample and the scores of the values far from it; None with fewer than FEWEST_SIBLINGS others beside."""
    if len(values) <= FEWEST_SIBLINGS:
        return None
    usual = sample(values.values())
    far = {
        key: score
        for key, value in values.items()
        if not usual.low <= value <= usual.high  # where a third of them are "far", that third is usual too
        and abs(value - usual.median) >= NEAREST
        and (score := usual.score(value)) > LIMIT
    }
    return usual, far


def copies(rows: Mapping[Key, Sequence[int | None]]) -> dict[Key, list[Key]]:
    """Rows that equal others number by number, at least FEWEST_EQUAL of them above 0: each with those it equals."""
    alike: dict[tuple[int | None, ...], list[Key]] = defaultdict(list)
    for key, numbers in rows.items():
        if sum(number is not None and number > 0 for number in numbers) >= FEWEST_EQUAL:
            alike[tuple(numbers)].append(key)
    return {key: [other for other in keys if other != key] for keys in alike.values() if len(keys) > 1 for key in keys}


def is_round(numbers: Iterable[int | None]) -> bool:
    """Whether at least FEWEST_ROUND numbers are 10 or more, and all of those are multiples of 10."""
    counted = [number for number in numbers if number is not None and number >= 10]
    return len(counted) >= FEWEST_ROUND and all(number % 10 == 0 for number in counted)
