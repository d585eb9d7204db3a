"""What a roster is made of: the rows that come in, the result and the codes that go out (pure: no database)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person in one unit. `line` is the row in the source file, 0 when there is none.

    username: empty = keep the account's own, or make one (see `_fresh_username`). since: None = today (WITA).
    born_on: the eldest presides over a plenary whose chair is absent; None = not known.
    """

    unit_code: str
    name: str
    role: str
    phone: str = ""
    email: str = ""
    username: str = ""
    since: date | None = None
    until: date | None = None
    born_on: date | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """An activation code in the clear. It exists only here: print it, hand it over, forget it."""

    username: str
    name: str
    unit_code: str
    unit: str
    role: str
    code: str


@dataclass
class RosterResult:
    """What a load did. `vacant` counts the election's units without anyone in force on the day of the load."""

    created: int = 0
    updated: int = 0
    appointed: int = 0
    ended: int = 0
    unchanged: int = 0
    vacant: int = 0
    codes: list[IssuedCode] = field(default_factory=list)

    def summary(self) -> list[tuple[str, int]]:
        return [
            (_("akun baru"), self.created),
            (_("akun diperbarui"), self.updated),
            (_("penugasan baru"), self.appointed),
            (_("penugasan berakhir"), self.ended),
            (_("tetap"), self.unchanged),
            (_("satuan kosong"), self.vacant),
        ]
