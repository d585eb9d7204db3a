"""Publishes the catalogue of instruments that comes with the product; running it again changes nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import track

from reports.calendar.models import InstrumentVersion
from reports.calendar.publishing import load_catalogue
from reports.instruments.errors import InstrumentError


class Command(BaseCommand):
    help = "Publish the catalogue of instruments (XLSForm) that comes with the product. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        before = InstrumentVersion.objects.count()
        quiet = options["verbosity"] == 0
        try:
            versions = load_catalogue(track=partial(track, description="Instrumen", disable=quiet))
        except InstrumentError as error:
            raise CommandError("\n".join(error.messages)) from error
        new = InstrumentVersion.objects.count() - before
        questions = sum(len(version.parsed.questions) for version in versions)
        self.stdout.write(f"{len(versions)} instruments, {questions} questions, {new} versions new")
