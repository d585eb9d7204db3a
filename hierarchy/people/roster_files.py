"""Rosters as files: the table an office fills in, and the cards with activation codes that go out."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from hierarchy.levels import CODE_PATTERN
from hierarchy.lib import tabular
from hierarchy.lib.errors import Fault, Refusal, reason, sentences
from hierarchy.lib.tabular import TableRow
from hierarchy.models import Role
from hierarchy.people.roster_rows import IssuedCode, RosterRow

REQUIRED = ("kode_satuan", "nama", "peran")
OPTIONAL = ("telepon", "email", "nama_pengguna", "mulai", "sampai", "lahir")
ROLE_WORDS: dict[str, Role] = {
    "pengawas": Role.SUPERVISOR,
    "operator": Role.OPERATOR,
    "sekretariat": Role.OPERATOR,
    "anggota": Role.MEMBER,
    "ketua": Role.CHAIR,
    "admin": Role.ADMIN,
} | {role.value.lower(): role for role in Role}
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d %H:%M:%S")  # the last is how a spreadsheet's date arrives


def read_roster(path: Path) -> list[RosterRow]:
    """The people in a CSV or XLSX file with the columns REQUIRED and any of OPTIONAL.

    Phones are brought to the form 0812...; an empty cell means "not known", never "delete".
    Raises Refusal naming file, row, column and value of every fault at once.
    """
    lines = tabular.read(path, required=REQUIRED, optional=OPTIONAL)
    if not lines:
        raise Refusal(_("%(file)s: tidak ada orang di bawah judul kolom.") % {"file": path.name})
    wrong: list[Fault] = []
    rows = [_row(line, wrong) for line in lines]
    if wrong:
        raise Refusal(sentences(wrong, path.name))
    return rows


def write_codes(path: Path, codes: Iterable[IssuedCode]) -> None:
    """Writes the activation codes to a new CSV that only its owner can read (mode 0600).

    An existing file is never overwritten: the codes in it may not have been printed. Raises Refusal.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refusal(_("%(file)s sudah ada. Pilih nama berkas lain.") % {"file": path}) from error
    except OSError as error:
        raise Refusal(
            _("%(file)s tidak dapat ditulis (%(reason)s).") % {"file": path, "reason": reason(error)}
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["kode_satuan", "satuan", "nama", "peran", "nama_pengguna", "kode_aktivasi"])
        for card in codes:
            cells = (card.unit_code, card.unit, card.name, card.role, card.username, card.code)
            writer.writerow([tabular.safe_cell(cell) for cell in cells])


def _row(line: TableRow, wrong: list[Fault]) -> RosterRow:
    role = ROLE_WORDS.get(line["peran"].lower().split("/")[0].split(" ")[0])
    if role is None:
        sentence = _("peran tidak dikenal. Pilih: pengawas, operator, anggota, ketua, admin.")
        wrong.append(Fault(line.number, "peran", line["peran"], sentence))
    unit_code = line["kode_satuan"].replace(".", "")
    if not re.fullmatch(CODE_PATTERN, unit_code):
        wrong.append(Fault(line.number, "kode_satuan", line["kode_satuan"], _("kode satuan harus 2–13 angka 0–9.")))
    if not 0 < len(line["nama"]) <= 120:
        wrong.append(Fault(line.number, "nama", line["nama"], _("nama wajib diisi, paling panjang 120 huruf.")))
    username = line["nama_pengguna"]
    if username and not re.fullmatch(r"[A-Za-z0-9._-]{3,40}", username):
        sentence = _("nama pengguna 3–40 huruf, angka, titik, garis bawah, atau tanda hubung.")
        wrong.append(Fault(line.number, "nama_pengguna", username, sentence))
    return RosterRow(
        unit_code=unit_code,
        name=line["nama"],
        role=role or "",
        phone=_phone(line, wrong),
        email=_email(line, wrong),
        username=username,
        since=_date(line, "mulai", wrong),
        until=_date(line, "sampai", wrong),
        born_on=_date(line, "lahir", wrong),
        line=line.number,
    )


def _phone(line: TableRow, wrong: list[Fault]) -> str:
    text = re.sub(r"[ ().-]", "", line["telepon"])
    if not text:
        return ""
    # A spreadsheet drops the leading zero of a number typed without an apostrophe.
    text = re.sub(r"^(\+?62|0)?(?=8)", "0", text, count=1)
    if not re.fullmatch("0[0-9]{7,14}", text):
        wrong.append(Fault(line.number, "telepon", line["telepon"], _("tulis nomor seperti 081234567890.")))
        return ""
    return text


def _email(line: TableRow, wrong: list[Fault]) -> str:
    text = line["email"]
    if text:
        try:
            validate_email(text)
        except ValidationError:
            wrong.append(Fault(line.number, "email", text, _("alamat email tidak lengkap.")))
            return ""
    return text


def _date(line: TableRow, column: str, wrong: list[Fault]) -> date | None:
    text = line[column]
    if not text:
        return None
    for pattern in DATE_FORMATS:
        try:
            if text.isascii():
                return datetime.strptime(text, pattern).date()  # noqa: DTZ007  (a calendar day has no zone)
        except ValueError:
            continue
    wrong.append(Fault(line.number, column, text, _("tulis tanggal seperti 2024-01-22 atau 22/01/2024.")))
    return None
