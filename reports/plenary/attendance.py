"""Who sits in a collegial body, who is in the room, and how many it takes: attendance (daftar hadir) and quorum.

Source: Perbawaslu 5/2018: attendance is proven by a list, a quorum is more than half, the eldest presides in place
of an absent chair.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.formats import tidy
from hierarchy.models import Membership, Role, Unit, User
from reports.bodies.models import Quorum
from reports.journal import actions as journal
from reports.plenary.models import Attendance, Plenary

SEATED = (Role.CHAIR, Role.MEMBER)
State = Plenary.State


class PlenaryError(Exception):
    """The step cannot be taken; the message tells the member what to do."""


def members_of(unit: Unit) -> list[Membership]:
    """Who sits in the body today, the chair first, each with their user; an acting officer holds no seat."""
    seats = Membership.objects.current().filter(unit=unit, role__in=SEATED).select_related("user")
    return sorted(seats, key=lambda seat: (seat.role != Role.CHAIR, seat.user.name, seat.pk))


def needed_of(unit: Unit, members: int) -> int:
    """Members who must be present: more than half, or more where the body has set so for itself.

    What it set is held against its members of today: three of three is less than half of seven, and more than there are
    once somebody's term has ended.
    """
    own = Quorum.objects.filter(unit=unit).values_list("needed", flat=True).first()
    return max(min(own or 0, members), members // 2 + 1)


def needed_in(meeting: Plenary, members: int) -> int:
    """The same of a meeting that was opened: the quorum of its opening, or more where the body has grown since."""
    return max(meeting.quorum, members // 2 + 1) if meeting.quorum else needed_of(meeting.unit, members)


def present_at(plenary: Plenary, seats: Iterable[Membership]) -> list[Membership]:
    """Those of `seats` who are in the room now."""
    there = Attendance.objects.filter(plenary=plenary, arrived_at__isnull=False, left_at=None)
    inside = set(there.values_list("user_id", flat=True))
    return [seat for seat in seats if seat.user_id in inside]


# --- the room -------------------------------------------------------------------------------------------------------


def arrive(*, plenary: Plenary, member: User, by: User) -> None:
    """Writes a member into the attendance list; oneself, or by who prepares the meeting."""
    with transaction.atomic():
        meeting, seat = _member(plenary, member, by)
        rows = Attendance.objects.filter(plenary=meeting, user=member)
        if rows.filter(arrived_at__isnull=False, left_at=None).exists():
            return
        now = clock.now()
        if not rows.update(arrived_at=now, left_at=None, absence=""):
            Attendance.objects.create(plenary=meeting, user=member, role=seat.role, arrived_at=now)
        tell("plenary.arrived", meeting, by, member=member.username)


def leave(*, plenary: Plenary, member: User, by: User) -> None:
    """The member leaves the room; what needs a quorum waits until there is one again."""
    with transaction.atomic():
        meeting, _seat = _member(plenary, member, by)
        rows = Attendance.objects.filter(plenary=meeting, user=member, arrived_at__isnull=False, left_at=None)
        if not rows.update(left_at=clock.now()):
            raise PlenaryError(_("Anggota ini tidak tercatat hadir."))
        tell("plenary.left", meeting, by, member=member.username)


def excuse(*, plenary: Plenary, member: User, reason: str, by: User) -> None:
    """Writes down why a member is not there."""
    if not tidy(reason):
        raise PlenaryError(_("Tuliskan alasan tidak hadir."))
    with transaction.atomic():
        meeting, seat = _member(plenary, member, by)
        if Attendance.objects.filter(plenary=meeting, user=member, arrived_at__isnull=False).exists():
            raise PlenaryError(_("Anggota ini sudah tercatat hadir."))
        Attendance.objects.update_or_create(
            plenary=meeting, user=member, defaults={"absence": tidy(reason)[:200]}, create_defaults={
                "absence": tidy(reason)[:200], "role": seat.role,
            },
        )  # fmt: skip
        tell("plenary.excused", meeting, by, member=member.username, reason=tidy(reason)[:200])


def complete(meeting: Plenary, seats: Iterable[Membership]) -> None:
    """Every member stands in the list of a meeting that opens, those who are not there as absent."""
    rows = [Attendance(plenary=meeting, user=seat.user, role=seat.role) for seat in seats]
    Attendance.objects.bulk_create(rows, ignore_conflicts=True)


def set_quorum(*, unit: Unit, needed: int, reason: str, by: User) -> Quorum:
    """A body's own quorum, never less than more than half of its members."""
    access.require(by, Permission.MANAGE_ROSTER, unit)
    members = len(members_of(unit))
    if not members // 2 + 1 <= needed <= members:
        raise PlenaryError(
            _("Kuorum harus lebih dari separuh anggota: antara %(least)d dan %(most)d orang.")
            % {"least": members // 2 + 1, "most": members}
        )
    if not tidy(reason):
        raise PlenaryError(_("Tuliskan dasar aturannya."))
    with transaction.atomic():
        kept, _made = Quorum.objects.update_or_create(
            unit=unit,
            defaults={"needed": needed, "reason": tidy(reason)[:200], "set_by": by, "set_at": clock.now()},
        )
        journal.write(
            journal.entry(
                "quorum.set", by=by, unit=unit, election=unit.election.code, target=unit.pk, needed=needed,
                reason=kept.reason,
            )
        )  # fmt: skip
    return kept


def unset_quorum(*, quorum: Quorum, by: User) -> None:
    """Gives a body the usual quorum again: more than half of its members."""
    unit = quorum.unit
    access.require(by, Permission.MANAGE_ROSTER, unit)
    with transaction.atomic():
        Quorum.objects.filter(pk=quorum.pk).delete()
        journal.write(journal.entry("quorum.unset", by=by, unit=unit, election=unit.election.code, target=unit.pk))


# --- what the verbs of a plenary share ------------------------------------------------------------------------------


def may_prepare(user: User, unit: Unit) -> bool:
    """Members and the secretariat call, prepare and keep the list; only members vote."""
    return access.can(user, Permission.RATIFY, unit) or access.can(user, Permission.FILE, unit)


def bodies_prepared_by(user: User) -> list[Unit]:
    """The collegial bodies whose meetings and registers the user prepares, each once."""
    seats = [row for row in access.memberships(user) if row.unit.level in access.COLLEGIAL]
    return list({row.unit_id: row.unit for row in seats if may_prepare(user, row.unit)}.values())


def require_preparing(by: User, unit: Unit) -> None:
    access.require(by, Permission.VIEW, unit)
    if not Level(unit.level).spec.collegial:
        raise PlenaryError(_("Satuan ini tidak mengenal rapat pleno."))
    if not may_prepare(by, unit):
        raise PermissionDenied(_("Anda tidak berwenang melakukan ini untuk %(unit)s.") % {"unit": unit.title})


def hold(plenary: Plenary, *states: str) -> Plenary:
    """The plenary as it stands, locked until the transaction ends: whoever acts on it at the same time waits."""
    meeting = Plenary.objects.select_for_update(of=["self"]).select_related("unit__election").get(pk=plenary.pk)
    if meeting.state not in states:
        raise PlenaryError(
            _("Rapat ini sekarang berstatus %(state)s. Muat ulang halaman.") % {"state": meeting.get_state_display()}
        )
    return meeting


def quorate(meeting: Plenary) -> list[Membership]:
    """Who is present; refuses when the quorum of the opening is no longer there, or no quorum of a body that grew."""
    seats = members_of(meeting.unit)
    present = present_at(meeting, seats)
    needed = needed_in(meeting, len(seats))
    if len(present) < needed:
        raise PlenaryError(no_quorum(len(present), len(seats), needed))
    return present


def no_quorum(present: int, members: int, needed: int) -> str:
    return _("Belum kuorum: hadir %(present)d dari %(members)d anggota, perlu %(needed)d.") % {
        "present": present,
        "members": members,
        "needed": needed,
    }


def _member(plenary: Plenary, member: User, by: User) -> tuple[Plenary, Membership]:
    if member.pk == by.pk:
        access.require(by, Permission.RATIFY, plenary.unit)
    else:
        require_preparing(by, plenary.unit)
    meeting = hold(plenary, State.CALLED, State.OPEN)
    seat = next((seat for seat in members_of(meeting.unit) if seat.user_id == member.pk), None)
    if seat is None:
        raise PlenaryError(_("%(name)s bukan anggota lembaga ini.") % {"name": member.name})
    return meeting, seat


def presider_of(present: list[Membership], named: User | None) -> User:
    chairs = [seat.user for seat in present if seat.role == Role.CHAIR]
    if chairs:
        return chairs[0]
    known = [(seat.user.born_on, seat.user) for seat in present if seat.user.born_on is not None]
    if len(known) == len(present):
        return min(known, key=lambda each: each[0])[1]
    if named is None or named.pk not in {seat.user_id for seat in present}:
        raise PlenaryError(
            _("Ketua tidak hadir dan tanggal lahir anggota belum lengkap. Pilih anggota tertua yang memimpin rapat.")
        )
    return named


def tell(verb: str, meeting: Plenary, by: User, **detail: Any) -> None:
    unit = meeting.unit
    target = f"pleno-{meeting.pk}"
    journal.write(journal.entry(verb, by=by, unit=unit, election=unit.election.code, target=target, **detail))
