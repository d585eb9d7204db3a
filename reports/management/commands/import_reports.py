"""`manage.py import_reports --election KODE BERKAS [--dry-run] [--lewati-salah]`: reports from another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hierarchy.management.command import HierarchyCommand, refusals
from reports.filing.table import ImportResult, import_table


class Command(HierarchyCommand):
    help = "Memasukkan laporan dari berkas alat lain. Satu baris salah: tidak ada yang masuk, kecuali --lewati-salah."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="BERKAS", help="CSV atau XLSX")
        parser.add_argument("--dry-run", action="store_true", help="periksa semua baris tanpa menulis apa pun")
        parser.add_argument(
            "--lewati-salah", action="store_true", dest="skip_faulty", help="masukkan baris yang benar saja"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        election, path = self.election(options["election"]), options["file"]
        dry_run, skip_faulty = options["dry_run"], options["skip_faulty"]
        with refusals():
            result = self._import(election=election, path=path, dry_run=dry_run, skip_faulty=skip_faulty)
        # All of them, however many: a row that is not named here would be a report that nobody misses.
        told = [fault.text(path.name) for fault in result.faults]
        if told and not skip_faulty:
            raise CommandError("\n".join([*told, _("Tidak ada laporan yang dimasukkan. Perbaiki baris di atas.")]))
        for sentence in told:
            self.stderr.write(sentence)
        title = _("Yang akan dimasukkan (belum ada yang ditulis):") if dry_run else _("Laporan sudah dimasukkan:")
        self.table(title, _summary(result))

    def _import(self, **options: Any) -> ImportResult:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(_("Laporan"), total=None)
            return import_table(progress=lambda done, total: bar.update(task, completed=done, total=total), **options)


def _summary(result: ImportResult) -> list[tuple[str, int]]:
    wrong = len({fault.line for fault in result.faults})
    return [(_("laporan baru"), result.filed), (_("sudah ada"), result.there), (_("baris salah"), wrong)]
