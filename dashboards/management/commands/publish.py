"""`manage.py publish --election pemilu2024`: releases the approved figures as they stand.

`manage.py publish --public-key`: prints the key with which anyone checks releases, to be pinned and printed on paper.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboards.releases import actions as publish
from dashboards.releases import keys
from hierarchy.management.command import refusals
from hierarchy.models import Election


class Command(BaseCommand):
    help = "Makes a signed public release of an election's figures."

    def add_arguments(self, parser: Any) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--election", help="code of the election to release")
        what.add_argument("--public-key", action="store_true", help="print the public key (made if there is none) only")
        parser.add_argument("--note", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals():
            if options["public_key"]:
                self.stdout.write(keys.public_half(keys.signing_key()).hex())
            else:
                self._release(options["election"], options["note"])

    def _release(self, code: str, note: str) -> None:
        election = Election.objects.filter(code=code).first()
        if election is None:
            raise CommandError(f"Pemilihan {code} tidak ada.")
        release = publish.publish(election=election, by=None, note=note)
        self.stdout.write(
            f"Rilis {release.number}: {release.pages} halaman, {release.changed} berubah, "
            f"sidik {release.digest.hex()[:16]}"
        )
        self.stdout.write(f"Kunci publik: {bytes(release.public_key).hex()}")
