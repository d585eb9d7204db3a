"""The rules by which a figure is flagged, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from reports.quality.models import Flag


@dataclass(frozen=True)
class RuleSpec:
    """A kind of flag in words; `serious` ones contradict another figure, the others only ask to be looked at."""

    name: Promise
    meaning: Promise
    serious: bool


RULES: dict[str, RuleSpec] = {
    "soft": RuleSpec(
        gettext_lazy("Beralasan"),
        gettext_lazy("Isian tidak lazim dan pengirim menuliskan alasannya."),
        False,
    ),
    "outlier": RuleSpec(
        gettext_lazy("Jauh dari sekitarnya"),
        gettext_lazy("Angkanya jauh berbeda dari satuan lain di wilayah yang sama."),
        False,
    ),
    "same": RuleSpec(
        gettext_lazy("Kembar"),
        gettext_lazy("Semua angkanya sama dengan laporan lain di desa/kelurahan yang sama."),
        True,
    ),
    "round": RuleSpec(gettext_lazy("Serba bulat"), gettext_lazy("Semua angkanya kelipatan 10."), False),
    "stages": RuleSpec(
        gettext_lazy("Berbeda antar-tahapan"),
        gettext_lazy("Angkanya berbeda dari laporan tahapan lain untuk satuan yang sama."),
        True,
    ),
    "reference": RuleSpec(
        gettext_lazy("Berbeda dari KPU"),
        gettext_lazy("Angkanya berbeda dari angka KPU yang diimpor."),
        True,
    ),
}


def names(flags: Iterable[Flag]) -> list[str]:
    """What a list says beside a report: its flags by name, each once, without the reasons its filer wrote."""
    found = {flag.rule for flag in flags} - {"soft"}
    return [str(spec.name) for rule, spec in RULES.items() if rule in found]
