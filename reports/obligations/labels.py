"""Rows of the pages of work: what is owed and by when, what waits with which flags, whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from hierarchy.lib import formats
from hierarchy.models import Membership, Unit
from hierarchy.querysets import UnitQuerySet
from reports.calendar.labels import title_of
from reports.counting import WORDS
from reports.obligations.models import Obligation, State


@dataclass(frozen=True)
class ObligationRow:
    """An obligation with the state people see (LATE is OWED past its deadline) and the words beside it."""

    obligation: Obligation
    state: str
    note: str

    @property
    def title(self) -> str:
        return title_of(self.obligation.window)

    @classmethod
    def of(cls, obligation: Obligation, now: datetime) -> ObligationRow:
        if WORDS["past"].holds(obligation, now):
            return cls(obligation, "LATE", formats.duration(now - obligation.due_at))
        if obligation.state == State.RETURNED:
            report = getattr(obligation, "report", None)
            return cls(
                obligation,
                obligation.state,
                formats.time_left((report and report.correct_by) or obligation.due_at, now),
            )
        if obligation.state == State.OWED:
            return cls(obligation, obligation.state, formats.time_left(obligation.due_at, now))
        return cls(obligation, obligation.state, _("sementara") if obligation.state == State.FILED else "")


def silent_units(*, of: list[int], now: datetime) -> UnitQuerySet:
    """Units directly below `of` (ids) that have not filed something past its deadline, each once.

    Each unit has `silent` (its obligations, oldest deadline first) and `people` (its members with their users), so that
    one call settles everything: three queries whatever their number.
    """
    late = Obligation.objects.open_at(now).filter(WORDS["past"].q(now)).order_by("due_at")
    owing = late.filter(filer__parent_id__in=of).values("filer_id")
    people = Membership.objects.current().select_related("user").order_by("user__name")
    return (
        Unit.objects.filter(pk__in=owing)
        .select_related("village")
        .prefetch_related(
            Prefetch("owes", late.select_related("window__instrument", "subject__village"), to_attr="silent"),
            Prefetch("memberships", people, to_attr="people"),
        )
        .order_by("code")
    )


@dataclass(frozen=True)
class Contact:
    """Whom to call. `whatsapp` is the number as wa.me wants it: country code first, digits only."""

    name: str
    phone: str
    whatsapp: str

    @classmethod
    def of(cls, membership: Membership) -> Contact:
        return cls(membership.user.name, membership.user.phone, formats.phone_digits(membership.user.phone))


@dataclass(frozen=True)
class SilentUnit:
    """A unit that has not reported: what it owes and whom to call."""

    unit: Unit
    rows: list[ObligationRow]
    contacts: list[Contact]

    @classmethod
    def of(cls, unit: Any, now: datetime) -> SilentUnit:
        """`unit` comes from silent_units()."""
        return cls(
            unit,
            [ObligationRow.of(obligation, now) for obligation in unit.silent],
            [Contact.of(membership) for membership in unit.people],
        )
