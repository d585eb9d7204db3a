"""The five levels of the supervisory tree as one table of data (UU 7/2017 arts. 89, 105-116), and what a code says.

A code is digits without dots and begins with its parent's, so its length says its level.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Level(models.IntegerChoices):
    """Depth in the tree, so `Unit.level` (written by MPTT) and `Level` are the same number."""

    PROVINCE = 0, _("provinsi")
    REGENCY = 1, _("kabupaten/kota")
    DISTRICT = 2, _("kecamatan")
    VILLAGE = 3, _("desa/kelurahan")
    POLLING_STATION = 4, _("TPS")

    @property
    def spec(self) -> LevelSpec:
        return SPECS[self]


@dataclass(frozen=True)
class LevelSpec:
    """What a level is called, how its code grows from its parent's, and who sits there."""

    column: str  # Unit foreign key holding the ancestor of this level
    code_length: int  # digits of a Kemendagri code; a polling station adds three to its village
    body: Promise  # name of the supervisory body
    short: Promise
    plural: Promise  # noun in "n dari N <noun>"
    collegial: bool  # decides in plenary (Perbawaslu 5/2018); below, one person signs


SPECS: dict[Level, LevelSpec] = {
    Level.PROVINCE: LevelSpec("province", 2, _("Bawaslu Provinsi"), _("Provinsi"), _("provinsi"), True),
    Level.REGENCY: LevelSpec("regency", 4, _("Bawaslu Kabupaten/Kota"), _("Kab/Kota"), _("kabupaten/kota"), True),
    Level.DISTRICT: LevelSpec("district", 6, _("Panwaslu Kecamatan"), _("Kecamatan"), _("kecamatan"), True),
    Level.VILLAGE: LevelSpec(
        "village", 10, _("Panwaslu Kelurahan/Desa (PKD)"), _("Desa/Kelurahan"), _("desa/kelurahan"), False
    ),
    Level.POLLING_STATION: LevelSpec("station", 13, _("Pengawas TPS"), _("TPS"), _("TPS"), False),
}
LEAF = Level.POLLING_STATION
CODE_LENGTHS = tuple(level.spec.code_length for level in Level)
LONGEST_CODE = CODE_LENGTHS[LEAF]
CODE_PATTERN = f"[0-9]{{{CODE_LENGTHS[0]},{LONGEST_CODE}}}"  # of a whole code, more or less: level_of knows the lengths
NUMBER_DIGITS = LONGEST_CODE - CODE_LENGTHS[LEAF - 1]  # of a polling station's number, the end of its code
_OF_LENGTH = dict(zip(CODE_LENGTHS, Level, strict=True))
SPECIAL_FROM = 901  # polling stations at special locations are numbered from 901 (KPU)


def level_of(code: str) -> Level | None:
    """The level of the units with codes as long as this one; None where there are none."""
    return _OF_LENGTH.get(len(code))


def line_of(code: str) -> list[str]:
    """The codes of its province and of everything between, down to it; of another length: those above it."""
    return [code[:length] for length in CODE_LENGTHS if length <= len(code)]


def parent_code(code: str) -> str | None:
    """The code of the parent: the next shorter official length; None for a province."""
    return next((code[:length] for length in reversed(CODE_LENGTHS) if length < len(code)), None)


def province_code(code: str) -> str:
    """The code of the province that a unit lies in."""
    return code[: CODE_LENGTHS[Level.PROVINCE]]


def station_number(code: str) -> int | None:
    """The number that a polling station's code ends with; None above."""
    return int(code[-NUMBER_DIGITS:]) if level_of(code) == LEAF else None
