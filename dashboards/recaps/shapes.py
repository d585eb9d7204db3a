"""What a recap workbook is told: the rows of its sheets, its incidents, who signs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dashboards.recaps.columns import Topic


@dataclass(frozen=True)
class RecapRow:
    """A row: the unit's code, its names (outermost first), and its figures; `values` None: no report is behind it."""

    code: str
    names: tuple[str, ...]
    reports: int
    expected: int
    values: Sequence[int] | None


@dataclass(frozen=True)
class RecapPart:
    """Topics that share their rows. `lines` is read once; `size` is how many it will give, for the progress.

    `decided`: the last of `names` is what the row's body has ratified of it. `ratified` stands below the total: what
    the body itself ratified, which the rows need not add up to any more.
    """

    source: str
    topics: Sequence[Topic]
    names: tuple[str, ...]
    lines: Callable[[], Iterator[RecapRow]]
    size: int
    coverage: bool = True
    decided: bool = False
    ratified: RecapRow | None = None


@dataclass(frozen=True)
class Incident:
    """A narrative of a special incident. `place`: outermost unit first."""

    code: str
    place: str
    instrument: str
    period: str
    filed_at: datetime
    state: str
    text: str


@dataclass(frozen=True)
class Recap:
    """Everything a workbook says. `signatories`: (name, position), chair first; `place`: where it is signed.

    `status`: how the figures of the whole stand: "sementara", or ratified when and by which minutes.
    """

    body: str
    stage: str
    election: str
    basis: str
    cut_off: datetime
    made_at: datetime
    place: str
    signatories: Sequence[tuple[str, str]]
    parts: Sequence[RecapPart]
    incidents: Callable[[], Iterator[Incident]] | None = None
    incident_count: int = 0
    versions: str = ""
    status: str = ""
    widths: dict[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts) + self.incident_count
