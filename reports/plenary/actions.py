"""The collegial plenary (rapat pleno): called, attended, opened with a quorum, voted in, decided, closed with minutes.

One member, one vote; a decision binds exactly the figures that lay on the table, by their SHA-256. Nothing here changes
a tally: what was ratified is an agenda item of its own, and a figure that moves afterwards does not take it along
(docs/adr/0010). Source: Perbawaslu 5/2018 on plenaries; UU 7/2017 art. 89.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit, User
from reports import locks
from reports.bodies.queries import PlenaryError, members_of, needed_of, require_preparing
from reports.calendar.models import Window
from reports.findings import actions as findings
from reports.findings.models import Finding
from reports.journal.covered import sha256_of
from reports.plenary import attendance as sitting
from reports.plenary import minutes, readiness
from reports.plenary import queries as ratified
from reports.plenary.attendance import hold, no_quorum, present_at, presider_of, quorate, tell
from reports.plenary.models import AgendaItem, Plenary, Vote
from reports.plenary.table import lay_again, pending, put_finding_on_agenda, put_on_agenda

State, Decision, Mode = Plenary.State, AgendaItem.Decision, AgendaItem.Mode


# --- preparing ------------------------------------------------------------------------------------------------------


def call(
    *,
    unit: Unit,
    windows: Iterable[Window],
    meets_at: datetime,
    place: str,
    public: bool,
    by: User,
    about: Iterable[Finding] = (),
    reason: str = "",
) -> Plenary:
    """Calls the body of `unit` to a plenary on its figures of `windows` and its findings `about`; secretariat and
    members may. `reason`: why those of the figures that are not ready are put before it.

    Raises Http404 for whoever does not see the unit, PermissionDenied and PlenaryError otherwise.
    """
    require_preparing(by, unit)
    if not tidy(place):
        raise PlenaryError(_("Tuliskan tempat rapat."))
    with transaction.atomic():
        locks.hold(locks.Lock.PLENARY, unit.pk)
        last = Plenary.objects.filter(unit=unit).aggregate(last=Max("number"))["last"] or 0
        plenary = Plenary.objects.create(
            unit=unit,
            number=last + 1,
            meets_at=meets_at,
            place=tidy(place)[:200],
            public=public,
            called_by=by,
            called_at=clock.now(),
        )
        tell("plenary.called", plenary, by, meets_at=meets_at.isoformat(), place=plenary.place, public=public)
        for window in windows:
            put_on_agenda(plenary=plenary, window=window, by=by, reason=reason)
        for finding in about:
            put_finding_on_agenda(plenary=plenary, finding=finding, by=by)
    return plenary


# --- the meeting ----------------------------------------------------------------------------------------------------


def open_(*, plenary: Plenary, by: User, presider: User | None = None) -> Plenary:
    """Opens the meeting once a quorum is present; the figures on the table are those of this moment.

    The chair presides if present, else the eldest (Perbawaslu 5/2018). Where a birth date is not known, nobody can tell
    who that is, and `presider` has to name one of those present.
    """
    access.require(by, Permission.RATIFY, plenary.unit)
    with transaction.atomic():
        meeting = hold(plenary, State.CALLED)
        memberships = members_of(meeting.unit)
        present = present_at(meeting, memberships)
        needed = needed_of(meeting.unit, len(memberships))
        if len(present) < needed:
            raise PlenaryError(no_quorum(len(present), len(memberships), needed))
        if not meeting.items.exists():
            raise PlenaryError(_("Agenda masih kosong. Tambahkan rekap yang akan disahkan."))
        presiding = presider_of(present, presider)
        sitting.complete(meeting, memberships, by=by)
        meeting.state, meeting.opened_at, meeting.presided_by = State.OPEN, clock.now(), presiding
        meeting.members, meeting.quorum = len(memberships), needed
        try:
            with transaction.atomic():
                meeting.save()
        except IntegrityError as error:
            raise PlenaryError(
                _("Rapat pleno lain dari lembaga ini masih berlangsung. Tutup dulu rapat itu.")
            ) from error
        tell("plenary.opened", meeting, by, presider=presiding.username, present=len(present), of=len(memberships))
        for item in meeting.items.filter(decision=Decision.PENDING):
            lay_again(meeting, item, by)
    return meeting


def vote(*, item: AgendaItem, choice: str, seen: bytes, by: User, dissent: str = "") -> Vote:
    """One member's vote on the figures they saw (SHA-256, 32 bytes); it can be neither changed nor taken back."""
    access.require(by, Permission.RATIFY, item.plenary.unit)
    if choice not in Vote.Choice:
        raise PlenaryError(_("Pilih setuju, tidak setuju, atau abstain."))
    if choice == Vote.Choice.DISAGREE and not tidy(dissent):
        raise PlenaryError(_("Tuliskan pendapat berbeda Anda untuk berita acara."))
    with transaction.atomic():
        meeting = hold(item.plenary, State.OPEN)
        present = quorate(meeting)
        on_table = pending(item)
        if by.pk not in {membership.user_id for membership in present}:
            raise PlenaryError(_("Catat kehadiran Anda dulu, baru bersuara."))
        if bytes(on_table.sha256) != seen:
            raise PlenaryError(_("Angka di meja sudah diperbarui. Muat ulang halaman, periksa, lalu bersuara."))
        if on_table.votes.filter(user=by).exists():
            raise PlenaryError(_("Anda sudah bersuara untuk agenda ini."))
        cast = Vote.objects.create(
            item=on_table, user=by, choice=choice, dissent=tidy(dissent), seen=seen, cast_at=clock.now()
        )
        words = {"dissent_sha256": sha256_of(cast.dissent)}
        tell("plenary.voted", meeting, by, item=item.pk, choice=choice, sha256=seen.hex(), **words)
    return cast


def decide(*, item: AgendaItem, by: User, reason: str = "") -> AgendaItem:
    """The presider states the result once everybody present has voted: consensus when all agree, else the majority.

    Figures that are incomplete or still open are ratified with a `reason`, given here or when they were put on the
    agenda; it stands in the minutes.
    """
    with transaction.atomic():
        meeting = _presided(item.plenary, by)
        present = quorate(meeting)
        decided = pending(item)
        votes = dict(decided.votes.values_list("user_id", "choice"))
        silent = [membership.user.name for membership in present if membership.user_id not in votes]
        if silent:
            raise PlenaryError(_("Belum semua yang hadir bersuara: %(names)s.") % {"names": ", ".join(silent)})
        agree = sum(choice == Vote.Choice.AGREE for choice in votes.values())
        carried = agree * 2 > len(votes)
        ready = readiness.reasoned(decided, reason) if carried and decided.window else ""
        decided.decision = Decision.RATIFIED if carried else Decision.REJECTED
        decided.mode = Mode.CONSENSUS if agree == len(votes) else Mode.VOTE
        decided.present, decided.decided_at = len(present), clock.now()
        if carried and decided.window is not None:
            # What it corrects is what stands now: another plenary may have decided since this was put on the agenda.
            decided.corrects = ratified.newest(meeting.unit, decided.window)
        if carried:
            decided.version = 1 + ((decided.corrects.version or 0) if decided.corrects else 0)
        decided.save()
        if decided.finding is not None:
            findings.decided(
                finding=decided.finding, matter=decided.matter, shown=decided.shown, carried=carried, by=by,
                at=decided.decided_at,
            )  # fmt: skip
        tell(
            f"{'figures' if decided.window_id else 'finding'}.{decided.decision.lower()}",
            meeting,
            by,
            item=decided.pk,
            window=decided.window_id,
            version=decided.version,
            mode=decided.mode,
            votes=len(votes),
            agree=agree,
            sha256=bytes(decided.sha256).hex(),
            readiness=ready,
            reason=decided.reason,
        )
    return decided


def postpone(*, item: AgendaItem, note: str, by: User) -> AgendaItem:
    """The presider puts an item off, saying why."""
    if not tidy(note):
        raise PlenaryError(_("Tuliskan mengapa ditunda."))
    with transaction.atomic():
        meeting = _presided(item.plenary, by)
        put_off = pending(item)
        put_off.decision, put_off.note, put_off.decided_at = Decision.POSTPONED, tidy(note), clock.now()
        put_off.save()
        tell("agenda.postponed", meeting, by, item=item.pk, reason=put_off.note)
    return put_off


def close(*, plenary: Plenary, minutes_number: str, notes: str, by: User) -> Plenary:
    """Ends the meeting once nothing is left undecided; its minutes (berita acara) are made and kept."""
    if not tidy(minutes_number):
        raise PlenaryError(_("Isi nomor berita acara."))
    with transaction.atomic():
        meeting = _presided(plenary, by)
        if meeting.items.filter(decision=Decision.PENDING).exists():
            raise PlenaryError(_("Masih ada agenda yang belum diputuskan. Putuskan atau tunda dulu."))
        meeting.state, meeting.closed_at = State.CLOSED, clock.now()
        meeting.minutes_number, meeting.notes = tidy(minutes_number)[:60], tidy(notes)
        try:
            with transaction.atomic():
                meeting.save()
        except IntegrityError as error:
            raise PlenaryError(_("Nomor berita acara ini sudah dipakai. Isi nomor lain.")) from error
        tell("plenary.closed", meeting, by, minutes=meeting.minutes_number, notes_sha256=sha256_of(meeting.notes))
        minutes.keep(meeting)
    return meeting


def cancel(*, plenary: Plenary, reason: str, by: User) -> Plenary:
    """Calls a meeting off in which nobody has voted yet."""
    require_preparing(by, plenary.unit)
    if not tidy(reason):
        raise PlenaryError(_("Tuliskan mengapa dibatalkan."))
    with transaction.atomic():
        meeting = hold(plenary, State.CALLED, State.OPEN)
        if Vote.objects.filter(item__plenary=meeting).exists() or meeting.items.exclude(decision="PENDING").exists():
            raise PlenaryError(_("Sudah ada suara atau keputusan di rapat ini, jadi tidak dapat dibatalkan."))
        meeting.state, meeting.cancelled_reason = State.CANCELLED, tidy(reason)
        meeting.save()
        tell("plenary.cancelled", meeting, by, reason=meeting.cancelled_reason)
    return meeting


def preside(*, plenary: Plenary, by: User) -> Plenary:
    """Takes the chair of an open meeting whose presider has left the room, or whose term has ended.

    Who may is who would open it now: the chair if present, else the eldest (Perbawaslu 5/2018); where a birth date is
    not known, whoever of those present says so. Raises PlenaryError with the sentence for the person.
    """
    access.require(by, Permission.RATIFY, plenary.unit)
    with transaction.atomic():
        meeting = hold(plenary, State.OPEN)
        present = present_at(meeting, members_of(meeting.unit))
        here = {membership.user_id: membership for membership in present}
        if meeting.presided_by_id in here:
            raise PlenaryError(_("Pimpinan rapat masih hadir."))
        if by.pk not in here:
            raise PlenaryError(_("Catat dulu kehadiran Anda."))
        presiding = presider_of(present, by)
        if presiding.pk != by.pk:
            raise PlenaryError(_("Yang memimpin sekarang adalah %(name)s.") % {"name": presiding.name})
        meeting.presided_by = presiding
        meeting.save(update_fields=["presided_by"])
        sitting.take_role(meeting, here[by.pk])
        tell("plenary.presided", meeting, by, presider=presiding.username)
    return meeting


# --- parts ----------------------------------------------------------------------------------------------------------


def _presided(plenary: Plenary, by: User) -> Plenary:
    access.require(by, Permission.RATIFY, plenary.unit)
    meeting = hold(plenary, State.OPEN)
    if meeting.presided_by_id != by.pk:
        raise PlenaryError(_("Hanya pimpinan rapat yang melakukan ini."))
    return meeting
