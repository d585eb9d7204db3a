"""What lies on the table of a finding, and what its journal says, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hierarchy.lib import formats
from reports.findings.models import Finding

# The texts of a finding in the order they are read (content.laid).
TEXTS: dict[str, Promise] = {
    "event": _("Peristiwa"),
    "place": _("Tempat kejadian"),
    "evidence": _("Bukti"),
    "analysis": _("Fakta dan analisa"),
    "outcome": _("Usul tindak lanjut"),
}


def told(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """(word, text) of what was laid before a plenary; empty texts are left out."""
    rows = [
        (str(_("Jenis")), str(Finding.Kind(shown["kind"]).label)),
        (str(_("Tanggal kejadian")), formats.day(date.fromisoformat(shown["happened_on"]))),
        (str(_("Tanggal ditemukan")), formats.day(date.fromisoformat(shown["discovered_on"]))),
    ]
    return rows + [(str(word), shown[name]) for name, word in TEXTS.items() if shown.get(name)]
