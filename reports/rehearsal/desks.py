"""What else offices do in the rehearsal: more time, corrections, reminders, doubtful figures, substitutes."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import LEAF, Level
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from hierarchy.people import acting
from reports.bodies import actions as bodies_actions
from reports.bodies import queries as bodies
from reports.calendar.models import InstrumentVersion
from reports.filing import actions as intake
from reports.filing.models import Channel, Report
from reports.filing.querysets import ReportQuerySet
from reports.instruments.codec import InvalidAnswers, decode
from reports.instruments.schema import sum_cells
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.quality import actions as quality
from reports.quality import references as reference
from reports.quality.models import Flag
from reports.rehearsal.day import Step
from reports.rehearsal.line import SupervisionLine
from reports.rehearsal.meetings import COUNTING, VOTING
from reports.rehearsal.suspicions import supervision, wita
from reports.reminders import actions as reminders
from reports.reminders import delivery, push
from reports.review import actions as review
from reports.rollup.models import Tally

# Often enough that everybody above a report that is late has heard of it once.
REMINDED = (
    *(wita(11, 20, 5), wita(11, 23, 5), wita(14, 18, 5)),
    *(wita(15, 6, 5), wita(15, 6, 40), wita(15, 8, 5), wita(15, 10, 30)),
)
PHONES = 8
EXTRA = ("disabilitas_l", "disabilitas_p")  # a voter more, which no other question contradicts
REFERENCED = ("dpt_l", "dpt_p")
SOURCE = "Angka rekaan untuk gladi, bukan angka KPU"


@dataclass
class Desks:
    line: SupervisionLine

    def steps(self) -> Iterator[Step]:
        yield Step(wita(14, 16, 30), self._more_time)
        yield Step(wita(14, 17, 50), self._ask_for_pushes)
        yield Step(wita(14, 20, 10), self._give_phones_back)
        yield from (Step(at, self._remind) for at in REMINDED)
        yield Step(wita(15, 7, 40), self._substitute)
        yield Step(wita(15, 7, 45), self._own_quorum)
        yield Step(wita(15, 7, 50), self._references)
        yield Step(wita(15, 7, 55), self._flags)
        yield Step(wita(15, 8, 30), self._supervise)
        yield Step(wita(15, 8, 50), self._correct)
        yield Step(wita(15, 9, 20), self._return)

    # --- reports ----------------------------------------------------------------------------------------------------

    def _more_time(self) -> None:
        """A village behind high water files until the evening."""
        window, area = self.line.window(VOTING), self.line.below(Level.VILLAGE)[-1]
        obligations.extend(
            window=window,
            area=area,
            due_at=wita(14, 20),
            closes_at=window.closes_at,
            reason="Air pasang memutus jalan; pengawas baru dapat kembali setelah magrib.",
            by=self.line.admin(),
        )

    def _supervise(self) -> None:
        """Each level files a Form A without any suspicion, which its superior has not read yet."""
        at = clock.now()
        village, bodies = self.line.below(Level.VILLAGE)[0], self.line.bodies
        for unit in (village, bodies[Level.DISTRICT], bodies[Level.REGENCY]):
            self.line.send(unit, supervision(unit, self.line.people[unit.pk][0], at), at)

    def _correct(self) -> None:
        """A supervisor withdraws trust in an approved voting report; it comes back with one figure more."""
        for report in self._filed(VOTING, State.APPROVED).filter(revision=1):
            schema = InstrumentVersion.schema_of(report.obligation.window.version_id)
            name = next(name for name in EXTRA if name in report.answers)
            answers = {**report.answers, name: report.answers[name] + 1}
            try:
                decode(schema, answers=answers, reasons=report.reasons)
            except InvalidAnswers:
                continue
            judge = self.line.people[report.obligation.filer.parent_id][0]
            remarks = {name: "Daftar hadir mencatat satu pemilih disabilitas lagi."}
            review.send_back(report=report, seen=bytes(report.sha256), remarks=remarks, by=judge)
            receipt = intake.submit(
                by=self.line.people[report.obligation.filer_id][0], obligation_id=report.obligation_id,
                report_id=report.pk, answers=answers, reasons=report.reasons, based_on=1, channel=Channel.SIMULATION,
            )  # fmt: skip
            again = Report.objects.for_page().get(pk=report.pk)
            review.approve(report=again, seen=bytes.fromhex(receipt.sha256), by=judge)
            return

    def _return(self) -> None:
        """One counting report waits to be corrected."""
        for report in self._filed(COUNTING, State.FILED, State.APPROVED)[:1]:
            review.send_back(
                report=report,
                seen=bytes(report.sha256),
                remarks={"suara_tidak_sah": "Berbeda dari salinan C.Hasil. Hitung ulang, lalu kirim lagi."},
                by=self.line.people[report.obligation.filer.parent_id][0],
                correct_by=clock.now() + timedelta(hours=30),
            )

    def _filed(self, instrument: str, *states: str) -> ReportQuerySet:
        rows = Report.objects.for_page().filter(window=self.line.window(instrument), obligation__state__in=states)
        rows = rows.filter(obligation__subject__district=self.line.bodies[Level.DISTRICT])
        return rows.order_by("obligation__subject__code")

    def _references(self) -> None:
        """Figures to compare with, made from our own: of all stations, and of some of them others."""
        cells = {question.name: at for question, at in sum_cells(self.line.window(VOTING).version.parsed)}
        rows = []
        units = [*self.line.bodies.values(), self.line.below(Level.VILLAGE)[0]]
        tallies = Tally.objects.filter(window=self.line.window(VOTING), unit__in=units, filed_count__gt=0)
        for tally in tallies.select_related("unit"):
            whole = tally.expected / tally.filed_count
            rows += [(tally.unit.code, name, round(tally.filed[cells[name]] * whole)) for name in REFERENCED]
        filed = list(self._filed(VOTING, State.FILED, State.APPROVED))
        for report in (*filed[:2], filed[-1]):
            rows.append((report.obligation.subject.code, REFERENCED[0], report.answers[REFERENCED[0]] + 3))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "angka-gladi.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([reference.COLUMNS, *((c, VOTING, q, v, SOURCE) for c, q, v in rows)])
            reference.load(path=path, election=self.line.election, by=self.line.admin())

    def _flags(self) -> None:
        """What is doubtful is flagged; one flag is settled in words, the rest waits."""
        quality.check_pending()
        about = {"district": self.line.bodies[Level.DISTRICT], "level": LEAF}
        rows = Flag.objects.filter(**{f"report__obligation__subject__{key}": value for key, value in about.items()})
        for flag in rows.filter(resolved_at=None).order_by("-report__obligation__subject__code", "rule")[:1]:
            flag.report = Report.objects.for_page().get(pk=flag.report_id)
            judge = self.line.people[flag.report.obligation.filer.parent_id][0]
            quality.resolve(flag=flag, resolution="Sudah dicocokkan dengan salinan C.Hasil; angkanya benar.", by=judge)

    # --- messages ---------------------------------------------------------------------------------------------------

    def _remind(self) -> None:
        reminders.tick()

    def _ask_for_pushes(self) -> None:
        """Supervisors who are late switch notifications on, on borrowed phones that no carrier knows."""
        owing = Obligation.objects.filter(window=self.line.window(VOTING), state=State.OWED)
        owing = owing.filter(subject__district=self.line.bodies[Level.DISTRICT]).order_by("subject__code")
        for number, obligation in enumerate(owing[:PHONES]):
            push.subscribe(
                user=self.line.people[obligation.filer_id][0],
                endpoint=f"{settings.PUSH_SERVICES[0]}/gladi/{number}",
                p256dh=push.public_key(),  # any point will do: nothing is ever sealed for it
                auth="A" * 22,
            )

    def _give_phones_back(self) -> None:
        """So nothing is sent to anybody: of what waits, most has been done meanwhile, the rest has no phone."""
        push.forget(user.pk for serving in self.line.people.values() for user in serving)
        delivery.deliver()

    # --- people -----------------------------------------------------------------------------------------------------

    def _substitute(self) -> None:
        """Somebody reads in the place of who is away: in a village as its supervisor asked, and further up."""
        here, near, *_more = self.line.below(Level.VILLAGE)
        self._let(here, near, since=date(2024, 2, 16), by=self.line.people[here.pk][0])
        for level in (Level.DISTRICT, Level.REGENCY):
            beside = Unit.objects.with_ancestors().filter(election=self.line.election, level=level)
            beside = beside.filter(parent=self.line.bodies[level].parent_id).exclude(pk=self.line.bodies[level].pk)
            self._let(beside.order_by("code")[0], self.line.bodies[level], by=self.line.members(Level(level - 1))[0])

    def _let(self, unit: Unit, near: Unit, *, by: User, since: date | None = None) -> None:
        reviewer = next(user for user in self.line.people[near.pk] if access.memberships_with(user, Permission.REVIEW))
        until, reason = date(2024, 2, 20), "Cuti sakit, dengan surat dokter."
        acting.let_act(user=reviewer, unit=unit, since=since, until=until, reason=reason, by=by)

    def _own_quorum(self) -> None:
        """The body of another regency has set that all of its members must be there."""
        others = Unit.objects.with_ancestors().filter(election=self.line.election, level=Level.REGENCY)
        unit = others.exclude(pk=self.line.bodies[Level.REGENCY].pk).order_by("code")[0]
        needed = len(bodies.members_of(unit))
        reason = "Tata tertib pleno lembaga, pasal kuorum"
        bodies_actions.set_quorum(unit=unit, needed=needed, reason=reason, by=self.line.admin())
