"""Who sits in a collegial body, how many of them it takes, and who prepares its meetings.

Source: Perbawaslu 5/2018: a quorum is more than half of the members.
"""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Role, Unit, User
from reports.bodies.models import Quorum

BODY_ROLES = (Role.CHAIR, Role.MEMBER)


class PlenaryError(Refusal):
    """A step of a plenary, or of the body that holds it, cannot be taken."""

    code = "plenary"


def members_of(unit: Unit, day: date | None = None) -> list[Membership]:
    """Who sits in the body on a day (today), the chair first, each with their user; who only acts is no member."""
    memberships = (
        Membership.objects.on(day or clock.today()).filter(unit=unit, role__in=BODY_ROLES).select_related("user")
    )
    return sorted(
        memberships, key=lambda membership: (membership.role != Role.CHAIR, membership.user.name, membership.pk)
    )


def needed_of(unit: Unit, members: int) -> int:
    """Members who must be present: more than half, or more where the body has set so for itself.

    What it set is held against its members of today: three of three is less than half of seven, and more than there are
    once somebody's term has ended.
    """
    own = Quorum.objects.filter(unit=unit).values_list("needed", flat=True).first()
    return max(min(own or 0, members), members // 2 + 1)


def prepared_by(user: User) -> list[Unit]:
    """The collegial bodies whose meetings and registers the user prepares, each once."""
    return list({row.unit_id: row.unit for row in access.memberships_with(user, Permission.PREPARE)}.values())


def require_preparing(by: User, unit: Unit) -> None:
    """Members and the secretariat call, prepare and keep the list; only members vote.

    Raises Http404 for strangers, PlenaryError where the unit is no collegial body, and PermissionDenied.
    """
    access.require(by, Permission.VIEW, unit)
    if unit.level not in access.COLLEGIAL:
        raise PlenaryError(_("Satuan ini tidak mengenal rapat pleno."))
    access.require(by, Permission.PREPARE, unit)
