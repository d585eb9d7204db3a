"""The rules of voting and counting day, on the numbers of one polling station."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from reports.instruments.codec import InvalidAnswers, decode
from reports.instruments.schema import CALCULATED, INTEGER, YESNO
from tests.reports.instruments.forge import catalogued

VOTING: dict[str, Any] = {
    "jam_buka": "07:00", "jam_tutup": "13:00", "dpt_l": 120, "dpt_p": 118, "dptb_terdaftar": 6, "surat_diterima": 249,
    "dpt_hadir_l": 100, "dpt_hadir_p": 101, "dptb_hadir_l": 3, "dptb_hadir_p": 3, "dpk_hadir_l": 1, "dpk_hadir_p": 2,
}  # fmt: skip
COUNTING: dict[str, Any] = {
    "surat_diterima": 249, "surat_digunakan": 210, "surat_rusak": 1, "surat_sisa": 38, "pengguna_l": 104,
    "pengguna_p": 106, "suara_sah": 205, "suara_tidak_sah": 5, "selisih_suara": "tidak", "jam_selesai": "01:30",
}  # fmt: skip


def full(code: str, known: dict[str, Any]) -> dict[str, Any]:
    """A complete report: what is not said is no, or none."""
    rest = {YESNO: "tidak", INTEGER: 0}
    return {**{q.name: rest[q.kind] for q in catalogued(code).questions if q.kind in rest}, **known}


def judged(code: str, known: dict[str, Any], **changes: Any) -> InvalidAnswers:
    with pytest.raises(InvalidAnswers) as error, translation.override("id"):
        decode(catalogued(code), answers=full(code, {**known, **changes}))
    return error.value


@pytest.mark.parametrize(("code", "known"), [("pemungutan-tps", VOTING), ("penghitungan-tps", COUNTING)])
def test_an_ordinary_station_is_accepted(code: str, known: dict[str, Any]) -> None:
    content = decode(catalogued(code), answers=full(code, known))
    assert content.reasons == {}
    assert content.answers["pengguna"] == 210


HARD = [
    ("dpt_hadir_l", {"dpt_hadir_l": 121}, "yang hadir 121, lebih banyak dari 120"),
    ("disabilitas_p", {"disabilitas_p": 200}, "perempuan 200, lebih banyak dari 106"),
    ("jam_tutup", {"jam_tutup": "06:30"}, "pukul 06.30"),
    ("dpk_hadir_p", {"dptb_hadir_l": 100, "surat_diterima": 500}, "Pengguna hak pilih 307"),
]
SOFT = [
    ("jam_buka", {"jam_buka": "06:45"}, "pukul 06.45, sebelum pukul 07.00"),
    ("surat_diterima", {"surat_diterima": 250}, "DPT 238 + cadangan 5 + DPTb 6 = 249"),
    ("dptb_hadir_p", {"dptb_hadir_p": 5}, "hadir 8, lebih banyak dari 6"),
    ("surat_rusak", {"surat_rusak": 40}, "210 + surat suara rusak 40 = 250, tetapi surat suara diterima 249"),
    ("dpt_p", {"dpt_p": 1208, "surat_diterima": 249}, "berjumlah 1.328"),
]


@pytest.mark.parametrize(("name", "changes", "part"), HARD)
def test_voting_day_what_cannot_be(name: str, changes: dict[str, Any], part: str) -> None:
    assert part in judged("pemungutan-tps", VOTING, **changes).errors[name][0]


@pytest.mark.parametrize(("name", "changes", "part"), SOFT)
def test_voting_day_what_needs_a_reason(name: str, changes: dict[str, Any], part: str) -> None:
    error = judged("pemungutan-tps", VOTING, **changes)
    assert part in error.needs_reason[name]
    assert error.errors == {}


def test_two_percent_of_the_roll_is_rounded_up() -> None:
    for men, reserve in ((50, 1), (51, 2), (300, 6), (0, 0)):
        answers = full("pemungutan-tps", {**VOTING, "dpt_l": men, "dpt_p": 0, "dpt_hadir_l": 0, "dpt_hadir_p": 0})
        answers.update(
            dptb_terdaftar=0, dptb_hadir_l=0, dptb_hadir_p=0, dpk_hadir_l=0, dpk_hadir_p=0, surat_diterima=men
        )
        assert decode(catalogued("pemungutan-tps"), answers=answers).answers["cadangan"] == reserve


def test_counting_valid_and_invalid_must_be_the_ballots_used() -> None:
    error = judged("penghitungan-tps", COUNTING, suara_sah=206, selisih_suara="ya")
    assert error.errors["suara_tidak_sah"] == [
        "Suara sah + tidak sah = 211, tetapi surat suara yang digunakan 210. Periksa salah satunya."
    ]


@pytest.mark.parametrize("valid", [204, 206])
def test_counting_too_few_votes_are_as_wrong_as_too_many(valid: int) -> None:
    assert "suara_tidak_sah" in judged("penghitungan-tps", COUNTING, suara_sah=valid, selisih_suara="ya").errors


@pytest.mark.parametrize("women", [104, 108])
def test_counting_too_few_voters_are_as_odd_as_too_many(women: int) -> None:
    assert "pengguna_p" in judged("penghitungan-tps", COUNTING, pengguna_p=women, selisih_suara="ya").needs_reason


def test_counting_a_mismatch_with_the_voters_is_reported_with_a_reason() -> None:
    changes = {"pengguna_p": 104, "selisih_suara": "ya"}
    error = judged("penghitungan-tps", COUNTING, **changes)
    assert "Pengguna hak pilih 208, tetapi surat suara yang digunakan 210" in error.needs_reason["pengguna_p"]
    reasons = {"pengguna_p": "Dua pemilih tidak menandatangani daftar hadir."}
    content = decode(
        catalogued("penghitungan-tps"), answers=full("penghitungan-tps", {**COUNTING, **changes}), reasons=reasons
    )
    assert content.reasons == reasons


def test_counting_a_mismatch_cannot_be_denied() -> None:
    assert "Jawab Ya" in judged("penghitungan-tps", COUNTING, pengguna_p=104).errors["selisih_suara"][0]


def test_a_count_may_end_after_midnight() -> None:
    assert (
        decode(catalogued("penghitungan-tps"), answers=full("penghitungan-tps", COUNTING)).answers["jam_selesai"]
        == "01:30"
    )


def test_messages_follow_the_language() -> None:
    with translation.override("en"), pytest.raises(InvalidAnswers) as error:
        decode(catalogued("pemungutan-tps"), answers=full("pemungutan-tps", {**VOTING, "dpt_p": 1208}))
    assert "1,328" in error.value.needs_reason["dpt_p"]


def test_a_rule_is_exact_about_what_it_computes() -> None:
    calculated = [q for q in catalogued("pemungutan-tps").questions if q.kind == CALCULATED]
    assert {q.name for q in calculated} == {"dpt", "cadangan", "pengguna"}
    assert all(q.numeric for q in calculated)
