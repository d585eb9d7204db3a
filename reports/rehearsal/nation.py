"""A made-up country that reports: tree, people, windows and a report from every polling station, at any size.

For measuring what a machine holds (`manage.py simulate nation`, `manage.py bench`); everything is written by the verbs
of the real thing, in an election of its own whose stage no real election has. Every step streams province by province,
so memory is that of the largest province.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from django.db import transaction

from hierarchy import access
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.rehearsal import nation as country
from hierarchy.rehearsal import sample
from hierarchy.units import tree
from reports.calendar import periods
from reports.calendar.models import Cadence, InstrumentVersion, Stage, Window
from reports.calendar.publishing import CatalogueEntry, publish
from reports.filing.bulk import Filing, Result, import_filings
from reports.filing.models import Channel
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State

CODE = "nation"
STAGE = "UJI_BEBAN"  # no real election has this stage, so calendar.plan never gives one a window of this instrument
SOURCE = Path(__file__).parents[1] / "data" / "beban-30.md"
ENTRY = CatalogueEntry(
    code="beban-30",
    stage=STAGE,
    subject_level=Level.POLLING_STATION,
    filer_level=Level.VILLAGE,
    cadence=Cadence.DAILY,
    title_id="Uji beban, 30 angka",
    title_en="Load test, 30 numbers",
)
SERVED = timedelta(days=30)  # supervisors took office so long before the vote
CLOSES = timedelta(days=2)  # every window takes reports until so long after the voting day

# (step, done, total): `step` is "tree", "people", "windows" or "reports"; done and total count its units of work.
Progress = Callable[[str, int, int], None]


def silent(_step: str, _done: int, _total: int) -> None:
    """A Progress that shows nothing."""


def build(*, stations: int, windows: int = 1, reports: bool = True, progress: Progress = silent) -> Election:
    """The whole country, every station's report filed once per window when `reports`. Nothing is rolled up yet.

    Raises ValueError for a number of stations that hierarchy.rehearsal.nation.counts refuses.
    """
    election = found(windows=windows)
    load_tree(election, stations, progress)
    hire(election, progress)
    opened = open_windows(election, progress)
    for window in opened if reports else []:
        file_all(window, progress=progress)
    return election


@transaction.atomic
def found(*, windows: int = 1) -> Election:
    """The election, voting today (WITA), with its instrument and `windows` daily periods that end with today."""
    today = clock.today()
    election = Election.objects.create(code=CODE, name="Negeri Rekaan", kind=Election.Kind.PEMILU, voting_day=today)
    first = today - timedelta(days=windows - 1)
    stage = Stage.objects.create(
        election=election, code=STAGE, sequence=1, name_id="Uji beban", name_en="Load test", starts=first, ends=today
    )
    version = publish(source=SOURCE, entry=ENTRY, by=None)
    days = [period for period in periods.of(Cadence.DAILY, first, today)]
    Window.objects.bulk_create(_window(election, stage, version, key, day) for key, day, _last in days)
    return election


def _window(election: Election, stage: Stage, version: InstrumentVersion, period: str, day: date) -> Window:
    midnight = datetime.combine(day, time(), WITA)
    return Window(
        election=election,
        stage=stage,
        instrument=version.instrument,
        version=version,
        period=period,
        opens_at=midnight,
        due_at=midnight + timedelta(days=1, minutes=-1),
        closes_at=datetime.combine(election.voting_day, time(), WITA) + CLOSES,
    )


def load_tree(election: Election, stations: int, progress: Progress = silent) -> int:
    """Loads the tree, one province and one lock at a time; returns the number of units."""
    total, done = sum(country.counts(stations).values()), 0
    for rows in country.provinces(stations):
        tree.load(election=election, rows=rows, by=None)
        done += len(rows)
        progress("tree", done, total)
    return done


def hire(election: Election, progress: Progress = silent) -> int:
    """Gives every village its supervisor (PKD), who files for the village's stations; returns how many."""
    total, done = Unit.objects.filter(election=election, level=Level.VILLAGE).count(), 0
    for province in _provinces(election):
        codes = Unit.objects.filter(province=province, level=Level.VILLAGE).order_by("code")
        since = election.voting_day - SERVED
        rows = [
            RosterRow(code, _person(done + number), Role.SUPERVISOR, since=since)
            for number, code in enumerate(codes.values_list("code", flat=True))
        ]
        roster.load(election=election, rows=rows, by=None)
        done += len(rows)
        progress("people", done, total)
    return done


def _person(number: int) -> str:
    given, middle, family = sample.GIVEN, sample.MIDDLE, sample.FAMILY
    third, rest = divmod(number, len(given) * len(middle))
    return f"{given[rest % len(given)]} {middle[rest // len(given)]} {family[third % len(family)]}"


def open_windows(election: Election, progress: Progress = silent) -> list[Window]:
    """Opens every window of the election and so makes the obligations; the newest period comes last."""
    windows = list(
        Window.objects.filter(election=election).select_related("instrument", "version", "election").order_by("period")
    )
    for done, window in enumerate(windows, start=1):
        obligations.open_window(window=window)
        progress("windows", done, len(windows))
    return windows


# --- filing --------------------------------------------------------------------------------------------------------


def file_all(window: Window, *, share: float = 1.0, seed: int = 2024, progress: Progress = silent) -> Result:
    """Files what the window is still owed, or a random `share` of it, through the bulk import.

    Raises RuntimeError when any report is refused: then it is not what was meant to be measured.
    """
    rng = Random(seed)  # noqa: S311  (a measurement must be repeatable, not unpredictable)
    total = round(Obligation.objects.filter(window=window, state=State.OWED).count() * share)
    moment = min(clock.now(), window.due_at)
    result = import_filings(
        filings=_filings(window, moment, share, rng),
        channel=Channel.SIMULATION,
        progress=lambda done: progress("reports", done, max(total, done)),
    )
    if result.refused:
        raise RuntimeError(f"{len(result.refused)} made-up reports were refused, first: {result.refused[0]}")
    return result


def _filings(window: Window, moment: datetime, share: float, rng: Random) -> Iterator[Filing]:
    for province in _provinces(window.election):
        people = supervisors(province)
        owed = Obligation.objects.filter(window=window, state=State.OWED, filer__province=province).order_by("pk")
        for obligation_id, filer_id in owed.values_list("pk", "filer_id"):
            if share >= 1 or rng.random() < share:
                yield Filing(
                    by=people[filer_id],
                    obligation_id=obligation_id,
                    report_id=report_id(moment, rng),
                    answers=answers(rng),
                    at=moment,
                )


def supervisors(province: Unit) -> dict[int, User]:
    """Village id -> who serves there, their memberships already known."""
    memberships = Membership.objects.current().filter(unit__province=province, unit__level=Level.VILLAGE)
    people = {}
    for membership in memberships.select_related("user", "unit").order_by():
        access.remember(membership.user, [membership])
        people[membership.unit_id] = membership.user
    return people


def report_id(moment: datetime, rng: Random) -> uuid.UUID:
    """A UUIDv7 as a client makes it: 48 bits of milliseconds, then chance (RFC 9562)."""
    bits = rng.getrandbits(74)
    high = int(moment.timestamp() * 1000) << 80 | 7 << 76 | (bits >> 62) << 64
    return uuid.UUID(int=high | 2 << 62 | bits & (1 << 62) - 1)


def answers(rng: Random) -> dict[str, int]:
    """Thirty numbers of one polling station that agree with each other and break no rule of beban-30."""
    chance = rng.random
    men, women = 80 + int(chance() * 70), 80 + int(chance() * 70)
    moved_men, moved_women = int(chance() * 5), int(chance() * 5)
    extra_men, extra_women = int(chance() * 4), int(chance() * 4)
    came_men, came_women = men - int(chance() * 40), women - int(chance() * 40)
    used = came_men + came_women + moved_men + moved_women + extra_men + extra_women
    received, spoiled, invalid = men + women + 20, int(chance() * 3), int(chance() * 9)
    valid = used - invalid
    first = int(valid * chance())
    second = int((valid - first) * chance())
    return {
        "dpt_l": men,
        "dpt_p": women,
        "dptb_l": moved_men,
        "dptb_p": moved_women,
        "dpk_l": extra_men,
        "dpk_p": extra_women,
        "hadir_dpt_l": came_men,
        "hadir_dpt_p": came_women,
        "hadir_dptb_l": moved_men,
        "hadir_dptb_p": moved_women,
        "hadir_dpk_l": extra_men,
        "hadir_dpk_p": extra_women,
        "disabilitas_l": int(chance() * 2),
        "disabilitas_p": int(chance() * 2),
        "surat_diterima": received,
        "surat_digunakan": used,
        "surat_rusak": spoiled,
        "surat_sisa": received - used - spoiled,
        "suara_paslon_1": first,
        "suara_paslon_2": second,
        "suara_paslon_3": valid - first - second,
        "suara_sah": valid,
        "suara_tidak_sah": invalid,
        "kpps_hadir": 7 - int(chance() * 2),
        "saksi_hadir": int(chance() * 6),
        "bilik_suara": 4,
        "kotak_suara": 5,
        "keberatan_saksi": int(chance() * 1.05),
        "pemilih_didampingi": int(chance() * 3),
        "saran_perbaikan": int(chance() * 1.1),
    }


def _provinces(election: Election) -> list[Unit]:
    return list(Unit.objects.filter(election=election, level=Level.PROVINCE).order_by("code"))
