"""What each word of counting means, once: as SQL, as a Q, for one obligation, and in Indonesian (docs/definitions.md).

A word is a set of states and, where time matters, one comparison; whatever counts obligations anywhere is made from
this table. Two partitions hold at every moment:

    owed  = filed + past + not_due + vacant + unreachable
    filed = on_time + late = waiting + returned + approved

Pure: no query and no model is imported, so querysets may use it. The check in verify.py counts by rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REPORTED = ("FILED", "RETURNED", "APPROVED")


class Countable(Protocol):
    """What is read of an obligation: its columns, or the same read as plain values."""

    @property
    def state(self) -> str: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def first_filed_at(self) -> datetime | None: ...


class Timed(NamedTuple):
    """One comparison of time three times over. {at}: the placeholder of the moment; {o}: the path to the obligation."""

    sql: str
    q: Callable[[datetime, str], Q]
    holds: Callable[[Any, datetime], bool]


# On the dot is on time, and at the very moment of its deadline nothing has passed it yet.
TIMED = {
    "": Timed("", lambda at, path: Q(), lambda one, at: True),
    "in time": Timed(
        "o.first_filed_at <= o.due_at",
        lambda at, path: Q(**{f"{path}first_filed_at__lte": F(f"{path}due_at")}),
        lambda one, at: one.first_filed_at is not None and one.first_filed_at <= one.due_at,
    ),
    "afterwards": Timed(
        "o.first_filed_at > o.due_at",
        lambda at, path: Q(**{f"{path}first_filed_at__gt": F(f"{path}due_at")}),
        lambda one, at: one.first_filed_at is not None and one.first_filed_at > one.due_at,
    ),
    "passed": Timed(
        "o.due_at < {at}",
        lambda at, path: Q(**{f"{path}due_at__lt": at}),
        lambda one, at: one.due_at < at,
    ),
    "ahead": Timed(
        "o.due_at >= {at}",
        lambda at, path: Q(**{f"{path}due_at__gte": at}),
        lambda one, at: one.due_at >= at,
    ),
}


@dataclass(frozen=True)
class Word:
    """A word that counts obligations. `states` empty: whatever their state; `timed`: a key of TIMED.

    `of`: the word whose number is its 100 %; "" where a percentage would say nothing.
    """

    key: str
    label: Promise
    meaning: Promise
    states: tuple[str, ...] = ()
    timed: str = ""
    of: str = "owed"

    def sql(self, at: str = "%(at)s") -> str:
        """The condition over obligations `o`; `at` is the placeholder of the moment. States are ours, never typed."""
        states = ", ".join(f"'{state}'" for state in self.states)
        parts = [f"o.state IN ({states})" if states else "", TIMED[self.timed].sql.format(at=at)]
        return " AND ".join(filter(None, parts)) or "true"

    def q(self, at: datetime, path: str = "") -> Q:
        """The condition on obligations; `path` leads to them, as "obligation__" does from reports."""
        states = Q(**{f"{path}state__in": self.states}) if self.states else Q()
        return states & TIMED[self.timed].q(at, path)

    def holds(self, one: Countable, at: datetime) -> bool:
        """Whether one obligation is counted under this word at a moment."""
        return (not self.states or one.state in self.states) and TIMED[self.timed].holds(one, at)


WORDS = {
    word.key: word
    for word in (
        Word("owed", _("Wajib lapor"), _("Semua laporan yang harus dikirim."), of=""),
        Word("due", _("Sudah jatuh tempo"), _("Wajib lapor yang tenggatnya sudah lewat."), timed="passed"),
        Word("filed", _("Sudah lapor"), _("Laporannya sudah masuk, apa pun hasil pemeriksaannya."), REPORTED),
        Word(
            "on_time",
            _("Tepat waktu"),
            _("Pertama kali masuk paling lambat saat tenggat."),
            REPORTED,
            "in time",
            "filed",
        ),
        Word("late", _("Masuk terlambat"), _("Pertama kali masuk sesudah tenggat."), REPORTED, "afterwards", "filed"),
        Word("missing", _("Belum lapor"), _("Laporannya belum masuk dan dapat dikirim."), ("OWED",)),
        Word("past", _("Lewat tenggat"), _("Belum lapor padahal tenggatnya sudah lewat."), ("OWED",), "passed"),
        Word("not_due", _("Belum jatuh tempo"), _("Belum lapor dan tenggatnya belum lewat."), ("OWED",), "ahead"),
        Word(
            "waiting",
            _("Menunggu pemeriksaan"),
            _("Sudah lapor, belum disetujui atau dikembalikan."),
            ("FILED",),
            of="filed",
        ),
        Word("returned", _("Dikembalikan"), _("Dikembalikan untuk diperbaiki."), ("RETURNED",), of="filed"),
        Word("approved", _("Disetujui"), _("Disetujui pemeriksanya sebagaimana isinya sekarang."), ("APPROVED",)),
        Word("vacant", _("Tanpa pengawas"), _("Tidak ada yang bertugas untuk melapor."), ("VACANT",)),
        Word("unreachable", _("Tanpa sinyal"), _("Atasannya menyatakan tidak ada sinyal."), ("UNREACHABLE",)),
    )
}
# How the whole of a percentage is named: "22 dari 32 wajib lapor", and in a heading "dari wajib lapor".
WHOLES = {"owed": _("wajib lapor"), "filed": _("yang sudah lapor")}
# What a tally keeps of an obligation: its column, and the word. None of them changes while time passes.
TALLIED = {
    "expected": "owed",
    "filed_count": "filed",
    "on_time": "on_time",
    "approved_count": "approved",
    "returned": "returned",
    "vacant": "vacant",
    "unreachable": "unreachable",
}
# What a tally cannot keep, because it changes while nobody does anything.
PASSING = {"not_due": "not_due"}


def counted(key: str, at: str = "%(at)s") -> str:
    """How many obligations `o` are counted under a word, as an SQL aggregate."""
    condition = WORDS[key].sql(at)
    return "count(*)" if condition == "true" else f"count(*) FILTER (WHERE {condition})"


def counts_of(one: Countable, at: datetime) -> dict[str, int]:
    """The counts of a single obligation under the names that a tally has for them, with those that pass."""
    return {name: int(WORDS[key].holds(one, at)) for name, key in (TALLIED | PASSING).items()}


def shown_state(one: Countable, at: datetime) -> str:
    """The key of hierarchy.lib.formats.STATES an obligation is shown with: LATE is what has passed its deadline."""
    return "LATE" if WORDS["past"].holds(one, at) else str(one.state)


_COLUMNS = {word: column for column, word in TALLIED.items()}


@dataclass(frozen=True)
class Counts:
    """How complete a unit's reporting is: the fields of a Tally, and `not_due`, which passes with time.

    The other words of reports/counting.py follow from these; they bear the words' names.
    """

    expected: int = 0
    filed_count: int = 0
    on_time: int = 0
    approved_count: int = 0
    returned: int = 0
    vacant: int = 0
    unreachable: int = 0
    not_due: int = 0

    @property
    def missing(self) -> int:
        return self.expected - self.filed_count - self.vacant - self.unreachable

    @property
    def past(self) -> int:
        """Not filed though the deadline has passed."""
        return self.missing - self.not_due

    @property
    def judged(self) -> int:
        """What the index judges: filed, or past its deadline."""
        return self.filed_count + self.past

    @property
    def late(self) -> int:
        return self.filed_count - self.on_time

    @property
    def waiting(self) -> int:
        """Filed, neither approved nor returned."""
        return self.filed_count - self.approved_count - self.returned

    @property
    def complete(self) -> bool:
        return self.filed_count == self.expected

    def number(self, word: str) -> int:
        """How many are counted under a word of reports/counting.py."""
        found: int = getattr(self, _COLUMNS.get(word, word))
        return found

    def whole(self, word: str) -> int:
        """What the percentage of a word is of."""
        return self.number(WORDS[word].of)

    def share(self, word: str) -> float | None:
        """The word's number as a part of its whole; None where there is nothing to be a part of."""
        whole = self.whole(word)
        return self.number(word) / whole if whole else None

    def of(self, basis: str) -> int:
        """Reports behind a sum on a basis: `filed`, `approved` or `ratified`."""
        return self.filed_count if basis == "filed" else self.approved_count


def add_counts(rows: Iterable[Mapping[str, int]]) -> Counts:
    """The sum of several counts (windows of one unit)."""
    total = dict.fromkeys(Counts.__dataclass_fields__, 0)
    for row in rows:
        for name in total:
            total[name] += row.get(name, 0)
    return Counts(**total)
