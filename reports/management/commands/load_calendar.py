"""`manage.py load_calendar`: elections, stages and windows of 2024 from the data files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from reports.calendar import actions as calendar
from reports.calendar.models import Stage, Window
from reports.management.people import person
from reports.obligations import pinning


class Command(BaseCommand):
    help = "Loads elections, stages and filing windows; safe to run again. Windows need published instruments."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", help="username of who loads it, for the journal")

    def handle(self, *args: Any, **options: Any) -> None:
        calendar.load(by=person(options["by"]))
        counts = {"stages": Stage.objects.count(), "windows": Window.objects.count()}
        self.stdout.write(_("%(stages)d tahapan, %(windows)d masa laporan.") % counts)
        for sentence in pinning.gaps():
            self.stdout.write(sentence)
