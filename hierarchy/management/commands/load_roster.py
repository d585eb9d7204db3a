"""`manage.py load_roster --election KODE (BERKAS | --sample) [--codes KARTU.csv] [--dry-run]`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hierarchy.management.command import HierarchyCommand, refusals
from hierarchy.models import Election
from hierarchy.people import roster, roster_files
from hierarchy.people.roster_rows import RosterResult, RosterRow
from hierarchy.rehearsal import sample


class Command(HierarchyCommand):
    help = "Membuat akun dan penugasan dari berkas; kode aktivasi ditulis sekali ke berkas yang hanya dapat Anda baca."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", nargs="?", type=Path, metavar="BERKAS", help="CSV atau XLSX")
        parser.add_argument("--sample", action="store_true", help="nama karangan untuk peragaan")
        parser.add_argument("--seed", type=int, default=2024, help="benih nama karangan")
        parser.add_argument("--codes", type=Path, metavar="KARTU.csv", help="berkas baru untuk kode aktivasi (0600)")
        parser.add_argument("--dry-run", action="store_true", help="tunjukkan perubahan tanpa menulis apa pun")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["file"]) == options["sample"]:
            raise CommandError(_("Sebutkan satu berkas, atau --sample untuk nama karangan."))
        election = self.election(options["election"])
        with refusals():
            if options["sample"]:
                rows = sample.sample_roster(election, options["seed"])
            else:
                rows = roster_files.read_roster(options["file"])
            if options["dry_run"]:
                result = roster.plan(election=election, rows=rows)
                title = _("Yang akan berubah di %(election)s (belum ada yang ditulis):")
            else:
                result = self._load(election, rows, options["codes"])
                title = _("Akun %(election)s sudah dimuat:")
        self.table(title % {"election": election.name}, result.summary())
        if result.codes and not options["codes"]:
            self.stdout.write(_("Kode aktivasi tidak disimpan. Pakai --codes BERKAS untuk mencetak kartunya."))

    def _load(self, election: Election, rows: list[RosterRow], codes: Path | None) -> RosterResult:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns) as bar, transaction.atomic():
            task = bar.add_task(_("Akun"), total=len(rows))
            result = roster.load(
                election=election,
                rows=rows,
                by=None,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            # Inside the transaction: accounts whose codes could not be written would be closed to everybody.
            if codes is not None:
                roster_files.write_codes(codes, result.codes)
        return result
