"""Days to stand on: the small tree with its cast, calendar and instruments, the clock set to a moment of the field.

`from tests.days import *` in a conftest brings the fixture `election_day`; the cast comes from tests/cast.py.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from hierarchy import access
from hierarchy.lib.clock import WITA
from hierarchy.models import Election, Unit, User
from reports.calendar import actions as calendar
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.filing import actions as intake
from reports.filing.models import Report
from reports.instruments.schema import Schema
from reports.instruments.xlsform import read as _read
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.rehearsal.answers import answers_for
from tests.cast import Cast

__all__ = ["AFTERNOON", "MORNING_AFTER", "Day", "election_day"]

AFTERNOON = datetime(2024, 2, 14, 15, 0, tzinfo=WITA)  # voting is over, its report is due at 18.00
MORNING_AFTER = datetime(2024, 2, 15, 7, 0, tzinfo=WITA)  # both reports were due
OPENED = datetime(2024, 2, 14, 13, 0, tzinfo=WITA)
TPS = "6472012001001"  # where cast.ptps serves


@dataclass(frozen=True)
class Day:
    """14 February 2024 on the small tree, voting and counting open. `units` by code, `windows` by instrument."""

    election: Election
    cast: Cast
    units: dict[str, Unit]
    windows: dict[str, Window]
    settings: Any

    def set_clock(self, moment: datetime) -> None:
        """The application's clock shows `moment` now and goes on from there."""
        self.settings.CLOCK_OFFSET = (moment - datetime.now(UTC)).total_seconds()

    def open(self, code: str) -> Window:
        """Opens the first window of an instrument and returns it."""
        rows = Window.objects.filter(election=self.election, instrument__code=code)
        window = rows.select_related("instrument", "version", "election", "stage").order_by("opens_at")[0]
        obligations.open_window(window=window, at=max(window.opens_at, OPENED))
        self.windows[code] = window
        return window

    def obligation(self, instrument: str = "pemungutan-tps", subject: str = TPS) -> Obligation:
        """What is owed about a unit, read anew, joined for filing and reviewing."""
        return Obligation.objects.for_intake().get(window=self.windows[instrument], subject__code=subject)

    def answers(self, obligation: Obligation, **changes: Any) -> dict[str, Any]:
        """Answers that the obligation's instrument accepts without a problem, the same every time; then `changes`."""
        made = (answers_for(obligation.window.version.parsed, obligation, Random(seed)) for seed in range(7, 50))
        return next(answers for answers, reasons in made if not reasons) | changes

    def file(
        self,
        by: User,
        obligation: Obligation | None = None,
        *,
        at: datetime | None = None,
        reasons: Mapping[str, str] | None = None,
        report_id: uuid.UUID | None = None,
        based_on: int | None = None,
        **changes: Any,
    ) -> Report:
        """Files through the real verb and returns the report joined for its page."""
        obligation = obligation or self.obligation()
        receipt = intake.submit(
            by=fresh(by),
            obligation_id=obligation.pk,
            report_id=report_id or uuid.uuid4(),
            answers=self.answers(obligation, **changes),
            reasons=reasons,
            based_on=based_on,
            channel="WEB",
            at=at,
        )
        return Report.objects.for_page().get(pk=receipt.report_id)


def fresh(user: User) -> User:
    """The user without remembered memberships, as a new request would load them."""
    again = User.objects.get(pk=user.pk)
    assert access.memberships(again) is not None
    return again


@functools.cache
def _read_once(content: bytes, **known: str) -> Schema:
    return _read(content, **known)


@pytest.fixture
def election_day(cast: Cast, tree: dict[str, Unit], election: Election, settings: Any, monkeypatch: Any) -> Day:
    """15.00 WITA on 14 February 2024; the reports of voting and counting are open for the 24 polling stations."""
    day = Day(election, cast, tree, {}, settings)
    begin(day, monkeypatch)
    return day


def begin(day: Day, monkeypatch: Any) -> None:
    """Sets the clock, publishes the catalogue, loads the calendar and opens voting and counting."""
    day.set_clock(AFTERNOON)
    # Reading an XLSForm is pure and slow; each process reads the catalogue once, every test publishes it for real.
    monkeypatch.setattr(publishing, "read", _read_once)
    publishing.load_catalogue()
    calendar.load()
    day.open("pemungutan-tps")
    day.open("penghitungan-tps")
