"""The words of reminders: what is written here, or what an admin wrote over it. The only writer of wordings.

A wording is a subject and one paragraph; `{names}` in it are filled in, and only those that PLACES knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Unit, User
from reports.journal import actions as journal
from reports.reminders.models import Wording

# What may stand in braces, with what the preview shows for it.
PLACES: dict[str, tuple[Promise, str]] = {
    "jumlah": (gettext_lazy("berapa laporan"), "7"),
    "daftar": (
        gettext_lazy("laporan mana saja"),
        "Pengawasan pemungutan suara, TPS 001 Harapan Baru; Masa tenang, 11 Feb 2024, Desa Sidodadi; dan 5 lagi",
    ),
    "tenggat": (gettext_lazy("batas waktunya"), "14 Feb 2024 18.00 WITA"),
    "nama": (gettext_lazy("nama penerima"), "Siti Aminah"),
}
LONGEST_SUBJECT, LONGEST_BODY = 120, 1000


@dataclass(frozen=True)
class Kind:
    """One kind of paragraph: when it is sent, in words for the admin, and the text without an admin's edition."""

    when: Promise
    subject: Promise
    body: Promise


_SILENT_BELOW = gettext_lazy("{jumlah} laporan di bawah Anda belum masuk")
KINDS: dict[str, Kind] = {
    "h-60": Kind(
        gettext_lazy("60 menit sebelum tenggat, kepada pengisi"),
        gettext_lazy("Satu jam lagi: {jumlah} laporan"),
        gettext_lazy("{jumlah} laporan Anda ditunggu sampai {tenggat}: {daftar}."),
    ),
    "h0": Kind(
        gettext_lazy("Tepat saat tenggat, kepada pengisi"),
        gettext_lazy("Tenggat tiba: {jumlah} laporan belum masuk"),
        gettext_lazy("{jumlah} laporan Anda belum masuk padahal tenggatnya {tenggat}: {daftar}. Kirim sekarang juga."),
    ),
    "h0-atasan": Kind(
        gettext_lazy("Tepat saat tenggat, kepada atasan langsung"),
        _SILENT_BELOW,
        gettext_lazy("{jumlah} laporan belum masuk saat tenggat {tenggat}: {daftar}. Hubungi pengawasnya."),
    ),
    "h+30": Kind(
        gettext_lazy("30 menit sesudah tenggat, kepada pengisi"),
        gettext_lazy("Lewat tenggat 30 menit: {jumlah} laporan"),
        gettext_lazy("{jumlah} laporan Anda lewat tenggat 30 menit: {daftar}. Masih diterima; kirim sekarang."),
    ),
    "h+30-atasan": Kind(
        gettext_lazy("30 menit sesudah tenggat, kepada dua tingkat di atas"),
        _SILENT_BELOW,
        gettext_lazy("{jumlah} laporan lewat tenggat 30 menit: {daftar}."),
    ),
    "h+120": Kind(
        gettext_lazy("2 jam sesudah tenggat, kepada tiga tingkat di atas"),
        _SILENT_BELOW,
        gettext_lazy("{jumlah} laporan lewat tenggat 2 jam: {daftar}. Tentukan langkah bersama jajaran di bawah Anda."),
    ),
    "returned": Kind(
        gettext_lazy("Saat laporan dikembalikan, kepada pengisi"),
        gettext_lazy("{jumlah} laporan dikembalikan untuk diperbaiki"),
        gettext_lazy("{jumlah} laporan Anda dikembalikan: {daftar}. Perbaikannya ditunggu sampai {tenggat}."),
    ),
    "review-24h": Kind(
        gettext_lazy("24 jam sesudah laporan masuk, kepada pemeriksa"),
        gettext_lazy("{jumlah} laporan menunggu pemeriksaan Anda"),
        gettext_lazy("{jumlah} laporan sudah menunggu lebih dari 24 jam: {daftar}. Periksa dan putuskan."),
    ),
    "review-48h": Kind(
        gettext_lazy("48 jam sesudah laporan masuk, kepada atasan pemeriksa"),
        gettext_lazy("{jumlah} laporan belum diperiksa di bawah Anda"),
        gettext_lazy("{jumlah} laporan sudah menunggu pemeriksaan lebih dari 48 jam: {daftar}."),
    ),
}


@dataclass(frozen=True)
class RungText:
    subject: str
    body: str

    def filled(self, values: Mapping[str, str]) -> RungText:
        return RungText(self.subject.format_map(values), self.body.format_map(values))


def in_force() -> dict[str, RungText]:
    """The text of every kind: the newest edition, else what is written above; one query."""
    newest = Wording.objects.order_by("kind", "-pk").distinct("kind")
    edited = {row.kind: RungText(row.subject, row.body) for row in newest if row.kind in KINDS}
    return {kind: edited.get(kind) or RungText(str(spec.subject), str(spec.body)) for kind, spec in KINDS.items()}


def preview(text: RungText) -> RungText:
    """The text with made-up values. Raises Refusal for what cannot be filled in."""
    check(text)
    return text.filled({name: sample for name, (_words, sample) in PLACES.items()})


def check(text: RungText) -> None:
    """Raises Refusal, naming the place that is not known or the brace that is not closed."""
    for part, longest in ((text.subject, LONGEST_SUBJECT), (text.body, LONGEST_BODY)):
        if not part.strip():
            raise Refusal(_("Judul dan isi harus diisi."))
        if len(part) > longest:
            raise Refusal(_("Teks terlalu panjang: paling banyak %(most)d huruf.") % {"most": longest})
        try:
            places = [place[1:] for place in Formatter().parse(part) if place[1] is not None]
        except ValueError:
            raise Refusal(_("Kurung kurawal tidak berpasangan. Tulis misalnya {jumlah}.")) from None
        for name, spec, conversion in places:
            if name not in PLACES or spec or conversion:
                known = ", ".join(f"{{{each}}}" for each in PLACES)
                raise Refusal(
                    _("“{%(name)s}” tidak dikenal. Yang dapat dipakai: %(known)s.") % {"name": name, "known": known}
                )


def edit(*, kind: str, text: RungText, unit: Unit, by: User) -> Wording:
    """Puts an edition in force for everybody; `unit` is the province whose admin edits. Raises Refusal."""
    access.require(by, Permission.MANAGE_CALENDAR, unit)
    if kind not in KINDS:
        raise Refusal(_("Jenis pesan tidak dikenal."))
    check(text)
    with transaction.atomic():
        kept = Wording.objects.create(
            kind=kind, subject=text.subject.strip(), body=text.body.strip(), edited_by=by, edited_at=clock.now()
        )
        journal.write(
            journal.entry("wording.edited", by=by, unit=unit, election=unit.election.code, target=kind, edition=kept.pk)
        )
    return kept
