"""Whether the figures of a window are ready to be ratified by a body: its deadline has passed, and all are approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.levels import Level
from hierarchy.lib import clock, formats
from hierarchy.models import Unit
from hierarchy.querysets import within_q
from reports.bodies.queries import PlenaryError
from reports.calendar.models import Cadence, Window
from reports.obligations.models import Extension
from reports.plenary.models import AgendaItem


class Readiness(models.TextChoices):
    """In the order in which a body takes them up."""

    READY = "READY", gettext_lazy("Siap diputuskan")
    INCOMPLETE = "INCOMPLETE", gettext_lazy("Belum lengkap")
    OPEN = "OPEN", gettext_lazy("Masih dibuka")


def of(counts: Mapping[str, int], due_at: datetime, at: datetime) -> Readiness:
    """`counts` as a tally or an agenda item has them. A report that nobody can file (no supervisor, no signal) leaves
    the figures incomplete too: whoever ratifies them says so."""
    if at < due_at:
        return Readiness.OPEN
    return Readiness.READY if counts["approved_count"] >= counts["expected"] else Readiness.INCOMPLETE


def now(unit: Unit, window: Window, counts: Mapping[str, int]) -> Readiness:
    """How ready they are at this moment. One query."""
    return of(counts, due_of(unit, [window])[window.pk], clock.now())


def reasoned(item: AgendaItem, reason: str) -> Readiness:
    """How ready the figures of an item are that is about to be ratified, with the reason of those that are not set on
    it. Refuses where nobody has given one, now or when it was put on the agenda."""
    assert item.window is not None, "figures are ratified, a finding is not"
    counts = item.shown["counts"]
    ready = now(item.unit, item.window, counts)
    item.reason = "" if ready == Readiness.READY else formats.tidy(reason) or item.reason
    if ready != Readiness.READY and not item.reason:
        covered = formats.n_of_total(counts["approved_count"], counts["expected"], _("laporan disetujui"))
        words = {"state": str(ready.label).lower(), "covered": covered}
        raise PlenaryError(
            _("Rekap ini %(state)s: %(covered)s. Tuliskan alasan mengesahkannya; alasan itu dimuat di berita acara.")
            % words
        )
    return ready


def due_of(unit: Unit, windows: Iterable[Window]) -> dict[int, datetime]:
    """Window id -> when the last report of the unit is due. One query."""
    windows = list(windows)
    granted = granted_to(unit, windows)
    return {window.pk: due_at(window, granted) for window in windows}


def granted_to(unit: Unit, windows: Iterable[Window]) -> list[Extension]:
    """The time that was granted to a unit, to a part of it or to an area around it. One query."""
    around = [getattr(unit, f"{level.spec.column}_id") for level in Level if level < unit.level]
    there = Extension.objects.filter(within_q(unit, "unit__") | Q(unit__in=around))
    return list(there.filter(window__in=[window.pk for window in windows]))


def due_at(window: Window, granted: Iterable[Extension], at: datetime | None = None) -> datetime:
    """When the last report is due, by what had been `granted` at a moment: what was decided then was decided by it."""
    of_window = (each for each in granted if each.window_id == window.pk and (at is None or each.granted_at <= at))
    return max([window.due_at, *(each.due_at for each in of_window)])


def recapped(window: Window) -> bool:
    """Form A is filed whenever something happens: nothing is ever due, so there is no recap to ratify."""
    return window.instrument.cadence != Cadence.EVENT
