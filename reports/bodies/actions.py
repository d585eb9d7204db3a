"""The only writer of a body's own quorum."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit, User
from reports.bodies.models import Quorum
from reports.bodies.queries import PlenaryError, members_of
from reports.journal import actions as journal


def set_quorum(*, unit: Unit, needed: int, reason: str, by: User) -> Quorum:
    """A body's own quorum, never less than more than half of its members."""
    access.require(by, Permission.MANAGE_ROSTER, unit)
    members = len(members_of(unit))
    if not members // 2 + 1 <= needed <= members:
        raise PlenaryError(
            _("Kuorum harus lebih dari separuh anggota: antara %(least)d dan %(most)d orang.")
            % {"least": members // 2 + 1, "most": members},
            "needed",
        )
    if not tidy(reason):
        raise PlenaryError(_("Tuliskan dasar aturannya."), "reason")
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
