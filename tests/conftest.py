"""What every test may use: the named cast and its tree (tests/cast.py), election day (tests/days.py)."""

from __future__ import annotations

from tests.cast import *  # noqa: F403
from tests.days import *  # noqa: F403
from tests.needed import pytest_configure  # noqa: F401  (tests without their program are told of)
