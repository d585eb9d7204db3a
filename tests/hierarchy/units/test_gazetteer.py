"""The official lists are complete, and a bad list is refused with its row, column and value."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierarchy.lib import tabular
from hierarchy.lib.errors import Refusal
from hierarchy.models import Election
from hierarchy.units import gazetteer
from hierarchy.units.gazetteer import kaltim_rows, read_units
from hierarchy.units.rows import UnitRow, edges, faults, parent_code

HEAD = "code,name,level,kind,parent_code,registered_voters,lat,lng,tags\n"
GOOD = HEAD + "64,Kaltim,provinsi,,,,,,\n64.72,Kota Samarinda,kota,kota,64,604420,-0.50222,117.15361,pesisir;padat\n"


def test_kaltim_is_exactly_the_official_tree():
    rows = kaltim_rows()
    assert Counter(len(row.code) for row in rows) == {2: 1, 4: 10, 6: 105, 10: 1038, 13: 11441}
    assert sum(row.number is not None and row.number >= 901 for row in rows) == 70
    assert Counter(row.kind for row in rows if len(row.code) == 10) == {"desa": 841, "kelurahan": 197}
    assert faults(rows) == []


def test_stations_per_regency_are_those_of_kpu():
    counted = Counter(row.code[:4] for row in kaltim_rows() if row.number)
    assert counted == {
        "6401": 846, "6402": 2269, "6403": 807, "6407": 532, "6408": 1185,
        "6409": 542, "6411": 118, "6471": 2047, "6472": 2563, "6474": 532,
    }  # fmt: skip


def test_an_unknown_voter_roll_is_unknown_and_not_zero():
    voters = {row.code: row.registered_voters for row in kaltim_rows()}
    assert voters["64"] == 2_778_644
    assert voters["6402"] is None
    assert {row.code: row.registered_voters for row in kaltim_rows(Election.Kind.PILKADA)}["6402"] == 552_469


def test_pilkada_ends_at_the_village():
    assert Counter(len(row.code) for row in kaltim_rows(Election.Kind.PILKADA)) == {2: 1, 4: 10, 6: 105, 10: 1038}


@given(st.sets(st.sampled_from([row.code for row in kaltim_rows()[:400]]), max_size=60))
def test_edges_nest_without_gaps(picked: set[str]):
    codes = set(picked)
    for code in picked:
        while (code := parent_code(code) or "") and code not in codes:
            codes.add(code)
    found = edges(codes)
    assert sorted(edge for pair in found.values() for edge in pair) == list(range(1, 2 * len(codes) + 1))
    for code, (left, right) in found.items():
        inside = [other for other in codes if other.startswith(code)]
        assert right - left == 2 * len(inside) - 1
        assert all(left <= found[other][0] < found[other][1] <= right for other in inside)


def write(tmp_path: Path, content: str | bytes, name: str = "satuan.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_good_file_is_read_with_dotted_codes_and_tags(tmp_path: Path):
    rows = read_units(write(tmp_path, GOOD))
    assert [(row.code, row.registered_voters, row.tags) for row in rows] == [
        ("64", None, ()),
        ("6472", 604420, ("pesisir", "padat")),
    ]


def test_semicolons_and_a_byte_order_mark_are_what_excel_writes(tmp_path: Path):
    rows = read_units(write(tmp_path, "\ufeffcode;name\r\n64;Kaltim\r\n6472;Kota Samarinda\r\n"))
    assert [row.name for row in rows] == ["Kaltim", "Kota Samarinda"]


def test_an_xlsx_keeps_codes_as_typed(tmp_path: Path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (["code", "name", "registered_voters"], [64, "Kaltim", 2778644], ["64.72", "Kota Samarinda", None]):
        book.active.append(row)
    book.save(tmp_path / "satuan.xlsx")
    assert [(row.code, row.registered_voters) for row in read_units(tmp_path / "satuan.xlsx")] == [
        ("64", 2778644),
        ("6472", None),
    ]


BAD_ROWS = {
    "wrong columns": ("kode,nama\n64,Kaltim\n", ["baris 1", "kolom code", "tidak ada"]),
    "repeated column": ("code,name,name\n64,Kaltim,x\n", ["dua kali"]),
    "duplicate code": (GOOD + "6472,Kota Lain,,,,,,,\n", ["baris 4", "kolom code", "“6472”", "baris 3"]),
    "orphan": (GOOD + "640101,Batu Sopang,,,,,,,\n", ["baris 4", "“640101”", "6401 tidak ada"]),
    "cycle": (
        HEAD + "64,Kaltim,,,6472,,,,\n6472,Kota Samarinda,,,64,,,,\n",
        ["baris 2", "kolom parent_code", "melingkar"],
    ),
    "foreign parent": (GOOD + "6401,Paser,,,6472,,,,\n", ["baris 4", "tidak diawali kode induk"]),
    "code and level differ": (GOOD + "6401,Paser,desa,,,,,,\n", ["baris 4", "kolom level", "“desa”"]),
    "odd length": (GOOD + "640,Paser,,,,,,,\n", ["baris 4", "“640”", "2, 4, 6, 10, atau 13"]),
    "arabic-indic code": (GOOD + "٦٤٠١,Paser,,,,,,,\n", ["baris 4", "kolom code", "0–9"]),
    "arabic-indic voters": (GOOD + "6401,Paser,,,,١٢٣,,,\n", ["baris 4", "kolom registered_voters", "“١٢٣”"]),
    "negative voters": (GOOD + "6401,Paser,,,,-5,,,\n", ["“-5”", "bilangan bulat"]),
    "huge voters": (GOOD + f"6401,Paser,,,,{'9' * 40},,,\n", ["baris 4", "registered_voters"]),
    "thousands dot": (GOOD + "6401,Paser,,,,211.377,,,\n", ["“211.377”", "tanpa titik"]),
    "place out of the world": (GOOD + "6401,Paser,,,,,-97.5,116,\n", ["kolom lat", "antara -90 dan 90"]),
    "NUL": (GOOD + "6401,Pa\0ser,,,,,,,\n", ["baris 4", "kolom name", "NUL"]),
    "no name": (GOOD + "6401,,,,,,,,\n", ["baris 4", "kolom name", "wajib"]),
    "long name": (GOOD + f"6401,{'x' * 121},,,,,,,\n", ["baris 4", "120"]),
    "too many cells": (GOOD + "6401,Paser,,,,,,,,,lebih\n", ["baris 4", "lebih banyak"]),
    "only a heading": (HEAD, ["tidak ada satuan"]),
    "blank": ("\n\n\n", ["tidak ada isinya"]),
    "empty": ("", ["0 byte"]),
    "not UTF-8": (GOOD.encode() + b"6401,Pas\xe9r,,,,,,,\n", ["baris 4", "UTF-8"]),
}


@pytest.mark.parametrize(("content", "expected"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_list_is_refused_in_a_sentence(tmp_path: Path, content: str | bytes, expected: list[str]):
    with pytest.raises(Refusal) as refused:
        read_units(write(tmp_path, content))
    text = "\n".join(refused.value.messages)
    assert "satuan.csv" in text
    assert [part for part in expected if part not in text] == []
    assert "\0" not in text


BAD_FILES = {
    "an .xls renamed": ("satuan.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel lama (.xls)"),
    "a damaged workbook": ("satuan.xlsx", b"PK\x03\x04 broken", "utuh"),
    "a text named .xlsx": ("satuan.xlsx", GOOD.encode(), "utuh"),
    "an empty workbook": ("satuan.xlsx", b"", "0 byte"),
    "50 MB": ("satuan.csv", b"6" * (50 * 2**20), "50 MB terlalu besar"),
    "a picture": ("satuan.png", b"\x89PNG", ".csv atau .xlsx"),
}


@pytest.mark.parametrize(("name", "content", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_of_another_kind_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, expected: str):
    with pytest.raises(Refusal, match=name) as refused:
        read_units(write(tmp_path, content, name))
    assert expected in refused.value.messages[0]


def far(rows: dict[str, str], strings: tuple[str, ...] = ("x",)) -> bytes:
    """A workbook of the given cells (place -> index of its shared string), as small as can be."""
    sheet = "".join(
        f'<row r="{re.sub("[A-Z]", "", at)}"><c r="{at}" t="s"><v>{v}</v></c></row>' for at, v in rows.items()
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" Target="xl/workbook.xml"'
        f' Type="{links}/officeDocument"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="a" sheetId="1" r:id="a"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a"'
        f' Target="worksheets/a.xml" Type="{links}/worksheet"/></Relationships>',
        "xl/worksheets/a.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{"".join(f"<si><t>{text}</t></si>" for text in strings)}</sst>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


LARGE = {
    "a cell in the last corner": far({"A1": "0", "XFD1048576": "0"}),
    "a cell in the middle of nowhere": far({"A1": "0", "ZZ300000": "0"}),
    "one text three thousand times": far({f"A{row}": "0" for row in range(1, 3_001)}, ("x" * 1_000_000,)),
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
def test_a_workbook_that_unfolds_without_end_ends_no_process_of_ours(tmp_path: Path, content: bytes):
    assert len(content) < 60_000
    with pytest.raises(Refusal, match="terlalu besar untuk dibaca"):
        read_units(write(tmp_path, content, "satuan.xlsx"))


def test_the_forged_workbook_is_read_where_it_is_small(tmp_path: Path):
    """So that the refusals above are about size and nothing else."""
    content = far({"A1": "0", "B1": "1", "A2": "2", "B2": "3"}, ("code", "name", "64", "Kalimantan Timur"))
    assert [row.name for row in read_units(write(tmp_path, content, "satuan.xlsx"))] == ["Kalimantan Timur"]


def test_a_missing_file_is_a_sentence_too(tmp_path: Path):
    with pytest.raises(Refusal, match="tidak ditemukan"):
        read_units(tmp_path / "hilang.csv")


def test_a_thousand_faults_are_counted_and_not_all_printed(tmp_path: Path):
    content = GOOD + "".join(f"6401{number:02d},,,,,,,,\n" for number in range(99))
    with pytest.raises(Refusal) as refused:
        read_units(write(tmp_path, content))
    assert len(refused.value.messages) == 51
    assert "kesalahan lain" in refused.value.messages[-1]


@given(content=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (HEAD + text).encode()))
def test_no_content_raises_anything_but_the_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.mktemp("any") / "satuan.csv"
    path.write_bytes(content)
    messages: list[str] = []
    rows: list[UnitRow] = []
    try:
        rows = gazetteer.read_units(path)
    except Refusal as refused:
        messages = refused.messages
    assert bool(messages) != bool(rows)
    assert faults(rows) == []


@given(st.text())
def test_no_cell_starts_a_formula(text: str):
    assert not tabular.safe_cell(text).startswith(tabular.FORMULA_STARTS)
    assert tabular.safe_cell(text).removeprefix("'") == text or text.startswith("'")
