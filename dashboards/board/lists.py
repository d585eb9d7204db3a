"""The numbers of the compliance board and the obligations behind each: whom to call, how late, who attested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, DateTimeField, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import JSONObject
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboards.board.shapes import BoardChoice, BoardWindow, Heat
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import formats
from hierarchy.models import Membership, Role, Unit, User
from hierarchy.units.queries import named
from reports.counting import PASSING, TALLIED, WORDS, Counts, Word
from reports.filing.querysets import without_content
from reports.obligations.labels import ObligationRow
from reports.obligations.models import Obligation, State
from reports.reminders import actions as reminders

REVIEWERS = [role for role, spec in access.ROLES.items() if Permission.REVIEW in spec.permissions]
# Who must act next is who files it, except here: whoever reviews the filer, who is told what it is they are to do.
NEXT = {
    State.FILED: _("Yang memeriksa"),
    State.VACANT: _("Atasan yang mengurus pengganti"),
    State.UNREACHABLE: _("Atasan yang menyatakannya"),
}
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Measure:
    """A number of the board: its word in the address, the word of counting, and its look as a state."""

    slug: str
    counts: Word
    icon: str
    tone: str

    @property
    def word(self) -> Promise:
        return self.counts.label

    @property
    def part_of(self) -> str:
        """The slug of what its share is of; "" for what is owed."""
        return next((slug for slug, other in MEASURES.items() if other.counts.key == self.counts.of), "")


MEASURES = {
    slug: Measure(slug, WORDS[key], icon, tone)
    for slug, key, icon, tone in (
        ("wajib", "owed", "circle", "open"),
        ("masuk", "filed", "tick", "done"),
        ("tepat", "on_time", "tick", "done"),
        ("terlambat", "late", "clock", "provisional"),
        ("belum", "missing", "circle", "open"),
        ("lewat", "past", "clock", "problem"),
        ("nanti", "not_due", "circle", "open"),
        ("menunggu", "waiting", "tick", "provisional"),
        ("dikembalikan", "returned", "return", "problem"),
        ("disetujui", "approved", "double-tick", "done"),
        ("kosong", "vacant", "dashed-circle", "missing"),
        ("tanpa-sinyal", "unreachable", "no-signal", "missing"),
    )
}
# The numbers above the list: first the parts of what is owed, then those of what was filed. Owed itself is the whole of
# the first, and missing the sum of two.
TILES = (
    *("masuk", "lewat", "nanti", "kosong", "tanpa-sinyal"),
    *("tepat", "terlambat", "menunggu", "dikembalikan", "disetujui"),
)
# What is listed unasked: the first of these that has any, because it is what somebody should act on.
URGENT = ("lewat", "nanti", "menunggu", "wajib")


def conditions(now: datetime) -> dict[str, Q]:
    """What an obligation must be to be counted in a measure, and so to stand in its list."""
    return {slug: measure.counts.q(now) for slug, measure in MEASURES.items()}


@dataclass(frozen=True)
class Number:
    """A measure with its value and what it is a share of."""

    measure: Measure
    value: int
    whole: int


@dataclass
class Scan:
    """What one pass over the obligations found: numbers by slug, reports by quarter hour, rows of the chosen list, and
    how many whose filer was reminded came in soon after."""

    numbers: dict[str, int]
    filed: list[tuple[datetime, int]]
    state: str
    listed: int
    prompt: int = 0
    reminded: int = 0

    @property
    def tiles(self) -> list[Number]:
        """What is in, and everything else that is not nothing; the list's filter offers the rest."""
        return [
            Number(MEASURES[slug], self.numbers[slug], self.numbers[MEASURES[slug].part_of])
            for slug in TILES
            if self.numbers[slug] or slug == "masuk"
        ]

    @property
    def counts(self) -> Counts:
        """The numbers as a tally has them."""
        by_word = {MEASURES[slug].counts.key: number for slug, number in self.numbers.items()}
        return Counts(**{name: by_word[word] for name, word in (TALLIED | PASSING).items()})


def scan(obligations: QuerySet[Obligation], *, choice: BoardChoice, narrowed: Q, now: datetime) -> Scan:
    """Counts `obligations` once for everything: one query, however many. `narrowed` is the list's own filter."""
    where = conditions(now)
    values: dict[str, Any] = {f"n_{slug.replace('-', '_')}": Count("pk", filter=q) for slug, q in where.items()}
    named = choice.state if choice.state in MEASURES else ""
    unnamed = "wajib" if narrowed else ""
    values["reminded"] = Count("pk", filter=reminders.reminded_q())
    values["prompt"] = Count("pk", filter=reminders.reminded_q(prompt=True))
    values["listed"] = Count("pk", filter=where[named or "wajib"] & narrowed)
    epoch = Value(datetime(2000, 1, 1, tzinfo=UTC))
    quarter = Func(Value(QUARTER), F("first_filed_at"), epoch, function="date_bin", output_field=DateTimeField())
    rows: list[Any] = list(obligations.order_by().values(quarter=quarter).annotate(**values))
    numbers = {slug: sum(row[f"n_{slug.replace('-', '_')}"] for row in rows) for slug in MEASURES}
    state = named or unnamed or next((slug for slug in URGENT if numbers[slug]), "wajib")
    listed = sum(row["listed"] for row in rows) if narrowed else numbers[state]
    filed = sorted((row["quarter"], row["n_masuk"]) for row in rows if row["quarter"] is not None)
    effect = (sum(row["prompt"] for row in rows), sum(row["reminded"] for row in rows))
    return Scan(numbers, filed, state, listed, *effect)


def narrowed_to(unit: Unit, heat: Heat, choice: BoardChoice) -> Q:
    """What the list leaves out beyond its state: other children's, and what the search does not name."""
    found = Q()
    if choice.child == unit.code:
        found &= Q(subject=unit.pk)
    elif child := next((row.unit for row in heat.rows if row.unit.code == choice.child), None):
        found &= (
            Q(**{f"subject__{Level(child.level).spec.column}": child.pk})
            if not child.is_station
            else Q(subject=child.pk)
        )
    for word in choice.search.split():
        people = Membership.objects.current().filter(user__name__icontains=word)
        found &= (
            named(word, "subject__")
            | named(word, "subject__village__")
            | named(word, "subject__district__")
            | Q(filer__in=people.order_by().values("unit"))
        )
    return found


def behind(obligations: QuerySet[Obligation], *, state: str, narrowed: Q, now: datetime) -> QuerySet[Obligation]:
    """The rows of a list in the order of their codes, with everything `ListedObligation.of` shows: one query a page."""
    person = JSONObject(name=F("user__name"), phone=F("user__phone"), seen=F("user__last_seen_at"), role=F("role"))
    serving = Membership.objects.current().order_by("role", "user__name").values(json=person)
    reviewing = serving.filter(unit=OuterRef("filer__parent"), role__in=REVIEWERS)
    return (
        obligations.filter(conditions(now)[state] & narrowed)
        .select_related("subject__village", "subject__district", "subject__regency", "filer__village", "attested_by")
        .select_related("filer__parent")
        .select_related("report")
        .defer(*without_content("report"))
        .annotate(
            report_pk=F("report__pk"),
            people=ArraySubquery(serving.filter(unit=OuterRef("filer"))),
            reviewers=ArraySubquery(reviewing),
        )
        .order_by("subject__code", "due_at", "pk")
    )


@dataclass(frozen=True)
class ContactPerson:
    """Somebody who serves in `unit`. Without `reachable` neither number nor presence is told."""

    name: str
    role: str
    unit: Unit
    phone: str
    whatsapp: str
    seen: datetime | None
    reachable: bool

    @classmethod
    def of(cls, row: dict[str, Any], *, unit: Unit, reachable: bool) -> ContactPerson:
        phone = row["phone"] if reachable else ""
        seen = datetime.fromisoformat(row["seen"]) if row["seen"] and reachable else None
        return cls(row["name"], str(Role(row["role"]).label), unit, phone, formats.phone_digits(phone), seen, reachable)


@dataclass(frozen=True)
class ListedObligation:
    """An obligation in the list: its state in words, how late it came or is, who must act next, what the reader may do.

    `people` of `unit`, and what they are to do: `acting`, "" where they are those who file.
    """

    obligation: Any
    window: BoardWindow
    state: str
    note: str
    late: timedelta | None
    unit: Unit
    people: list[ContactPerson]
    acting: str
    may_attest: bool

    @classmethod
    def of(cls, obligation: Any, *, windows: dict[int, BoardWindow], user: User, now: datetime) -> ListedObligation:
        row = ObligationRow.of(obligation, now)
        until = obligation.first_filed_at or now
        counted = obligation.first_filed_at is not None or obligation.state == State.OWED
        acting = NEXT.get(obligation.state) or (None if obligation.people else NEXT[State.VACANT])
        unit, serving = (
            (obligation.filer.parent, obligation.reviewers)
            if acting and obligation.filer.parent
            else (obligation.filer, obligation.people)
        )
        reachable = access.can(user, Permission.VIEW, unit)
        return cls(
            obligation,
            windows[obligation.window_id],
            row.state,
            row.note if obligation.state in (State.OWED, State.FILED) else "",
            until - obligation.due_at if counted and until > obligation.due_at else None,
            unit,
            [ContactPerson.of(each, unit=unit, reachable=reachable) for each in serving],
            str(acting) if acting and unit is not obligation.filer else "",
            obligation.state == State.OWED and access.can(user, Permission.ATTEST, obligation.filer),
        )

    @property
    def late_words(self) -> str:
        return formats.duration(self.late) if self.late is not None else ""

    @property
    def minutes_late(self) -> int | None:
        return int(self.late.total_seconds()) // 60 if self.late is not None else None

    @property
    def place(self) -> str:
        """Where the subject lies, from its regency down, without itself."""
        subject = self.obligation.subject
        above = [subject.regency, subject.district, subject.village][: max(subject.level - 1, 0)]
        return " / ".join(unit.name for unit in above if unit is not None and unit.pk != subject.pk)


def listed(rows: Iterable[Obligation], *, heat: Heat, user: User, now: datetime) -> list[ListedObligation]:
    windows = {window.pk: window for window in heat.shown}
    return [ListedObligation.of(obligation, windows=windows, user=user, now=now) for obligation in rows]
