"""Run by `manage.py shell` on a world's own database: makes its election day and prints what its phones need, as JSON.

The test's process is bound to the test database, so a world is filled by a process of its own. The environment's
FAULT_STATIONS says how many polling stations it gets, its CLOCK_OFFSET moves the clock to the day of the vote.
"""

import json
import os
from datetime import timedelta
from random import Random

from django.core.management import call_command
from knox.models import AuthToken

from hierarchy.models import Election, Role, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.calendar import actions as calendar
from reports.calendar import publishing
from reports.calendar.models import Window
from reports.instruments.codec import decode
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.rehearsal.answers import answers_for
from reports.rollup import fold as rollup
from tests.cast import SINCE
from tests.days import AFTERNOON, OPENED

INSTRUMENTS = ("pemungutan-tps", "penghitungan-tps")
PER_VILLAGE, VILLAGES, DISTRICTS = 25, 2, 2  # stations of a village, villages of a district, districts of a regency
VARIANTS = 2  # contents of each report: the one filed first, and its correction


def rows(stations: int) -> list[UnitRow]:
    """One province, as many regencies as the stations need, at least two so that a figure passes every level."""
    made = [UnitRow("64", "Kalimantan Timur", "provinsi")]
    regencies = max(2, -(-stations // (PER_VILLAGE * VILLAGES * DISTRICTS)))
    each = -(-stations // (regencies * DISTRICTS * VILLAGES))
    for regency in (f"64{number:02d}" for number in range(1, regencies + 1)):
        made.append(UnitRow(regency, f"Kabupaten {regency}", "kabupaten"))
        for district in (f"{regency}{number:02d}" for number in range(1, DISTRICTS + 1)):
            made.append(UnitRow(district, "Loa Kulu", "kecamatan"))
            for village in (f"{district}{2000 + number}" for number in range(1, VILLAGES + 1)):
                made.append(UnitRow(village, "Sidodadi", "desa"))
                made += [UnitRow(f"{village}{n:03d}", f"TPS {n:03d}", "tps", 300) for n in range(1, each + 1)]
    return made


def contents(obligation: Obligation) -> list[dict]:
    """VARIANTS different contents that the obligation's instrument accepts without a problem."""
    found: list[dict] = []
    for seed in range(1_000):
        schema = obligation.window.version.parsed
        answers, reasons = answers_for(schema, obligation, Random(f"{obligation.pk}-{seed}"))
        if not reasons and (kept := decode(schema, answers=answers).answers) not in found:
            found.append(kept)  # without what is not relevant, so that it can be compared with what is stored
        if len(found) == VARIANTS:
            return found
    raise AssertionError(f"no two contents for {obligation}")


call_command("migrate", verbosity=0)
election = Election.objects.create(
    code="pemilu2024", name="Pemilu 2024", kind=Election.Kind.PEMILU, voting_day=AFTERNOON.date()
)
units = rows(int(os.environ["FAULT_STATIONS"]))
tree.load(election=election, rows=units, by=None)
stations = [row.code for row in units if len(row.code) == 13]
people = [
    RosterRow(code, f"Pengawas {code}", Role.SUPERVISOR, f"08{code}", username=code, since=SINCE) for code in stations
]
roster.load(election=election, rows=people, by=None)
for entry in publishing.catalogue():
    if entry.code in INSTRUMENTS:
        publishing.publish(source=publishing.CATALOGUE / entry.file, entry=entry, by=None)
calendar.load()
for window in Window.objects.filter(election=election).select_related("version", "instrument", "election", "stage"):
    obligations.open_window(window=window, at=max(window.opens_at, OPENED))
rollup.run_all()

tokens = {
    user.username: AuthToken.objects.create(user=user, expiry=timedelta(days=1))[1] for user in User.objects.all()
}
obligations = (
    Obligation.objects.for_intake().filter(window__election=election).order_by("window__instrument__code", "pk")
)
print(
    json.dumps(
        [
            {
                "obligation": obligation.pk,
                "window": obligation.window_id,
                "unit": obligation.subject.code,
                "village": obligation.counted_in_id,
                "regency": obligation.counted_in.regency_id,
                "token": tokens[obligation.subject.code],
                "contents": contents(obligation),
            }
            for obligation in obligations
        ]
    )
)
