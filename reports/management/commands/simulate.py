"""`manage.py simulate nation --stations N [--windows K] [--no-reports] [--fresh]`: a country to measure on."""

from __future__ import annotations

import resource
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hierarchy.models import Election
from reports.rehearsal import nation

COLUMNS = (
    TextColumn("{task.description:<16}"),
    BarColumn(bar_width=30),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


class Command(BaseCommand):
    help = "Membuat negeri rekaan yang melapor, untuk mengukur kemampuan mesin ini. Bukan untuk server sungguhan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["nation"], metavar="nation")
        parser.add_argument(
            "--stations", type=int, default=11_441, metavar="N", help="jumlah TPS; 823000: seluruh negeri"
        )
        parser.add_argument("--windows", type=int, default=1, metavar="K", help="jumlah hari pelaporan")
        parser.add_argument("--no-reports", action="store_true", help="buka kewajiban lapor tanpa mengisi laporan")
        parser.add_argument("--fresh", action="store_true", help="hapus seluruh isi basis data lebih dulu")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            self._require_free(fresh=options["fresh"])
            with Progress(*COLUMNS, console=Console()) as bars:
                steps = Steps(bars)
                try:
                    nation.build(
                        stations=options["stations"],
                        windows=options["windows"],
                        reports=not options["no_reports"],
                        progress=steps.show,
                    )
                except ValueError as error:
                    raise CommandError(str(error)) from error
            for line in steps.lines():
                self.stdout.write(line)

    def _require_free(self, *, fresh: bool) -> None:
        if settings.DEPLOYED:
            raise CommandError(_("Ini server sungguhan (DEPLOYED). Negeri rekaan tidak dibuat di sini."))
        call_command("migrate", verbosity=0)
        if fresh:
            call_command("flush", interactive=False, verbosity=0)
        if Election.objects.exists():
            raise CommandError(_("Basis data ini sudah berisi pemilihan. Pakai --fresh untuk menghapus semuanya."))


class Steps:
    """A bar for every step, and for each the seconds it took and the peak of memory by its end."""

    def __init__(self, bars: Progress) -> None:
        self.bars, self.tasks, self.last = bars, dict[str, Any](), time.monotonic()
        self.spent: dict[str, tuple[float, int, int]] = {}  # step -> seconds, units of work, MB

    def show(self, step: str, done: int, total: int) -> None:
        if step not in self.tasks:
            self.tasks[step] = self.bars.add_task(_name(step), total=total)
        self.bars.update(self.tasks[step], completed=done, total=total)
        now, peak = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.spent[step] = (self.spent.get(step, (0.0, 0, 0))[0] + now - self.last, done, peak)
        self.last = now

    def lines(self) -> list[str]:
        return [
            _("%(step)-9s %(count)7d dalam %(seconds).1f detik, memori paling banyak %(peak)d MB")
            % {"step": _name(step), "count": count, "seconds": seconds, "peak": peak}
            for step, (seconds, count, peak) in self.spent.items()
        ]


def _name(step: str) -> str:
    names = {"tree": _("Satuan"), "people": _("Pengawas"), "windows": _("Jendela"), "reports": _("Laporan")}
    return names[step]
