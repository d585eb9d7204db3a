"""The plenaries of the rehearsal: who meets when, on which figures and findings, who is away, who disagrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hierarchy.levels import Level
from reports.rehearsal.suspicions import wita

QUIET, VOTING, COUNTING = "masa-tenang-desa", "pemungutan-tps", "penghitungan-tps"


@dataclass(frozen=True)
class Meeting:
    """A plenary of the body of a level. Without `number` (of its minutes) it is called and not held.

    figures: (instrument, period); about: keys of SUSPICIONS; refused: those of them the body does not agree with;
    put_off: figures it postpones; away: members who are excused, from the chair on; against: members who vote no on the
    figures, from the last on.
    """

    level: Level
    called: datetime
    meets: datetime
    figures: tuple[tuple[str, str], ...] = ()
    about: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    put_off: tuple[tuple[str, str], ...] = ()
    away: int = 0
    against: int = 0
    public: bool = False
    number: str = ""
    notes: str = ""


MEETINGS = (
    Meeting(
        Level.DISTRICT, wita(12, 9), wita(12, 19, 30), figures=((QUIET, "2024-02-11"),), about=("props",),
        number="01/BA/PANWASCAM/II/2024", notes="Alat peraga diturunkan bersama Satpol PP pada malam yang sama.",
    ),
    Meeting(
        Level.DISTRICT, wita(13, 15), wita(13, 19, 30), figures=((QUIET, "2024-02-12"),), about=("props", "groceries"),
        away=1, number="02/BA/PANWASCAM/II/2024",
    ),
    Meeting(
        Level.REGENCY, wita(13, 9), wita(13, 20), figures=((QUIET, "2024-02-11"), (QUIET, "2024-02-12")),
        put_off=((QUIET, "2024-02-12"),), number="01/BA/BAWASLU-KAB/II/2024",
    ),
    Meeting(
        Level.PROVINCE, wita(13, 9, 30), wita(13, 20, 30), figures=((QUIET, "2024-02-11"),), public=True,
        number="01/BA/BAWASLU-PROV/II/2024", notes="Terbuka; dihadiri pemantau pemilu.",
    ),
    Meeting(
        Level.DISTRICT, wita(14, 21), wita(15, 8), figures=((VOTING, ""),), about=("shirt",), refused=("shirt",),
        number="03/BA/PANWASCAM/II/2024",
    ),
    Meeting(
        Level.REGENCY, wita(14, 21, 30), wita(15, 9, 30), figures=((VOTING, ""),), about=("boxes",), against=1,
        public=True, number="02/BA/BAWASLU-KAB/II/2024",
    ),
    Meeting(
        Level.DISTRICT, wita(15, 10), wita(15, 16), figures=((VOTING, ""), (COUNTING, "")), about=("twice",),
    ),
    Meeting(Level.REGENCY, wita(15, 10, 10), wita(15, 17), figures=((COUNTING, ""),), about=("boxes",)),
    Meeting(Level.PROVINCE, wita(15, 10, 20), wita(15, 19), figures=((VOTING, ""),), about=("movers",), public=True),
)  # fmt: skip
