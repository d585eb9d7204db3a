"""Accounts and terms: full size in one run, the same file twice, one person at a post, codes that open once."""

from __future__ import annotations

import csv
import stat
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarchy.lib import clock
from hierarchy.lib.base32 import ALPHABET
from hierarchy.lib.errors import Refusal
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people import activation, roster, roster_rows
from hierarchy.people.activation import CODE_LENGTH, digest, new_code
from hierarchy.people.roster_files import read_roster, write_codes
from hierarchy.people.roster_rows import IssuedCode, RosterRow
from hierarchy.rehearsal import sample
from hierarchy.units.gazetteer import kaltim_rows
from hierarchy.units.tree import load as load_tree
from tests.cast import Cast

SINCE = date(2024, 1, 22)


def test_the_full_roster_in_one_run(election: Election):
    load_tree(election=election, rows=kaltim_rows(), by=None)
    rows = sample.sample_roster(election)
    assert rows == sample.sample_roster(election)
    ticks: list[tuple[int, int]] = []
    result = roster.load(election=election, rows=rows, by=None, progress=lambda *tick: ticks.append(tick))
    assert ticks[-1] == (len(rows), len(rows))
    assert (result.created, result.appointed, result.vacant) == (12_678, 12_678, 288)
    assert len({card.code for card in result.codes}) == len({card.username for card in result.codes}) == 12_678
    memberships = Counter(Membership.objects.values_list("unit__level", "role"))
    assert memberships[4, "SUPERVISOR"] == 11_153
    assert memberships[3, "SUPERVISOR"] == 1_038
    assert memberships[2, "MEMBER"] + memberships[2, "CHAIR"] == 315
    assert memberships[1, "MEMBER"] + memberships[1, "CHAIR"] == 38
    assert memberships[0, "MEMBER"] + memberships[0, "CHAIR"] == 5
    filled = Membership.objects.values("unit")
    vacant = Unit.objects.filter(election=election, level=4).exclude(pk__in=filled).values_list("code", flat=True)
    assert Counter(code[:4] for code in vacant) > Counter({"6472": 149, "6408": 99, "6401": 22})
    again = roster.load(election=election, rows=rows, by=None)
    assert (again.created, again.appointed, again.ended, again.unchanged) == (0, 0, 0, 12_678)


def load(election: Election, *rows: RosterRow) -> roster_rows.RosterResult:
    return roster.load(election=election, rows=rows, by=None)


def test_a_birth_date_is_kept_until_a_row_knows_better(election: Election, tree: dict[str, Unit]):
    load(election, RosterRow("64", "Siti", "CHAIR", since=SINCE, born_on=date(1979, 8, 17)))
    load(election, RosterRow("64", "Siti", "CHAIR", since=SINCE))
    assert User.objects.get().born_on == date(1979, 8, 17)
    assert load(election, RosterRow("64", "Siti", "CHAIR", since=SINCE, born_on=date(1979, 8, 18))).updated == 1
    assert User.objects.get().born_on == date(1979, 8, 18)
    with pytest.raises(Refusal, match="kolom lahir"):
        load(election, RosterRow("64", "Siti", "CHAIR", since=SINCE, line=2, born_on=clock.today()))


def test_usernames_follow_the_unit(election: Election, tree: dict[str, Unit]):
    load(
        election,
        RosterRow("6472012001001", "A", "SUPERVISOR", since=SINCE),
        RosterRow("647201", "B", "CHAIR", since=SINCE),
        RosterRow("647201", "C", "MEMBER", since=SINCE),
        RosterRow("64", "D", "ADMIN", since=SINCE, username="admin"),
    )
    assert dict(User.objects.values_list("name", "username")) == {
        "A": "6472012001001", "B": "647201-1", "C": "647201-2", "D": "admin",
    }  # fmt: skip


def test_a_successor_gets_an_own_account_and_ends_the_predecessors_term(election: Election, tree: dict[str, Unit]):
    load(election, RosterRow("6472012001", "Lama", "SUPERVISOR", "081200000001", since=SINCE))
    result = load(election, RosterRow("6472012001", "Baru", "SUPERVISOR", "081200000002", since=date(2024, 2, 1)))
    assert (result.created, result.ended) == (1, 1)
    assert list(Membership.objects.order_by("since").values_list("user__username", "until")) == [
        ("6472012001", date(2024, 1, 31)),
        ("6472012001-2", None),
    ]


def test_a_shared_phone_never_hands_an_account_to_another_person(election: Election, tree: dict[str, Unit]):
    load(election, RosterRow("6472012001", "Ibu", "SUPERVISOR", "081200000001", since=SINCE))
    with pytest.raises(Refusal, match="milik akun 6472012001"):
        load(election, RosterRow("6472012002", "Anak", "SUPERVISOR", "081200000001", since=SINCE, line=2))
    assert User.objects.count() == 1


def test_an_account_is_found_by_username_or_phone_and_keeps_what_the_file_leaves_out(
    election: Election, tree: dict[str, Unit]
):
    load(election, RosterRow("6472012001", "Siti", "SUPERVISOR", "081200000001", "siti@contoh.id", since=SINCE))
    renamed = RosterRow("6472012001", "Siti Aminah", "SUPERVISOR", username="6472012001", since=SINCE)
    assert load(election, renamed).updated == 1
    moved = RosterRow("6472012002", "Siti Aminah", "SUPERVISOR", "081200000001", since=SINCE)
    assert load(election, moved).appointed == 1
    user = User.objects.get()
    assert (user.name, user.phone, user.email) == ("Siti Aminah", "081200000001", "siti@contoh.id")


def test_until_ends_a_term(election: Election, tree: dict[str, Unit]):
    load(election, RosterRow("6472012001", "Siti", "SUPERVISOR", since=SINCE))
    result = load(election, RosterRow("6472012001", "Siti", "SUPERVISOR", since=SINCE, until=date(2024, 2, 21)))
    assert (result.created, result.ended) == (0, 1)
    assert Membership.objects.get().until == date(2024, 2, 21)
    assert not Membership.objects.current().exists()


def test_a_plan_writes_nothing(election: Election, tree: dict[str, Unit]):
    result = roster.plan(election=election, rows=[RosterRow("6472012001", "Siti", "SUPERVISOR", since=SINCE)])
    assert (result.created, result.codes) == (1, [])
    assert not User.objects.exists()


WRONG = {
    "no such unit": (RosterRow("649999", "A", "MEMBER", line=7), "kolom kode_satuan, isi “649999”"),
    "no such role": (RosterRow("6472", "A", "KING", line=7), "peran tidak dikenal"),
    "member of a village": (RosterRow("6472012001", "A", "MEMBER", line=7), "tidak ada di tingkat desa/kelurahan"),
    "supervisor of a regency": (RosterRow("6472", "A", "SUPERVISOR", line=7), "tidak ada di tingkat kabupaten/kota"),
    "no name": (RosterRow("6472", " ", "MEMBER", line=7), "nama wajib diisi"),
    "ends first": (RosterRow("6472", "A", "MEMBER", since=SINCE, until=date(2024, 1, 1), line=7), "kolom sampai"),
}


@pytest.mark.parametrize(("row", "message"), WRONG.values(), ids=WRONG)
def test_one_wrong_row_stops_the_whole_roster(election: Election, tree: dict[str, Unit], row: RosterRow, message: str):
    with pytest.raises(Refusal, match="baris 7") as refused:
        load(election, RosterRow("6472012001", "Siti", "SUPERVISOR"), row)
    assert message in refused.value.messages[0]
    assert not User.objects.exists()


def test_one_chair_and_one_supervisor_at_a_time(cast: Cast, tree: dict[str, Unit]):
    with pytest.raises(Refusal, match="sudah ada: Regency Chair"):
        roster.appoint(user=cast.nobody, unit=tree["6472"], role=Role.CHAIR, since=SINCE, by=None)
    with pytest.raises(Refusal, match="sudah punya pengawas"):
        roster.appoint(user=cast.nobody, unit=tree["6472012001"], role=Role.SUPERVISOR, since=date(2022, 1, 1), by=None)
    with pytest.raises(Refusal, match="sudah bertugas"):
        roster.appoint(user=cast.pkd, unit=tree["6472012001"], role=Role.SUPERVISOR, since=SINCE, by=None)


def test_ending_a_term_leaves_the_unit_vacant_from_today(cast: Cast, election: Election):
    before = roster.vacant_units(election)
    membership = Membership.objects.get(user=cast.pkd)
    roster.end(membership=membership, by=cast.admin)
    assert membership.until == clock.today() - timedelta(days=1)
    assert roster.vacant_units(election) == before + 1
    with pytest.raises(Refusal):
        roster.end(membership=membership, until=date(2000, 1, 1), by=None)


# --- activation ---------------------------------------------------------------------------------------------------


CODES = st.text(ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)
MISHEARD = {"0": "0Oo", "1": "1IiLl"}


@settings(deadline=None)
@given(CODES, st.randoms(use_true_random=False), st.sampled_from(["", " ", "-"]))
def test_a_code_survives_being_read_aloud_and_misread(code: str, random: Random, gap: str):
    heard = gap.join(random.choice(MISHEARD.get(char, char + char.lower())) for char in code)
    assert digest("pkd", heard) == digest("pkd", code)
    assert digest("other", heard) != digest("pkd", code)


def test_codes_are_sixty_bits_of_the_alphabet():
    codes = [new_code() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert all([len(group) for group in code.split("-")] == [4, 4, 4] for code in codes)
    for position in (0, 13):
        assert {code[position] for code in codes} == set(ALPHABET)


def test_a_code_opens_once_and_every_refusal_says_the_same(cast: Cast):
    code = activation.renew_code(user=cast.pkd, by=cast.admin)
    refusals = []
    for username, tried in (("pkd", "0000-0000-0000"), ("nobody", code), ("hantu", code), ("pkd", "")):
        with pytest.raises(Refusal) as refused:
            activation.activate(username=username, code=tried, password="sandi-panjang-sekali")
        refusals.append(str(refused.value))
    user = activation.activate(username=" pkd ", code=code.lower(), password="sandi-panjang-sekali")
    assert user.check_password("sandi-panjang-sekali")
    with pytest.raises(Refusal) as refused:
        activation.activate(username="pkd", code=code, password="sandi-yang-lain-lagi")
    assert {*refusals, str(refused.value)} == {refusals[0]}


def test_an_account_without_an_open_code_is_not_opened_by_an_empty_one(cast: Cast):
    User.objects.filter(pk=cast.pkd.pk).update(activation_digest="")
    for code in ("", "0" * 64, "-"):
        with pytest.raises(Refusal):
            activation.activate(username="pkd", code=code, password="sandi-panjang-sekali")


def test_a_weak_password_does_not_use_up_the_code(cast: Cast):
    code = activation.renew_code(user=cast.pkd, by=None)
    with pytest.raises(ValidationError):
        activation.activate(username="pkd", code=code, password="12345678")
    assert activation.activate(username="pkd", code=code, password="sandi-panjang-sekali")


def test_a_new_code_closes_the_old_password_and_code(cast: Cast):
    old = activation.renew_code(user=cast.pkd, by=None)
    new = activation.renew_code(user=cast.pkd, by=None)
    with pytest.raises(Refusal):
        activation.activate(username="pkd", code=old, password="sandi-panjang-sekali")
    activation.activate(username="pkd", code=new, password="sandi-panjang-sekali")
    activation.renew_code(user=cast.pkd, by=None)
    cast.pkd.refresh_from_db()
    assert not cast.pkd.has_usable_password()


def test_no_code_is_stored_in_the_clear(cast: Cast):
    code = activation.renew_code(user=cast.pkd, by=None)
    stored = User.objects.values().get(pk=cast.pkd.pk)
    assert code not in str(stored)
    assert code.replace("-", "") not in str(stored)


# --- files --------------------------------------------------------------------------------------------------------

HEAD = "kode_satuan,nama,peran,telepon,email,nama_pengguna,mulai,sampai,lahir\n"


def test_a_good_roster_is_read(tmp_path: Path):
    path = tmp_path / "personel.csv"
    path.write_text(
        HEAD
        + "64.72.01.2001,Siti,Pengawas,+62 812-3456-7890,,,2024-01-22,21/02/2024\n"
        + "6472,Budi,ketua,81234567890,,,,,17/08/1979\n",
        encoding="utf-8",
    )
    assert read_roster(path) == [
        RosterRow("6472012001", "Siti", Role.SUPERVISOR, "081234567890", since=SINCE, until=date(2024, 2, 21), line=2),
        RosterRow("6472", "Budi", Role.CHAIR, "081234567890", born_on=date(1979, 8, 17), line=3),
    ]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("6472,Siti,raja,,,,,", ["baris 2", "kolom peran", "“raja”"]),
        ("6472,,ketua,,,,,", ["baris 2", "kolom nama"]),
        ("satu,Siti,ketua,,,,,", ["baris 2", "kolom kode_satuan", "“satu”"]),
        ("٦٤٧٢,Siti,ketua,,,,,", ["kolom kode_satuan"]),
        ("6472,Siti,ketua,٠٨١٢٣٤٥٦٧٨,,,,", ["kolom telepon"]),
        ("6472,Siti,ketua,12,,,,", ["kolom telepon", "“12”"]),
        ("6472,Siti,ketua,,siti,,,", ["kolom email", "“siti”"]),
        ("6472,Siti,ketua,,,a b,,", ["kolom nama_pengguna"]),
        ("6472,Siti,ketua,,,,besok,", ["kolom mulai", "“besok”"]),
        ("6472,Siti,ketua,,,,,2024-02-31", ["kolom sampai", "“2024-02-31”"]),
        ("6472,Siti,ketua,,,,,,17 Agustus", ["kolom lahir", "“17 Agustus”"]),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, line: str, parts: list[str]):
    path = tmp_path / "personel.csv"
    path.write_text(HEAD + line + "\n", encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        read_roster(path)
    assert [part for part in ["personel.csv", *parts] if part not in refused.value.messages[0]] == []


def test_cards_are_private_never_overwritten_and_run_no_formula(tmp_path: Path):
    path = tmp_path / "kartu.csv"
    card = IssuedCode("pkd", '=HYPERLINK("http://jahat")', "6472", "Kota Samarinda", "Ketua", "AAAA-BBBB-CCCC")
    write_codes(path, [card])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        assert next(iter(csv.DictReader(file)))["nama"].startswith("'=")
    with pytest.raises(Refusal, match="sudah ada"):
        write_codes(path, [])
