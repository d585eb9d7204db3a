"""One module per kind of work; each yields figures. `MEASURES` is the order in which `bench all` takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bawaslu_data.bench.figures import Figure
from bawaslu_data.bench.measures import freshness, intake, pages, recap, rollup, tree, visit
from bawaslu_data.bench.world import World

MEASURES: dict[str, Callable[[World, int], Iterator[Figure]]] = {
    "intake": intake.measure,
    "visit": visit.measure,
    "rollup": rollup.measure,
    "page": pages.measure,
    "public": pages.measure_public,
    "recap": recap.measure,
    "freshness": freshness.measure,
}
TREE = tree.measure  # in a database without a country
