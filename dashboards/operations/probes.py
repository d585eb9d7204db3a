"""How the state of the machine is read: each probe asks one place once and answers by key.

Values are numbers in SI units (seconds, bytes, shares of 1); None where there is nothing to measure. A probe raises
whatever its place raises; dashboards/operations/queries.py keeps one that fails from hiding the others.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from redis import RedisError

from dashboards.models import ExportJob, Publication
from dashboards.operations import heartbeat
from reports.calendar.models import Window
from reports.reminders.models import Message

TOP = 5  # regencies named one by one
OPENS_WITHIN = timedelta(minutes=5)  # beat looks every minute
JOURNAL_TAIL = 200_000  # newest events looked at; more than ten minutes of the greatest surge
Found = Mapping[str, Any]


@dataclass(frozen=True)
class ReadingPart:
    """One piece of a reading: `key` for programs, `words` for people."""

    key: str
    words: str
    value: float


def _rows(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def _seconds(span: timedelta | None) -> float | None:
    """Never negative: a row may be stamped a moment after the question was."""
    return None if span is None else max(span.total_seconds(), 0.0)


OUTBOX = """
SELECT mark.whole, mark.marks, %(now)s - mark.oldest, u.code, u.name FROM (
    SELECT GROUPING(regency_id) AS whole, regency_id, count(*) AS marks, min(marked_at) AS oldest
    FROM reports_outbox GROUP BY GROUPING SETS ((), (regency_id))
) AS mark LEFT JOIN hierarchy_unit u ON u.id = mark.regency_id
ORDER BY mark.whole DESC, mark.marks DESC, u.code LIMIT %(top)s
"""


def outbox(now: datetime) -> Found:
    """Marks that wait for a worker. Marks of the province itself have no regency."""
    (_whole, marks, oldest, _code, _name), *regencies = _rows(OUTBOX, {"now": now, "top": TOP + 1})
    parts = [ReadingPart(code or "province", name or _("provinsi"), n) for _whole, n, _age, code, name in regencies]
    return {"marks": marks, "oldest": _seconds(oldest) or 0.0, "by_regency": parts}


# A mark of a province is younger than what led to it: the filings that its regencies know and it does not.
LAG = """
SELECT %(now)s - min(least(waiting.since, (
    SELECT min(below.last_filed_at) FROM hierarchy_unit province
        JOIN hierarchy_unit regency ON regency.parent_id = province.id
        JOIN reports_tally below ON below.unit_id = regency.id AND below.window_id = waiting.window_id
        LEFT JOIN reports_tally above ON above.unit_id = province.id AND above.window_id = waiting.window_id
    WHERE province.parent_id IS NULL AND (above.last_filed_at < below.last_filed_at OR above.last_filed_at IS NULL)
)))
FROM (SELECT window_id, min(marked_at) AS since FROM reports_outbox GROUP BY window_id) AS waiting
"""


def rollup(now: datetime) -> Found:
    """How long what was filed has waited to be in its province's figure, at the longest; 0 when nothing waits.

    Right up to one round of the workers, without a look at reports: marks name the windows where anything waits, and
    for these alone the tallies of province and regencies are compared.
    """
    ((behind,),) = _rows(LAG, {"now": now})
    return {"lag": _seconds(behind) or 0.0}


def calendar(now: datetime) -> Found:
    """Windows that should have opened and take reports of nobody: the worker is away, or their form was withdrawn."""
    late = Window.objects.due_to_open(now).filter(opens_at__lte=now - OPENS_WITHIN)
    windows = list(late.order_by("opens_at").values_list("instrument__code", flat=True))
    parts = [ReadingPart(code, code, count) for code, count in Counter(windows).items()]
    return {"unopened": len(windows), "by_instrument": parts}


# The newest seal before the period bounds the search by the primary key; the journal has no index on `at`.
JOURNAL = """
WITH sealed AS MATERIALIZED (
    SELECT coalesce(max(last_id), 0) AS last_id, max(sealed_at) AS at FROM reports_seal
), bound AS MATERIALIZED (
    SELECT coalesce(
        (SELECT last_id FROM reports_seal WHERE sealed_at <= %(ten)s ORDER BY id DESC LIMIT 1), 0
    ) AS id
)
SELECT tail.*, (SELECT %(now)s - at FROM reports_event WHERE id > (SELECT last_id FROM sealed) ORDER BY id LIMIT 1),
    (SELECT %(now)s - at FROM sealed)
FROM (
    SELECT count(*) FILTER (WHERE at > %(one)s AND filing), count(*) FILTER (WHERE filing),
        count(*) FILTER (WHERE id > (SELECT last_id FROM sealed))
    FROM (
        SELECT id, at, verb IN ('report.filed', 'report.revised') AND at > %(ten)s AND at <= %(now)s AS filing
        FROM reports_event WHERE id > (SELECT id FROM bound) ORDER BY id DESC LIMIT %(tail)s
    ) AS newest
) AS tail
"""


def journal(now: datetime) -> Found:
    """What came in lately, and what no seal covers yet."""
    minute = timedelta(minutes=1)
    values = {"now": now, "one": now - minute, "ten": now - 10 * minute, "tail": JOURNAL_TAIL}
    ((one, ten, unsealed, oldest, sealed),) = _rows(JOURNAL, values)
    return {
        "last_minute": one,
        "last_ten": ten,
        "unsealed": unsealed,
        "unsealed_oldest": _seconds(oldest) or 0.0,
        "sealed": _seconds(sealed),
    }


# By the database's own clock: these moments are its own, whatever a rehearsal does to ours.
DATABASE = """
SELECT lock.waiting, lock.longest, activity.used, current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int, activity.oldest,
    pg_database_size(current_database())
FROM (
    -- By process, since a lock on a row names no database; other databases of the server are not ours to mend.
    SELECT count(*) AS waiting, max(clock_timestamp() - waitstart) AS longest
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database() AND backend_type = 'client backend'
) AS lock, (
    SELECT count(*) AS used, max(clock_timestamp() - xact_start) FILTER (
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    ) AS oldest FROM pg_stat_activity WHERE backend_type = 'client backend'
) AS activity
"""


def database(now: datetime) -> Found:
    """What PostgreSQL says of itself."""
    ((waiting, longest, used, most, oldest, size),) = _rows(DATABASE, {})
    return {
        "locks": waiting,
        "lock_wait": _seconds(longest) or 0.0,
        "connections": used / most,
        "by_kind": [ReadingPart("used", _("terpakai"), used), ReadingPart("max", _("paling banyak"), most)],
        "transaction": _seconds(oldest) or 0.0,
        "size": size,
    }


def broker(now: datetime) -> Found:
    """Whether messages travel, how many wait, and who fetches them. A broker that is away is a reading too."""
    try:
        with heartbeat.broker() as book:
            waiting = sum(book.llen(name) for name in current_app.amqp.queues)
            return {"up": 1, "queue": waiting, "workers": heartbeat.alive(book)}
    except RedisError:
        return {"up": 0, "queue": None, "workers": None}


def recaps(now: datetime) -> Found:
    """Recaps that nobody has begun to make."""
    waiting = ExportJob.objects.filter(state=ExportJob.State.WAITING).order_by("asked_at")
    asked = list(waiting.values_list("asked_at", flat=True))
    return {"waiting": len(asked), "oldest": _seconds(now - asked[0]) if asked else 0.0}


def messages(now: datetime) -> Found:
    """Reminders that should have left the house, and those of the last day of which nobody knows that they arrived."""
    due = Q(state=Message.State.WAITING, not_before__lte=now)
    lost = Q(state__in=[Message.State.FAILED, Message.State.UNSURE], made_at__gt=now - timedelta(days=1))
    found = Message.objects.filter(due | lost).aggregate(
        oldest=Min("not_before", filter=due), lost=Count("pk", filter=lost)
    )
    return {"oldest": _seconds(now - found["oldest"]) if found["oldest"] else 0.0, "lost": found["lost"]}


def releases(now: datetime) -> Found:
    """The age of the newest release of each election."""
    newest = Publication.objects.order_by("election_id", "-number").distinct("election_id")
    rows = newest.values_list("election__code", "election__name", "cut_off")
    parts = [ReadingPart(code, name, _seconds(now - cut_off) or 0.0) for code, name, cut_off in rows]
    return {"newest": min((part.value for part in parts), default=None), "by_election": parts}


def disk(now: datetime) -> Found:
    """Room where photos and recaps are kept, in shares of the whole."""
    place = Path(settings.MEDIA_ROOT)
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    return {"free": usage.free / usage.total, "by_place": [ReadingPart("media", _("sisa"), usage.free)]}


WITHOUT_DATABASE = frozenset({broker, disk})
