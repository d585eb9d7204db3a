"""`manage.py backup`: the database and the files, as two files (docs/operations.md, "Back up and restore")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from bawaslu_data.checks import wrong
from bawaslu_data.restoring import back_up
from hierarchy.management.command import HierarchyCommand, refusals


class Command(HierarchyCommand):
    help = "Writes a dump of the database and an archive of keys and evidence into a folder, for their owner alone."

    requires_system_checks: list[str] = []  # what is set wrongly is said, and yesterday's backup does not have to do

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        for sentence in wrong():
            self.stderr.write(sentence)
        with refusals():
            for path in back_up(options["folder"]):
                self.stdout.write(f"{path}  {path.stat().st_size:,}".replace(",", "."))
