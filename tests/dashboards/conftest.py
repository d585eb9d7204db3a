"""What tests of figures share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.days import Day


@pytest.fixture
def day(election_day: Day, settings: Any) -> Day:
    """Election day with a key to sign releases with."""
    settings.PUBLICATION_KEY = "11" * 32
    return election_day
