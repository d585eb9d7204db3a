"""The ways of an answer, a figure, a decision and a release, as docs/architecture.md tells them, against the code."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from django.apps import apps

from tests.contract.test_house import PROJECT, SOURCES, needs
from tests.contract.test_layers import WRITERS

STEP = re.compile(r"^(?P<module>[\w.]+)\s+(?P<how>->|=>|<=)\s+(?P<other>[\w.]+)(\s.*)?$")


class Step(NamedTuple):
    """`->` imports and calls the other module, `=>` writes the table, `<=` reads it."""

    module: str
    how: str
    other: str


def _step(line: str) -> Step:
    match = STEP.match(line)
    assert match, f"docs/architecture.md: {line!r} is no step"
    return Step(*match.group("module", "how", "other"))


def _ways() -> dict[str, list[Step]]:
    """Heading -> the steps of its way."""
    found = {}
    for chapter in (PROJECT / "docs" / "architecture.md").read_text().split("\n## ")[1:]:
        if block := re.search(r"^```way\n(.*?)^```", chapter, re.M | re.S):
            found[chapter.split("\n")[0]] = [_step(line) for line in block[1].splitlines()]
    return found


WAYS = _ways()
STEPS = sorted({step for steps in WAYS.values() for step in steps})
TABLES = {model._meta.db_table: model for model in apps.get_models()}


def test_the_ways_are_told() -> None:
    assert list(WAYS) == [
        "The way of one answer, from the form to the public page",
        "The way of one figure inside the house",
        "The way of one decision",
        "The way of one release",
    ]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.module} {step.how} {step.other}")
def test_a_step_is_in_the_code(step: Step) -> None:
    source = SOURCES[step.module]
    if step.how == "->":
        assert step.other in needs()[step.module]
        return
    model = TABLES[step.other]
    if step.how == "=>":
        assert str(source.relative_to(PROJECT)) in WRITERS[model._meta.label]
    else:
        assert re.search(rf"\b({step.other}|{model.__name__})\b", source.read_text())


@pytest.mark.parametrize("way", WAYS)
def test_a_way_passes_each_room_once(way: str) -> None:
    rooms = [".".join(step.module.split(".")[:2]) for step in WAYS[way]]
    entered = [room for before, room in zip(["", *rooms], rooms, strict=False) if room != before]
    assert len(entered) == len(set(entered)), entered
