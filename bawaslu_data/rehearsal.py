"""The days of the demo: what is filed and what offices do (reports/rehearsal), what becomes of the figures (those of a
day are kept, two releases, recaps), and who of its people can sign in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from dashboards.figures import snapshots
from dashboards.models import Publication
from dashboards.recaps import actions as recaps
from dashboards.releases import actions as publish
from hierarchy.levels import LEAF, Level, parent_code
from hierarchy.lib import clock
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people import activation
from reports.bodies import queries as bodies
from reports.journal import actions as journal
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.rehearsal import day as simulate
from reports.rehearsal import offices
from reports.rehearsal.day import Step
from reports.rehearsal.line import CODES
from reports.rehearsal.meetings import COUNTING
from reports.rehearsal.suspicions import wita

PASSWORD = "pengawas-demo-2024"  # noqa: S105  (printed on the screen; the demo listens on this machine only)
PROVINCE, REGENCY, DISTRICT = LINE = CODES
RELEASES = (
    (wita(14, 22, 30), "Rilis pertama, malam hari pemungutan suara."),
    (wita(15, 10, 45), "Rilis kedua, sesudah pleno kecamatan dan kabupaten/kota."),
)
RECAPPED = "PEMUNGUTAN"  # the stage whose recap lies ready for everybody
Settle = Callable[[], object]  # returns once every report that came in is rolled up


def steps(election: Election, *, seed: int, settle: Settle) -> list[Step]:
    """Every step of the rehearsal in its order; windows are opened now. Whoever takes them moves the clock along."""
    day = simulate.Day(election, seed=seed, owing=frozenset({_first_station(election).unit_id}))
    filing = day.steps()
    obligations.open_due(at=simulate.END)
    todo = [*filing, *offices.steps(election, day.people), *_figures(election, settle)]
    return sorted(todo, key=lambda step: step.at)


def live(todo: Iterable[Step]) -> Iterator[Step]:
    """Takes each step at its moment, and yields it afterwards."""
    for step in todo:
        move_clock(step.at)
        step.act()
        yield step


def move_clock(moment: datetime) -> None:
    """Puts this process and those it starts at `moment`."""
    settings.CLOCK_OFFSET = 0.0
    settings.CLOCK_OFFSET = (moment - clock.now()).total_seconds()
    os.environ["CLOCK_OFFSET"] = str(settings.CLOCK_OFFSET)


def move_clock_to_the_end() -> None:
    """A minute after the last thing that happened, so that nothing lies in the future of who looks at it."""
    move_clock(Event.objects.latest("at").at + timedelta(minutes=1))


# --- figures --------------------------------------------------------------------------------------------------------


def _figures(election: Election, settle: Settle) -> Iterator[Step]:
    for at in (wita(13, 23, 50), wita(14, 23, 50)):
        yield Step(at, partial(_keep, settle))
    for at, note in RELEASES:
        yield Step(at, partial(_release, election, settle, note))
    yield Step(wita(15, 11), partial(_recap, election))


def _keep(settle: Settle) -> None:
    settle()
    snapshots.take()


def _release(election: Election, settle: Settle, note: str) -> None:
    settle()
    journal.seal()
    publish.publish(election=election, by=None, note=note)


def _recap(election: Election) -> None:
    """Everybody asks for the recap of their unit, and finds it made."""
    for _label, membership in cast(election):
        basis = "ratified" if membership.unit.level in (Level.REGENCY, Level.DISTRICT) else "approved"
        recaps.make(recaps.ask(unit=membership.unit, stage_code=RECAPPED, basis=basis, by=membership.user).pk)


# --- people ---------------------------------------------------------------------------------------------------------


def cast(election: Election) -> Iterator[tuple[str, Membership]]:
    """(what to call them, their office): a line of superiors in which every body can hold a plenary.

    At its bottom are a polling station that still owes its counting report, and one that has to correct it.
    """
    owing, returned = _first_station(election), _returned(election)
    yield "Pengawas TPS (belum lapor penghitungan)", owing
    yield "Pengawas TPS (laporannya dikembalikan)", returned
    yield "PKD, atasannya", _serving(_unit(election, parent_code(owing.unit.code) or ""), Role.SUPERVISOR)[0]
    for code in (DISTRICT, REGENCY, PROVINCE):
        body = _unit(election, code)
        members = sorted(
            bodies.members_of(body), key=lambda membership: (membership.role != Role.CHAIR, membership.user.username)
        )
        for number, membership in enumerate(members):
            membership.unit = body
            yield f"Anggota {number}" if number else "Ketua", membership
        yield "Sekretariat, menyiapkan pleno", _serving(body, Role.OPERATOR)[0]
    yield "Admin sistem", _serving(body, Role.ADMIN)[0]
    far = Unit.objects.with_ancestors().filter(election=election, level=Level.VILLAGE)
    yield "PKD di kabupaten lain", _serving(far.exclude(regency__code=REGENCY).order_by("code")[0], Role.SUPERVISOR)[0]


def activate(election: Election, codes: dict[str, str]) -> None:
    """Gives the cast the demo's password by the codes of their cards (username -> code): the last thing of all."""
    with transaction.atomic():
        for _label, membership in cast(election):
            activation.activate(
                username=membership.user.username, code=codes[membership.user.username], password=PASSWORD
            )


def is_over() -> bool:
    """Whether a rehearsal as it is here has come to its end: all is released, and somebody can sign in."""
    released = Publication.objects.filter(number=len(RELEASES)).exists()
    return released and User.objects.filter(activation_digest="").exists()


def _first_station(election: Election) -> Membership:
    """Who serves at the first polling station of the district that has somebody."""
    memberships = Membership.objects.current().filter(
        unit__election=election, unit__district__code=DISTRICT, unit__level=LEAF
    )
    return memberships.select_related("user", "unit__village").order_by("unit__code")[0]


def _returned(election: Election) -> Membership:
    theirs = Obligation.objects.filter(
        window__election=election, window__instrument__code=COUNTING, state=State.RETURNED,
        subject__district__code=DISTRICT,
    )  # fmt: skip
    code = theirs.order_by("subject__code").values_list("subject__code", flat=True)[0]
    return _serving(_unit(election, code), Role.SUPERVISOR)[0]


def _unit(election: Election, code: str) -> Unit:
    return Unit.objects.with_ancestors().get(election=election, code=code)


def _serving(unit: Unit, role: str) -> list[Membership]:
    memberships = list(Membership.objects.current().filter(unit=unit, role=role).select_related("user"))
    for membership in memberships:
        membership.unit = unit
    return sorted(memberships, key=lambda membership: membership.user.username)
