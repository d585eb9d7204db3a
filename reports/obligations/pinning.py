"""The one change of an open window's form, another version before anybody has answered, and what nobody will be asked.

A window asks one version from its opening on (`calendar.open_window`), so that its figures are of one layout and every
report in it is judged by the questions its author saw. A form found faulty on the day may still be exchanged while
there is no report; after the first one, only windows that open later get the correction.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports import locks
from reports.calendar import actions as calendar
from reports.calendar.actions import CalendarError
from reports.calendar.models import Instrument, InstrumentVersion, Window
from reports.journal import actions as journal
from reports.rollup import fold as rollup
from reports.rollup import outbox


def repin(*, window: Window, version: InstrumentVersion, by: User | None, reason: str) -> Window:
    """Makes an open window ask another version of its instrument; `by` None is the operator's shell.

    Filings in flight are waited for, and one that answers the old version is judged anew by the new one. Raises
    CalendarError with the sentence for the person; Http404 or PermissionDenied through access, for each province.
    """
    if by is not None:
        for province in Unit.objects.filter(election=window.election_id, level=Level.PROVINCE):
            access.require(by, Permission.MANAGE_CALENDAR, province)
    reason = reason.strip()
    if not reason:
        raise CalendarError(_("Tuliskan alasan mengganti versi formulir."))
    with transaction.atomic():
        locks.hold(locks.Lock.WINDOW, window.pk)
        window.instrument.hold()
        # FOR UPDATE: whoever files holds the row for a foreign key, so nobody is in the middle of it now.
        standing = Window.objects.select_for_update(of=["self"]).select_related("election", "instrument", "version")
        window = standing.get(pk=window.pk)
        version.refresh_from_db(fields=["withdrawn_at"])
        _require_exchangeable(window, version)
        was, window.version = window.version.number, version
        Window.objects.filter(pk=window.pk).update(version=version)
        rollup.refit(window)
        outbox.mark_window(window)
        journal.write(
            journal.entry(
                "window.repinned",
                by=by,
                election=window.election.code,
                target=window.pk,
                instrument=window.instrument.code,
                period=window.period,
                was=was,
                version=version.number,
                reason=reason,
            )
        )
    return window


def _require_exchangeable(window: Window, version: InstrumentVersion) -> None:
    """Raises CalendarError unless the window, locked, can ask that version from now on."""
    if version.instrument_id != window.instrument_id:
        raise CalendarError(_("Versi itu milik instrumen lain."))
    if version.withdrawn_at is not None:
        raise CalendarError(_("Versi %(number)d sudah ditarik. Pilih versi lain.") % {"number": version.number})
    if window.opened_at is None:
        raise CalendarError(
            _("%(window)s belum dibuka; saat dibuka, versi terbaru dipakai dengan sendirinya.") % {"window": window}
        )
    if window.version_id == version.pk:
        raise CalendarError(_("%(window)s sudah memakai versi itu.") % {"window": window})
    if window.reports.exists():
        raise CalendarError(
            _(
                "%(window)s sudah menerima laporan, jadi versinya tidak dapat diganti lagi. "
                "Masa laporan yang dibuka sesudah ini memakai versi terbaru."
            )
            % {"window": window}
        )


def going_on(version: InstrumentVersion) -> int:
    """How many open windows ask this version and still take reports."""
    return Window.objects.filter(version=version, opened_at__isnull=False, closes_at__gt=clock.now()).count()


def gaps() -> list[str]:
    """What nobody will be asked although it was published, a sentence each, for the operator."""
    found = []
    rows = Instrument.objects.annotate(
        living=Exists(InstrumentVersion.objects.filter(instrument=OuterRef("pk"), withdrawn_at=None)),
        planned=Exists(Window.objects.filter(instrument=OuterRef("pk"))),
        waiting=Count("windows", filter=Q(windows__opened_at=None, windows__closes_at__gt=clock.now())),
    )
    for row in rows.order_by("code"):
        if not row.planned:
            found.append(
                _("%(code)s belum punya masa laporan: tahapan %(stage)s tidak bertanggal dalam pemilihan mana pun.")
                % {"code": row.code, "stage": row.stage_code}
            )
        elif row.waiting and not row.living:
            found.append(
                _(
                    "%(code)s: %(count)d masa laporan tidak akan terbuka, karena semua versinya sudah ditarik. "
                    "%(action)s"
                )
                % {"code": row.code, "count": row.waiting, "action": calendar.PUBLISH_NEXT}
            )
    return found
