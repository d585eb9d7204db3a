"""Minutes of a plenary (berita acara) as PDF, set by typst from reports/minutes.typ.

Names and texts travel as data, never as markup: what a person typed cannot become a command of the typesetter.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from hierarchy import formats
from hierarchy.models import Membership, Role
from reports import ratified, sitting
from reports.models import AgendaItem, Plenary
from reports.shown import agenda_title

TEMPLATE = Path(__file__).with_name("minutes.typ")


def pdf(plenary: Plenary) -> bytes:
    """The minutes of a closed plenary, or of another one a draft that says so. About half a second."""
    import typst

    return typst.compile(TEMPLATE, sys_inputs={"data": json.dumps(data(plenary))})


def data(plenary: Plenary) -> dict[str, Any]:
    """Everything the sheet shows, as text."""
    closed = plenary.state == Plenary.State.CLOSED
    attendance = list(plenary.attendance.select_related("user").order_by("pk"))
    items = plenary.items.select_related("window__instrument", "window__version", "corrects__plenary")
    address = settings.SITE_URL.rstrip("/") + reverse("plenary", args=[plenary.pk])
    presider = plenary.presided_by
    chaired = any(row.user_id == plenary.presided_by_id and row.role == Role.CHAIR for row in attendance)
    return {
        "draft": "" if closed else _("KONSEP, belum ditutup"),
        "heading": _("BERITA ACARA RAPAT PLENO"),
        "body": plenary.unit.title,
        "number": _("Nomor: %(number)s") % {"number": plenary.minutes_number or "…"},
        "facts": [
            [_("Rapat ke"), formats.number(plenary.number)],
            [_("Sifat"), _("terbuka") if plenary.public else _("tertutup")],
            [_("Tempat"), plenary.place],
            [_("Dibuka"), formats.moment(plenary.opened_at) if plenary.opened_at else "…"],
            [_("Ditutup"), formats.moment(plenary.closed_at) if plenary.closed_at else "…"],
            [_("Pimpinan rapat"), _presided(presider.name, chaired) if presider else "…"],
            [_("Kuorum"), _quorum(plenary)],
        ],
        "attendance_title": _("Daftar hadir"),
        "attendance_head": ["No.", _("Nama"), _("Jabatan"), _("Kehadiran")],
        "attendance": [
            [str(number), row.user.name, str(Role(row.role).label), _attended(row)]
            for number, row in enumerate(attendance, start=1)
        ],
        "items": [_item(item) for item in items.order_by("pk")],
        "notes_title": _("Catatan rapat"),
        "notes": plenary.notes,
        "signed": [[_office(seat), seat.user.name] for seat in sitting.members_of(plenary.unit)],
        "qr": _qr(address),
        "address": address,
        "check": _("Periksa keaslian dan sidik lengkapnya di alamat ini:"),
    }


def _item(item: AgendaItem) -> dict[str, Any]:
    """Of a finding its number, the decision and the hash alone: minutes travel further than its contents may."""
    votes = item.votes.select_related("user").order_by("pk")
    decision = str(item.get_decision_display())
    if item.version:
        mode = item.get_mode_display().lower()
        decision = _("%(decision)s, %(mode)s, versi %(version)d") % {
            "decision": decision, "mode": mode, "version": item.version,
        }  # fmt: skip
    if item.corrects:
        decision += _(", mengoreksi versi %(version)s") % {"version": item.corrects.version}
    if item.note:
        decision += f" ({item.note})"
    return _shown(item) | {
        "title": agenda_title(item),
        "decision": decision,
        "votes_title": _("Suara"),
        "votes": [[vote.user.name, str(vote.get_choice_display()), vote.dissent] for vote in votes],
        "hash": _("Sidik angka (SHA-256): %(hash)s") % {"hash": bytes(item.sha256).hex()},
    }


def _shown(item: AgendaItem) -> dict[str, Any]:
    if item.window is None:
        return {"coverage": _("Isi temuan tidak dimuat di sini; sidiknya mengikat isi yang diputuskan."), "tables": []}
    counts = item.shown["counts"]
    approved = formats.n_of_total(counts["approved_count"], counts["expected"], _("laporan disetujui"))
    filed = formats.n_of_total(counts["filed_count"], counts["expected"], _("laporan masuk"))
    found = ratified.tables(item.shown, item.window.version.parsed)
    named = [(_("Masalah (laporan yang menemukan)"), found.problems), (_("Jumlah"), found.sums)]
    basis = _("Disahkan: disetujui") if item.decision == AgendaItem.Decision.RATIFIED else _("Disetujui")
    return {
        "coverage": _("%(approved)s, %(filed)s; keadaan %(at)s") % {
            "approved": approved, "filed": filed, "at": formats.moment(item.shown_at),
        },
        "tables": [
            {
                "head": [heading, f"{basis}\n{approved}", _("Pembanding: masuk") + f"\n{filed}"],
                "rows": [[row.label, formats.number(row.approved), formats.number(row.filed)] for row in rows],
            }
            for heading, rows in named
            if rows
        ],
    }  # fmt: skip


def _presided(name: str, chaired: bool) -> str:
    if chaired:
        return _("%(name)s, ketua") % {"name": name}
    return _("%(name)s, anggota tertua karena ketua tidak hadir") % {"name": name}


def _quorum(plenary: Plenary) -> str:
    if plenary.quorum is None:
        return "…"
    return _("%(needed)d dari %(members)d anggota") % {"needed": plenary.quorum, "members": plenary.members}


def _attended(row: Any) -> str:
    if row.arrived_at is None:
        return _("tidak hadir: %(why)s") % {"why": row.absence} if row.absence else _("tidak hadir")
    if row.left_at is not None:
        return _("hadir, pergi %(at)s") % {"at": formats.moment(row.left_at)}
    return _("hadir")


def _office(seat: Membership) -> str:
    return str(Role(seat.role).label)


def _qr(text: str) -> str:
    import segno

    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, border=0)
    return out.getvalue().decode()
