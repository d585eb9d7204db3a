"""`manage.py load_calendar`: elections, stages and windows of 2024 from the data files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reports import calendar
from reports.models import Stage, Window


class Command(BaseCommand):
    help = "Loads elections, stages and filing windows; safe to run again. Windows need published instruments."

    def handle(self, *args: Any, **options: Any) -> None:
        calendar.load()
        self.stdout.write(f"{Stage.objects.count()} tahapan, {Window.objects.count()} jendela pelaporan.")
