"""The one clock of the application, so that a rehearsal can live on election day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

WITA = ZoneInfo("Asia/Makassar")


def now() -> datetime:
    """The present moment, aware, UTC, moved by settings.CLOCK_OFFSET seconds (0 except in a rehearsal)."""
    return datetime.now(UTC) + timedelta(seconds=settings.CLOCK_OFFSET)


def today() -> date:
    """The present date in WITA."""
    return now().astimezone(WITA).date()
