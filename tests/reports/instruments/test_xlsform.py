"""Bad sources are refused in sentences that name the place; good ones read the same from Excel and Markdown."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.instruments import xlsform
from reports.instruments.errors import InstrumentError
from tests.reports.instruments.forge import CATALOGUE, ask, catalogued, form, markdown


def refused(source: bytes | Path, suffix: str = ".md") -> list[str]:
    with pytest.raises(InstrumentError) as error:
        xlsform.read(source, suffix=suffix)
    return error.value.messages


def workbook(markdown_file: Path) -> bytes:
    """The same form as an Excel file."""
    from openpyxl import Workbook
    from pyxform.xls2json_backends import get_xlsform

    definition = get_xlsform(xlsform=markdown_file.read_text(encoding="utf-8"), file_type=".md")
    book = Workbook()
    book.remove(book.active)
    for name in ("survey", "choices", "settings"):
        sheet, rows = book.create_sheet(name), getattr(definition, name)
        columns = list(getattr(definition, f"{name}_header")[0])
        for line in (columns, *([row.get(column) for column in columns] for row in rows)):
            sheet.append(line)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_excel_and_markdown_are_one_form() -> None:
    source = CATALOGUE / "pemungutan-tps.md"
    assert xlsform.read(workbook(source), suffix=".xlsx") == catalogued("pemungutan-tps")


def test_an_empty_file_is_told_apart(tmp_path: Path) -> None:
    empty = tmp_path / "kosong.xlsx"
    empty.touch()
    assert "0 byte" in refused(empty, "")[0]


def test_a_file_of_50_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = tmp_path / "besar.xlsx"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    assert "50.0 MB" in refused(large, "")[0]


def test_an_old_excel_file_renamed_is_recognised() -> None:
    assert ".xls" in refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xlsx")[0]


def test_a_zip_bomb_is_refused_unopened() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 45_000_000)
    assert "dibuka" in refused(stream.getvalue(), ".xlsx")[0]


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("surat.txt", "halo")
    assert "buku kerja" in refused(stream.getvalue(), ".xlsx")[0]


@pytest.mark.parametrize("suffix", [".xls", ".csv", "", ".pdf"])
def test_only_xlsx_and_markdown_are_read(suffix: str) -> None:
    assert ".xlsx" in refused(b"apa saja", suffix)[0]


@given(st.binary(max_size=200), st.sampled_from([".md", ".xlsx"]))
def test_no_bytes_break_the_reader(content: bytes, suffix: str) -> None:
    with pytest.raises(InstrumentError):
        xlsform.read(content, suffix=suffix)


RULED = {"constraint": ". < 5", "constraint_message": "Terlalu besar."}


@pytest.mark.parametrize(
    ("row", "column", "part"),
    [
        (ask("integr", "a"), "type", "integr"),
        (ask("decimal", "a"), "type", "decimal"),
        (ask("integer", "Nama Salah"), "name", "huruf kecil"),
        (ask("integer", "pertama"), "name", "pertama"),
        (ask("integer", "a", label=""), "label", "bahasa Indonesia"),
        (ask("select_one tak_ada", "a"), "type", "tak_ada"),
        (ask("integer", "a", constraint="${b} < 5", constraint_message="x"), "constraint", "b"),
        (ask("integer", "a", constraint=". < 5"), "constraint_message", "pesan"),
        (ask("integer", "a", constraint=". + 5", constraint_message="x"), "constraint", "benar atau salah"),
        (ask("integer", "a", constraint=". < 5", constraint_message="{= ${b} =}"), "constraint_message", "b"),
        (ask("integer", "a", relevant="pertama/x"), "relevant", "didukung"),
        (ask("integer", "a", **{"bind::bawaslu:problem": "ya"}), "bind::bawaslu:problem", "ya"),
        (ask("time", "a", **{"bind::bawaslu:problem": ">7"}), "bind::bawaslu:problem", ">7"),
        (ask("integer", "a", **{"bind::bawaslu:problem": "=="}), "bind::bawaslu:problem", "=="),
        (ask("text", "a", **{"bind::bawaslu:public": "ya"}), "bind::bawaslu:public", "tidak pernah"),
        (ask("integer", "a", **RULED, **{"bind::bawaslu:severity": "keras"}), "bind::bawaslu:severity", "soft"),
        (ask("calculate", "a"), "calculation", "rumus"),
    ],
)
def test_a_fault_names_its_sheet_row_and_column(row: dict[str, str], column: str, part: str) -> None:
    messages = refused(markdown(ask("integer", "pertama"), row))
    assert any(f"“survey”, baris 3, kolom “{column}”" in message and part in message for message in messages), messages


def test_every_fault_is_told_at_once() -> None:
    assert len(refused(markdown(ask("integr", "a"), ask("integer", "B"), ask("select_one zzz", "c")))) == 3


def test_an_unknown_column_is_named() -> None:
    messages = refused(markdown(ask("integer", "a", constrain=". < 5")))
    assert messages == ["Lembar “survey”, kolom “constrain”: kolom ini tidak dikenal. Periksa ejaannya atau hapus."]


def test_a_missing_column_is_named() -> None:
    source = markdown(ask("integer", "a")).replace(b"| type |", b"| jenis |")
    assert "Lembar “survey”: kolom “type” tidak ada." in refused(source)


def test_a_missing_sheet_is_named() -> None:
    assert refused(markdown(ask("integer", "a")).split(b"| settings |")[0]) == [
        "Lembar “settings” tidak ada atau kosong."
    ]


def test_rules_in_a_circle_are_refused() -> None:
    rows = ask("integer", "a", relevant="${b} = 1"), ask("integer", "b", relevant="${a} = 1")
    assert "saling bergantung" in refused(markdown(*rows))[0]


def test_groups_in_groups_and_repeats_are_refused() -> None:
    nested = (
        ask("begin_group", "x"),
        ask("begin_group", "y"),
        ask("integer", "a"),
        ask("end_group", ""),
        ask("end_group", ""),
    )
    assert "kelompok" in refused(markdown(*nested))[0]
    assert "begin_repeat" in refused(markdown(ask("begin_repeat", "x"), ask("integer", "a"), ask("end_repeat", "")))[0]


def test_questions_outside_a_group_stand_in_one_of_their_own() -> None:
    schema = form(ask("integer", "a"), ask("integer", "b"))
    assert [(group.name, group.title.id) for group in schema.groups] == [("umum", "Uji")]
