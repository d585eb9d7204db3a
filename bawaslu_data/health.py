"""Two questions a load balancer asks: does the process live, and can it serve."""

from __future__ import annotations

from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hierarchy.lib import clock
from reports.rollup.models import Outbox

STALE_AFTER = timedelta(minutes=2)  # a mark this old means that no worker eats the outbox


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 with what is wrong when the database or the cache is away; a lagging rollup is told, not refused."""
    problems = [name for name, works in (("database", _database), ("cache", _cache)) if not works()]
    body: dict[str, object] = {"status": "unready" if problems else "ok", "problems": problems}
    if "database" not in problems:
        oldest = Outbox.objects.order_by("marked_at").values_list("marked_at", flat=True).first()
        body["rollup_behind"] = bool(oldest and clock.now() - oldest > STALE_AFTER)
    return JsonResponse(body, status=503 if problems else 200)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # any failure at all means: do not send people here
        return False
    return True


def _cache() -> bool:
    try:
        cache.set("ready", 1, 5)
    except Exception:  # as above
        return False
    return True
