"""Who may do what, where: roles as described sets of permissions, and how far each permission reaches.

One table of data decides; no page has a rule of its own. A unit outside every subtree one serves in does not exist for
one (404), a unit one sees but may not act on is refused (403).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.levels import Level
from hierarchy.lib import clock, prepared
from hierarchy.models import Membership, Role, Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Permission(StrEnum):
    VIEW = "view"
    FILE = "file"  # write and send the reports the unit owes
    REVIEW = "review"  # approve or return the reports of the units directly below
    ATTEST = "attest"  # state that a unit directly below could not be reached (no signal)
    PREPARE = "prepare"  # call a body's plenaries, prepare them and keep its registers
    RATIFY = "ratify"  # sit and vote in the plenary of the unit
    EXPORT = "export"
    PUBLISH = "publish"
    MANAGE_ROSTER = "manage_roster"
    MANAGE_CALENDAR = "manage_calendar"


class Reach(Enum):
    """How far from the unit of the membership a permission holds."""

    SELF = "the unit itself"
    CHILD = "the units directly below: only the direct superior acts (UU 7/2017 arts. 89, 114-116)"
    SUBTREE = "the unit and everything below"


REACH: dict[Permission, Reach] = {
    Permission.VIEW: Reach.SUBTREE,
    Permission.FILE: Reach.SELF,
    Permission.REVIEW: Reach.CHILD,
    Permission.ATTEST: Reach.CHILD,
    Permission.PREPARE: Reach.SELF,
    Permission.RATIFY: Reach.SELF,
    Permission.EXPORT: Reach.SUBTREE,
    Permission.PUBLISH: Reach.SUBTREE,
    Permission.MANAGE_ROSTER: Reach.SUBTREE,
    Permission.MANAGE_CALENDAR: Reach.SUBTREE,
}
ALL_LEVELS = frozenset(Level)
COLLEGIAL = frozenset(level for level in Level if level.spec.collegial)
# Permissions that a membership gives only at these levels; every other one holds at any level.
GIVEN_AT: dict[Permission, frozenset[Level]] = {
    Permission.PREPARE: COLLEGIAL,
    Permission.RATIFY: COLLEGIAL,
    Permission.PUBLISH: frozenset({Level.PROVINCE}),
}


@dataclass(frozen=True)
class RoleSpec:
    """What a role is in words, what it may do, at which levels the law or the office has it."""

    description: Promise
    permissions: frozenset[Permission]
    levels: frozenset[Level]


_MEMBER = frozenset(
    {
        Permission.VIEW,
        Permission.REVIEW,
        Permission.ATTEST,
        Permission.PREPARE,
        Permission.RATIFY,
        Permission.EXPORT,
        Permission.PUBLISH,
    }
)
ROLES: dict[Role, RoleSpec] = {
    Role.SUPERVISOR: RoleSpec(
        gettext_lazy("Mengisi laporan pengawasan dan memeriksa laporan Pengawas TPS di desanya."),
        frozenset({Permission.VIEW, Permission.FILE, Permission.REVIEW, Permission.ATTEST, Permission.EXPORT}),
        frozenset({Level.VILLAGE, Level.POLLING_STATION}),
    ),
    Role.OPERATOR: RoleSpec(
        gettext_lazy("Mengisi laporan atas nama lembaganya dan mengunduh rekap. Tidak menyetujui laporan."),
        frozenset({Permission.VIEW, Permission.FILE, Permission.PREPARE, Permission.EXPORT}),
        COLLEGIAL,
    ),
    Role.MEMBER: RoleSpec(
        gettext_lazy("Memeriksa laporan jajaran di bawahnya dan bersuara dalam rapat pleno."), _MEMBER, COLLEGIAL
    ),
    Role.CHAIR: RoleSpec(
        gettext_lazy("Memimpin rapat pleno, memeriksa laporan jajaran di bawahnya, satu suara seperti anggota lain."),
        _MEMBER,
        COLLEGIAL,
    ),
    Role.ACTING: RoleSpec(
        gettext_lazy("Memeriksa laporan menggantikan pejabatnya untuk sementara. Tidak mengisi dan tidak bersuara."),
        frozenset({Permission.VIEW, Permission.REVIEW, Permission.ATTEST, Permission.EXPORT}),
        ALL_LEVELS - {Level.POLLING_STATION},
    ),
    Role.ADMIN: RoleSpec(
        gettext_lazy("Mengatur akun, jadwal, dan unduhan. Tidak mengisi, menyetujui, atau bersuara."),
        frozenset({Permission.VIEW, Permission.EXPORT, Permission.MANAGE_ROSTER, Permission.MANAGE_CALENDAR}),
        frozenset({Level.PROVINCE, Level.REGENCY}),
    ),
}


def memberships(user: User | AnonymousUser | None) -> list[Membership]:
    """`User.current_memberships`, empty for the anonymous too: one query a request."""
    return user.current_memberships if isinstance(user, User) else []


def memberships_with(user: User | AnonymousUser | None, permission: Permission) -> list[Membership]:
    """The memberships that carry `permission`: with FILE, where one files; with REVIEW, whose children one reviews."""
    return [row for row in memberships(user) if _carries(row.role, row.unit.level, permission)]


class HeldRole(NamedTuple):
    """As much of a membership as decides what it allows: read on every request, without its row."""

    role: str
    unit_id: int
    level: int


# For statements that know a user `u` and a `day`: one row per role held now, or one of NULLs.
HELD_ROLE = "m.role, m.unit_id, held_in.level"
ROLES_OF_USER = """
    LEFT JOIN hierarchy_membership m ON m.user_id = u.id AND m.since <= %(day)s
        AND (m.until IS NULL OR m.until >= %(day)s)
    LEFT JOIN hierarchy_unit held_in ON held_in.id = m.unit_id"""
HELD_ROLES = f"SELECT {HELD_ROLE} FROM hierarchy_user u {ROLES_OF_USER} WHERE u.id = %(user)s"


def _known(user: User | AnonymousUser | None) -> list[HeldRole]:
    """The roles the user holds now, from the memberships where they are known, else in one short query."""
    if not isinstance(user, User) or not user.is_active:
        return []
    if user.has_read_memberships:
        return [HeldRole(row.role, row.unit_id, row.unit.level) for row in memberships(user)]
    kept: list[HeldRole] | None = getattr(user, "_held_roles", None)
    if kept is None:
        kept = remember_roles(user, prepared.rows(HELD_ROLES, {"user": user.pk, "day": clock.today()}))
    return kept


def remember_roles(user: User, rows: Iterable[Sequence[Any]]) -> list[HeldRole]:
    """Keeps on the user object, for as long as a request, what a statement with ROLES_OF_USER has found."""
    user._held_roles = kept = [HeldRole(*row) for row in rows if row[0] is not None]  # type: ignore[attr-defined]
    return kept


def can(user: User | AnonymousUser | None, permission: Permission, unit: Unit) -> bool:
    """Whether any current membership gives `permission` over `unit`. One short query a request at most."""
    return held_role_for(user, permission, unit) is not None


def held_role_for(user: User | AnonymousUser | None, permission: Permission, unit: Unit) -> HeldRole | None:
    """The role from which the user may do it; an office of one's own before one that is held for somebody else."""
    giving = [
        held
        for held in _known(user)
        if _carries(held.role, held.level, permission) and _reaches(REACH[permission], held, unit)
    ]
    return min(giving, key=lambda held: held.role == Role.ACTING, default=None)


def require(user: User | AnonymousUser | None, permission: Permission, unit: Unit) -> None:
    """Raises Http404 when the user does not see `unit`, PermissionDenied when they see it but may not do this."""
    if not can(user, Permission.VIEW, unit):
        raise Http404(_("Satuan tidak ditemukan."))
    if not can(user, permission, unit):
        raise PermissionDenied(_("Anda tidak berwenang melakukan ini untuk %(unit)s.") % {"unit": unit.title})


def _carries(role: str, level: int, permission: Permission) -> bool:
    return permission in ROLES[Role(role)].permissions and Level(level) in GIVEN_AT.get(permission, ALL_LEVELS)


def _reaches(reach: Reach, held: HeldRole, unit: Unit) -> bool:
    match reach:
        case Reach.SELF:
            return unit.pk == held.unit_id
        case Reach.CHILD:
            return unit.parent_id == held.unit_id
        case Reach.SUBTREE:
            return unit.lies_in(held.unit_id, held.level)


def remember(user: User, known: list[Membership]) -> None:
    """Hands over memberships that were read in bulk (unit with its ancestors joined), so that acting for thousands
    of users in one process costs no query each."""
    user.current_memberships = known
