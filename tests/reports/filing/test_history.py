"""The timeline of a report follows its unit, not the code the unit had when something happened."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from hierarchy.models import Unit
from hierarchy.units import tree
from reports.filing.labels import history
from reports.filing.models import Report
from reports.review import actions as review
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db


def renumber(old: str, new: str) -> None:
    unit = Unit.objects.with_ancestors().get(code=old)
    tree.move(unit=unit, parent=unit.parent, code=new, by=None)


def test_a_new_code_of_the_station_or_of_its_village_takes_nothing_from_the_timeline(
    election_day: Day, client: Client
) -> None:
    day = election_day
    review.attest_unreachable(obligation=day.obligation(), reason="tanpa sinyal", by=fresh(day.cast.pkd))
    report = day.file(day.cast.ptps)
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))
    before = [(line.what, line.who) for line in history(report)]
    assert len(before) == 3
    renumber("6472012001001", "6472012001007")
    renumber("6472012001", "6472012009")
    moved = Report.objects.for_page().get(pk=report.pk)
    assert moved.obligation.subject.code == "6472012009007"
    assert [(line.what, line.who) for line in history(moved)] == before
    client.force_login(day.cast.pkd)
    assert "tanpa sinyal" in client.get(reverse("report", args=[report.pk])).content.decode()


def test_a_station_that_gets_the_code_of_another_gets_nothing_of_its_past(election_day: Day) -> None:
    day = election_day
    first, second = day.file(day.cast.ptps), day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"))
    renumber("6472012001001", "6472012001007")
    renumber("6472012001002", "6472012001001")
    for report, person in ((first, day.cast.ptps), (second, day.cast.ptps_sibling)):
        (line,) = history(Report.objects.for_page().get(pk=report.pk))
        assert line.who == person.name
