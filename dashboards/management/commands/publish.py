"""`manage.py publish --election pemilu2024`: releases the approved figures as they stand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboards import publish
from hierarchy.models import Election


class Command(BaseCommand):
    help = "Makes a signed public release of an election's figures."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--election", required=True)
        parser.add_argument("--note", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        election = Election.objects.filter(code=options["election"]).first()
        if election is None:
            raise CommandError(f"Pemilihan {options['election']} tidak ada.")
        release = publish.publish(election=election, by=None, note=options["note"])
        self.stdout.write(
            f"Rilis {release.number}: {release.pages} halaman, {release.changed} berubah, "
            f"sidik {release.digest.hex()[:16]}"
        )
