"""Who sits in a collegial body, who is in the room, and how many it takes: attendance (daftar hadir) and quorum.

Source: Perbawaslu 5/2018: attendance is proven by a list, a quorum is more than half, the eldest presides in place
of an absent chair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.lib.formats import tidy
from hierarchy.models import Membership, Role, User
from reports.bodies.queries import BODY_ROLES, PlenaryError, members_of, needed_of, require_preparing
from reports.journal import actions as journal
from reports.plenary.models import Attendance, Plenary

State = Plenary.State


def expected_at(meeting: Plenary) -> list[Membership]:
    """Whom the list of a meeting asks about: until it opens, those who will be members on its day; then, of today."""
    if meeting.opened_at is not None:
        return members_of(meeting.unit)
    return members_of(meeting.unit, max(clock.today(), meeting.meets_at.astimezone(WITA).date()))


def ended_at(meeting: Plenary, members: Iterable[int]) -> dict[int, date | None]:
    """Of these users, who is no member today -> the last day of their term."""
    gone = set(members) - {membership.user_id for membership in members_of(meeting.unit)}
    terms = Membership.objects.filter(unit=meeting.unit, role__in=BODY_ROLES, user__in=gone, until__lt=clock.today())
    last = dict(terms.values_list("user_id").annotate(last=Max("until")))
    return {user: last.get(user) for user in gone}


def needed_in(meeting: Plenary, members: int) -> int:
    """The same of a meeting that was opened: the quorum of its opening, or more where the body has grown since."""
    return max(meeting.quorum, members // 2 + 1) if meeting.quorum else needed_of(meeting.unit, members)


def present_at(plenary: Plenary, memberships: Iterable[Membership]) -> list[Membership]:
    """Those of `memberships` who are in the room now."""
    there = Attendance.objects.filter(plenary=plenary, arrived_at__isnull=False, left_at=None)
    inside = set(there.values_list("user_id", flat=True))
    return [membership for membership in memberships if membership.user_id in inside]


# --- the room -------------------------------------------------------------------------------------------------------


def arrive(*, plenary: Plenary, member: User, by: User) -> None:
    """Writes a member into the attendance list; oneself, or by who prepares the meeting."""
    with transaction.atomic():
        meeting, membership = _member(plenary, member, by)
        rows = Attendance.objects.filter(plenary=meeting, user=member)
        if rows.filter(arrived_at__isnull=False, left_at=None).exists():
            return
        now = clock.now()
        if not rows.update(arrived_at=now, left_at=None, absence="", role=membership.role):
            Attendance.objects.create(plenary=meeting, user=member, role=membership.role, arrived_at=now)
        tell("plenary.arrived", meeting, by, member=member.username)


def leave(*, plenary: Plenary, member: User, by: User) -> None:
    """The member leaves the room; what needs a quorum waits until there is one again."""
    with transaction.atomic():
        meeting, _membership = _member(plenary, member, by)
        rows = Attendance.objects.filter(plenary=meeting, user=member, arrived_at__isnull=False, left_at=None)
        if not rows.update(left_at=clock.now()):
            raise PlenaryError(_("Anggota ini tidak tercatat hadir."))
        tell("plenary.left", meeting, by, member=member.username)


def excuse(*, plenary: Plenary, member: User, reason: str, by: User) -> None:
    """Writes down why a member is not there."""
    if not tidy(reason):
        raise PlenaryError(_("Tuliskan alasan tidak hadir."))
    with transaction.atomic():
        meeting, membership = _member(plenary, member, by, expected_at)
        if Attendance.objects.filter(plenary=meeting, user=member, arrived_at__isnull=False).exists():
            raise PlenaryError(_("Anggota ini sudah tercatat hadir."))
        Attendance.objects.update_or_create(
            plenary=meeting, user=member, defaults={"absence": tidy(reason)[:200]}, create_defaults={
                "absence": tidy(reason)[:200], "role": membership.role,
            },
        )  # fmt: skip
        tell("plenary.excused", meeting, by, member=member.username, reason=tidy(reason)[:200])


def complete(meeting: Plenary, memberships: Sequence[Membership], *, by: User) -> None:
    """The list of a meeting that opens: every member of the body, those who are not there as absent, and nobody else.

    Whoever was written in since it was called, and whose term has ended, is struck off: a meeting is what is open.
    """
    rows = [Attendance(plenary=meeting, user=membership.user, role=membership.role) for membership in memberships]
    others = Attendance.objects.filter(plenary=meeting).exclude(
        user__in=[membership.user_id for membership in memberships]
    )
    for row in others.select_related("user"):
        tell("plenary.struck", meeting, by, member=row.user.username)
    others.delete()
    Attendance.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["plenary", "user"], update_fields=["role"]
    )  # who came in one role may have another by now


def take_role(meeting: Plenary, membership: Membership) -> None:
    """The list says in what role somebody sits now: a member who has become the chair presides as the chair."""
    Attendance.objects.filter(plenary=meeting, user=membership.user_id).update(role=membership.role)


# --- what the verbs of a plenary share ------------------------------------------------------------------------------


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
    memberships = members_of(meeting.unit)
    present = present_at(meeting, memberships)
    needed = needed_in(meeting, len(memberships))
    if len(present) < needed:
        raise PlenaryError(no_quorum(len(present), len(memberships), needed))
    return present


def no_quorum(present: int, members: int, needed: int) -> str:
    return _("Belum kuorum: hadir %(present)d dari %(members)d anggota, perlu %(needed)d.") % {
        "present": present,
        "members": members,
        "needed": needed,
    }


def _of_today(meeting: Plenary) -> list[Membership]:
    return members_of(meeting.unit)


def _member(
    plenary: Plenary, member: User, by: User, among: Callable[[Plenary], list[Membership]] = _of_today
) -> tuple[Plenary, Membership]:
    if member.pk == by.pk:
        access.require(by, Permission.RATIFY, plenary.unit)
    else:
        require_preparing(by, plenary.unit)
    meeting = hold(plenary, State.CALLED, State.OPEN)
    membership = next((membership for membership in among(meeting) if membership.user_id == member.pk), None)
    if membership is None:
        raise PlenaryError(_("%(name)s bukan anggota lembaga ini.") % {"name": member.name})
    return meeting, membership


def presider_of(present: list[Membership], named: User | None) -> User:
    chairs = [membership.user for membership in present if membership.role == Role.CHAIR]
    if chairs:
        return chairs[0]
    known = [
        (membership.user.born_on, membership.user) for membership in present if membership.user.born_on is not None
    ]
    if len(known) == len(present):
        return min(known, key=lambda each: each[0])[1]
    if named is None or named.pk not in {membership.user_id for membership in present}:
        raise PlenaryError(
            _("Ketua tidak hadir dan tanggal lahir anggota belum lengkap. Pilih anggota tertua yang memimpin rapat.")
        )
    return named


def tell(verb: str, meeting: Plenary, by: User, **detail: Any) -> None:
    unit = meeting.unit
    target = f"pleno-{meeting.pk}"
    journal.write(journal.entry(verb, by=by, unit=unit, election=unit.election.code, target=target, **detail))
