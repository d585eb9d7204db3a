"""What every page may need to know."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from dashboards.board import views as views_board
from dashboards.operations import views as views_operations
from hierarchy import access
from hierarchy.models import Membership


def rehearsal(request: HttpRequest) -> dict[str, bool]:
    """Whether the clock is moved. Made-up figures about real places must never pass for real ones."""
    return {"rehearsal": bool(settings.CLOCK_OFFSET)}


def header(request: HttpRequest) -> dict[str, Callable[[], Membership | None]]:
    """Where the signed-in person serves; asked only where a page shows it, of what its menu has read."""
    return {"own_seat": lambda: next(iter(access.memberships(request.user)), None)}


def menu(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """What only some see in the menu; asked only where a page shows it."""
    return {
        "may_watch_operations": lambda: views_operations.may_watch(request.user),
        "may_watch_compliance": lambda: views_board.may_watch(request.user),
        "sits_in_plenary": lambda: any(row.unit.level in access.COLLEGIAL for row in access.memberships(request.user)),
    }
