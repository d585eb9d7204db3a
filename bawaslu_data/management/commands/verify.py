"""`manage.py verify`: proves the invariants on live data; exits non-zero naming what broke."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboards import publish
from reports.verify import CHECKS

ALL = CHECKS | {"publications": publish.broken}
SHOWN = 20  # of each check; the rest is counted


class Command(BaseCommand):
    help = "Recomputes tree, tallies, reports, journal and publications from scratch and names every difference."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("checks", nargs="*", help=f"some of: {', '.join(ALL)} (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["checks"] or list(ALL)
        if unknown := set(chosen) - set(ALL):
            raise CommandError(f"Pemeriksaan tidak dikenal: {', '.join(sorted(unknown))}. Pilihan: {', '.join(ALL)}.")
        broken = 0
        for name in chosen:
            found = list(ALL[name]())
            broken += len(found)
            for sentence in found[:SHOWN]:
                self.stderr.write(f"  {sentence}")
            self.stdout.write(f"{name}: {len(found)} perbedaan")
        if broken:
            raise CommandError(f"{broken} perbedaan ditemukan.")
        self.stdout.write(self.style.SUCCESS("Semua cocok: 0 perbedaan."))
