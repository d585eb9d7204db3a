"""A world in which everything has happened once: what `verify` must find whole, and every tampering with it not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from dashboards.releases import actions as publish
from hierarchy.models import Role
from hierarchy.people import activation, roster
from hierarchy.units import tree as units
from hierarchy.units.rows import UnitRow
from reports.bodies import actions as bodies_actions
from reports.filing import actions as intake
from reports.filing import evidence
from reports.filing.models import Evidence, Report
from reports.findings import actions as findings
from reports.findings.models import Finding
from reports.journal import actions as journal
from reports.obligations import actions as obligations
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.quality import references as reference
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests import cast as people
from tests import days
from tests.days import Day, fresh
from tests.emptied import empty
from tests.reports.filing.test_evidence import photo
from tests.reports.findings.test_findings import form_a, recorded
from tests.reports.plenary.test_plenary import body, vote

DISTRICT, VILLAGE, STATION = "647201", "6472012001", "6472012001001"


@dataclass(frozen=True)
class World:
    """What stands; every report is about a station of the village where cast.pkd serves."""

    day: Day
    approved: Report
    waiting: Report
    returned: Report
    revised: Report  # twice filed, with a refused version beside it
    form: Report
    finding: Finding  # found by its plenary
    dismissed: Finding
    photo: Evidence


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Committed to the test database, and emptied out of it in the end."""
    own = override_settings(CLOCK_OFFSET=0, MEDIA_ROOT=folder, PUBLICATION_KEY="11" * 32, PUBLICATION_PUBLIC_KEY="")
    with own, pytest.MonkeyPatch.context() as patch:
        election = people.make_election()
        tree = people.small_tree(election)
        day = Day(election, people.hire(election), tree, {}, settings)
        try:
            days.begin(day, patch)
            yield _after_everything(day, folder)
        finally:
            empty()


def _after_everything(day: Day, folder: Path) -> World:
    _of_the_roster(day)
    journal.seal()
    approved, waiting, returned, revised = _reports(day)
    form, picture = _form_a(day)
    journal.seal()
    finding, dismissed = _plenaries(day, form)
    _of_the_province(day, folder)
    rollup.run_all()
    journal.seal()
    publish.publish(election=day.election, by=fresh(day.cast.province_chair), note="Rilis pertama")
    journal.seal()
    publish.publish(election=day.election, by=fresh(day.cast.province_chair), note="Rilis kedua")
    journal.seal()
    return World(day, *(Report.objects.get(pk=r.pk) for r in (approved, waiting, returned, revised, form)),
                 Finding.objects.get(pk=finding.pk), Finding.objects.get(pk=dismissed.pk), picture)  # fmt: skip


def _of_the_roster(day: Day) -> None:
    code = activation.renew_code(user=day.cast.pkd, by=day.cast.admin)
    activation.activate(username="pkd", code=code, password="pengawas-yang-rajin")
    station = day.units[VILLAGE + "901"]
    roster.appoint(user=day.cast.nobody, unit=station, role=Role.SUPERVISOR, by=day.cast.admin)
    obligations.refresh_vacancies()
    roster.end(membership=people.membership_of(day.cast.stranger), by=day.cast.admin)
    added = units.add_child(parent=day.units[VILLAGE], row=UnitRow(VILLAGE + "003", "TPS 003", "tps", 200), by=None)
    units.move(unit=added, parent=day.units["6472012002"], code="6472012002003", by=None)
    units.rename(unit=day.units["6401012001"], name="Harapan Lama", by=None)


def _reports(day: Day) -> tuple[Report, Report, Report, Report]:
    cast = day.cast
    pkd = fresh(cast.pkd)
    approved = day.file(cast.ptps, surat_rusak=1)
    review.approve(report=approved, seen=bytes(approved.sha256), by=pkd)
    waiting = day.file(cast.ptps, day.obligation("penghitungan-tps"))
    returned = day.file(cast.ptps_sibling, day.obligation("penghitungan-tps", VILLAGE + "002"))
    remarks = {"surat_rusak": "Periksa lagi.", "": "Lampirkan foto; lalu kirim."}
    review.send_back(report=returned, seen=bytes(returned.sha256), remarks=remarks, by=pkd)
    obligation = day.obligation(subject=VILLAGE + "002")
    first = day.file(cast.ptps_sibling, obligation, surat_rusak=1)
    review.approve(report=first, seen=bytes(first.sha256), by=pkd)
    review.withdraw(report=first, seen=bytes(first.sha256), reason="Keliru.", by=pkd)
    obligation = day.obligation(subject=VILLAGE + "002")
    revised = day.file(cast.ptps_sibling, obligation, report_id=first.pk, based_on=1, surat_rusak=2)
    with pytest.raises(intake.ReportRefused, match=revised.receipt_code):
        day.file(cast.ptps_sibling, obligation, report_id=uuid.uuid4(), surat_rusak=3)
    review.attest_unreachable(obligation=day.obligation(subject=VILLAGE + "901"), reason="Tanpa sinyal.", by=pkd)
    return approved, waiting, returned, revised


def _form_a(day: Day) -> tuple[Report, Evidence]:
    kept = evidence.store(file=photo(), unit=day.units[STATION], by=fresh(day.cast.ptps))
    return form_a(day, foto_1=kept.sha256), kept


def _plenaries(day: Day, form: Report) -> tuple[Finding, Finding]:
    """One meeting of the district: figures with a dissent, a finding that is found, one that is not, one put off."""
    rollup.run_all()
    members, operator = body(day.cast), fresh(day.cast.panwascam_operator)
    found, dismissed, later = recorded(day), recorded(day, event="Spanduk."), recorded(day, event="Lain lagi.")
    findings.assign(finding=found, people=[operator], by=members[0])
    meeting = plenary.call(
        unit=found.unit, windows=[day.windows["pemungutan-tps"]], about=[found, dismissed, later],
        meets_at=days.AFTERNOON, place="Kantor", public=False, by=members[0], reason="Belum semua TPS melapor.",
    )  # fmt: skip
    sitting.excuse(plenary=meeting, member=members[2], reason="Sakit", by=operator)
    for member in members:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    items = {item.finding_id: item for item in meeting.items.all()}
    for member in members:
        against = member is members[2]
        vote(items[None], member, "DISAGREE" if against else "AGREE", dissent="Angka TPS 002 keliru." * against)
        vote(items[found.pk], member)
        vote(items[dismissed.pk], member, "DISAGREE", dissent="Bukan pelanggaran.")
    for key in (None, found.pk, dismissed.pk):
        plenary.decide(item=items[key], by=members[0])
    plenary.postpone(item=items[later.pk], note="Kurang bukti.", by=members[0])
    sitting.leave(plenary=meeting, member=members[1], by=members[1])
    plenary.close(plenary=meeting, minutes_number="1/BA/2024", notes="Rapat berjalan lancar.", by=members[0])
    return found, dismissed


def _of_the_province(day: Day, folder: Path) -> None:
    admin = fresh(day.cast.admin)
    window, province = day.windows["pemungutan-tps"], day.units["64"]
    bodies_actions.set_quorum(unit=province, needed=4, reason="Tata tertib", by=admin)
    obligations.extend(
        window=window, area=day.units["647202"], due_at=window.due_at + timedelta(hours=2),
        closes_at=window.closes_at + timedelta(hours=2), reason="Banjir", by=admin,
    )  # fmt: skip
    table = folder / "kpu.csv"
    table.write_text(f"kode,instrumen,pertanyaan,nilai,sumber\n{STATION},pemungutan-tps,dpt_l,120,DPT 2023\n")
    reference.load(path=table, election=day.election, by=admin)
