"""What every page may need to know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def rehearsal(request: HttpRequest) -> dict[str, bool]:
    """Whether the clock is moved. Made-up figures about real places must never pass for real ones."""
    return {"rehearsal": bool(settings.CLOCK_OFFSET)}
