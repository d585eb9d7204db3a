"""Publishes one XLSForm as the next version of an instrument, or as a new instrument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from hierarchy.lib import clock
from hierarchy.management.command import refusals
from reports.calendar.models import Instrument, Window
from reports.calendar.publishing import CatalogueEntry, publish
from reports.management.people import person

NEW = ("stage", "subject_level", "filer_level", "cadence", "title_id", "title_en")


class Command(BaseCommand):
    help = "Publish FILE (.xlsx or .md) as the next version of the instrument CODE."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--code", required=True)
        parser.add_argument("--by", help="username of the publisher, for the journal")
        for name in NEW:
            parser.add_argument(f"--{name.replace('_', '-')}", help="for a new instrument; see catalogue/index.csv")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with refusals():
                version = publish(source=options["file"], entry=_entry(options), by=person(options["by"]))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        self.stdout.write(f"{options['code']} v{version.number}, {version.width} cells, {version.source_sha256}")
        windows = Window.objects.filter(instrument=version.instrument_id, closes_at__gt=clock.now())
        if not windows.exists():
            self.stdout.write(_("Jalankan manage.py load_calendar untuk membuat masa laporannya."))
        elif others := windows.filter(opened_at__isnull=False).exclude(version=version).count():
            self.stdout.write(
                _(
                    "%(count)d masa laporan yang sudah terbuka tetap memakai versi lamanya (lihat manage.py "
                    "repin_window); yang dibuka kemudian memakai versi ini."
                )
                % {"count": others}
            )


def _entry(options: dict[str, Any]) -> CatalogueEntry:
    instrument = Instrument.objects.filter(code=options["code"]).first()
    if instrument:
        return CatalogueEntry.of(instrument)
    if absent := [f"--{name.replace('_', '-')}" for name in NEW if not options[name]]:
        raise CommandError(f"{options['code']} is a new instrument; add {', '.join(absent)}")
    return CatalogueEntry.from_row({"code": options["code"], **{name: options[name] for name in NEW}})
