"""The five levels of the supervisory tree as one table of data (UU 7/2017 arts. 89, 105-116)."""

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
SPECIAL_FROM = 901  # polling stations at special locations are numbered from 901 (KPU)
