"""`manage.py check_quality`: looks again at every report of every opened window."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reports.calendar.models import Window
from reports.quality import actions as quality


class Command(BaseCommand):
    help = "Raises and withdraws flags on doubtful reports, of all opened windows; safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        for window in Window.objects.filter(opened_at__isnull=False).select_related("instrument", "election"):
            if new := quality.check(window):
                self.stdout.write(f"{window.election.code} {window}: {new} catatan baru.")
