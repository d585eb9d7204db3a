"""The recap workbook, read back: formulas calculate to the tallies, namesakes stay apart, no cell is ever a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.recaps import queries as recap
from dashboards.recaps.columns import Column, Topic, topics
from dashboards.recaps.shapes import Recap, RecapPart, RecapRow
from dashboards.recaps.workbook import write_recap
from dashboards.spreadsheet import LONGEST_TEXT, Book, Style, letters
from hierarchy.lib.clock import WITA
from hierarchy.lib.errors import Refusal
from reports.filing.models import Report
from reports.plenary import actions as plenary
from reports.plenary.models import AgendaItem
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from tests.days import Day, fresh
from tests.reports.instruments.forge import every_code
from tests.reports.plenary.test_plenary import body, ratify

TPS_2 = "6472012001002"
INCIDENT = {"ada_kejadian": "ya", "kejadian_khusus": '=HYPERLINK("http://x") kotak <basah> & rusak'}
EVENING = datetime(2024, 2, 14, 21, 40, tzinfo=WITA)
FIRST_ROW = 9


def load(file: Any, **options: Any) -> Any:
    from openpyxl import load_workbook

    return load_workbook(file, **options)


def calculated(sheet: Any, cell: Any) -> int:
    """The value of a cell as a spreadsheet calculates it; knows SUM of a range, which is all a recap uses."""
    if not isinstance(cell.value, str):
        return cell.value or 0
    inside = re.fullmatch(r"=SUM\(([A-Z]+[0-9]+:[A-Z]+[0-9]+)\)", cell.value)
    assert inside, cell.value
    return sum(calculated(sheet, one) for row in sheet[inside[1]] for one in row)


def headings(sheet: Any) -> list[tuple[str, str]]:
    """(heading, part) of every column; a heading reaches over the columns it is merged with."""
    found, current = [], ""
    for top, below in zip(sheet[7], sheet[8], strict=True):
        current = top.value or current
        found.append((current, below.value or ""))
    return found


def rows(sheet: Any) -> Iterator[list[Any]]:
    """The rows of units, the TOTAL row excluded."""
    for row in sheet.iter_rows(min_row=FIRST_ROW):
        if row[0].value == "TOTAL":
            return
        yield list(row)


def total_row(sheet: Any) -> list[Any]:
    return next(list(row) for row in sheet.iter_rows(min_row=FIRST_ROW) if row[0].value == "TOTAL")


def column(sheet: Any, heading: str, part: str = "") -> int:
    return headings(sheet).index((heading.upper(), part.upper()))


def words(sheet: Any) -> str:
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def write(day: Day, path: Path, code: str, *, basis: str = "filed", detail: bool = False) -> Any:
    gathered = recap.gather(unit=day.units[code], stage_code="PEMUNGUTAN", basis=basis, detail=detail, cut_off=EVENING)
    write_recap(path / "recap.xlsx", recap=gathered)
    return load(path / "recap.xlsx")


@pytest.fixture
def filed(election_day: Day) -> Day:
    """Two reports of voting in one village, one of them approved."""
    day, cast = election_day, election_day.cast
    first = day.file(cast.ptps, **voters(100, 90, ballots=194), intimidasi="ya")
    day.file(cast.ptps_sibling, day.obligation(subject=TPS_2), **voters(50, 40, ballots=92), **INCIDENT)
    review.approve(report=first, seen=bytes(first.sha256), by=cast.pkd)
    rollup.run_all()
    return day


def voters(men: int, women: int, *, ballots: int) -> dict[str, int]:
    """Answers of a station where everybody on the roll came and nobody else."""
    nobody = ["dptb_terdaftar", "dptb_hadir_l", "dptb_hadir_p", "dpk_hadir_l", "dpk_hadir_p"]
    others = dict.fromkeys([*nobody, "disabilitas_l", "disabilitas_p", "surat_rusak"], 0)
    came = {"dpt_l": men, "dpt_p": women, "dpt_hadir_l": men, "dpt_hadir_p": women}
    return others | came | {"surat_diterima": ballots}


# --- figures ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_total_calculates_to_the_tally_of_the_unit(filed: Day, tmp_path: Path) -> None:
    for code, detail in [("64", False), ("64", True), ("6472", False), ("647201", False)]:
        for basis in ("filed", "approved"):
            book = write(filed, tmp_path, code, basis=basis, detail=detail)
            tally = Tally.objects.get(unit__code=code, window=filed.windows["pemungutan-tps"])
            for topic in topics(filed.windows["pemungutan-tps"].version.parsed):
                assert_totals(book[topic.title.upper()], topic, tally, basis)


def assert_totals(sheet: Any, topic: Topic, tally: Tally, basis: str) -> None:
    total, leads = total_row(sheet), len(headings(sheet)) - len(topic.columns)
    reports = tally.approved_count if basis == "approved" else tally.filed_count
    assert [calculated(sheet, cell) for cell in total[leads - 2 : leads]] == [reports, tally.expected]
    for place, asked in enumerate(topic.columns, leads):
        if asked.position is not None:
            assert calculated(sheet, total[place]) == getattr(tally, basis)[asked.position], asked
        else:
            men, women = total[place - 2 : place]
            assert calculated(sheet, total[place]) == calculated(sheet, men) + calculated(sheet, women)


@pytest.mark.django_db
def test_values_kept_beside_formulas_are_what_the_formulas_calculate(filed: Day, tmp_path: Path) -> None:
    live = write(filed, tmp_path, "6472", detail=True)
    kept = load(tmp_path / "recap.xlsx", data_only=True)
    formulas = 0
    for sheet in live.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("=SUM"):
                    formulas += 1
                    assert kept[sheet.title][cell.coordinate].value == calculated(sheet, cell)
    assert formulas > 50


@pytest.mark.django_db
def test_a_pair_has_its_total_beside_it(filed: Day, tmp_path: Path) -> None:
    sheet = write(filed, tmp_path, "6472012001")["DAFTAR PEMILIH DAN SURAT SUARA"]
    start = column(sheet, "Pemilih dalam DPT", "L")
    first, second, _special = rows(sheet)
    assert [calculated(sheet, cell) for cell in first[start : start + 3]] == [100, 90, 190]
    assert [calculated(sheet, cell) for cell in second[start : start + 3]] == [50, 40, 90]
    assert first[start + 2].value == f"=SUM({first[start].coordinate}:{first[start + 1].coordinate})"


@pytest.mark.django_db
def test_a_unit_without_a_report_has_a_row_of_empty_cells(filed: Day, tmp_path: Path) -> None:
    sheet = write(filed, tmp_path, "6472012001")["PENGGUNA HAK PILIH"]
    special = list(rows(sheet))[-1]
    assert special[1].value == "64.72.01.2001.901"
    assert [cell.value for cell in special[3:5]] == [0, 1]
    assert {cell.value for cell in special[5:]} == {None}


@pytest.mark.django_db
def test_a_recap_without_any_report_still_names_everybody(election_day: Day, tmp_path: Path) -> None:
    rollup.run_all()
    book = write(election_day, tmp_path, "64")
    assert [row[1].value for row in rows(book["KEPATUHAN"])] == ["64.01", "64.72"]
    assert [calculated(book["PEMBUKAAN"], cell) for cell in total_row(book["PEMBUKAAN"])[3:5]] == [0, 24]
    assert "Tidak ada uraian kejadian khusus." in words(book["URAIAN KEJADIAN KHUSUS"])


@pytest.mark.django_db
def test_compliance_counts_everyone_who_owes(filed: Day, tmp_path: Path) -> None:
    sheet = write(filed, tmp_path, "6472")["KEPATUHAN"]
    tally = Tally.objects.get(unit__code="6472", window=filed.windows["pemungutan-tps"])
    shown = dict(zip((part for _heading, part in headings(sheet)), total_row(sheet), strict=True))
    counted = {name: calculated(sheet, cell) for name, cell in shown.items() if name}
    assert counted == {
        "WAJIB LAPOR": 12,
        "SUDAH LAPOR": 2,
        "TEPAT WAKTU": 2,
        "MASUK TERLAMBAT": 0,
        "MENUNGGU PEMERIKSAAN": 1,
        "DIKEMBALIKAN": 0,
        "DISETUJUI": 1,
        "LEWAT TENGGAT": 0,
        "BELUM JATUH TEMPO": tally.missing,
        "TANPA PENGAWAS": tally.vacant,
        "TANPA SINYAL": 0,
    }
    assert tally.vacant == 10  # only two of its twelve stations have a supervisor in the cast


@pytest.mark.django_db
def test_namesakes_of_two_regencies_keep_their_own_rows(filed: Day, tmp_path: Path) -> None:
    """Both regencies have a village Harapan Baru in a district Sungai Pinang."""
    sheet = write(filed, tmp_path, "64", detail=True)["PENGGUNA HAK PILIH"]
    found = {row[1].value: row for row in rows(sheet)}
    assert len(found) == 24
    here, there = found["64.72.01.2001.001"], found["64.01.01.2001.001"]
    assert [cell.value for cell in here[3:6]] == [cell.value for cell in there[3:6]]
    assert here[2].value != there[2].value
    assert [here[6].value, there[6].value] == [1, 0]


@pytest.mark.django_db
def test_a_recap_is_read_in_few_queries_however_many_rows(
    filed: Day, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        write(filed, tmp_path, "64", detail=True)


@pytest.mark.django_db
def test_the_same_figures_have_the_same_digest(filed: Day, tmp_path: Path) -> None:
    digests = []
    for name in ("a.xlsx", "b.xlsx"):
        gathered = recap.gather(
            unit=filed.units["64"], stage_code="PEMUNGUTAN", basis="filed", detail=False, cut_off=EVENING
        )
        digests.append(write_recap(tmp_path / name, recap=gathered))
    other = recap.gather(
        unit=filed.units["64"], stage_code="PEMUNGUTAN", basis="approved", detail=False, cut_off=EVENING
    )
    digests.append(write_recap(tmp_path / "c.xlsx", recap=other))
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.django_db
def test_a_stage_that_is_not_open_is_refused_in_words(filed: Day) -> None:
    with pytest.raises(Refusal, match="Pilih tahapan lain"):
        recap.gather(unit=filed.units["64"], stage_code="COKLIT", basis="filed", detail=False, cut_off=EVENING)


# --- form ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_all_commissioners_sign_every_sheet(filed: Day, tmp_path: Path) -> None:
    names = [user.name for user in filed.cast.province_members]
    assert len(names) == 5
    for sheet in write(filed, tmp_path, "64").worksheets:
        signed = re.findall(r"^[0-9]\. ([A-Z].+)$", words(sheet), re.MULTILINE)
        assert signed[0] == filed.cast.province_chair.name
        assert sorted(signed) == sorted(names)
        assert filed.cast.admin.name not in words(sheet)
        assert "Samarinda, 14 Februari 2024" in words(sheet)


@pytest.mark.django_db
def test_a_sheet_says_what_it_is_and_when(filed: Day, tmp_path: Path) -> None:
    sheet = write(filed, tmp_path, "647201", basis="approved")["PEMBUKAAN"]
    assert [sheet.cell(row, 1).value for row in range(1, 6)] == [
        "BADAN PENGAWAS PEMILIHAN UMUM",
        "PANWASLU KECAMATAN SUNGAI PINANG",
        "REKAPITULASI PEMUNGUTAN SUARA – PEMBUKAAN",
        "Pemilu 2024 · Pemungutan suara",
        "Keadaan data per 14 Februari 2024 pukul 21.40 WITA · disetujui · sementara",
    ]
    assert sheet["A3"].font.size == 16
    assert sheet["A3"].font.bold
    assert sheet["A3"].alignment.horizontal == "center"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.print_title_rows == "$7:$8"
    assert sheet.freeze_panes == "D9"
    assert sheet["B9"].data_type == "s"
    assert sheet["D9"].number_format == "#,##0"
    assert sheet["D7"].border.left.style == "thin"
    assert re.search(r"Sidik data \(SHA-256\): [0-9a-f]{64}", words(sheet))


@pytest.mark.django_db
def test_no_two_merged_ranges_meet(filed: Day, tmp_path: Path) -> None:
    """A spreadsheet program calls a file damaged where they do."""
    for sheet in write(filed, tmp_path, "64", detail=True).worksheets:
        covered = [cell for area in sheet.merged_cells.ranges for cell in area.cells]
        assert len(covered) == len(set(covered)) > 0


@pytest.mark.django_db
def test_narratives_cannot_become_formulas(filed: Day, tmp_path: Path) -> None:
    sheet = write(filed, tmp_path, "6472")["URAIAN KEJADIAN KHUSUS"]
    told = next(cell for cell in sheet[FIRST_ROW] if "kotak" in str(cell.value))
    assert told.data_type == "s"
    assert told.value.startswith("'=HYPERLINK")
    assert told.value.endswith("kotak <basah> & rusak")
    assert sheet.cell(FIRST_ROW, 2).value == "64.72.01.2001.002"
    assert "Harapan Baru" in sheet.cell(FIRST_ROW, 3).value


@settings(deadline=None)
@given(st.text(), st.lists(st.text(max_size=60), max_size=6))
def test_any_text_is_read_back_as_text(value: str, names: list[str]) -> None:
    read = round_trip(value, names)
    assert len(read.sheetnames) == len(names) + 1
    assert all(len(name) <= 31 for name in read.sheetnames)
    cell = read.worksheets[0]["A1"]
    assert cell.data_type in "sn"  # never a formula; an empty text is read as nothing
    assert not (cell.value or "").startswith(("=", "+", "-", "@", "\t", "\r"))


def round_trip(value: str, names: list[str]) -> Any:
    with Book() as book:
        sheet = book.sheet("satu")
        sheet.row([(book.style(Style()), value)])
        for name in names:
            book.sheet(name)
        target = BytesIO()
        book.save(target)
    return load(target)


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    kept = round_trip("kata " * 10_000, [])["satu"]["A1"].value
    assert len(kept) == LONGEST_TEXT
    assert kept.endswith("…")


@given(st.integers(1, 16_384))
def test_columns_are_named_as_a_spreadsheet_names_them(number: int) -> None:
    from openpyxl.utils import get_column_letter

    assert letters(number) == get_column_letter(number)


@pytest.mark.parametrize("code", every_code())
def test_every_instrument_has_sheets_and_no_column_of_texts(code: str) -> None:
    from tests.reports.instruments.forge import catalogued

    schema = catalogued(code)
    found = topics(schema)
    assert found
    positions = [column.position for topic in found for column in topic.columns if column.position is not None]
    assert len(positions) == len(set(positions))
    texts = {cell.position for cell in schema.layout if schema.by_name[cell.question].kind == "text"}
    assert not texts & set(positions)


def test_progress_reaches_the_last_row(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_recap(tmp_path / "a.xlsx", recap=of_rows(25), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 25) for n in range(1, 26)]


def of_rows(count: int, columns: int = 3) -> Recap:
    """A workbook of one sheet with rows of small figures."""
    asked = tuple(Column(f"Pokok {place}", "", place) for place in range(columns))

    def lines() -> Iterator[RecapRow]:
        for row in range(count):
            yield RecapRow(f"{6401012001000 + row}", ("TPS",), 1, 1, [(row + place) % 7 for place in range(columns)])

    return Recap(
        body="Bawaslu",
        stage="Pemungutan suara",
        election="Pemilu 2024",
        basis="filed",
        cut_off=EVENING,
        made_at=EVENING,
        place="Samarinda",
        signatories=[],
        parts=[RecapPart("uji v1", [Topic("Uji", asked)], ("TPS",), lines, count)],
    )


# --- what stands ratified -----------------------------------------------------------------------------------------


def minuted(day: Day, code: str, number: str) -> AgendaItem:
    """The body of a unit ratifies the figures of voting as they are, and its minutes get a number."""
    item = ratify(day, code)
    plenary.close(plenary=item.plenary, minutes_number=number, notes="", by=body(day.cast, code)[0])
    return item


@pytest.mark.django_db
def test_a_ratified_recap_holds_what_each_body_ratified_and_by_which_minutes(filed: Day, tmp_path: Path) -> None:
    """It stays when a report below is approved afterwards; who ratified nothing has a row of empty cells."""
    sheet = write(filed, tmp_path, "64", basis="ratified")["PENGGUNA HAK PILIH"]
    assert {row[3].value for row in rows(sheet)} == {"sementara"}
    assert {cell.value for row in rows(sheet) for cell in row[6:]} == {None}
    item = minuted(filed, "6472", "7/BA/II/2024")
    second = Report.objects.get(obligation__subject__code=TPS_2)
    review.approve(report=second, seen=bytes(second.sha256), by=fresh(filed.cast.pkd))
    rollup.run_all()
    sheet = write(filed, tmp_path, "64", basis="ratified")["PENGGUNA HAK PILIH"]
    assert headings(sheet)[3:6] == [
        ("PENGESAHAN PLENO", ""),
        ("LAPORAN DISAHKAN", "JUMLAH"),
        ("LAPORAN DISAHKAN", "DARI"),
    ]
    paser, samarinda = rows(sheet)
    assert [cell.value for cell in paser[3:6]] == ["sementara", 0, 0]
    assert samarinda[3].value.startswith("berubah sesudah disahkan pleno 14 Feb 2024, berita acara 7/BA/II/2024")
    assert [cell.value for cell in samarinda[4:6]] == [1, 12]
    topic = next(each for each in topics(item.window.version.parsed) if each.title == "Pengguna hak pilih")
    for place, asked in enumerate(topic.columns, 6):
        if asked.position is not None:
            assert samarinda[place].value == item.approved[asked.position]
    assert "disahkan · sementara" in words(sheet)  # the province itself has ratified nothing
    approved_now = write(filed, tmp_path, "64", basis="approved")["PENGGUNA HAK PILIH"]
    assert [row[4].value for row in rows(approved_now)] == [0, 2]
    assert [row[3].value for row in rows(approved_now)] == [paser[3].value, samarinda[3].value]


@pytest.mark.django_db
def test_a_body_reads_its_own_ratified_figure_under_its_rows(filed: Day, tmp_path: Path) -> None:
    minuted(filed, "647201", "3/BA/II/2024")
    item = minuted(filed, "6472", "7/BA/II/2024")
    sheet = write(filed, tmp_path, "6472", basis="ratified")["PENGGUNA HAK PILIH"]
    first, second = rows(sheet)
    assert first[3].value == "disahkan pleno 14 Feb 2024, berita acara 3/BA/II/2024"
    assert second[3].value == "sementara"
    total = total_row(sheet)
    own = [cell.value for cell in sheet[total[0].row + 1]]
    assert own[0] == "DISAHKAN PLENO BAWASLU KOTA SAMARINDA"
    assert own[4:6] == [1, 12]
    assert [calculated(sheet, cell) for cell in total[4:6]] == [1, 6]  # one district of two has ratified
    position = next(
        c.position for t in topics(item.window.version.parsed) if t.title == "Pengguna hak pilih" for c in t.columns
    )
    assert own[6] == item.approved[position]
    assert "disahkan · disahkan pleno 14 Feb 2024, berita acara 7/BA/II/2024" in words(sheet)
    assert "Angka sebagaimana disahkan pleno tiap lembaga" in words(sheet)


@pytest.mark.django_db
def test_a_district_reads_its_own_figure_because_no_body_sits_below(filed: Day, tmp_path: Path) -> None:
    item = minuted(filed, "647201", "3/BA/II/2024")
    sheet = write(filed, tmp_path, "647201", basis="ratified")["PENGGUNA HAK PILIH"]
    (row,) = rows(sheet)
    assert [cell.value for cell in row[1:6]] == [
        "64.72.01",
        "Sungai Pinang",
        "disahkan pleno 14 Feb 2024, berita acara 3/BA/II/2024",
        item.shown["counts"]["approved_count"],
        item.shown["counts"]["expected"],
    ]


@pytest.mark.django_db
def test_only_what_is_provisional_says_so(filed: Day, tmp_path: Path) -> None:
    """Constants before: a recap of ratified figures said "sementara" and "belum disahkan pleno"."""
    said = {
        basis: words(write(filed, tmp_path, "6472", basis=basis)["PENGGUNA HAK PILIH"])
        for basis in ("filed", "approved")
    }
    assert all("· sementara" in each for each in said.values())
    minuted(filed, "6472", "7/BA/II/2024")
    after = words(write(filed, tmp_path, "6472", basis="approved")["PENGGUNA HAK PILIH"])
    assert "disetujui · disahkan pleno 14 Feb 2024, berita acara 7/BA/II/2024" in after
    assert "belum disahkan" not in after
    filed_basis = words(write(filed, tmp_path, "6472", basis="filed")["PENGGUNA HAK PILIH"])
    assert "dilaporkan · sementara" in filed_basis  # what was only filed, no body ratifies


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "detail"), [("6472", False), ("647201", False), ("6472", True)])
def test_the_note_tells_of_a_column_of_decisions_only_where_there_is_one(
    filed: Day, tmp_path: Path, code: str, detail: bool
) -> None:
    """Villages and stations have no body: their rows say nothing of a decision."""
    sheet = write(filed, tmp_path, code, basis="approved", detail=detail)["PENGGUNA HAK PILIH"]
    there = ("PENGESAHAN PLENO", "") in headings(sheet)
    assert there == (code == "6472" and not detail)
    assert ("Pengesahan tiap lembaga tertulis di barisnya" in words(sheet)) == there
    assert ("Baris di lembar ini tidak disahkan satu per satu" in words(sheet)) != there
