"""What waits for me: the first page after signing in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import User
from hierarchy.web import SignedIn, paged
from reports.calendar.querysets import WindowQuerySet
from reports.obligations.labels import ObligationRow, SilentUnit, silent_units
from reports.obligations.models import Obligation, State
from reports.obligations.queries import event_windows
from reports.reminders.models import Carrier, Message

RECENT = 10


@never_cache
@login_required
@require_safe
def tasks(request: SignedIn) -> HttpResponse:
    """What I owe and by when; what waits for my review; who below me has not reported."""
    user, now = request.user, clock.now()
    mine = Obligation.objects.to_file(user).for_lists()
    owed = paged(request, mine.open_at(now).owed())
    rows = [ObligationRow.of(obligation, now) for obligation in owed]
    first = rows.pop(0) if rows and owed.number == 1 else None
    sent = mine.filter(state__in=[State.FILED, State.APPROVED]).order_by("-first_filed_at", "-pk")[:RECENT]
    context = {
        "owed": owed,
        "next": first,
        "rows": rows,
        "sent": [ObligationRow.of(obligation, now) for obligation in sent],
        "memberships": access.memberships(user),
        "unread": Message.objects.filter(user=user, carrier=Carrier.APP, read_at=None).count(),
        "sets_wordings": any(
            row.unit.level == Level.PROVINCE for row in access.memberships_with(user, Permission.MANAGE_CALENDAR)
        ),
        "files": bool(access.memberships_with(user, Permission.FILE)),
        "event_windows": _event_windows(user, now),
        "now": now,
        "nav_current": "tasks",
    }
    return render(request, "reports/home/tasks.html", context | _of_reviewer(request, now))


def _of_reviewer(request: SignedIn, now: datetime) -> dict[str, Any]:
    """What the home page adds for those who review; nothing at all for those who only file."""
    memberships = access.memberships_with(request.user, Permission.REVIEW)
    below = [s.unit_id for s in memberships if s.unit.level < Level.POLLING_STATION]
    if not below:
        return {}
    nouns = {Level(s.unit.level + 1).spec.plural for s in memberships if s.unit_id in below}
    silent = paged(request, silent_units(of=below, now=now), "diam")
    unreachable = Obligation.objects.open_at(now).filter(filer__parent_id__in=below, state=State.UNREACHABLE)
    attested = paged(request, unreachable.for_lists().select_related("attested_by"), "tanpa")
    return {
        "reviews": True,
        "waiting": Obligation.objects.to_review(request.user).count(),
        "silent": silent,
        "silent_rows": [SilentUnit.of(unit, now) for unit in silent],
        "noun": nouns.pop() if len(nouns) == 1 else _("satuan"),
        "attested": attested,
        "attested_rows": [ObligationRow.of(obligation, now) for obligation in attested],
    }


def _event_windows(user: User, now: datetime) -> WindowQuerySet:
    units = [membership.unit for membership in access.memberships_with(user, Permission.FILE)]
    return event_windows(units, now).select_related("instrument", "stage")
