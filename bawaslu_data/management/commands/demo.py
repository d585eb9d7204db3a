"""`manage.py demo`: the whole main job on the real tree of Kaltim, then a site to look at.

Loads units, roster, instruments and calendar, lives through 11-15 February 2024 by the real verbs while a real Celery
worker rolls up and two releases are published, and serves. The clock of every process is moved to those days.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bawaslu_data import rehearsal
from bawaslu_data.celery import FIGURES
from bawaslu_data.processes import require_free, site, worker
from hierarchy.lib.clock import WITA
from hierarchy.models import Election
from hierarchy.people import roster
from hierarchy.rehearsal import sample
from hierarchy.units import gazetteer, tree
from reports.calendar import actions as calendar
from reports.calendar.publishing import load_catalogue
from reports.journal import actions as journal
from reports.obligations.models import Obligation
from reports.rehearsal import day as simulate
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox

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
        if not rehearsal.is_over():
            if Election.objects.exists():
                raise CommandError(
                    "Data demo yang ada berhenti di tengah atau dari versi lama."
                    " Ulangi dengan --fresh (make demo ARGS=--fresh)."
                )
            rehearsal.move_clock(simulate.END)
            self.rehearse(options["seed"])
            self.console.print(f"Selesai dalam {time.monotonic() - started:.0f} detik.")
        else:
            rehearsal.move_clock_to_the_end()
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
            with worker(FIGURES):
                with stage(bars, "Menyiapkan hari") as note:
                    todo = rehearsal.steps(election, seed=seed, settle=partial(self.settle, bars))
                    note(f"{Obligation.objects.count():,} kewajiban lapor".replace(",", "."))
                self.live(bars, todo)
                self.settle(bars)
        rehearsal.activate(election, codes)
        rehearsal.move_clock_to_the_end()
        journal.seal()
        for release in election.publications.order_by("number"):
            self.console.print(
                f"Rilis {release.number} diterbitkan: {release.pages} halaman, {release.changed} di antaranya baru atau"
                f" berubah, sidik {release.digest.hex()[:16]}."
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

    def live(self, bars: Progress, todo: list[simulate.Step]) -> None:
        task = bars.add_task("Hari pemungutan suara", total=len(todo), note="")
        for number, step in enumerate(rehearsal.live(todo), 1):
            if number % 50 == 0 or number == len(todo):
                moment = step.at.astimezone(WITA).strftime("%d %b %H.%M WITA")
                bars.update(task, completed=number, note=moment)
            if number % 2_500 == 0 and not self.console.is_terminal:  # a log shows no moving bar
                self.stdout.write(f"{number} dari {len(todo)} laporan, pemeriksaan, dan rapat, {moment}")

    def settle(self, bars: Progress) -> None:
        """Waits until the worker has rolled everything up; sweeps as beat would."""
        from reports.tasks import roll_up

        waiting = Outbox.objects.count()
        if not waiting:
            return
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

    def serve(self, port: int) -> None:
        table = Table(title=f"Masuk di http://127.0.0.1:{port}/masuk/ dengan kata sandi {rehearsal.PASSWORD}")
        for column in ("Siapa", "Satuan", "Nama pengguna"):
            table.add_column(column)
        for label, membership in rehearsal.cast(Election.objects.get(code="pemilu2024")):
            table.add_row(label, membership.unit.title, membership.user.username)
        with site(port) as process:
            self.console.print(table)
            self.console.print(f"Situs terbuka: http://127.0.0.1:{port}/ (Ctrl+C untuk berhenti)")
            with suppress(KeyboardInterrupt):
                process.wait()


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
    cache.clear()  # which remembers what it knew of rows with the same ids
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
