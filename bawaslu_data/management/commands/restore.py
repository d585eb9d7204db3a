"""`manage.py restore`: makes a dump the database, whole or not at all (docs/operations.md, "Back up and restore")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from bawaslu_data.restoring import restore, take_over
from hierarchy.management.command import HierarchyCommand


class Command(HierarchyCommand):
    help = "Reads a dump into a new database, migrates and verifies it there, then puts it in place of the one in use."
    requires_system_checks: list[str] = []  # what is in use may be what has to be replaced

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dump", nargs="?", type=Path, help="berkas buatan pg_dump --format custom")
        parser.add_argument("--database", help="basis data yang sudah berisi cadangan itu, sebagai ganti berkas")

    def handle(self, *args: Any, **options: Any) -> None:
        dump, database = options["dump"], options["database"]
        if (dump is None) == (database is None):
            raise CommandError(_("Sebutkan satu berkas cadangan, atau --database."))
        with self.refusals():
            before = restore(dump) if dump else take_over(database)
        done = _("Cadangan sudah menjadi basis data. Yang lama disimpan sebagai %(name)s; hapus bila tidak diperlukan.")
        self.stdout.write(self.style.SUCCESS(done % {"name": before}))
