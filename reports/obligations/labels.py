"""Rows of the pages of work: what is owed and by when, what waits with which flags, whom to call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Prefetch, Q
from django.forms import BoundField
from django.utils.translation import gettext as _

from hierarchy.access import ROLES, Permission
from hierarchy.lib import formats
from hierarchy.models import Membership, Role, Unit
from hierarchy.querysets import UnitQuerySet
from reports.calendar.models import InstrumentVersion
from reports.counting import WORDS
from reports.filing.forms import AnswerField, ReportForm
from reports.filing.labels import problems_of, title_of
from reports.filing.models import Report
from reports.instruments.schema import PHOTO
from reports.obligations.models import Obligation, State
from reports.quality import actions as quality


@dataclass(frozen=True)
class Row:
    """A duty with the state people see (LATE is OWED past its deadline) and the words beside it."""

    duty: Obligation
    state: str
    note: str

    @property
    def title(self) -> str:
        return title_of(self.duty.window)

    @classmethod
    def of(cls, duty: Obligation, now: datetime) -> Row:
        if WORDS["past"].holds(duty, now):
            return cls(duty, "LATE", formats.duration(now - duty.due_at))
        if duty.state == State.RETURNED:
            report = getattr(duty, "report", None)
            return cls(duty, duty.state, formats.time_left((report and report.correct_by) or duty.due_at, now))
        if duty.state == State.OWED:
            return cls(duty, duty.state, formats.time_left(duty.due_at, now))
        return cls(duty, duty.state, _("sementara") if duty.state == State.FILED else "")


def silent_units(*, of: list[int], now: datetime) -> UnitQuerySet:
    """Units directly below `of` (ids) that have not filed something past its deadline, each once.

    Each unit has `silent` (its duties, oldest deadline first) and `people` (its current members with their users), so
    that one call settles everything: three queries whatever their number.
    """
    late = Obligation.objects.open_at(now).filter(WORDS["past"].q(now)).order_by("due_at")
    owing = late.filter(filer__parent_id__in=of).values("filer_id")
    people = Membership.objects.current().select_related("user").order_by("user__name")
    return (
        Unit.objects.filter(pk__in=owing)
        .select_related("village")
        .prefetch_related(
            Prefetch("duties", late.select_related("window__instrument", "subject__village"), to_attr="silent"),
            Prefetch("memberships", people, to_attr="people"),
        )
        .order_by("code")
    )


@dataclass(frozen=True)
class Contact:
    """Whom to call. `whatsapp` is the number as wa.me wants it: country code first, digits only."""

    name: str
    phone: str
    whatsapp: str

    @classmethod
    def of(cls, seat: Membership) -> Contact:
        return cls(seat.user.name, seat.user.phone, formats.phone_digits(seat.user.phone))


@dataclass(frozen=True)
class Silent:
    """A unit that has not reported: what it owes and whom to call."""

    unit: Unit
    rows: list[Row]
    contacts: list[Contact]

    @classmethod
    def of(cls, unit: Any, now: datetime) -> Silent:
        """`unit` comes from silent_units()."""
        return cls(unit, [Row.of(duty, now) for duty in unit.silent], [Contact.of(seat) for seat in unit.people])


# A report that nobody has read for so long is shown one level higher, beginning with the reviewer's own superior: how
# long, and the way from the unit that filed it to the unit that is told.
ESCALATION = (
    (timedelta(hours=24), "filer__parent__parent"),
    (timedelta(hours=48), "filer__parent__parent__parent"),
)
PATIENCE = ESCALATION[0][0]


@dataclass(frozen=True)
class Slow:
    """A unit below that keeps reports waiting unread: how many, since when, and whom to call; nobody where the post
    is vacant, and then somebody has to act for it."""

    unit: Unit
    reports: int
    waiting: str
    contacts: list[Contact]


def slow_reviewers(*, of: list[int], now: datetime) -> list[Slow]:
    """Reviewing units below `of` (ids) with reports that have waited longer than ESCALATION grants, longest first.

    Three queries whatever their number.
    """
    due = Q()
    for patience, way in ESCALATION:
        due |= Q(**{f"{way}__in": of, "report__filed_at__lt": now - patience})
    waiting = Obligation.objects.filter(due, state=State.FILED).order_by()
    rows = waiting.values(at=F("filer__parent")).annotate(reports=Count("pk"), since=Min("report__filed_at"))
    found = {row["at"]: row for row in rows}
    people = Membership.objects.current().select_related("user").order_by("user__name")
    units = Unit.objects.filter(pk__in=found).select_related("village")
    units = units.prefetch_related(Prefetch("memberships", people, to_attr="people"))
    return [
        Slow(
            unit,
            found[unit.pk]["reports"],
            formats.duration(now - found[unit.pk]["since"]),
            [Contact.of(seat) for seat in unit.people if Permission.REVIEW in ROLES[Role(seat.role)].permissions],
        )
        for unit in sorted(units, key=lambda unit: (found[unit.pk]["since"], unit.code))
    ]


@dataclass(frozen=True)
class Waiting:
    """A filed report in the queue. Flagged ones are opened one by one; the others may be approved together.

    `aged` says how long it has waited, once that is longer than PATIENCE.
    """

    duty: Obligation
    report: Report
    problems: int
    reasons: int
    doubts: list[str]  # names of the rules that doubt its figures, besides the reasons counted already
    late: str
    aged: str
    title: str
    seen: str  # "report id:content hash", what the reviewer had on the screen

    @property
    def is_clean(self) -> bool:
        return not (self.problems or self.reasons or self.doubts)


def waiting(duties: Iterable[Obligation], now: datetime) -> list[Waiting]:
    """The queue's rows; two queries for the page's instrument versions and flags, not one per row."""
    found = list(duties)
    flags = quality.open_flags([duty.report.pk for duty in found])
    versions = InstrumentVersion.objects.in_bulk({duty.window.version_id for duty in found})
    return [
        Waiting(
            duty=duty,
            report=duty.report,
            problems=len(problems_of(duty.report, versions[duty.window.version_id].parsed)),
            reasons=len(duty.report.reasons),
            doubts=quality.names(flags.get(duty.report.pk, ())),
            late="" if duty.on_time else formats.duration(duty.first_filed_at - duty.due_at),
            aged=formats.duration(age) if (age := now - duty.report.filed_at) > PATIENCE else "",
            title=title_of(duty.window),
            seen=f"{duty.report.pk}:{bytes(duty.report.sha256).hex()}",
        )
        for duty in found
        if duty.first_filed_at is not None
    ]


@dataclass(frozen=True)
class Asked:
    """A field of the filing form with the reviewer's remark and the photo that stands ("" where there is none)."""

    field: BoundField
    remark: str
    photo: str


@dataclass(frozen=True)
class Part:
    """A group of the form. `rows` holds one field, or the two halves of an L/P pair; `todo` counts what to mend."""

    number: int
    title: str
    rows: list[list[Asked]]
    todo: int


def parts(form: ReportForm, standing: Report | None) -> Iterator[Part]:
    """The groups of a filing form in order, remarks of a returned report at their fields."""
    remarks = standing.remarks if standing else {}
    answers = standing.answers if standing else {}
    for number, (title, fields) in enumerate(form.groups(), start=1):
        rows: list[list[Asked]] = []
        for field in fields:
            kind = field.field.kind if isinstance(field.field, AnswerField) else ""
            photo = answers.get(field.name, "") if kind == PHOTO else ""
            asked = Asked(field, remarks.get(field.name, ""), photo)
            before = rows[-1] if rows else []
            if len(before) == 1 and _pair(before[0].field) == field.name:
                before.append(asked)
            else:
                rows.append([asked])
        todo = sum(bool(asked.remark or asked.field.errors) for row in rows for asked in row)
        yield Part(number, title, rows, todo)


def _pair(field: BoundField) -> str:
    return field.field.pair if isinstance(field.field, AnswerField) else ""
