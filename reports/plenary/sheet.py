"""What the sheet of minutes says, as texts in Indonesian: heading, attendance, quorum, agenda, votes, closing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils import translation

from hierarchy.levels import Level
from hierarchy.lib import clock, formats
from hierarchy.lib.clock import WITA
from hierarchy.models import Election, Role, Unit
from reports.journal.models import Event
from reports.plenary import attendance, readiness
from reports.plenary import queries as ratified
from reports.plenary.labels import agenda_title
from reports.plenary.models import AgendaItem, Attendance, Plenary

BODIES = {
    Level.PROVINCE: "Bawaslu Provinsi {name}",
    Level.REGENCY: "Bawaslu {name}",
    Level.DISTRICT: "Panwaslu Kecamatan {name}",
}
LAWS = {
    Election.Kind.PEMILU: "Undang-Undang Nomor 7 Tahun 2017 tentang Pemilihan Umum",
    Election.Kind.PILKADA: "Undang-Undang Nomor 1 Tahun 2015 tentang Pemilihan Gubernur, Bupati, dan Wali Kota,"
    " sebagaimana diubah terakhir dengan Undang-Undang Nomor 6 Tahun 2020",
}
# Closed minutes are no draft.
DRAFTS = {
    Plenary.State.CALLED: "KONSEP, rapat belum dibuka",
    Plenary.State.OPEN: "KONSEP, rapat belum ditutup",
    Plenary.State.CANCELLED: "KONSEP, rapat dibatalkan",
}
RULE = "Peraturan Badan Pengawas Pemilihan Umum Nomor 5 Tahun 2018 tentang Rapat Pleno"


def data(plenary: Plenary, *, late: bool = False) -> dict[str, Any]:
    """Everything the sheet says, as text in Indonesian, but for the address where it can be checked."""
    with translation.override("id"):
        return _said(plenary, late)


def _said(plenary: Plenary, late: bool) -> dict[str, Any]:
    rows = listed(plenary)
    # Made years later, they say who sat there by the list alone: terms may have been written over since.
    ended = {} if late else attendance.ended_at(plenary, [row.user_id for row in rows])
    joined = ["unit", "window__instrument", "window__version", "corrects__plenary", "finding"]
    number = plenary.minutes_number or "…"
    return {
        "draft": DRAFTS.get(Plenary.State(plenary.state), ""),
        "draft_mark": "KONSEP",
        "late": f"Dibuat kemudian, {formats.moment(clock.now())}, dari catatan rapat yang tersimpan." if late else "",
        "heading": "BERITA ACARA RAPAT PLENO",
        "body": body_of(plenary.unit),
        "region": _region(plenary.unit),
        "number": f"Nomor: {number}",
        "footer": f"{body_of(plenary.unit)}, berita acara nomor {number}",
        "opening": _opening(plenary, rows),
        "basis_title": "Rapat pleno ini berdasar pada:",
        "basis": [LAWS[Election.Kind(plenary.unit.election.kind)] + ";", RULE + "."],
        "quorum": _quorum(plenary, rows),
        "attendance_title": "Daftar hadir",
        "attendance_head": ["No.", "Nama", "Jabatan", "Kehadiran"],
        "attendance": [
            [str(place), row.user.name, str(Role(row.role).label), _attended(row, ended)]
            for place, row in enumerate(rows, start=1)
        ],
        "items": [_item(item) for item in plenary.items.select_related(*joined).order_by("pk")],
        "notes_title": "Catatan rapat",
        "notes": plenary.notes,
        "closing": _closing(plenary),
        "signed_at": f"{plenary.place}, {_long(plenary.closed_at) if plenary.closed_at else '…'}",
        "signed": [
            [str(Role(row.role).label), row.user.name, "" if row.arrived_at or not plenary.opened_at else "tidak hadir"]
            for row in rows
            if row.user_id not in ended
        ],
    }


def body_of(unit: Unit) -> str:
    """The name of the body that sits there: "Panwaslu Kecamatan Palaran", "Bawaslu Kota Samarinda"."""
    return BODIES[Level(unit.level)].format(name=unit.name)


def _region(unit: Unit) -> str:
    above = [unit.regency if unit.level > Level.REGENCY else None, unit.province if unit.level else None]
    return ", ".join([*(place.title for place in above if place), unit.election.name])


def listed(plenary: Plenary) -> list[Attendance]:
    """The attendance list, the chair first. Of a meeting that is opened it names every member of the body of that day;
    before, those who will be members on the day it is called for."""
    rows = list(plenary.attendance.select_related("user"))
    if plenary.opened_at is None:
        known = {row.user_id: row for row in rows}
        memberships = attendance.expected_at(plenary)
        rows = [
            known.get(membership.user_id) or Attendance(plenary=plenary, user=membership.user, role=membership.role)
            for membership in memberships
        ]
    return sorted(rows, key=lambda row: (row.role != Role.CHAIR, row.user.name, row.user_id))


def _opening(plenary: Plenary, rows: list[Attendance]) -> str:
    at = (plenary.opened_at or plenary.meets_at).astimezone(WITA)
    weekday, day, month, year = formats.long_day(at).replace(",", "").split(" ")
    date = f"{weekday}, tanggal {formats.spelled(int(day))} bulan {month} tahun {formats.spelled(int(year))}"
    kind = "terbuka" if plenary.public else "tertutup"
    return (
        f"Pada hari ini, {date} ({at:%d-%m-%Y}), pukul {formats.hour(at)}, bertempat di {plenary.place}, "
        f"{body_of(plenary.unit)} mengadakan rapat pleno ke-{plenary.number} yang bersifat {kind}, "
        f"dipimpin oleh {_presider(plenary, rows)}."
    )


def _presider(plenary: Plenary, rows: list[Attendance]) -> str:
    """Who presided, in turn, as the journal tells; "…" before the opening."""
    told = Event.objects.filter(target=f"pleno-{plenary.pk}", verb__in=["plenary.opened", "plenary.presided"])
    listed = {row.user.username: row for row in rows}
    names = [detail["presider"] for detail in told.order_by("id").values_list("detail", flat=True)]
    turns = [listed[name] for name in names if name in listed]
    said = [
        f"{row.user.name}, {'ketua' if row.role == Role.CHAIR else 'anggota tertua karena ketua tidak hadir'}"
        for row in turns
    ]
    return ", kemudian oleh ".join(said) or "…"


def _quorum(plenary: Plenary, rows: list[Attendance]) -> str:
    if plenary.quorum is None:
        return "Kuorum: …"
    came = sum(row.arrived_at is not None for row in rows)
    # Who joined the body during the meeting stands in the list, and counts on both sides.
    return (
        f"Rapat dihadiri {came} dari {max(plenary.members or 0, len(rows))} anggota. Kuorum {plenary.quorum} anggota"
        " terpenuhi, sehingga rapat sah mengambil keputusan."
    )


def _attended(row: Attendance, ended: dict[int, date | None]) -> str:
    """`ended`: members who are none any more -> the last day of their term. Who came as a member did attend."""
    if row.arrived_at is None:
        return f"tidak hadir: {row.absence}" if row.absence else "tidak hadir"
    said = ["hadir"]
    if row.user_id in ended:
        last = ended[row.user_id]
        said = [f"hadir {formats.moment(row.arrived_at)}", f"masa jabatan berakhir {_long(last)}" if last else ""]
    if row.left_at is not None:
        said.insert(1, f"pergi {formats.moment(row.left_at)}")
    return ", ".join(filter(None, said))


def _closing(plenary: Plenary) -> str:
    closed = (
        f"Rapat ditutup {_long(plenary.closed_at)} pukul {formats.hour(plenary.closed_at)}. "
        if plenary.closed_at
        else ""
    )
    return closed + "Demikian berita acara ini dibuat dengan sebenarnya dan ditandatangani oleh yang hadir."


def _long(moment: date) -> str:
    """14 Februari 2024"""
    return formats.long_day(moment).partition(", ")[2]


def _item(item: AgendaItem) -> dict[str, Any]:
    """Of a finding its number, the decision and the hash alone: minutes travel further than its contents may."""
    votes = item.votes.select_related("user").order_by("pk")
    decision = str(item.get_decision_display())
    if item.version:
        decision += f", {item.get_mode_display().lower()}, versi {item.version}"
    if item.corrects:
        decision += (
            f", mengoreksi versi {item.corrects.version} (berita acara nomor {item.corrects.plenary.minutes_number})"
        )
    return _figures(item) | {
        "title": agenda_title(item),
        "decision": f"Keputusan: {decision}",
        "said": [
            *([f"Alasan {_purpose(item)} rekap yang {_unready(item)}: {item.reason}"] if item.reason else []),
            *([f"Keterangan: {item.note}"] if item.note else []),
        ],
        "votes_title": "Suara",
        "votes": [[vote.user.name, str(vote.get_choice_display()), vote.dissent] for vote in votes],
        "hash": f"Sidik yang diputuskan (SHA-256): {bytes(item.sha256).hex()}",
    }


def _purpose(item: AgendaItem) -> str:
    """What the reason was given for: what was voted down or put off was only ever proposed with it."""
    return (
        "mengesahkan" if item.decision in (AgendaItem.Decision.RATIFIED, AgendaItem.Decision.PENDING) else "mengajukan"
    )


def _due(item: AgendaItem) -> datetime:
    assert item.window is not None, "only figures are due"
    return readiness.due_at(item.window, readiness.granted_to(item.unit, [item.window]), item.decided_at)


def _unready(item: AgendaItem) -> str:
    return str(readiness.of(item.shown["counts"], _due(item), item.decided_at or clock.now()).label).lower()


def _figures(item: AgendaItem) -> dict[str, Any]:
    if item.window is None:
        return {"coverage": "Isi temuan tidak dimuat di sini; sidiknya mengikat isi yang diputuskan.", "tables": []}
    counts = item.shown["counts"]
    approved = formats.n_of_total(counts["approved_count"], counts["expected"], "laporan disetujui")
    filed = formats.n_of_total(counts["filed_count"], counts["expected"], "laporan masuk")
    of_all = [formats.n_of_total(counts[each], counts["expected"]) for each in ("approved_count", "filed_count")]
    basis = "Disahkan: disetujui" if item.decision == AgendaItem.Decision.RATIFIED else "Disetujui"
    found = ratified.tables(item)
    named = [("Masalah (laporan yang menemukan)", found.problems), ("Jumlah", found.sums)]
    return {
        "coverage": f"{approved}, {filed}; keadaan {formats.moment(item.shown_at)}. "
        f"Tenggat laporan: {formats.moment(_due(item))}.",
        "tables": [
            {
                "head": [heading, f"{basis}\n{of_all[0]}", f"Pembanding: masuk\n{of_all[1]}"],
                "rows": [[row.label, formats.number(row.approved), formats.number(row.filed)] for row in rows],
            }
            for heading, rows in named
            if rows
        ],
    }
