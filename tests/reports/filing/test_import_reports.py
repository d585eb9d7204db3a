"""`manage.py import_reports`: a table of another tool becomes reports, or every wrong cell is named."""

from __future__ import annotations

import csv
import uuid
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction

from reports.filing import bulk as bulk_filing
from reports.filing.models import Report, Revision
from reports.filing.table import import_table
from reports.obligations.models import Obligation
from reports.rollup import fold as rollup
from reports.verify.queries import CHECKS
from tests.days import Day

pytestmark = pytest.mark.django_db
SIBLING = "6472012001002"


@pytest.fixture
def rows(election_day: Day) -> list[dict[str, object]]:
    """The voting reports of two stations, as another tool would give them."""
    people = {"ptps": "6472012001001", "ptps_sibling": SIBLING}
    return [
        {"nama_pengguna": who, "instrumen": "pemungutan-tps", "periode": "", "kode_satuan": code}
        | election_day.answers(election_day.obligation(subject=code))
        for who, code in people.items()
    ]


def as_csv(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "laporan.csv"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(path: Path, *options: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_reports", "--election", "pemilu2024", str(path), *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def counts(out: str) -> list[int]:
    return [int(line.split()[-1]) for line in out.splitlines()[1:]]


def test_a_table_becomes_reports_once(rows: list, tmp_path: Path):
    path = as_csv(tmp_path, rows)
    assert counts(run(path)[0]) == [2, 0, 0]
    assert counts(run(path)[0]) == [0, 2, 0]
    filed = {report.filed_by.username: report for report in Report.objects.select_related("filed_by")}
    assert set(filed) == {"ptps", "ptps_sibling"}
    assert Revision.objects.values_list("channel", flat=True).distinct().get() == "IMPORT"
    rollup.run_all()
    assert [sentence for check in CHECKS.values() for sentence in check()] == []


def test_a_workbook_is_read_like_a_csv(rows: list, tmp_path: Path):
    from openpyxl import Workbook

    book, path = Workbook(), tmp_path / "laporan.xlsx"
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([row.get(name) for name in rows[0]])
    book.save(path)
    assert counts(run(path)[0]) == [2, 0, 0]


def test_a_dry_run_counts_and_writes_nothing(rows: list, tmp_path: Path):
    out, _err = run(as_csv(tmp_path, rows), "--dry-run")
    assert "belum ada yang ditulis" in out
    assert counts(out) == [2, 0, 0]
    assert not Report.objects.exists()


def test_one_wrong_cell_and_nothing_is_filed(rows: list, tmp_path: Path):
    rows[1]["surat_rusak"] = "banyak"
    with pytest.raises(CommandError, match=r"laporan\.csv, baris 3, kolom surat_rusak, isi “banyak”: Isi dengan angka"):
        run(as_csv(tmp_path, rows))
    assert not Report.objects.exists()


def test_the_good_rows_are_filed_when_asked(rows: list, tmp_path: Path):
    rows[1]["surat_rusak"] = "banyak"
    out, err = run(as_csv(tmp_path, rows), "--lewati-salah")
    assert counts(out) == [1, 0, 1]
    assert "baris 3, kolom surat_rusak" in err
    assert Report.objects.get().filed_by.username == "ptps"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("nama_pengguna", "siapa", "kolom nama_pengguna, isi “siapa”: akun ini tidak ada"),
        ("nama_pengguna", "stranger", "kolom nama_pengguna, isi “stranger”: orang ini tidak bertugas"),
        ("nama_pengguna", "pkd", "kolom nama_pengguna, isi “pkd”: orang ini tidak bertugas"),
        ("instrumen", "coklit-desa", "kolom instrumen, isi “coklit-desa”: instrumen ini tidak dibuka"),
        ("periode", "2024-02-14", "instrumen ini tidak dibuka untuk periode itu"),
        ("kode_satuan", "6472012001", "kolom kode_satuan, isi “6472012001”: tidak ada tugas"),
        ("nomor_laporan", "12", "kolom nomor_laporan, isi “12”: bukan nomor laporan"),
        ("jam_buka", "pagi", "kolom jam_buka, isi “pagi”: Tulis jam"),
    ],
)
def test_every_wrong_cell_is_named(rows: list, tmp_path: Path, column: str, value: str, told: str):
    rows[0][column] = value
    with pytest.raises(CommandError) as refused:
        run(as_csv(tmp_path, rows))
    assert "baris 2, " in str(refused.value)
    assert told in str(refused.value)
    assert not Report.objects.exists()


def test_a_obligation_that_stands_in_two_rows_is_filed_by_neither(rows: list, tmp_path: Path):
    again = rows[0] | {"surat_rusak": int(str(rows[0]["surat_rusak"])) + 1, "nomor_laporan": str(uuid.uuid4())}
    with pytest.raises(CommandError, match=r"baris 4, kolom kode_satuan.*sudah diterima"):
        run(as_csv(tmp_path, [*rows, again]))
    assert not Report.objects.exists()


@pytest.mark.parametrize("chunk", [1, 2])
def test_all_or_nothing_holds_across_chunks(rows: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int):
    monkeypatch.setattr(bulk_filing, "CHUNK", chunk)
    wrong = rows[1] | {"surat_rusak": "banyak"}
    again = rows[0] | {"surat_rusak": int(str(rows[0]["surat_rusak"])) + 1, "nomor_laporan": str(uuid.uuid4())}
    number = str(uuid.uuid4())
    borrowed = [row | {"nomor_laporan": number} for row in rows]
    for told, table in {"banyak": [rows[0], wrong], "sudah diterima": [rows[0], again], number: borrowed}.items():
        with pytest.raises(CommandError, match=told):
            run(as_csv(tmp_path, table))
        assert not Report.objects.exists()
    assert counts(run(as_csv(tmp_path, rows))[0]) == [2, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_nobody_who_files_waits_for_the_whole_file(
    election_day: Day, rows: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After each chunk, of the rehearsal as of the filing, no row of it is held any more."""
    monkeypatch.setattr(bulk_filing, "CHUNK", 1)
    held: list[bool] = []

    def look(_done: int, _total: int) -> None:
        with ThreadPoolExecutor(1) as other:
            held.append(other.submit(is_held).result())

    import_table(election=election_day.election, path=as_csv(tmp_path, rows), progress=look)
    assert held == [False] * 4
    assert Report.objects.count() == 2


def is_held() -> bool:
    """Whether another connection would have to wait for an obligation."""
    try:
        with transaction.atomic():
            list(Obligation.objects.select_for_update(nowait=True))
    except OperationalError:
        return True
    finally:
        connection.close()
    return False


def test_choices_may_be_written_as_people_read_them(rows: list, tmp_path: Path):
    flags = [name for name, value in rows[0].items() if value == "tidak"]
    for name in flags:
        rows[0][name] = "Tidak"
    assert counts(run(as_csv(tmp_path, rows))[0]) == [2, 0, 0]
    assert Report.objects.get(filed_by__username="ptps").answers[flags[0]] == "tidak"


def test_a_reason_has_a_column_of_its_own(rows: list, tmp_path: Path):
    early = rows[0] | {"jam_buka": "06:30"}
    with pytest.raises(CommandError, match="kolom jam_buka, isi “06:30”: Pembukaan pukul"):
        run(as_csv(tmp_path, [early]))
    assert counts(run(as_csv(tmp_path, [early | {"alasan_jam_buka": "Jam dinding KPPS terlalu cepat."}]))[0]) == [
        1,
        0,
        0,
    ]
    assert Report.objects.get().reasons == {"jam_buka": "Jam dinding KPPS terlalu cepat."}
