"""A finding as people tell it: the form it comes from, what is written of it, and the refusal of a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hierarchy.lib.errors import Refusal
from reports.findings.models import Party

Part = Party.Part
FORM = "form-a"  # the instrument whose part IV is about suspected violations
SUSPECTS = "ada_dugaan"  # its question whether there is one
# Its answers that name people: (name, address, part).
PEOPLE = (
    ("pelaku", "alamat_pelaku", Part.RESPONDENT),
    ("saksi_1_nama", "saksi_1_alamat", Part.WITNESS),
    ("saksi_2_nama", "saksi_2_alamat", Part.WITNESS),
)
PEOPLE_ASKED = frozenset(name for person in PEOPLE for name in person[:2])


class FindingError(Refusal):
    """A step of a finding cannot be taken."""

    code = "finding"


@dataclass(frozen=True)
class PartyEntry:
    part: str
    name: str
    address: str = ""


@dataclass(frozen=True)
class FindingContent:
    """What is written about a suspected violation; dates in WITA."""

    kind: str
    event: str
    place: str
    happened_on: date
    discovered_on: date
    evidence: str = ""
    analysis: str = ""
    people: tuple[PartyEntry, ...] = field(default=())
    nobody: bool = False  # said so: no person is named, though some were before
