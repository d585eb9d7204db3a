"""`manage.py load_units --election KODE (--kaltim | --file BERKAS) [--dry-run]`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from hierarchy.lib.errors import Refusal
from hierarchy.management.command import HierarchyCommand, refusals
from hierarchy.units import gazetteer, tree

SHOWN = 20  # lines of each kind of change in the table


class Command(HierarchyCommand):
    help = "Memuat satuan pengawas sebuah pemilu dari berkas, atau hanya menunjukkan apa yang akan berubah."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--kaltim", action="store_true", help="daftar resmi Kalimantan Timur")
        source.add_argument("--file", type=Path, metavar="BERKAS", help="CSV atau XLSX")
        parser.add_argument("--dry-run", action="store_true", help="tunjukkan perubahan tanpa menulis apa pun")

    def handle(self, *args: Any, **options: Any) -> None:
        election = self.election(options["election"])
        with refusals():
            rows = gazetteer.kaltim_rows(election.kind) if options["kaltim"] else gazetteer.read_units(options["file"])
            if options["dry_run"]:
                diff = tree.plan(election=election, rows=rows)
                title = _("Yang akan berubah di %(election)s (belum ada yang ditulis):")
            else:
                diff = tree.load(election=election, rows=rows, by=None)
                title = _("Satuan %(election)s sudah dimuat:")
        self.table(title % {"election": election.name}, diff.summary())
        if options["dry_run"]:
            self._details(diff)
            with refusals():
                if diff.blocked:
                    raise Refusal(diff.blocked)

    def _details(self, diff: tree.Diff) -> None:
        """The first changes by code, so that a person can recognise a wrong file before it is loaded."""
        moved = {change.row.code for change in diff.moved}
        for change in [*diff.moved, *(c for c in diff.changed if c.row.code not in moved)][:SHOWN]:
            self.stdout.write(f"  {change.was.code} {change.was.name} → {change.row.code} {change.row.name}")
        for closed in diff.closed[:SHOWN]:
            self.stdout.write(f"  {closed.code} {closed.name} → {_('ditutup')}")
