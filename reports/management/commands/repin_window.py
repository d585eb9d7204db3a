"""`manage.py repin_window KODE NOMOR --election ... --reason ...`: another version for a window that is open."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from hierarchy.management.command import HierarchyCommand, refusals
from hierarchy.models import Election
from reports.calendar.models import InstrumentVersion, Window
from reports.management.people import person
from reports.obligations import pinning


class Command(HierarchyCommand):
    help = "Mengganti versi formulir yang dipakai satu masa laporan terbuka, selama belum ada laporan di dalamnya."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("code", metavar="KODE", help="kode instrumen")
        parser.add_argument("number", metavar="NOMOR", type=int, help="nomor versi yang harus dipakai")
        parser.add_argument("--period", default="", help="tanggal atau minggu, misalnya 2024-02-11 atau 2024-W07")
        parser.add_argument("--reason", required=True, help="alasan, untuk jurnal")
        parser.add_argument("--by", help="nama akun yang memutuskan, untuk jurnal")

    def handle(self, *args: Any, **options: Any) -> None:
        code, number = options["code"], options["number"]
        version = InstrumentVersion.objects.filter(instrument__code=code, number=number).first()
        if version is None:
            raise CommandError(_("%(code)s tidak punya versi %(number)d.") % {"code": code, "number": number})
        window = _window(self.election(options["election"]), code, options["period"])
        with refusals():
            pinning.repin(window=window, version=version, by=person(options["by"]), reason=options["reason"])
        self.stdout.write(_("%(window)s sekarang memakai versi %(number)d.") % {"window": window, "number": number})


def _window(election: Election, code: str, period: str) -> Window:
    windows = Window.objects.filter(election=election, instrument__code=code).select_related("instrument")
    found = windows.filter(period=period).first()
    if found is None:
        known = ", ".join(windows.order_by("period").values_list("period", flat=True)[:10]) or _("belum ada satu pun")
        raise CommandError(
            _("%(code)s tidak punya masa laporan “%(period)s”. Pilih dengan --period: %(known)s.")
            % {"code": code, "period": period, "known": known}
        )
    return found
