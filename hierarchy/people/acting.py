"""Acting officers (pelaksana tugas): who reviews in somebody's place, from when until when, let by whom and why.

A village without its supervisor would otherwise keep its stations' reports unread. Who acts reviews and attests; they
do not file, do not vote, and leave the post vacant. Their term is a membership like any other, so no page and no
statement has a rule of its own for them.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access, signals
from hierarchy.access import Permission
from hierarchy.levels import LEAF, Level
from hierarchy.lib import clock, locks
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, MembershipQuerySet, Role, Unit, User
from hierarchy.querysets import UnitQuerySet, within_q

REVIEWERS = frozenset({Role.SUPERVISOR, Role.MEMBER, Role.CHAIR})
LONGEST = timedelta(days=60)  # whoever is away for longer needs a successor, not a substitute


def let_act(*, user: User, unit: Unit, until: date, reason: str, by: User, since: date | None = None) -> Membership:
    """Lets `user` review in the place of `unit`'s officer from `since` (today) until `until`, both days included.

    Raises Http404 when `by` does not see the unit, Refusal with the sentence for the person otherwise.
    """
    require(by, unit)
    first = since or clock.today()
    if unit.level == LEAF:
        raise Refusal(_("Pengawas TPS tidak memeriksa laporan, jadi tidak perlu digantikan untuk memeriksa."))
    if not reason.strip():
        raise Refusal(_("Tuliskan alasan penggantian."))
    if first < clock.today() or until < first or until - first > LONGEST:
        raise Refusal(
            _("Penggantian berlaku mulai hari ini atau sesudahnya, paling lama %(days)d hari.") % {"days": LONGEST.days}
        )
    with transaction.atomic():
        locks.take(locks.Lock.ROSTER, [unit.election_id])
        if not _serves_near(user, unit, first):
            raise Refusal(
                _("Pengganti harus bertugas di %(above)s atau di bawahnya.") % {"above": (unit.parent or unit).title}
            )
        terms = Membership.objects.filter(user=user, unit=unit, role=Role.ACTING)
        if terms.filter(since__lte=until, until__gte=first).exists():
            raise Refusal(_("Orang ini sudah menjadi pengganti pada tanggal tersebut."))
        membership = Membership.objects.create(
            user=user, unit=unit, role=Role.ACTING, since=first, until=until, granted_by=by, reason=reason.strip()[:200]
        )
        _announce("let_act", membership, by, since=first.isoformat(), until=until.isoformat(), reason=membership.reason)
    return membership


def stop(*, membership: Membership, by: User) -> Membership:
    """Ends an acting term as of today, or takes back one that has not begun. Raises Http404, Refusal."""
    require(by, membership.unit)
    if membership.role != Role.ACTING:
        raise Http404
    with transaction.atomic():
        locks.take(locks.Lock.ROSTER, [membership.unit.election_id])
        term = Membership.objects.select_for_update(of=["self"]).select_related("unit__election", "user").get(
            pk=membership.pk
        )  # fmt: skip
        today = clock.today()
        if term.until is not None and term.until < today:
            raise Refusal(_("Penggantian ini sudah berakhir."))
        if term.since >= today:
            term.delete()
        else:
            term.until = today - timedelta(days=1)
            term.save(update_fields=["until"])
        _announce("stop_acting", term, by)  # last: who listens looks at what is written
    return term


def may_let(by: User, unit: Unit) -> bool:
    """The officer themself, their direct superior, or who keeps the roster; never somebody who only acts."""
    holds = [membership for membership in access.memberships(by) if membership.role != Role.ACTING]
    own = any(membership.unit_id == unit.pk and membership.role in REVIEWERS for membership in holds)
    above = any(membership.unit_id == unit.parent_id and membership.role in REVIEWERS for membership in holds)
    return own or above or access.can(by, Permission.MANAGE_ROSTER, unit)


def require(by: User, unit: Unit) -> None:
    """Raises Http404 when `by` does not see the unit, Refusal when they may not appoint for it."""
    if not access.can(by, Permission.VIEW, unit):
        raise Http404(_("Satuan tidak ditemukan."))
    if not may_let(by, unit):
        raise Refusal(_("Hanya pejabatnya, atasan langsungnya, atau admin yang boleh menunjuk pengganti."))


def units(by: User) -> UnitQuerySet:
    """Where `by` may let somebody act, in the order of the tree."""
    memberships = [membership for membership in access.memberships(by) if membership.role in REVIEWERS]
    held = [membership.unit_id for membership in memberships]
    wanted = Q(pk__in=held) | Q(parent_id__in=held)
    for membership in access.memberships_with(by, Permission.MANAGE_ROSTER):
        wanted |= within_q(membership.unit)
    return Unit.objects.filter(wanted, level__lt=LEAF).select_related("election").order_by("election_id", "code")


def candidates(unit: Unit) -> list[Membership]:
    """Who may act there, with their office: those of the unit above and of the units beside it."""
    near = Q(unit_id=unit.parent_id or unit.pk) | Q(unit__parent_id=unit.parent_id or unit.pk)
    memberships = Membership.objects.current().filter(near, role__in=REVIEWERS).exclude(unit=unit)
    return list(memberships.select_related("user", "unit__village").order_by("unit__code", "role", "user__name"))


def terms(of: UnitQuerySet) -> MembershipQuerySet:
    """Acting terms that run or are to come, in these units."""
    rows = Membership.objects.filter(role=Role.ACTING, unit__in=of.order_by().values("pk"), until__gte=clock.today())
    return rows.select_related("user", "unit__village", "unit__election", "granted_by").order_by("until", "pk")


def _serves_near(user: User, unit: Unit, day: date) -> bool:
    """Whether the substitute holds an office in the unit above or anywhere below that: a stranger never reviews."""
    above = unit.parent or unit
    memberships = Membership.objects.on(day).exclude(role=Role.ACTING).filter(user=user).select_related("unit")
    return any(above.holds(membership.unit) for membership in memberships)


def _announce(verb: str, membership: Membership, by: User, **detail: str) -> None:
    detail |= {
        "username": membership.user.username,
        "code": membership.unit.code,
        "level": str(Level(membership.unit.level).label),
    }
    signals.roster_changed.send(Membership, verb=verb, election=membership.unit.election, by=by, detail=detail)
