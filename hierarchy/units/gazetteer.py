"""Reads lists of units: an office's own table, and the official lists of Kalimantan Timur (data/SOURCES.md)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.utils.translation import gettext as _

from hierarchy.levels import LEAF, SPECIAL_FROM, Level, level_of, parent_code
from hierarchy.lib import tabular
from hierarchy.lib.errors import Fault, Refusal, sentences
from hierarchy.lib.tabular import TableRow
from hierarchy.models import Election
from hierarchy.units.rows import CODE, UnitRow, faults

DATA = Path(__file__).parents[1] / "data"
REQUIRED = ("code", "name")
OPTIONAL = ("level", "kind", "parent_code", "registered_voters", "lat", "lng", "tags", "previous_code")
LEVEL_WORDS: dict[str, Level] = {
    "provinsi": Level.PROVINCE,
    "kabkota": Level.REGENCY,
    "kabupaten": Level.REGENCY,
    "kota": Level.REGENCY,
    "kecamatan": Level.DISTRICT,
    "desa_kelurahan": Level.VILLAGE,
    "desa": Level.VILLAGE,
    "kelurahan": Level.VILLAGE,
    "tps": Level.POLLING_STATION,
}
DPT_COLUMN = {Election.Kind.PEMILU: "dpt_pemilu2024", Election.Kind.PILKADA: "dpt_pilkada2024"}
PLACES = Decimal("0.00001")  # about one metre; what the column stores


def read_units(path: Path) -> list[UnitRow]:
    """The units in a CSV or XLSX file with the columns REQUIRED and any of OPTIONAL, in the order of the file.

    Codes may be dotted (64.01.01.2009). `level` and `parent_code` are only compared with the code, which says both.
    `tags` are separated by commas or semicolons. Raises Refusal with every fault of the file at once.
    """
    lines = tabular.read(path, required=REQUIRED, optional=OPTIONAL)
    wrong: list[Fault] = []
    rows = [_row(line, wrong) for line in lines]
    wrong += _bad_parents(lines)
    wrong += faults(rows)
    if not rows:
        raise Refusal(_("%(file)s: tidak ada satuan di bawah judul kolom.") % {"file": path.name})
    if wrong:
        wrong.sort(key=lambda fault: fault.line)
        raise Refusal(sentences(wrong, path.name))
    return rows


def kaltim_rows(kind: str = Election.Kind.PEMILU) -> list[UnitRow]:
    """The official units of Kalimantan Timur, parents before children.

    PEMILU: 1 province, 10 regencies and cities, 105 districts, 1,038 villages, 11,441 polling stations (KPU, Pemilu
    2024), of which 70 special ones numbered from 901. PILKADA: down to the village only, because KPU's 6,274 stations
    of 2024 are known per regency and not per village; an office adds its own list with read_units.
    Registered voters (DPT) are known for the province and most regencies; elsewhere None, which is not zero.
    """
    voters = {
        line["code"].replace(".", ""): line[DPT_COLUMN[Election.Kind(kind)]] for line in _official("dpt_tps_64_kabkota")
    }
    rows = [
        UnitRow(
            code=(code := line["code"].replace(".", "")),
            name=line["name"],
            kind=line["type"],
            registered_voters=int(voters[code]) if voters.get(code) else None,
            latitude=_degrees(line["lat"]),
            longitude=_degrees(line["lng"]),
        )
        for line in _official("wilayah_64")
    ]
    if kind == Election.Kind.PEMILU:
        rows += _stations()
    return rows


def _stations() -> Iterator[UnitRow]:
    for line in _official("tps_64_pemilu2024"):
        village, special = line["code"].replace(".", ""), int(line["tps_special"])
        numbers = [*range(1, int(line["tps_regular"]) + 1), *range(SPECIAL_FROM, SPECIAL_FROM + special)]
        for number in numbers:
            yield UnitRow(f"{village}{number:03d}", f"TPS {number:03d}", "tps")


def _official(name: str) -> Iterator[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _degrees(text: str) -> Decimal | None:
    return Decimal(text).quantize(PLACES) if text else None


def _row(line: TableRow, wrong: list[Fault]) -> UnitRow:
    """One unit; faults of single cells are added to `wrong` and the cell is left empty."""
    code = line["code"].replace(".", "")
    stated = line["level"].lower().replace(" ", "_").replace("/", "_")
    if stated and LEVEL_WORDS.get(stated) != level_of(code):
        wrong.append(Fault(line.number, "level", line["level"], _("tingkat tidak cocok dengan panjang kodenya.")))
    kind = line["kind"] or ("tps" if level_of(code) == LEAF else "")
    return UnitRow(
        code=code,
        name=line["name"],
        kind=kind.lower(),
        registered_voters=_voters(line, wrong),
        latitude=_coordinate(line, "lat", wrong),
        longitude=_coordinate(line, "lng", wrong),
        tags=tuple(tag.strip() for tag in re.split("[,;]", line["tags"]) if tag.strip()),
        previous_code=line["previous_code"].replace(".", ""),
        line=line.number,
    )


def _voters(line: TableRow, wrong: list[Fault]) -> int | None:
    text = line["registered_voters"]
    if not text:
        return None
    # Only 0-9: int() would also read Arabic-Indic digits, and a dot may be a thousands mark or a decimal point.
    if not CODE.fullmatch(text) or len(text) > 9:
        sentence = _("tulis bilangan bulat dengan angka 0–9 saja, tanpa titik atau koma.")
        wrong.append(Fault(line.number, "registered_voters", text, sentence))
        return None
    return int(text)


def _coordinate(line: TableRow, column: str, wrong: list[Fault]) -> Decimal | None:
    text = line[column]
    if not text:
        return None
    try:
        if re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,15})?", text):
            return Decimal(text).quantize(PLACES)
        raise InvalidOperation
    except InvalidOperation:
        wrong.append(Fault(line.number, column, text, _("tulis derajat desimal dengan titik, misalnya -0.50222.")))
        return None


def _bad_parents(lines: Sequence[TableRow]) -> Iterator[Fault]:
    """Stated parents that the code contradicts; a loop of parents gets a sentence of its own."""
    stated = {line["code"].replace(".", ""): line["parent_code"].replace(".", "") for line in lines}
    for line in lines:
        code, parent = line["code"].replace(".", ""), line["parent_code"].replace(".", "")
        if not parent or parent == parent_code(code):
            continue
        if _loops(code, stated):
            sentence = _("induk melingkar: satuan ini menjadi atasan dari atasannya sendiri.")
        else:
            sentence = _("kode %(code)s tidak diawali kode induk ini.") % {"code": code}
        yield Fault(line.number, "parent_code", line["parent_code"], sentence)


def _loops(code: str, stated: dict[str, str]) -> bool:
    seen: set[str] = set()
    while code and code not in seen:
        seen.add(code)
        code = stated.get(code, "")
    return bool(code)
