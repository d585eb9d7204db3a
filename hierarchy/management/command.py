"""What the commands of this layer share: an election by its code, and refusals printed as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from hierarchy.lib.errors import Refusal
from hierarchy.models import Election


@contextmanager
def refusals() -> Iterator[None]:
    """Turns a Refusal into sentences on stderr and a non-zero exit."""
    try:
        yield
    except Refusal as error:
        raise CommandError("\n".join(error.messages)) from error


class HierarchyCommand(BaseCommand):
    """A command about one election."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--election", required=True, metavar="KODE", help="kode pemilu, misalnya pemilu2024")

    def election(self, code: str) -> Election:
        """Raises CommandError saying how an election comes about."""
        found = Election.objects.filter(code=code).first()
        if found is None:
            known = ", ".join(Election.objects.values_list("code", flat=True)) or _("belum ada satu pun")
            raise CommandError(
                _("Pemilu “%(code)s” belum ada (yang ada: %(known)s). Muat kalender tahapannya dulu.")
                % {"code": code, "known": known}
            )
        return found

    def table(self, title: str, rows: Sequence[tuple[str, int]]) -> None:
        """Words and counts, one a line, with Indonesian thousands."""
        width = max(len(words) for words, _count in rows)
        self.stdout.write(title)
        for words, count in rows:
            self.stdout.write(f"  {words:<{width}}  {count:>9,}".replace(",", "."))
