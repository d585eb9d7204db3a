"""The worlds of the fault tests: one small one per test process, a large one for the long versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.world import World

SMALL, LARGE = 200, 2_400  # polling stations; each owes two reports


class Worlds:
    """Worlds by size, made when first asked for. After a failure a new one is made: the old one may hold its ruins."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self.factory = factory
        self.made: dict[int, World] = {}

    def get(self, stations: int) -> World:
        if stations not in self.made:
            self.made[stations] = World(self.factory.mktemp("world"), stations)
            self.made[stations].begin()
        self.made[stations].settle()
        return self.made[stations]

    def drop(self, stations: int) -> None:
        self.made.pop(stations).close()


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory)
    yield made
    for stations in list(made.made):
        made.drop(stations)


@pytest.fixture
def world(worlds: Worlds, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world in which everything runs. After the test: all receipts kept, nothing doubled, `verify` clean."""
    stations = LARGE if request.node.get_closest_marker("full") else SMALL
    failed = request.session.testsfailed
    yield worlds.get(stations)
    if request.session.testsfailed > failed:
        worlds.drop(stations)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """What failed shows the last lines of every process of its world."""
    report = yield
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(world, World):
        report.sections += [(f"log of {name}", text) for name, text in world.logs()]
    return report
