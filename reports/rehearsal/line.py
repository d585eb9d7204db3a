"""The line of units in which the rehearsal's offices work, and who serves there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.models import Election, Unit, User
from reports.bodies import queries as bodies
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing.models import Channel
from reports.obligations.queries import event_windows

CODES = ("64", "6472", "647201")  # whose bodies meet: the province, a regency of it, a district of that


@dataclass
class SupervisionLine:
    """people: unit id -> who serves there, whoever files first (day.Day.people); bodies: their units by level."""

    election: Election
    people: Mapping[int, list[User]]
    bodies: dict[Level, Unit] = field(init=False)

    def __post_init__(self) -> None:
        rows = Unit.objects.with_ancestors().filter(election=self.election, code__in=CODES)
        self.bodies = {Level(unit.level): unit for unit in rows}

    def members(self, level: Level) -> list[User]:
        """Who sits in the body of a level today, the chair first."""
        return [membership.user for membership in bodies.members_of(self.bodies[level])]

    def secretary(self, level: Level) -> User:
        """Who prepares its plenaries."""
        return self.people[self.bodies[level].pk][0]

    def admin(self) -> User:
        serving = self.people[self.bodies[Level.PROVINCE].pk]
        return next(user for user in serving if access.memberships_with(user, Permission.MANAGE_ROSTER))

    def below(self, level: Level) -> list[Unit]:
        """The units of a level in the district where somebody serves."""
        rows = Unit.objects.with_ancestors().filter(district=self.bodies[Level.DISTRICT], level=level)
        return [unit for unit in rows.order_by("code") if unit.pk in self.people]

    def window(self, instrument: str, period: str = "") -> Window:
        rows = Window.objects.filter(election=self.election, instrument__code=instrument, period=period)
        return rows.select_related("instrument", "version", "election").get()

    def send(self, unit: Unit, answers: dict[str, Any], at: datetime) -> uuid.UUID:
        """A Form A about a unit, filed by who serves there; its id."""
        form = event_windows([unit], at).select_related("instrument").get()
        receipt = intake.submit_event(
            by=self.people[unit.pk][0], window=form, subject=unit, answers=answers, report_id=uuid.uuid4(),
            channel=Channel.SIMULATION, device_at=at, at=at,
        )  # fmt: skip
        return receipt.report_id
