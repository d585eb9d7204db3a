"""What bodies do in the rehearsal: suspicions become findings or do not, plenaries are called, held and closed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hierarchy.levels import Level
from hierarchy.models import Unit, User
from reports.filing.models import Report
from reports.findings import actions as findings
from reports.findings.models import Finding
from reports.findings.shapes import FindingContent
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary.models import AgendaItem, Plenary, Vote
from reports.rehearsal.day import Step
from reports.rehearsal.line import SupervisionLine
from reports.rehearsal.meetings import MEETINGS, Meeting
from reports.rehearsal.suspicions import SUSPICIONS, Suspicion, wita
from reports.rollup import fold as rollup

WHY = "Laporan yang belum masuk berasal dari TPS tanpa pengawas atau tanpa sinyal; keadaannya dicatat di berita acara."
# What is proposed as the follow-up of a finding, and when.
OUTCOMES = (
    (wita(13, 9), "props", "Direkomendasikan kepada KPU supaya alat peraga segera diturunkan."),
    (wita(15, 9, 50), "boxes", "Diteruskan kepada DKPP sebagai dugaan pelanggaran kode etik."),
)
MORE_NEEDED = "Menunggu keterangan dua penerima paket dan hasil pemeriksaan rekaman video."
DISSENT = "Sudah diperbaiki di tempat, atau masih perlu dicocokkan dengan salinan C.Hasil."
AWAY = "Tugas luar daerah"
LASTED = timedelta(minutes=40)


@dataclass
class Bodies:
    line: SupervisionLine
    forms: dict[str, uuid.UUID] = field(default_factory=dict)  # key of SUSPICIONS -> its Form A
    found: dict[str, int] = field(default_factory=dict)  # -> its finding
    called: dict[int, int] = field(default_factory=dict)  # position in MEETINGS -> its plenary

    def steps(self) -> Iterator[Step]:
        yield from self._suspected()
        yield from self._meetings()

    # --- findings ---------------------------------------------------------------------------------------------------

    def _suspected(self) -> Iterator[Step]:
        for key, one in SUSPICIONS.items():
            yield Step(one.filed, partial(self._file, key, one))
            if one.recorded:
                yield Step(one.recorded, partial(self._record, key, one))
        for at, key, outcome in OUTCOMES:
            yield Step(at, partial(self._propose, key, outcome))
        yield Step(wita(14, 9), self._extend)

    def _file(self, key: str, one: Suspicion) -> None:
        unit = self._unit(one)
        self.forms[key] = self.line.send(unit, one.answers(unit, self.line.people[unit.pk][0]), one.filed)

    def _record(self, key: str, one: Suspicion) -> None:
        assert one.body is not None, "what is recorded is recorded by a body"
        body, by = self.line.bodies[one.body], self.line.secretary(one.body)
        report = Report.objects.for_page().get(pk=self.forms[key])
        read = findings.read_form(report=report, by=by)
        told = FindingContent(kind=one.kind, **read | {"people": tuple(read["people"])})
        finding = findings.record(unit=body, told=told, occurred_in=report.obligation.subject, by=by, report=report)
        findings.assign(finding=finding, people=[by], by=self.line.members(one.body)[0])
        self.found[key] = finding.pk

    def _propose(self, key: str, outcome: str) -> None:
        one = self._finding(key)
        findings.propose_outcome(finding=one, outcome=outcome, by=self.line.members(Level(one.unit.level))[0])

    def _extend(self) -> None:
        findings.extend(finding=self._finding("groceries"), reason=MORE_NEEDED, by=self.line.members(Level.DISTRICT)[1])

    def _finding(self, key: str) -> Finding:
        return Finding.objects.select_related("unit__election", "occurred_in").get(pk=self.found[key])

    def _unit(self, one: Suspicion) -> Unit:
        """The unit that files a suspicion: of the line itself, or below its district."""
        return self.line.bodies.get(one.level) or self.line.below(one.level)[one.nth]

    # --- plenaries --------------------------------------------------------------------------------------------------

    def _meetings(self) -> Iterator[Step]:
        for position, one in enumerate(MEETINGS):
            yield Step(one.called, partial(self._call, position, one))
            if one.number:
                yield Step(one.meets, partial(self._meet, position, one))
                yield Step(one.meets + LASTED, partial(self._close, position, one))

    def _call(self, position: int, one: Meeting) -> None:
        rollup.run_all()  # what lies on the table is what has come in
        made = plenary.call(
            unit=self.line.bodies[one.level],
            windows=[self.line.window(*which) for which in one.figures],
            about=[self._finding(key) for key in one.about],
            meets_at=one.meets,
            place=f"Kantor {self.line.bodies[one.level].title}",
            public=one.public,
            by=self.line.secretary(one.level),
            reason=WHY,
        )
        self.called[position] = made.pk

    def _meet(self, position: int, one: Meeting) -> None:
        rollup.run_all()
        meeting, members = self._plenary(position), self.line.members(one.level)
        present = members[one.away :]
        for member in members[: one.away]:
            sitting.excuse(plenary=meeting, member=member, reason=AWAY, by=self.line.secretary(one.level))
        for member in present:
            sitting.arrive(plenary=meeting, member=member, by=member)
        presider = plenary.open_(plenary=meeting, by=present[0], presider=present[0]).presided_by
        assert presider is not None
        put_off = {self.line.window(*which).pk for which in one.put_off}
        refused = {self.found[key] for key in one.refused}
        for item in meeting.items.order_by("pk"):
            if item.window_id in put_off:
                plenary.postpone(item=item, note="Menunggu pemeriksaan laporan yang baru masuk.", by=presider)
                continue
            against = len(present) if item.finding_id in refused else one.against if item.window_id else 0
            self._vote(item, present, against)
            plenary.decide(item=item, by=presider)

    def _vote(self, item: AgendaItem, present: list[User], against: int) -> None:
        for place, member in enumerate(reversed(present)):
            no = place < against
            plenary.vote(
                item=item,
                choice=Vote.Choice.DISAGREE if no else Vote.Choice.AGREE,
                seen=bytes(item.sha256),
                by=member,
                dissent=DISSENT if no else "",
            )

    def _close(self, position: int, one: Meeting) -> None:
        meeting = self._plenary(position)
        assert meeting.presided_by is not None
        plenary.close(plenary=meeting, minutes_number=one.number, notes=one.notes, by=meeting.presided_by)

    def _plenary(self, position: int) -> Plenary:
        return Plenary.objects.select_related("unit__election", "presided_by").get(pk=self.called[position])
