"""A rehearsal of election day through the real verbs: who files when, what they find, what superiors do about it.

Seeded, so the same seed gives the same day. Shares are realistic rather than measured: problem rates follow Bawaslu
Kaltim's own counts (14 February and 29 November 2024), punctuality follows no published figure.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import LEAF
from hierarchy.lib import bulk
from hierarchy.lib.clock import WITA
from hierarchy.models import Election, Membership, User
from reports.calendar.models import Window
from reports.calendar.querysets import without_schema
from reports.filing import actions as intake
from reports.filing.models import Channel, Report
from reports.instruments.schema import TEXT, YES
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.rehearsal.answers import answers_for
from reports.review import actions as review

START = datetime(2024, 2, 11, 0, 0, tzinfo=WITA)
END = datetime(2024, 2, 15, 7, 30, tzinfo=WITA)  # the morning after: counting was due at 06.00
STAGES = ["MASA_TENANG", "PEMUNGUTAN", "PENGHITUNGAN", "NON_TAHAPAN"]
# Of the units with a supervisor: never files, no signal (attested), files late, gets it returned.
MISSING, UNREACHABLE, LATE, RETURNED = 0.03, 0.012, 0.06, 0.02
CORRECTED, APPROVED = 0.6, 0.9  # of the returned ones; of the filed ones that are clean


@dataclass
class Step:
    """One thing that happens on the day, in the order of `at`."""

    at: datetime
    act: Callable[[], None]


@dataclass
class Day:
    """The rehearsal of one election. `steps()` yields every step with its moment; the caller paces them."""

    election: Election
    seed: int = 2024
    owing: frozenset[int] = frozenset()  # units that have not filed how the votes were counted, whatever the seed
    rng: Random = field(init=False)
    people: dict[int, list[User]] = field(init=False)
    voted: dict[int, dict[str, Any]] = field(default_factory=dict)  # what each station said of the voting

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311  (a rehearsal must be repeatable, not unpredictable)
        self.people = _filers(self.election)

    def windows(self) -> list[Window]:
        return list(
            Window.objects.filter(
                election=self.election, stage__code__in=STAGES, due_at__gt=START, due_at__lte=END, closes_at__gt=START
            )
            .exclude(instrument__cadence="EVENT")
            .select_related("stage", "instrument", "version", "election")
            .defer(*without_schema("version"))
            .order_by("opens_at", "instrument__code")
        )

    def steps(self) -> list[Step]:
        """Opens the windows, then plans the day. Filing comes at its moment, review every evening hour."""
        steps: list[Step] = []
        for window in self.windows():
            obligations.open_window(window=window, at=max(window.opens_at, START))
            steps += self._filings(window)
        steps += [Step(at, partial(self._review, at)) for at in _review_hours()]
        return sorted(steps, key=lambda step: step.at)

    def _filings(self, window: Window) -> Iterator[Step]:
        schema = window.version.parsed
        rows = Obligation.objects.for_intake().filter(window=window, state=State.OWED).order_by("subject__code")
        for obligation in rows:
            fate = self.rng.random()
            owing = schema.code == "penghitungan-tps" and obligation.subject_id in self.owing
            if fate < UNREACHABLE and obligation.filer.level == LEAF and not owing:
                yield Step(window.due_at - timedelta(hours=1), partial(self._no_signal, obligation))
            elif fate < UNREACHABLE + MISSING or owing:
                continue
            else:
                at = self._moment(window, late=fate > 1 - LATE)
                number = uuid.UUID(int=self.rng.getrandbits(128), version=4)
                answers, reasons = answers_for(
                    schema, obligation, self.rng, voted=self.voted.get(obligation.subject_id)
                )
                if schema.code == "pemungutan-tps":
                    self.voted[obligation.subject_id] = answers
                yield Step(at, self._filing(obligation, number, answers, reasons, at))

    def _moment(self, window: Window, *, late: bool) -> datetime:
        """Most file in the last hours before the deadline; the late ones within the next hours."""
        if late:
            at = window.due_at + timedelta(minutes=1 + self.rng.expovariate(1 / 50))
            return min(at, END - timedelta(minutes=1))
        hours = (window.due_at - window.opens_at).total_seconds() / 3600
        before = self.rng.betavariate(1.6, 4) * min(hours, 9)
        return window.due_at - timedelta(hours=before, seconds=1)

    def _filing(self, obligation: Obligation, number: uuid.UUID, answers: dict, reasons: dict, at: datetime):
        def act(based_on: int | None = None) -> None:
            intake.submit(
                by=self.people[obligation.filer_id][0],
                obligation_id=obligation.pk,
                report_id=number,
                answers=answers,
                reasons=reasons,
                based_on=based_on,
                channel=Channel.SIMULATION,
                device_at=at,
                at=at,
            )

        return act

    def _no_signal(self, obligation: Obligation) -> None:
        superior = self.people.get(obligation.filer.parent_id)
        if superior:
            review.attest_unreachable(
                obligation=obligation,
                reason="Tidak ada sinyal di lokasi TPS. PKD menerima kabar lewat radio.",
                by=superior[0],
                at=obligation.due_at - timedelta(hours=1),
            )

    def _review(self, at: datetime) -> None:
        """Superiors read what has come in: most is approved, a little goes back, some of that is corrected."""
        bulk.analyze(Report)
        waiting = (
            Report.objects.for_review()
            .filter(obligation__state=State.FILED, window__election=self.election, filed_at__lte=at)
            .order_by("pk")
        )
        by_superior: dict[int, list[Report]] = defaultdict(list)
        for report in waiting:
            parent = report.obligation.filer.parent_id
            if parent in self.people and self.rng.random() < APPROVED:
                by_superior[parent].append(report)
        for unit_id, reports in sorted(by_superior.items()):
            judge = self._reviewer(unit_id)
            if judge is None:
                continue
            back = [r for r in reports if r.revision == 1 and self.rng.random() < RETURNED]
            for report in back:
                self._return(report, judge, at)
            clean = [r for r in reports if r not in back]
            review.approve_many(reports=clean, seen={r.pk: bytes(r.sha256) for r in clean}, by=judge, at=at)

    def _reviewer(self, unit_id: int) -> User | None:
        return next((p for p in self.people[unit_id] if access.memberships_with(p, Permission.REVIEW)), None)

    def _return(self, report: Report, judge: User, at: datetime) -> None:
        remark = {"": "Periksa kembali angkanya dengan C.Hasil dan kirim ulang."}
        review.send_back(report=report, seen=bytes(report.sha256), remarks=remark, by=judge, at=at)
        if self.rng.random() < CORRECTED:
            obligation = Obligation.objects.for_intake().get(pk=report.obligation_id)
            answers = {**report.answers}
            text = next((q.name for q in obligation.window.version.parsed.questions if q.kind == TEXT), "")
            answers[text] = (answers.get(text, "") + " Sudah diperiksa ulang dengan C.Hasil.").strip()
            flags = [n for n in ("ada_kejadian", "keberatan_kejadian") if n in answers]
            answers.update(dict.fromkeys(flags, YES))
            again = self._filing(obligation, report.pk, answers, report.reasons, at + timedelta(minutes=30))
            again(based_on=report.revision)


def _filers(election: Election) -> dict[int, list[User]]:
    """Unit id -> the people who serve in it, their memberships already known; reviewers and filers alike."""
    people: dict[int, list[User]] = defaultdict(list)
    ancestors = [f"unit__{name}" for name in ("election", "province", "regency", "district", "village")]
    memberships = (
        Membership.objects.current().filter(unit__election=election).select_related("user", "unit", *ancestors)
    )
    for membership in memberships.order_by("unit__code", "role", "user__username"):
        access.remember(membership.user, [membership])
        people[membership.unit_id].append(membership.user)
    for members in people.values():  # whoever may file comes first
        members.sort(key=lambda user: not access.memberships_with(user, Permission.FILE))
    return dict(people)


def _review_hours() -> Iterator[datetime]:
    """When superiors sit down to read: late each evening, and the morning after the count."""
    days = range((END.date() - START.date()).days + 1)
    yield from (at for day in days if (at := START + timedelta(days=day, hours=22)) < END)
    yield END - timedelta(minutes=15)
