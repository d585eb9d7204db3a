"""`manage.py load_references --election KODE BERKAS [--dry-run]`: figures of the election commission (KPU)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from hierarchy.management.command import HierarchyCommand, refusals
from reports.quality import references as reference


class Command(HierarchyCommand):
    help = "Memuat angka pembanding KPU: kode, instrumen, pertanyaan, nilai, sumber. Satu salah: tidak ada yang masuk."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="BERKAS", help="CSV atau XLSX")
        parser.add_argument("--dry-run", action="store_true", help="periksa semua baris tanpa menulis apa pun")

    def handle(self, *args: Any, **options: Any) -> None:
        election = self.election(options["election"])
        with refusals():
            loaded = reference.load(path=options["file"], election=election, dry_run=options["dry_run"])
        title = _("Yang akan dimuat (belum ada yang ditulis):") if options["dry_run"] else _("Angka pembanding dimuat:")
        self.table(title, [(_("baru"), loaded.new), (_("berubah"), loaded.changed), (_("tetap"), loaded.same)])
