"""Reads of the tree: every scope is a queryset, so no view filters by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.db.models import Q
from mptt.managers import TreeManager
from mptt.querysets import TreeQuerySet

from hierarchy.levels import Level
from hierarchy.lib import guard


class Place(Protocol):
    """As much of a unit as a scope needs. The tables are made with these querysets, so they cannot be named here."""

    @property
    def pk(self) -> Any: ...
    @property
    def level(self) -> int: ...


class Reader(Protocol):
    """As much of a user as a scope needs."""

    @property
    def is_authenticated(self) -> bool: ...
    @property
    def current_memberships(self) -> Iterable[Any]: ...


def within_q(unit: Place, prefix: str = "") -> Q:
    """Rows whose unit (reached through `prefix`, e.g. "subject__") is `unit` or lies below it.

    One indexed equality on an ancestor column; no tree walk and no nested-set range.
    """
    if unit.level == Level.POLLING_STATION:
        return Q(**{f"{prefix}pk": unit.pk})
    return Q(**{f"{prefix}{Level(unit.level).spec.column}_id": unit.pk})


def visible_q(user: Reader, prefix: str = "") -> Q:
    """Rows whose unit lies in the subtree of any of the user's current memberships; nothing for strangers."""
    scope = Q(pk__in=[])
    for membership in user.current_memberships if user.is_authenticated else ():
        scope |= within_q(membership.unit, prefix)
    return scope


class UnitQuerySet(TreeQuerySet):
    def within(self, unit: Place) -> UnitQuerySet:
        """`unit` and everything below it."""
        return self.filter(within_q(unit))

    def visible_to(self, user: Reader) -> UnitQuerySet:
        """What the user may see: the subtrees of the units they serve in. Anything else does not exist (404)."""
        return self.filter(visible_q(user))

    def with_ancestors(self) -> UnitQuerySet:
        """Joins the four ancestors so that a breadcrumb costs no further query."""
        return self.select_related("election", "province", "regency", "district", "village")

    def update(self, **kwargs: Any) -> int:
        guard.refuse_unless_open("Unit update()", kwargs)
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        guard.refuse_unless_open("Unit delete()")
        return super().delete()

    def bulk_create(self, *args: Any, **kwargs: Any) -> Any:
        guard.refuse_unless_open("Unit bulk_create()")
        return super().bulk_create(*args, **kwargs)


class UnitManager(TreeManager.from_queryset(UnitQuerySet)):  # type: ignore[misc]
    """Refuses MPTT's own ways of writing, which touch the table before they call save()."""


def _guarded(name: str) -> Any:
    original = getattr(TreeManager, name)

    def verb(self: UnitManager, *args: Any, **kwargs: Any) -> Any:
        guard.refuse_unless_open(f"Unit.objects.{name}()")
        return original(self, *args, **kwargs)

    return verb


for _name in ("move_node", "insert_node", "rebuild", "partial_rebuild", "delay_mptt_updates", "disable_mptt_updates"):
    setattr(UnitManager, _name, _guarded(_name))
