"""The country that is measured on: made once in a database of its own, kept for the next run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import msgspec
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import F
from django.test import Client
from knox.crypto import hash_token
from knox.models import AuthToken
from rich.console import Console
from rich.progress import Progress

from bawaslu_data.bench import load
from bawaslu_data.bench.urls import TABLE
from hierarchy.levels import Level
from hierarchy.models import Election, Role, Unit, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from reports.calendar.models import InstrumentVersion, Window
from reports.management.commands.simulate import COLUMNS, Steps
from reports.obligations.models import Obligation
from reports.rehearsal import nation
from reports.rollup import fold as rollup

CHAIR = "ketua-rekaan"
SITE = {"workers": 4, "threads": 6}  # as in docker-compose.yml
MOST_WINDOWS = 60
BY_VILLAGE = """
    SELECT filer_id, array_agg(id ORDER BY id) FROM reports_obligation WHERE state = 'OWED'
    GROUP BY 1 ORDER BY least(count(*), %s) DESC, md5(filer_id::text) LIMIT %s"""
SPREAD = "SELECT id FROM reports_obligation WHERE state = 'OWED' ORDER BY md5(id::text) LIMIT %s"


@dataclass
class World:
    """An election whose first window is filed in full and rolled up, and whose other windows are still owed."""

    election: Election
    stations: int
    full: Window
    rng: Random

    @property
    def province(self) -> Unit:
        return Unit.objects.filter(election=self.election, level=Level.PROVINCE).order_by("code")[0]

    @property
    def largest(self) -> Unit:
        """The province with the most units: its tree has the widest edges."""
        roots = Unit.objects.filter(election=self.election, level=Level.PROVINCE)
        return roots.order_by((F("lft") - F("rght")).asc(), "code")[0]

    @property
    def width(self) -> int:
        return InstrumentVersion.objects.get(pk=self.full.version_id).width

    def owed(self, count: int) -> list[tuple[int, str]]:
        """`count` obligations still to be filed, from all over the country, each with a token of its filer."""
        with connection.cursor() as cursor:
            cursor.execute(SPREAD, [count])
            keys = [key for (key,) in cursor.fetchall()]
        if len(keys) < count:
            raise CommandError("Kewajiban lapor di negeri rekaan ini sudah habis. Ulangi dengan --fresh.")
        obligations = Obligation.objects.filter(pk__in=keys).order_by().values_list("pk", "filer_id")
        tokens = _tokens({filer for _pk, filer in obligations})
        found = [(pk, tokens[filer]) for pk, filer in obligations]
        self.rng.shuffle(found)
        return found

    def batches(self, size: int, count: int) -> list[list[tuple[int, str]]]:
        """`count` lists of up to `size` obligations still to be filed, each list one village's."""
        with connection.cursor() as cursor:
            cursor.execute(BY_VILLAGE, [size, count])
            villages = cursor.fetchall()
        tokens = _tokens({filer for filer, _obligations in villages})
        return [[(obligation, tokens[filer]) for obligation in obligations[:size]] for filer, obligations in villages]

    def filings(self, port: int, obligations: list[tuple[int, str]]) -> Iterator[bytes]:
        """One POST per obligation, ready to be sent."""
        for obligation, token in obligations:
            headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}
            yield load.request("POST", "/api/v1/reports/", port=port, headers=headers, body=self.body(obligation))

    def body(self, obligation: int) -> bytes:
        number = nation.report_id(self.full.due_at, self.rng)
        return msgspec.json.encode({"id": number, "obligation": obligation, "answers": nation.answers(self.rng)})

    def session(self) -> dict[str, str]:
        """The headers of somebody signed in who sees the province (its chair)."""
        client = Client()
        client.force_login(User.objects.get(username=CHAIR))
        return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"}


def prepare(stations: int, spare: int) -> World:
    """The country of so many stations, with at least `spare` reports still owed; made when it is not there yet."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    if not User.objects.filter(username=CHAIR).exists():
        _make(stations, spare)
    election = Election.objects.get(code=nation.CODE)
    windows = Window.objects.filter(election=election).select_related("instrument", "version", "election", "stage")
    return World(election, stations, windows.order_by("period")[0], Random())  # noqa: S311  (new ids each run: the country is kept)


def _make(stations: int, spare: int) -> None:
    if Election.objects.exists():
        raise CommandError("Negeri rekaan yang lama belum selesai dibuat. Ulangi dengan --fresh.")
    with Progress(*COLUMNS, console=Console()) as bars:
        steps = Steps(bars)
        windows = min(MOST_WINDOWS, 1 + -(-spare // stations))
        election = nation.build(stations=stations, windows=windows, reports=False, progress=steps.show)
        first = Window.objects.filter(election=election).select_related("election", "version").order_by("period")[0]
        nation.file_all(first, progress=steps.show)
    for line in steps.lines():
        Console().print(line)
    with Console().status("Rekap pertama"):
        rollup.run_all()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    # Last of all, so that a country without its chair is one that was interrupted.
    since = election.voting_day - timedelta(days=30)
    province = Unit.objects.filter(election=election, level=Level.PROVINCE).order_by("code")[0]
    roster.load(
        election=election,
        rows=[RosterRow(province.code, "Ketua Rekaan", Role.CHAIR, username=CHAIR, since=since)],
        by=None,
    )


def _tokens(filers: set[int]) -> dict[int, str]:
    """Filer unit -> a token of somebody who serves there."""
    memberships = User.objects.filter(memberships__unit__in=filers).order_by().values_list("memberships__unit_id", "pk")
    tokens, rows = {}, []
    for unit, user in memberships:
        tokens[unit] = token = secrets.token_hex(32)
        rows.append(AuthToken(digest=hash_token(token), token_key=token[:15], user_id=user, expiry=None))
    AuthToken.objects.bulk_create(rows, batch_size=5_000)
    return tokens
