"""The operator page: the state of the machine, anew every five seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from dashboards.operations.queries import Measurement, measure
from dashboards.operations.readings import Reading, ReadingUnit
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock, formats
from hierarchy.models import User


def may_watch(user: User | AnonymousUser) -> bool:
    """Whether the machine is this person's business: it belongs to the province, and its administrator keeps it."""
    memberships = access.memberships_with(user, Permission.MANAGE_CALENDAR)
    return any(membership.unit.level == Level.PROVINCE for membership in memberships)


@dataclass(frozen=True)
class ReadingState:
    """How a reading stands: word and icon beside the colour."""

    word: str
    icon: str
    tone: str


@dataclass(frozen=True)
class ReadingFigure:
    """A reading as its figure shows it."""

    name: str
    title: Promise
    value: str
    state: ReadingState
    limit: str
    meaning: Promise
    action: Promise | str
    beyond: bool
    parts: list[tuple[str, str]]


@never_cache
def operations(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx its figures alone."""
    if request.headers.get("HX-Request") and not request.user.is_authenticated:
        return HttpResponseClientRefresh()  # else the log-in page would be put where the figures were
    return _page(request)


@login_required
@require_safe
def _page(request: HttpRequest) -> HttpResponse:
    if not may_watch(request.user):
        raise Http404
    now = clock.now()
    shown = [(measured, _shown(measured)) for measured in measure(now)]
    context: dict[str, Any] = {
        "groups": [
            (title, [one for _measured, one in figures])
            for title, figures in groupby(shown, key=lambda pair: pair[0].reading.group)
        ],
        "beyond": [one for _measured, one in shown if one.beyond],
        "unread": [one for measured, one in shown if measured.failed],
        "at": now,
        "read_at": _to_the_second(now),
        "nav_current": "operations",
    }
    template = "dashboards/operations/operations.html"
    if request.headers.get("HX-Request"):
        return render(request, f"{template}#angka", context)
    return render(request, template, context)


def _shown(measured: Measurement) -> ReadingFigure:
    reading = measured.reading
    pieces = reading.pieces
    return ReadingFigure(
        name=reading.name.replace("_", "-"),
        title=reading.title,
        value=formats.NOTHING if measured.value is None else words(reading.unit, measured.value),
        state=_state(measured),
        limit=_limit(reading),
        meaning=reading.meaning,
        action=reading.action,
        beyond=measured.beyond,
        parts=[(part.words, words(pieces.unit, part.value)) for part in measured.parts] if pieces else [],
    )


def _state(measured: Measurement) -> ReadingState:
    if measured.failed:
        return ReadingState(_("Tidak terbaca"), "no-signal", "problem")
    if measured.value is None:
        return ReadingState(_("Belum ada"), "dashed-circle", "missing")
    if measured.beyond:
        return ReadingState(_("Perlu tindakan"), "warning", "problem")
    if measured.reading.limit is None:
        return ReadingState(_("Untuk diketahui"), "info", "missing")
    return ReadingState(_("Wajar"), "tick", "done")


def _limit(reading: Reading) -> str:
    if reading.limit is None or reading.unit is ReadingUnit.YES:
        return ""
    sentence = _("paling sedikit %(value)s") if reading.at_least else _("paling banyak %(value)s")
    return sentence % {"value": words(reading.unit, reading.limit)}


def words(unit: ReadingUnit, value: float) -> str:
    """A value as people read it: "1.208", "3,2 detik", "12 menit", "1,5 GB", "95,4 %", "Ya"."""
    match unit:
        case ReadingUnit.COUNT:
            return formats.number(int(value))
        case ReadingUnit.SECONDS:
            return _span(value)
        case ReadingUnit.BYTES:
            return _size(value)
        case ReadingUnit.SHARE:
            return formats.percent(round(value * 1000), 1000)
        case ReadingUnit.YES:
            return _("Ya") if value else _("Tidak")


def _span(seconds: float) -> str:
    if seconds >= 60:
        return formats.duration(timedelta(seconds=seconds))
    if seconds == int(seconds) or seconds >= 10:
        return ngettext("%(n)d detik", "%(n)d detik", int(seconds)) % {"n": int(seconds)}
    return _("%(n)s detik") % {"n": _tenths(seconds)}


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{_tenths(value)} {unit}"
        value /= 1000
    return f"{_tenths(value)} TB"


def _tenths(value: float) -> str:
    return number_format(round(value, 1), 1)  # number_format alone cuts off


def _to_the_second(now: datetime) -> str:
    local = now.astimezone(clock.WITA)
    return f"{formats.day(local)} {local:%H.%M.%S} WITA"
