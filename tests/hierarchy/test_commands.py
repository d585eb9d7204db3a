"""The commands: a dry run that writes nothing, sentences and a non-zero exit on refusal."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from hierarchy.models import Election, Membership, Role, Unit, User
from tests.cast import Cast, small_rows


def run(*args: object) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "satuan.csv"
    lines = [f"{row.code},{row.name},{row.kind}" for row in small_rows()]
    path.write_text("\n".join(["code,name,kind", *lines]), encoding="utf-8")
    return path


def test_a_dry_run_shows_the_difference_and_writes_nothing(election: Election, listing: Path):
    out = run("load_units", "--election", "pemilu2024", "--file", str(listing), "--dry-run")
    assert "belum ada yang ditulis" in out
    assert "39" in out
    assert not Unit.objects.exists()


def test_load_units_loads_and_is_idempotent(election: Election, listing: Path):
    run("load_units", "--election", "pemilu2024", "--file", str(listing))
    assert Unit.objects.count() == 39
    out = run("load_units", "--election", "pemilu2024", "--file", str(listing))
    assert out.split("tetap")[1].strip() == "39"


def test_a_dry_run_names_what_would_block(election: Election, listing: Path, tree: dict[str, Unit]):
    user = User.objects.create(username="a", name="A")
    Membership.objects.create(user=user, unit=tree["6472012001001"], role=Role.SUPERVISOR, since=date(2024, 1, 22))
    text = listing.read_text(encoding="utf-8")
    listing.write_text(text.replace("6472012001001,TPS 001,tps\n", ""), encoding="utf-8")
    with pytest.raises(CommandError, match="6472012001001 tidak dapat ditutup"):
        run("load_units", "--election", "pemilu2024", "--file", str(listing), "--dry-run")


@pytest.mark.parametrize("command", [("load_units", "--kaltim"), ("load_roster", "--sample"), ("check_tree",)])
def test_an_unknown_election_is_a_sentence(election: Election, command: tuple[str, ...]):
    with pytest.raises(CommandError, match=r"“pemilu2029” belum ada \(yang ada: pemilu2024\)"):
        run(*command, "--election", "pemilu2029")


def test_a_bad_file_is_a_sentence(election: Election, tmp_path: Path):
    with pytest.raises(CommandError, match=r"hilang\.csv"):
        run("load_units", "--election", "pemilu2024", "--file", str(tmp_path / "hilang.csv"))
    with pytest.raises(CommandError, match=r"hilang\.csv"):
        run("load_roster", "--election", "pemilu2024", str(tmp_path / "hilang.csv"))
    with pytest.raises(CommandError, match="--sample"):
        run("load_roster", "--election", "pemilu2024")


def test_check_tree_fails_on_damage_and_mends_it(election: Election, tree: dict[str, Unit]):
    assert "pohon utuh" in run("check_tree")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hierarchy_unit SET lft = lft + 1, rght = rght + 2 WHERE level = 3")
    with pytest.raises(CommandError, match="pemilu2024"):
        run("check_tree")
    assert "8 satuan diperbaiki" in run("check_tree", "--election", "pemilu2024", "--fix")
    assert "pohon utuh" in run("check_tree")


def test_load_roster_prints_counts_and_writes_the_cards(election: Election, tree: dict[str, Unit], tmp_path: Path):
    cards = tmp_path / "kartu.csv"
    foreseen = run("load_roster", "--election", "pemilu2024", "--sample", "--dry-run")
    assert not User.objects.exists()
    done = run("load_roster", "--election", "pemilu2024", "--sample", "--codes", str(cards))
    assert foreseen.splitlines()[1:] == done.splitlines()[-len(foreseen.splitlines()) + 1 :]
    assert len(cards.read_text(encoding="utf-8").splitlines()) == User.objects.count() + 1


def test_a_roster_whose_cards_cannot_be_written_is_not_loaded(
    election: Election, tree: dict[str, Unit], tmp_path: Path
):
    (tmp_path / "kartu.csv").write_text("belum dicetak", encoding="utf-8")
    with pytest.raises(CommandError, match="sudah ada"):
        run("load_roster", "--election", "pemilu2024", "--sample", "--codes", str(tmp_path / "kartu.csv"))
    assert not User.objects.exists()


def test_the_cast_is_complete(cast: Cast):
    assert [len(body) for body in (cast.province_members, cast.regency_members, cast.district_members)] == [5, 3, 3]
    assert cast.district_members[0] == cast.panwascam_chair
