"""Publishes one XLSForm as the next version of an instrument, or as a new instrument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hierarchy.models import User
from reports.instruments.errors import InstrumentError
from reports.instruments.publishing import Entry, publish
from reports.models import Instrument

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
            version = publish(source=options["file"], entry=_entry(options), by=_user(options["by"]))
        except InstrumentError as error:
            raise CommandError("\n".join(error.messages)) from error
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        self.stdout.write(f"{options['code']} v{version.number}, {version.width} cells, {version.source_sha256}")


def _entry(options: dict[str, Any]) -> Entry:
    instrument = Instrument.objects.filter(code=options["code"]).first()
    if instrument:
        return Entry.of(instrument)
    if absent := [f"--{name.replace('_', '-')}" for name in NEW if not options[name]]:
        raise CommandError(f"{options['code']} is a new instrument; add {', '.join(absent)}")
    return Entry.from_row({"code": options["code"], **{name: options[name] for name in NEW}})


def _user(username: str | None) -> User | None:
    if not username:
        return None
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist as error:
        raise CommandError(f"no user {username}") from error
