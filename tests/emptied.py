"""A database that is emptied, and what this process keeps of its rows: their keys are given out again."""

from __future__ import annotations

from django.core.cache import cache
from django.core.management import call_command

from reports.calendar import models as calendar


def empty() -> None:
    """As no installation ever is: keys begin again at 1, so what was kept by key would be of another row."""
    call_command("flush", verbosity=0, interactive=False)
    calendar._schemas.clear()
    cache.clear()
