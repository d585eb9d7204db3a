"""`manage.py verify`: proves the invariants on live data; exits non-zero naming what broke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction

from bawaslu_data.checks import wrong
from dashboards.releases import actions as publish
from reports.rollup import fold as rollup
from reports.verify.queries import CHECKS, OF_THE_DISK

ALL = CHECKS | {"publications": publish.broken, "settings": wrong}
SHOWN = 20  # of each check; the rest is counted
FOUND = 3  # exit status where all was read and something differs; 1 where it could not be read


class Command(BaseCommand):
    help = "Recomputes what was filed, decided and published from scratch and names every difference."

    requires_system_checks: list[str] = []  # `settings` is one of its own, and the others are wanted most on that day

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--roll-up", action="store_true", help="fold what waits in the outbox first")
        parser.add_argument("checks", nargs="*", help=f"some of: {', '.join(ALL)} (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["checks"] or list(ALL)
        if unknown := set(chosen) - set(ALL):
            raise CommandError(f"Pemeriksaan tidak dikenal: {', '.join(sorted(unknown))}. Pilihan: {', '.join(ALL)}.")
        if options["roll_up"]:
            rollup.run_all()
        with _one_moment():
            broken = sum(self._run(name) for name in chosen if name not in OF_THE_DISK)
        broken += sum(self._run(name) for name in chosen if name in OF_THE_DISK)
        if broken:
            raise CommandError(f"{broken} perbedaan ditemukan.", returncode=FOUND)
        self.stdout.write(self.style.SUCCESS("Semua cocok: 0 perbedaan."))

    def _run(self, name: str) -> int:
        """Shows what a check finds, and how much. What it cannot even read is a difference too."""
        count = 0
        try:
            with nullcontext() if name in OF_THE_DISK else transaction.atomic():
                for count, sentence in enumerate(ALL[name](), start=1):
                    if count <= SHOWN:
                        self.stderr.write(f"  {sentence}")
        except (DatabaseError, ValueError, KeyError, TypeError) as error:
            count += 1
            self.stderr.write(f"  {name}: cannot be read: {error!r}")
        self.stdout.write(f"{name}: {count} perbedaan")
        return count


@contextmanager
def _one_moment() -> Iterator[None]:
    """One snapshot for all checks of rows: what is filed meanwhile is in none of them."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
