"""What lies on the table of a plenary: put there, laid again as it stands now, taken off while nobody has voted."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy.lib import clock
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit, User
from reports.bodies.queries import PlenaryError, require_preparing
from reports.calendar.models import Window
from reports.findings import content
from reports.findings import queries as registered
from reports.findings.models import Finding
from reports.plenary import queries as ratified
from reports.plenary import readiness
from reports.plenary.attendance import hold, tell
from reports.plenary.models import AgendaItem, Plenary
from reports.plenary.queries import digest
from reports.plenary.readiness import Readiness

State, Decision = Plenary.State, AgendaItem.Decision


def put_on_agenda(*, plenary: Plenary, window: Window, by: User, reason: str = "") -> AgendaItem:
    """Lays the unit's figures of `window` before the plenary as they stand now.

    `reason`: why, where they are incomplete or their deadline has not passed; else it is not kept. It may also be given
    when the body decides.
    """
    require_preparing(by, plenary.unit)
    if not readiness.recapped(window):
        raise PlenaryError(_("Formulir ini tidak direkap: ia diisi setiap ada kejadian dan tidak punya tenggat."))
    with transaction.atomic():
        meeting = hold(plenary, State.CALLED, State.OPEN)
        if meeting.items.filter(window=window).exists():
            raise PlenaryError(_("Rekap ini sudah ada di agenda."))
        laid = _figures(meeting.unit, window)
        newest = ratified.newest(meeting.unit, window)
        now = {name: laid[name] for name in ("version", "counts", "approved")}
        if newest is not None and not ratified.moved(newest, **now):
            raise PlenaryError(_("Rekap ini sudah disahkan dan tidak berubah sejak itu."))
        ready = readiness.now(meeting.unit, window, laid["counts"])
        item = AgendaItem.objects.create(
            plenary=meeting, unit=meeting.unit, window=window, proposed_by=by, corrects=newest,
            reason="" if ready == Readiness.READY else tidy(reason), **_on_the_table(laid),
        )  # fmt: skip
        tell(
            "agenda.added", meeting, by, item=item.pk, window=window.pk, sha256=bytes(item.sha256).hex(),
            readiness=ready, reason=item.reason,
        )  # fmt: skip
    return item


def put_finding_on_agenda(*, plenary: Plenary, finding: Finding, by: User) -> AgendaItem:
    """Lays a finding of the body before the plenary: whether it is one, or its follow-up."""
    require_preparing(by, plenary.unit)
    with transaction.atomic():
        meeting = hold(plenary, State.CALLED, State.OPEN)
        if finding.unit_id != meeting.unit_id or not (matter := registered.matter_of(finding)):
            raise PlenaryError(_("Temuan ini bukan milik lembaga Anda, atau tidak menunggu keputusan."))
        if meeting.items.filter(finding=finding).exists():
            raise PlenaryError(_("Temuan ini sudah ada di agenda."))
        item = AgendaItem.objects.create(
            plenary=meeting, unit=meeting.unit, finding=finding, matter=matter, proposed_by=by,
            **_on_the_table(content.laid(finding, matter)),
        )  # fmt: skip
        tell("agenda.added", meeting, by, item=item.pk, finding=finding.pk, sha256=bytes(item.sha256).hex())
    return item


def take_off_agenda(*, item: AgendaItem, by: User) -> None:
    """Withdraws an item nobody has voted on."""
    require_preparing(by, item.plenary.unit)
    with transaction.atomic():
        meeting = hold(item.plenary, State.CALLED, State.OPEN)
        pending(item, untouched=True).delete()
        tell("agenda.removed", meeting, by, item=item.pk, window=item.window_id, finding=item.finding_id)


def refresh(*, item: AgendaItem, by: User) -> AgendaItem:
    """Lays the figures on the table as they stand now; refused once somebody has voted on those that lie there."""
    require_preparing(by, item.plenary.unit)
    with transaction.atomic():
        meeting = hold(item.plenary, State.CALLED, State.OPEN)
        return lay_again(meeting, pending(item, untouched=True), by)


def pending(item: AgendaItem, *, untouched: bool = False) -> AgendaItem:
    joined = ["window__instrument", "window__version", "unit__election", "finding__unit", "finding__occurred_in"]
    fresh = AgendaItem.objects.select_related(*joined).get(pk=item.pk)
    if fresh.decision != Decision.PENDING:
        raise PlenaryError(_("Agenda ini sudah diputuskan."))
    if untouched and fresh.votes.exists():
        raise PlenaryError(_("Sudah ada yang bersuara atas angka ini, jadi angkanya tidak dapat diganti."))
    return fresh


def _figures(unit: Unit, window: Window) -> dict[str, Any]:
    laid = ratified.figures(unit, window)
    if laid is None:
        raise PlenaryError(_("Belum ada rekap untuk formulir ini di satuan Anda."))
    return laid


def _lay(item: AgendaItem) -> dict[str, Any]:
    """What it is about as it stands now."""
    if item.finding is not None:
        return content.laid(item.finding, item.matter)
    assert item.window is not None, "an item is about figures or about a finding"
    return _figures(item.unit, item.window)


def _on_the_table(laid: dict[str, Any]) -> dict[str, Any]:
    return {
        "shown": laid,
        "sha256": digest(laid),
        "shown_at": clock.now(),
        "filed": laid.get("filed", []),
        "approved": laid.get("approved", []),
    }


def lay_again(meeting: Plenary, item: AgendaItem, by: User) -> AgendaItem:
    laid = _lay(item)
    if digest(laid) != bytes(item.sha256):
        for name, value in _on_the_table(laid).items():
            setattr(item, name, value)
        item.save()
        tell("agenda.refreshed", meeting, by, item=item.pk, sha256=bytes(item.sha256).hex())
    return item
