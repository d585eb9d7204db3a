"""Figures of the election commission: loaded whole or not at all, told row by row, held against ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hierarchy.lib.errors import Refusal
from reports.journal.models import Event
from reports.quality import references as reference
from reports.quality.models import Reference
from reports.rollup import fold as rollup
from tests.days import TPS, Day

pytestmark = pytest.mark.django_db
HEADING = "kode,instrumen,pertanyaan,nilai,sumber\n"
VILLAGE = "6472012001"


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "kpu.csv"
    path.write_text(HEADING + "\n".join(rows), encoding="utf-8")
    return path


def load(day: Day, path: Path, *, dry_run: bool = False) -> tuple[int, int, int]:
    found = reference.load(path=path, election=day.election, dry_run=dry_run)
    return found.new, found.changed, found.same


def test_a_table_is_loaded_once_and_then_says_what_changed(election_day: Day, tmp_path: Path):
    rows = [f"{TPS},pemungutan-tps,dpt_l,120,DPT 2023", "64.72.01.2001,pemungutan-tps,dpt_l,900,DPT 2023"]
    path = table(tmp_path, *rows)
    assert load(election_day, path, dry_run=True) == (2, 0, 0)
    assert not Reference.objects.exists()
    assert load(election_day, path) == (2, 0, 0)
    assert load(election_day, path) == (0, 0, 2)
    path = table(tmp_path, rows[0].replace(",120,", ",121,"), rows[1])
    assert load(election_day, path) == (0, 1, 1)
    assert Reference.objects.get(unit__code=TPS).value == 121
    assert Event.objects.filter(verb="references.loaded").count() == 2


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("9999999999,pemungutan-tps,dpt_l,1,DPT", "kode"),
        (f"{TPS},tidak-ada,dpt_l,1,DPT", "instrumen"),
        (f"{TPS},pemungutan-tps,tidak_ada,1,DPT", "pertanyaan"),
        (f"{TPS},pemungutan-tps,dpt_l,1.000,DPT", "nilai"),
        (f"{TPS},pemungutan-tps,dpt_l,-1,DPT", "nilai"),
        (f"{TPS},pemungutan-tps,dpt_l,99999999999999999999999999,DPT", "nilai"),
        (f"{TPS},pemungutan-tps,dpt_l,1,", "sumber"),
        (f"{TPS},pemungutan-tps,dpt_p,2,DPT", "pertanyaan"),  # twice
    ],
)
def test_one_wrong_cell_keeps_the_whole_table_out(election_day: Day, tmp_path: Path, row: str, column: str):
    path = table(tmp_path, f"{TPS},pemungutan-tps,dpt_p,120,DPT", row)
    with pytest.raises(Refusal, match=rf"baris 3, kolom {column}"):
        load(election_day, path)
    assert not Reference.objects.exists()


def test_our_totals_stand_beside_theirs(election_day: Day, tmp_path: Path):
    path = table(
        tmp_path, f"{VILLAGE},pemungutan-tps,dpt_l,900,DPT", f"{TPS},pemungutan-tps,dpt_l,120,DPT",
        "6472012002,pemungutan-tps,dpt_l,50,DPT",
    )  # fmt: skip
    load(election_day, path)
    report = election_day.file(election_day.cast.ptps)
    rollup.run_all()
    rows = {row.unit.code: row for row in reference.beside(election_day.units["647201"])}
    assert rows[VILLAGE].ours == report.answers["dpt_l"]
    assert rows[VILLAGE].difference == report.answers["dpt_l"] - 900
    assert (rows[VILLAGE].filed, rows[VILLAGE].expected) == (1, rows[VILLAGE].expected)
    assert rows["6472012002"].ours is None
    assert TPS not in rows  # two levels below
    village = reference.beside(election_day.units[VILLAGE])
    assert [row.unit.code for row in village] == [VILLAGE]  # a station has no total, its report is flagged


def test_the_command_prints_what_it_would_do_and_refuses_in_words(
    election_day: Day, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = table(tmp_path, f"{TPS},pemungutan-tps,dpt_l,120,DPT 2023")
    call_command("load_references", str(path), election=election_day.election.code, dry_run=True)
    assert "belum ada yang ditulis" in capsys.readouterr().out
    call_command("load_references", str(path), election=election_day.election.code)
    assert Reference.objects.get().source == "DPT 2023"
    with pytest.raises(CommandError, match="baris 2, kolom nilai"):
        call_command(
            "load_references",
            str(table(tmp_path, f"{TPS},pemungutan-tps,dpt_l,banyak,DPT")),
            election=election_day.election.code,
        )
