"""Who owes what by when: opens windows, follows the tree and its vacancies, grants more time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import LEAF, Level
from hierarchy.lib import bulk, clock
from hierarchy.lib import locks as tree_locks
from hierarchy.models import Election, Membership, Unit, User
from hierarchy.querysets import within_q
from reports import locks
from reports.calendar.actions import PUBLISH_NEXT, CalendarError
from reports.calendar.models import Cadence, Window
from reports.journal import actions as journal
from reports.journal.models import Event
from reports.obligations.models import Extension, Obligation, State
from reports.rollup import outbox

logger = logging.getLogger(__name__)


def open_window(*, window: Window, by: User | None = None, at: datetime | None = None) -> int:
    """Pins the newest version that is not withdrawn, makes the obligations of the window in one statement and marks
    their tallies; returns how many.

    A filer unit without a current member makes its obligations VACANT from the start. EVENT instruments owe nothing
    in advance. Opening an open window changes nothing. Raises CalendarError when every version is withdrawn.
    """
    moment = at or clock.now()
    with transaction.atomic():
        _hold_tree(window.election)
        locks.hold(locks.Lock.WINDOW, window.pk)
        if Window.objects.filter(pk=window.pk, opened_at__isnull=False).exists():
            return 0
        version = window.instrument.hold().living_version()
        if version is None:
            raise CalendarError(
                _("%(window)s tidak dapat dibuka, karena semua versi formulirnya sudah ditarik. %(action)s")
                % {"window": window, "action": PUBLISH_NEXT}
            )
        Window.objects.filter(pk=window.pk).update(opened_at=moment, version=version)
        window.opened_at, window.version = moment, version
        made = 0 if window.instrument.cadence == Cadence.EVENT else _owe(window)
        journal.write(
            journal.entry(
                "window.opened",
                by=by,
                election=window.election.code,
                target=window.pk,
                at=moment,
                instrument=window.instrument.code,
                version=version.number,
                period=window.period,
                obligations=made,
            )
        )
        return made


def _hold_tree(election: Election) -> None:
    """Keeps an election's units and windows from changing under each other until the transaction ends.

    Whoever writes the tree holds its lock before the first row and takes CALENDAR at the end (`follow_tree`), so this
    order is the only one without a deadlock. CALENDAR alone covers a province that is being loaded for the first time.
    """
    provinces = Unit.objects.filter(election=election, level=Level.PROVINCE).order_by().values_list("code", flat=True)
    tree_locks.take(tree_locks.Lock.TREE, [tree_locks.tree_key(election.pk, code) for code in provinces])
    locks.hold(locks.Lock.CALENDAR, election.pk)


def _owe(window: Window) -> int:
    about, by = window.instrument.subject_level, window.instrument.filer_level
    assert about is not None, "an instrument that is owed in advance is about one level"
    subject_level, filer_level = Level(about), Level(about if by is None else by)
    filer = f"u.{_ancestor(filer_level)}"
    counted_in = "u.village_id" if subject_level == LEAF else "u.id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO reports_obligation
                (window_id, subject_id, filer_id, counted_in_id, occurrence, state, due_at, closes_at, attested_reason)
            SELECT %(window)s, u.id, {filer}, {counted_in}, '',
                CASE WHEN EXISTS (SELECT 1 FROM hierarchy_membership m WHERE m.unit_id = {filer}
                    AND m.role <> 'ACTING' AND m.since <= %(day)s AND (m.until IS NULL OR m.until >= %(day)s))
                THEN 'OWED' ELSE 'VACANT' END,
                %(due)s, %(closes)s, ''
            FROM hierarchy_unit u WHERE u.election_id = %(election)s AND u.level = %(level)s
            ON CONFLICT DO NOTHING
            """,
            {
                "window": window.pk,
                "day": clock.today(),
                "due": window.due_at,
                "closes": window.closes_at,
                "election": window.election_id,
                "level": int(subject_level),
            },
        )
        made = cursor.rowcount
    bulk.analyze(Obligation)
    for extension in window.extensions.select_related("unit"):
        _apply(extension)
    outbox.mark_window(window)
    return made


def _apply(extension: Extension) -> None:
    rows = Obligation.objects.filter(within_q(extension.unit, "subject__"), window_id=extension.window_id)
    rows.filter(due_at__lt=extension.due_at).update(due_at=extension.due_at)
    rows.filter(closes_at__lt=extension.closes_at).update(closes_at=extension.closes_at)


def open_due(*, at: datetime | None = None) -> int:
    """Opens every window whose time has come; returns the number of obligations made.

    One that cannot open holds up no other; it is logged at every try, stands in the journal once, and the operator's
    page counts it for as long as it is overdue.
    """
    moment = at or clock.now()
    made = 0
    windows = Window.objects.due_to_open(moment).select_related("instrument", "election")
    for window in windows.order_by("opens_at", "pk"):
        try:
            made += open_window(window=window, at=moment)
        except CalendarError as error:
            logger.error("window %s: %s", window.pk, error)
            _note_unopened(window, str(error), moment)
    return made


def _note_unopened(window: Window, sentence: str, moment: datetime) -> None:
    verb, target = "window.not_opened", str(window.pk)
    if not Event.objects.filter(target=target, verb=verb).exists():
        with transaction.atomic():
            journal.write(
                journal.entry(
                    verb, by=None, election=window.election.code, target=target, at=moment, reason=sentence,
                    instrument=window.instrument.code, period=window.period,
                )
            )  # fmt: skip


def follow_tree(*, election: Election) -> None:
    """Brings obligations in line with a tree that has changed: new units owe what is open, moved ones are filed and
    counted where they now belong, and every tally of the election is folded again (a rare, structural event)."""
    with transaction.atomic():
        locks.hold(locks.Lock.CALENDAR, election.pk)  # what was being opened is open now, or will see the new tree
        opened = Window.objects.filter(election=election, opened_at__isnull=False, closes_at__gt=clock.now())
        windows = list(opened.exclude(instrument__cadence=Cadence.EVENT).select_related("instrument").order_by("pk"))
        for window in windows:
            locks.hold(locks.Lock.WINDOW, window.pk)
        for window in windows:
            _owe(window)
        with connection.cursor() as cursor:
            for level in Level:
                cursor.execute(
                    f"""
                    UPDATE reports_obligation o SET filer_id = u.{_ancestor(level)} FROM hierarchy_unit u,
                        reports_window w JOIN reports_instrument i ON i.id = w.instrument_id
                    WHERE u.id = o.subject_id AND w.id = o.window_id AND w.election_id = %s AND i.filer_level = %s
                        AND u.{_ancestor(level)} IS NOT NULL AND o.filer_id <> u.{_ancestor(level)}
                    """,
                    [election.pk, int(level)],
                )
            for table, key in (("reports_obligation", "id"), ("reports_report", "obligation_id")):
                cursor.execute(
                    f"""
                    UPDATE {table} r SET counted_in_id = u.village_id
                    FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id AND u.level = %s
                    WHERE o.id = r.{key} AND u.election_id = %s AND r.counted_in_id <> u.village_id
                    """,
                    [int(LEAF), election.pk],
                )
        outbox.mark_election(election)


def _ancestor(level: Level) -> str:
    """The column of hierarchy_unit that holds a unit's ancestor (or itself) at a level."""
    return "id" if level == LEAF else f"{level.spec.column}_id"


def refresh_vacancies(*, at: datetime | None = None) -> int:
    """Lets the roster decide between OWED and VACANT in every window still open; returns the obligations changed."""
    moment = at or clock.now()
    changed = 0
    windows = Window.objects.filter(opened_at__isnull=False, closes_at__gt=moment).select_related("election")
    for window in windows.order_by("pk"):
        with transaction.atomic():
            locks.hold(locks.Lock.WINDOW, window.pk)
            staffed = Membership.objects.holding_office().values("unit_id")
            rows = Obligation.objects.filter(window=window)
            emptied = rows.filter(state=State.OWED).exclude(filer_id__in=staffed)
            filled = rows.filter(state=State.VACANT, filer_id__in=staffed)
            for found, state in ((emptied, State.VACANT), (filled, State.OWED)):
                changed += _turn(window, found, state, moment)
    return changed


def _turn(window: Window, rows: Any, state: State, moment: datetime) -> int:
    # Locked first: a report filed in this very moment must not be turned back into a vacancy.
    found = list(rows.select_for_update(of=["self"]).select_related("counted_in", "filer").order_by("pk"))
    if found:
        Obligation.objects.filter(pk__in=[row.pk for row in found]).update(state=state)
        journal.write(
            journal.entry(
                "obligation.vacant" if state == State.VACANT else "obligation.staffed",
                by=None,
                unit=row.filer,
                election=window.election.code,
                target=row.pk,
                at=moment,
            )
            for row in found
        )
        outbox.mark({(window.pk, row.counted_in_id): (window.pk, row.counted_in) for row in found}.values())
    return len(found)


def terms(window: Window, about: Iterable[Unit]) -> tuple[datetime, datetime]:
    """(due_at, closes_at) of a window's reports about units, the latest of them, extensions included.

    Reads `window.extensions`, which a list of windows prefetches.
    """
    areas = {pk for unit in about for pk in unit.lineage}
    granted = [row for row in window.extensions.all() if row.unit_id in areas]
    return (
        max([window.due_at, *(row.due_at for row in granted)]),
        max([window.closes_at, *(row.closes_at for row in granted)]),
    )


def extend(*, window: Window, area: Unit, due_at: datetime, closes_at: datetime, reason: str, by: User) -> Extension:
    """Gives an area more time. Never less: an extension moves deadlines later only.

    Raises CalendarError with the sentence for the person; PermissionDenied or Http404 through access.
    """
    access.require(by, Permission.MANAGE_CALENDAR, area)
    if area.election_id != window.election_id:
        raise CalendarError(_("Satuan ini bukan bagian dari pemilihan tersebut."))
    if not reason.strip():
        raise CalendarError(_("Tuliskan alasan perpanjangan."))
    if due_at <= window.due_at or closes_at < due_at:
        raise CalendarError(_("Tenggat baru harus sesudah tenggat semula dan sebelum waktu penutupan."))
    with transaction.atomic():
        _hold_tree(window.election)  # the new row refers to a unit
        locks.hold(locks.Lock.WINDOW, window.pk)
        extension = Extension.objects.create(
            window=window,
            unit=area,
            due_at=due_at,
            closes_at=closes_at,
            reason=reason.strip(),
            granted_by=by,
            granted_at=clock.now(),
        )
        _apply(extension)
        outbox.mark_window(window, area)  # a report that was late may now be on time
        journal.write(
            journal.entry(
                "window.extended",
                by=by,
                unit=area,
                election=window.election.code,
                target=window.pk,
                due_at=due_at.isoformat(),
                closes_at=closes_at.isoformat(),
                reason=reason.strip(),
            )
        )
    return extension
