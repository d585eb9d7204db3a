"""What waits for a reviewer, and which reviewers keep reports waiting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min, Prefetch, Q

from hierarchy.access import ROLES, Permission
from hierarchy.lib import formats
from hierarchy.models import Membership, Role, Unit
from reports.calendar.labels import title_of
from reports.calendar.models import InstrumentVersion
from reports.filing.labels import problems_of
from reports.filing.models import Report
from reports.obligations.labels import Contact
from reports.obligations.models import Obligation, State
from reports.quality import actions as quality
from reports.quality import rules

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
            [
                Contact.of(membership)
                for membership in unit.people
                if Permission.REVIEW in ROLES[Role(membership.role)].permissions
            ],
        )
        for unit in sorted(units, key=lambda unit: (found[unit.pk]["since"], unit.code))
    ]


@dataclass(frozen=True)
class QueueRow:
    """A filed report in the queue. Flagged ones are opened one by one; the others may be approved together.

    `aged` says how long it has waited, once that is longer than PATIENCE.
    """

    obligation: Obligation
    report: Report
    problems: int
    reasons: int
    flags: list[str]  # names of the rules that flag its figures, besides the reasons counted already
    late: str
    aged: str
    title: str
    seen: str  # "report id:content hash", what the reviewer had on the screen

    @property
    def is_clean(self) -> bool:
        return not (self.problems or self.reasons or self.flags)


def waiting(obligations: Iterable[Obligation], now: datetime) -> list[QueueRow]:
    """The queue's rows; two queries for the page's instrument versions and flags, not one per row."""
    found = list(obligations)
    flags = quality.open_flags([obligation.report.pk for obligation in found])
    versions = InstrumentVersion.objects.in_bulk({obligation.window.version_id for obligation in found})
    return [
        QueueRow(
            obligation=obligation,
            report=obligation.report,
            problems=len(problems_of(obligation.report, versions[obligation.window.version_id].parsed)),
            reasons=len(obligation.report.reasons),
            flags=rules.names(flags.get(obligation.report.pk, ())),
            late="" if obligation.on_time else formats.duration(obligation.first_filed_at - obligation.due_at),
            aged=formats.duration(age) if (age := now - obligation.report.filed_at) > PATIENCE else "",
            title=title_of(obligation.window),
            seen=f"{obligation.report.pk}:{bytes(obligation.report.sha256).hex()}",
        )
        for obligation in found
        if obligation.first_filed_at is not None
    ]
