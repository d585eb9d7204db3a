"""`manage.py restore`: makes a dump the database, whole or not at all (docs/operations.md, "Back up and restore")."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from bawaslu_data.restoring import never, restore, take_over
from hierarchy.management.command import HierarchyCommand, refusals

WORD = "terima"  # the same in each language: a script may have to type it


class Command(HierarchyCommand):
    help = "Reads a dump into a new database, migrates and verifies it there, then puts it in place of the one in use."
    requires_system_checks: list[str] = []  # what is in use may be what has to be replaced

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dump", nargs="?", type=Path, help="berkas buatan pg_dump --format custom")
        parser.add_argument("--database", help="basis data yang sudah berisi cadangan itu, sebagai ganti berkas")
        parser.add_argument(
            "--accept-differences",
            action="store_true",
            help="bila verify menemukan perbedaan: perlihatkan, tanyakan, lalu lanjutkan",
        )
        parser.add_argument("--yes", action="store_true", help="jangan tanyakan; hanya bersama --accept-differences")

    def handle(self, *args: Any, **options: Any) -> None:
        dump, database = options["dump"], options["database"]
        if (dump is None) == (database is None):
            raise CommandError(_("Sebutkan satu berkas cadangan, atau --database."))
        if options["yes"] and not options["accept_differences"]:
            raise CommandError(_("--yes hanya berlaku bersama --accept-differences."))
        accept = partial(self.accepts, asks=not options["yes"]) if options["accept_differences"] else never
        with refusals():
            before = restore(dump, accept=accept) if dump else take_over(database, accept=accept)
        done = _("Cadangan sudah menjadi basis data. Yang lama disimpan sebagai %(name)s; hapus bila tidak diperlukan.")
        self.stdout.write(self.style.SUCCESS(done % {"name": before}))

    def accepts(self, differences: str, *, asks: bool) -> bool:
        """Shows the differences; True when the operator types the word, or need not be asked."""
        self.stdout.write(differences)
        if not asks:
            return True
        self.stdout.write(
            _("Bila cadangan ini dipakai, perbedaan itu tetap ada dan tetap disebut oleh verify. Ketik %(word)s:")
            % {"word": WORD}
        )
        try:
            return input().strip().casefold() == WORD
        except EOFError:  # nobody is there to answer
            return False
