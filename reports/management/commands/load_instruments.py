"""Publishes the catalogue of instruments that comes with the product; running it again changes nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from rich.progress import track

from hierarchy.management.command import refusals
from reports.calendar.models import InstrumentVersion
from reports.calendar.publishing import load_catalogue


class Command(BaseCommand):
    help = "Publish the catalogue of instruments (XLSForm) that comes with the product. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        before = InstrumentVersion.objects.count()
        quiet = options["verbosity"] == 0
        with refusals():
            versions = load_catalogue(track=partial(track, description="Instrumen", disable=quiet))
        new = InstrumentVersion.objects.count() - before
        questions = sum(len(version.parsed.questions) for version in versions)
        self.stdout.write(f"{len(versions)} instruments, {questions} questions, {new} versions new")
