"""Each idea has one home: what is known or decided in one place is written in no second one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("hierarchy", "reports", "dashboards", "bawaslu_data")

# idea -> (the modules that may write it, what tells that it is written). Each home must still write it.
HOMES: dict[str, tuple[frozenset[str], str]] = {
    # DRF has a request class of its own, so the API asks its own once.
    "who is signed in": (
        frozenset({"hierarchy/web.py", "reports/api/base.py"}),
        r"class SignedIn\b|request\.user\s+assert isinstance|assert isinstance\(request\.user"
        r"|request\.user\b.*# type: ignore",
    ),
    "what the head of a page says of its reader": (
        frozenset({"bawaslu_data/context.py"}),
        r"own_unit|own_role|own_seat",
    ),
}


def places(pattern: str) -> set[str]:
    """The modules in which the pattern occurs."""
    wanted = re.compile(pattern)
    return {
        path.relative_to(PROJECT).as_posix()
        for app in APPS
        for path in (PROJECT / app).rglob("*.py")
        if "migrations" not in path.parts and wanted.search(path.read_text())
    }


@pytest.mark.parametrize("idea", HOMES)
def test_an_idea_has_one_home(idea: str) -> None:
    home, pattern = HOMES[idea]
    assert places(pattern) == home
