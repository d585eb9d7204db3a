"""`manage.py check_tree [--election KODE] [--fix]`; exits non-zero while a tree is damaged."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from hierarchy.management.command import HierarchyCommand, refusals
from hierarchy.models import Election, Unit
from hierarchy.units import tree


class Command(HierarchyCommand):
    help = "Memeriksa keutuhan pohon satuan; --fix memperbaiki batas, tingkat, dan kolom satuan atasan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--election", metavar="KODE", help="hanya pemilu ini; tanpa ini semuanya")
        parser.add_argument("--fix", action="store_true", help="perbaiki dengan satu perintah SQL")

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["election"]
        elections = [self.election(code)] if code else list(Election.objects.all())
        damaged = [election for election in elections if not self._is_sound(election, fix=options["fix"])]
        if damaged:
            names = ", ".join(election.code for election in damaged)
            raise CommandError(_("Pohon satuan rusak: %(names)s. Jalankan lagi dengan --fix.") % {"names": names})

    def _is_sound(self, election: Election, *, fix: bool) -> bool:
        if fix:
            with refusals():
                corrected = tree.repair(election)
            self.stdout.write(_("%(code)s: %(count)d satuan diperbaiki.") % {"code": election.code, "count": corrected})
        problems = tree.check(election)
        for problem in problems:
            self.stdout.write(f"{election.code}: {problem}")
        if not problems:
            count = Unit.objects.filter(election=election).count()
            self.stdout.write(_("%(code)s: %(count)d satuan, pohon utuh.") % {"code": election.code, "count": count})
        return not problems
