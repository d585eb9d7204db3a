"""`manage.py withdraw_version KODE NOMOR --reason ...`: no further window opens with this version of an instrument."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from hierarchy.management.command import refusals
from reports.calendar.models import InstrumentVersion
from reports.calendar.publishing import withdraw
from reports.management.people import person
from reports.obligations import pinning


class Command(BaseCommand):
    help = "Menarik satu versi instrumen: tidak ada lagi masa laporan yang dibuka dengannya. Tidak dapat dibatalkan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", metavar="KODE", help="kode instrumen")
        parser.add_argument("number", metavar="NOMOR", type=int, help="nomor versi")
        parser.add_argument("--reason", required=True, help="alasan; dapat dibaca semua yang membuka versi ini")
        parser.add_argument("--by", help="nama akun yang memutuskan, untuk jurnal")

    def handle(self, *args: Any, **options: Any) -> None:
        code, number = options["code"], options["number"]
        rows = InstrumentVersion.objects.filter(instrument__code=code, number=number)
        version = rows.select_related("instrument").first()
        if version is None:
            raise CommandError(_("%(code)s tidak punya versi %(number)d.") % {"code": code, "number": number})
        with refusals():
            withdraw(version=version, by=person(options["by"]), reason=options["reason"])
        going_on = pinning.going_on(version)
        self.stdout.write(
            _(
                "%(code)s versi %(number)d ditarik. %(count)d masa laporan yang sudah terbuka tetap memakainya; "
                "yang dibuka kemudian memakai versi terbaru yang tersisa."
            )
            % {"code": code, "number": number, "count": going_on}
        )
        for sentence in pinning.gaps():
            self.stdout.write(sentence)
