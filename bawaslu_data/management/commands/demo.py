"""`manage.py demo`: the whole main job on the real tree of Kaltim, then a site to look at.

Loads units, roster, instruments and calendar, lives through 11-15 February 2024 by the real verbs while a real Celery
worker rolls up, publishes, and serves. The clock of every process is moved to the morning after the vote.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bawaslu_data.celery import FIGURES
from bawaslu_data.processes import require_free, site, worker
from dashboards.releases import actions as publish
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.models import Election, Membership, Role
from hierarchy.people import activation, roster
from hierarchy.rehearsal import sample
from hierarchy.units import gazetteer, tree
from reports.calendar import actions as calendar
from reports.calendar.publishing import load_catalogue
from reports.journal import actions as journal
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.rehearsal import day as simulate
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox

PASSWORD = "pengawas-demo-2024"  # noqa: S105  (printed on the screen; the demo listens on this machine only)
COLUMNS = (
    TextColumn("{task.description:<26}"),
    BarColumn(bar_width=30),
    MofNCompleteColumn(),
    TextColumn("{task.fields[note]}"),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


class Command(BaseCommand):
    help = "Gladi: memuat data nyata Kaltim, menjalani hari pemungutan suara, lalu membuka situs."
    requires_migrations_checks = False

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--no-serve", action="store_true", help="berhenti setelah menerbitkan angka")
        parser.add_argument("--fresh", action="store_true", help="hapus data demo lama dan ulangi dari awal")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--seed", type=int, default=2024, help="benih acak; benih sama, hari sama")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEPLOYED:
            raise CommandError("Ini server sungguhan (DEPLOYED). Demo tidak dijalankan di sini.")
        if not options["no_serve"]:
            require_free(options["port"])
        self.console = Console(stderr=False)
        started = time.monotonic()
        call_command("migrate", verbosity=0)
        if options["fresh"]:
            empty_database()
        if not Election.objects.filter(publications__isnull=False).exists():
            if Election.objects.exists() and not options["fresh"]:
                raise CommandError(
                    "Demo yang lama berhenti di tengah. Jalankan lagi dengan --fresh (make demo ARGS=--fresh)."
                )
            move_clock(simulate.END)
            self.rehearse(options["seed"])
            self.console.print(f"Selesai dalam {time.monotonic() - started:.0f} detik.")
        else:
            move_clock(max(simulate.END, Event.objects.latest("at").at + timedelta(minutes=1)))
            self.console.print("Data demo sudah ada (--fresh untuk mengulang dari awal).")
        if not options["no_serve"]:
            self.serve(options["port"])

    # --- the day ---------------------------------------------------------------------------------------------------

    def rehearse(self, seed: int) -> None:
        with Progress(*COLUMNS, console=self.console) as bars:
            with stage(bars, "Tahapan dan instrumen") as note:
                calendar.load()
                load_catalogue(by=None)
                calendar.load()
                election = Election.objects.get(code="pemilu2024")
                note(f"{election.windows.count()} jendela pelaporan")
            with stage(bars, "Satuan pengawas") as note:
                tree.load(election=election, rows=gazetteer.kaltim_rows(), by=None)
                pilkada = Election.objects.get(code="pilkada2024")
                tree.load(election=pilkada, rows=gazetteer.kaltim_rows(pilkada.kind), by=None)
                note(f"{election.units.count():,} satuan".replace(",", "."))
            codes = self.hire(bars, election, seed)
            with worker(FIGURES), stage(bars, "Menyiapkan hari") as note:
                day = simulate.Day(election, seed=seed)
                steps = day.steps()
                obligations.open_due(at=simulate.END)
                note(f"{Obligation.objects.count():,} kewajiban lapor".replace(",", "."))
                self.live(bars, steps)
                self.settle(bars)
        self.activate(election, codes)
        journal.seal()
        release = publish.publish(election=election, by=None, note="Rilis pertama, pagi setelah pemungutan suara.")
        self.console.print(
            f"Rilis {release.number} diterbitkan: {release.pages} halaman, sidik {release.digest.hex()[:16]}."
        )

    def hire(self, bars: Progress, election: Election, seed: int) -> dict[str, str]:
        rows = sample.sample_roster(election, seed)
        task = bars.add_task("Akun pengawas", total=len(rows), note="")
        result = roster.load(
            election=election,
            rows=rows,
            by=None,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        bars.update(task, completed=len(rows))
        return {issued.username: issued.code for issued in result.codes}

    def live(self, bars: Progress, steps: list[simulate.Step]) -> None:
        task = bars.add_task("Hari pemungutan suara", total=len(steps), note="")
        for number, step in enumerate(steps, 1):
            step.act()
            if number % 50 == 0 or number == len(steps):
                moment = step.at.astimezone(WITA).strftime("%d %b %H.%M WITA")
                bars.update(task, completed=number, note=moment)
            if number % 2_500 == 0 and not self.console.is_terminal:  # a log shows no moving bar
                self.stdout.write(f"{number} dari {len(steps)} laporan dan pemeriksaan, {moment}")

    def settle(self, bars: Progress) -> None:
        """Waits until the worker has rolled everything up; sweeps as beat would."""
        from reports.tasks import roll_up

        waiting = Outbox.objects.count()
        task = bars.add_task("Rekap berjenjang", total=waiting, note="pekerja Celery")
        deadline = time.monotonic() + 120
        while (left := Outbox.objects.count()) and time.monotonic() < deadline:
            roll_up.delay()
            bars.update(task, completed=max(0, waiting - left))
            time.sleep(1)
        if Outbox.objects.exists():
            self.console.print("Pekerja Celery tidak menyelesaikan rekap dalam 2 menit; diselesaikan di sini.")
            rollup.run_all()
        bars.update(task, completed=waiting)

    # --- the people who can log in ---------------------------------------------------------------------------------

    def activate(self, election: Election, codes: dict[str, str]) -> None:
        for _label, seat in cast(election):
            activation.activate(username=seat.user.username, code=codes[seat.user.username], password=PASSWORD)

    def serve(self, port: int) -> None:
        table = Table(title=f"Masuk di http://127.0.0.1:{port}/masuk/ dengan kata sandi {PASSWORD}")
        for column in ("Siapa", "Satuan", "Nama pengguna"):
            table.add_column(column)
        for label, seat in cast(Election.objects.get(code="pemilu2024")):
            table.add_row(label, seat.unit.title, seat.user.username)
        with site(port) as process:
            self.console.print(table)
            self.console.print(f"Situs terbuka: http://127.0.0.1:{port}/ (Ctrl+C untuk berhenti)")
            with suppress(KeyboardInterrupt):
                process.wait()


def cast(election: Election) -> Iterator[tuple[str, Membership]]:
    """One person of each kind, in the line of a polling station that still owes its counting report."""
    owed = Obligation.objects.filter(
        window__election=election,
        window__instrument__code="penghitungan-tps",
        state=State.OWED,
        subject__regency__code="6472",
    )
    station = owed.select_related("subject").order_by("subject__code")[0].subject
    posts = [
        ("Pengawas TPS (belum lapor penghitungan)", station.code, Role.SUPERVISOR),
        ("PKD, atasannya", station.code[:10], Role.SUPERVISOR),
        ("Anggota Panwaslu Kecamatan", station.code[:6], Role.MEMBER),
        ("Operator Panwaslu Kecamatan", station.code[:6], Role.OPERATOR),
        ("Ketua Bawaslu Kota Samarinda", "6472", Role.CHAIR),
        ("Ketua Bawaslu Provinsi", "64", Role.CHAIR),
        ("Operator Bawaslu Provinsi", "64", Role.OPERATOR),
        ("Admin sistem", "64", Role.ADMIN),
        ("Orang dari kabupaten lain (PKD)", "6401012009", Role.SUPERVISOR),
    ]
    seats = Membership.objects.current().filter(unit__election=election).select_related("user", "unit__village")
    for label, code, role in posts:
        yield label, seats.filter(unit__code=code, role=role).order_by("user__username")[0]


# --- the clock -----------------------------------------------------------------------------------------------------


def move_clock(moment: Any) -> None:
    """Puts this process and those it starts at `moment`."""
    settings.CLOCK_OFFSET = 0.0
    settings.CLOCK_OFFSET = (moment - clock.now()).total_seconds()
    os.environ["CLOCK_OFFSET"] = str(settings.CLOCK_OFFSET)


@contextmanager
def stage(bars: Progress, title: str) -> Iterator[Any]:
    """A line of the progress display for work whose length is not known before."""
    task = bars.add_task(title, total=None, note="")
    yield lambda text: bars.update(task, note=text)
    bars.update(task, total=1, completed=1)
    connection.close_if_unusable_or_obsolete()


def empty_database() -> None:
    """Forgets everything, history too, which the database refuses to anybody who does not ask it as its owner."""
    tables = ", ".join(map(connection.ops.quote_name, connection.introspection.django_table_names(only_existing=True)))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
