"""What every test may use: the named cast and its tree, from tests/cast.py."""

from __future__ import annotations

from tests.cast import *  # noqa: F403
