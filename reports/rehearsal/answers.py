"""What people answer in a rehearsal: figures that agree with each other, problems at realistic rates."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from reports.instruments.codec import InvalidAnswers, decode
from reports.instruments.schema import (
    CHOICE_KINDS,
    DATE,
    INTEGER,
    NO,
    SELECT_MULTIPLE,
    TEXT,
    TIME,
    YES,
    YESNO,
    Question,
    Schema,
    parse_problem,
)
from reports.obligations.models import Obligation

# Reports in which an indicator was a problem, as a share (counts of Kaltim over its polling stations).
RATES = {
    "logistik_tidak_lengkap": 0.056,
    "saksi_atribut": 0.0067,
    "surat_tertukar": 0.0049,
    "kpps_tidak_menjelaskan": 0.0024,
    "dpt_tidak_dipasang": 0.0014,
    "pendamping_tanpa_pernyataan": 0.0011,
    "saran_psu": 0.0018,
    "sirekap_tidak_diakses": 0.014,
}
COMMON_RATE = 0.006
MISCOPIED = 97  # one station in so many counts other ballots than it voted with
CAME = [f"{kind}_hadir_{sex}" for kind in ("dpt", "dptb", "dpk") for sex in ("l", "p")]
INCIDENTS = [
    "Hujan deras, pemungutan suara berhenti 25 menit lalu dilanjutkan di teras kantor desa.",
    "Saksi meminta penghitungan ulang satu kotak. Hasilnya sama.",
    "Listrik padam saat penghitungan. KPPS memakai lampu darurat.",
    "Surat suara DPRD kabupaten tertukar 12 lembar dengan dapil lain. Sudah dicatat di formulir kejadian khusus.",
    "Seorang pemilih datang dengan C.Pemberitahuan milik orang lain dan ditolak KPPS.",
    "Perahu pengangkut kotak suara terlambat karena air surut.",
]
ATTEMPTS = 200
WHY = "Sesuai catatan di formulir kejadian khusus."


def answers_for(
    schema: Schema, obligation: Obligation, rng: Random, *, voted: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """(answers, reasons) that the instrument accepts: plausible numbers, problems at realistic rates.

    With `voted`, what the station said of the voting, the counting agrees with it, save in one station of MISCOPIED.

    Hard rules are met by drawing again, as a filer would correct; soft ones by giving a reason.
    """
    for _attempt in range(ATTEMPTS):
        answers = {q.name: _answer(q, rng) for q in schema.questions if q.kind in MAKERS}
        answers |= NUMBERS.get(schema.code, _no_numbers)(obligation, rng)
        if schema.code == "penghitungan-tps" and voted and int(obligation.subject.code) % MISCOPIED:
            answers |= _agreeing(answers, voted)
        for flag in ("ada_kejadian", "keberatan_kejadian"):
            if flag in answers:
                answers[flag] = YES if rng.random() < 0.03 else NO
        try:
            decode(schema, answers=answers)
        except InvalidAnswers as invalid:
            if invalid.errors:
                continue
            return answers, dict.fromkeys(invalid.needs_reason, WHY)
        return answers, {}
    raise ValueError(f"no acceptable answers for {schema.code} in {ATTEMPTS} attempts")


def _no_numbers(_obligation: Obligation, _rng: Random) -> dict[str, Any]:
    return {}


def _answer(question: Question, rng: Random) -> Any:
    return MAKERS[question.kind](question, rng)


def _choice(question: Question, rng: Random) -> str:
    problem = parse_problem(question.problem)
    if problem is None:
        return NO if question.kind == YESNO else rng.choice(question.options)
    found = rng.random() < RATES.get(question.name, COMMON_RATE)
    others = [option for option in question.options if option != problem.limit]
    return problem.limit if found else rng.choice(others)


def _number(question: Question, rng: Random) -> int:
    if question.problem:
        return rng.choice([1, 1, 2, 3]) if rng.random() < 0.05 else 0
    return int(rng.expovariate(1 / 6))


MAKERS: dict[str, Callable[[Question, Random], Any]] = {
    **dict.fromkeys(CHOICE_KINDS - {SELECT_MULTIPLE}, _choice),
    SELECT_MULTIPLE: lambda question, rng: [rng.choice(question.options)],
    INTEGER: _number,
    TIME: lambda _question, rng: f"{rng.randint(8, 16):02d}:{rng.randint(0, 59):02d}",
    DATE: lambda _question, _rng: "2024-02-13",
    TEXT: lambda _question, rng: rng.choice(INCIDENTS),
}


def _voting(obligation: Obligation, rng: Random) -> dict[str, Any]:
    """Numbers of a polling station of at most 300 voters that agree with each other."""
    voters = rng.randint(40, 260) if obligation.subject.is_special else rng.randint(170, 298)
    men = round(voters * rng.uniform(0.48, 0.54))
    women = voters - men
    moved = rng.choice([0, 0, 0, 1, 2, 4, 9])
    came_l, came_p = round(men * rng.uniform(0.7, 0.9)), round(women * rng.uniform(0.7, 0.9))
    moved_l = rng.randint(0, moved)
    late = rng.random() < 0.022
    return {
        "jam_buka": f"07:{rng.randint(1, 55):02d}" if late else "07:00",
        "dpt_l": men,
        "dpt_p": women,
        "dptb_terdaftar": moved,
        "surat_diterima": voters + -(-voters * 2 // 100),
        "dpt_hadir_l": came_l,
        "dpt_hadir_p": came_p,
        "dptb_hadir_l": moved_l,
        "dptb_hadir_p": rng.randint(0, moved - moved_l),
        "dpk_hadir_l": rng.choice([0, 0, 1, 2]),
        "dpk_hadir_p": rng.choice([0, 0, 1, 2]),
        "disabilitas_l": rng.choice([0, 0, 0, 1]),
        "disabilitas_p": rng.choice([0, 0, 0, 1]),
        "jam_tutup": "13:00" if rng.random() < 0.95 else f"13:{rng.randint(5, 50):02d}",
        "surat_rusak": rng.choice([0, 0, 0, 1, 2]),
    }


def _counting(obligation: Obligation, rng: Random) -> dict[str, Any]:
    """Ballots of one contest that add up, save in the few stations where the mismatch is the problem."""
    used = rng.randint(40, 200) if obligation.subject.is_special else rng.randint(130, 262)
    received = used + rng.randint(10, 60)
    spoiled = rng.choice([0, 0, 1, 2])
    invalid = rng.randint(0, 9)
    men = round(used * rng.uniform(0.48, 0.53))
    mismatch = rng.random() < 0.004
    return {
        "surat_diterima": received,
        "surat_digunakan": used,
        "surat_rusak": spoiled,
        "surat_sisa": received - used - spoiled,
        "pengguna_l": men,
        "pengguna_p": used - men - (1 if mismatch else 0),
        "suara_sah": used - invalid,
        "suara_tidak_sah": invalid,
        "selisih_suara": YES if mismatch else NO,
        "jam_selesai": f"{rng.randint(17, 23):02d}:{rng.randint(0, 59):02d}",
    }


def _agreeing(counted: dict[str, Any], voted: dict[str, Any]) -> dict[str, Any]:
    """The counting's ballots and voters as the same station's voting report has them."""
    used = sum(voted[name] for name in CAME)
    received, spoiled = voted["surat_diterima"], voted["surat_rusak"]
    men = min(counted["pengguna_l"], used)
    return {
        "surat_diterima": received,
        "surat_digunakan": used,
        "surat_rusak": spoiled,
        "surat_sisa": max(received - used - spoiled, 0),
        "pengguna_l": men,
        "pengguna_p": used - men,
        "suara_sah": used - counted["suara_tidak_sah"],
        "selisih_suara": NO,
    }


NUMBERS: dict[str, Callable[[Obligation, Random], dict[str, Any]]] = {
    "pemungutan-tps": _voting,
    "penghitungan-tps": _counting,
}
