"""A batch: each report as if it had come alone, whatever stands beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from reports.api.batch import LARGEST
from reports.filing import actions as intake
from reports.filing.models import Conflict, Report, Revision
from reports.journal.models import Event
from reports.rollup.models import Outbox
from tests.contract.api_world import OTHER_STATION, STATION, STRANGE_STATION, Caller, make_world, problem
from tests.contract.test_api_fuzz import JSON, filings, fuzz

THIRD_STATION = "6472012001901"
KEPT = (Report, Revision, Conflict, Event, Outbox)


@pytest.fixture
def world(election, tree, cast):
    return make_world(election, tree)


def post(user, reports: Any) -> list[dict[str, Any]]:
    response = Caller(user).post("reports/batch/", {"reports": reports})
    assert response.status_code == 200, response.content
    return response.json()["results"]


def alone(user, sent: Any) -> dict[str, Any]:
    """What the endpoint for one report answers, in the shape of a batch's result."""
    response = Caller(user).post("reports/", json.dumps(sent).encode())
    body = "problem" if response.status_code >= 400 else "receipt"
    name = sent.get("id") if isinstance(sent, dict) else None
    known = isinstance(name, str) and name.isascii()
    return {"id": name if known else None, "status": response.status_code, body: response.json()}


def without_moment(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results without the moment of arrival, which two sendings cannot share."""
    told = json.loads(json.dumps(results))
    for result in told:
        for receipt in (result.get("receipt"), result.get("problem", {}).get("standing")):
            if receipt:
                del receipt["filed_at"]
    return told


def kept() -> list[list[str]]:
    """Everything a filing writes, without what no two runs share: row numbers and moments."""
    rows = [[dict(row) for row in model.objects.values()] for model in KEPT]
    for row in (row for table in rows for row in table):
        row.get("detail", {}).pop("conflict", None)
        for name in ("id", "obligation_id", "at", "filed_at", "marked_at"):
            row.pop(name, None)
    return [sorted(map(str, table)) for table in rows]


def test_a_batch_is_the_same_reports_one_by_one(world, cast):
    @fuzz
    @given(st.lists(filings(world), max_size=5))
    def check(reports):
        outcomes = []
        for send in (lambda: post(cast.pkd, reports), lambda: [alone(cast.pkd, one) for one in reports]):
            with transaction.atomic():
                outcomes.append((without_moment(send()), kept()))
                transaction.set_rollback(True)
        assert outcomes[0] == outcomes[1]

    check()


def test_whatever_is_sent_is_answered_in_the_words_of_the_contract(world, cast):
    @fuzz
    @given(JSON | st.fixed_dictionaries({"reports": JSON | st.lists(filings(world), max_size=3)}))
    def check(body):
        assert Caller(cast.pkd).post("reports/batch/", json.dumps(body).encode()).status_code in (200, 400)

    check()


def test_a_bad_report_stops_no_other(world, cast):
    good, last = world.filing(), world.filing(OTHER_STATION)
    reports = [
        good,
        5,
        {"id": "bukan-uuid"},
        world.filing(answers={"hadir": 301}),
        world.filing(STRANGE_STATION),
        world.filing(THIRD_STATION, answers={"hadir": 1, "catatan": "\ud800"}),
        last,
    ]
    results = post(cast.pkd, reports)
    assert [result["status"] for result in results] == [201, 400, 400, 422, 404, 400, 201]
    assert [result["id"] for result in results] == [one.get("id") if isinstance(one, dict) else None for one in reports]
    assert "“isi permintaan” harus objek JSON" in results[1]["problem"]["detail"]
    assert results[3]["problem"]["errors"] == {"hadir": ["Terlalu banyak."]}
    assert results[4]["problem"]["type"] == "about:blank"
    assert {str(pk) for pk in Report.objects.values_list("pk", flat=True)} == {good["id"], last["id"]}


def test_the_whole_batch_again_gives_the_same_receipts(world, cast):
    reports = [world.filing(code) for code in (STATION, OTHER_STATION, THIRD_STATION)]
    first, again = post(cast.pkd, reports), post(cast.pkd, reports)
    assert [result["status"] for result in first] == [201] * 3
    assert [result["status"] for result in again] == [200] * 3
    assert [result["receipt"] for result in first] == [result["receipt"] for result in again]
    assert Revision.objects.count() == 3


def test_a_report_and_its_edit_may_travel_together(world, cast):
    report = world.filing()
    results = post(cast.pkd, [report, report | {"answers": {"hadir": 1}, "based_on": 1}, report])
    assert [(result["status"], result["receipt"]["revision"]) for result in results] == [(201, 1), (201, 2), (200, 1)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"reports": {}}',
        b'{"reports": [], "lain": 1}',
        b'{"reports": [',
        b'{"reports": [' + b"[" * 50_000,
        json.dumps({"reports": [{}] * (LARGEST + 1)}).encode(),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(world, cast, body):
    problem(Caller(cast.pkd).post("reports/batch/", body), 400, "bad-request")


def test_an_empty_batch_and_the_largest_are_taken(world, cast):
    assert post(cast.pkd, []) == []
    assert {result["status"] for result in post(cast.pkd, [{}] * LARGEST)} == {400}
    problem(Caller(cast.pkd).post("reports/batch/", b" " * (2 * 1024 * 1024 + 1)), 413)


def test_a_fault_in_one_report_is_its_own_and_is_logged(world, cast, monkeypatch, caplog):
    filed = intake.submit

    def sometimes(**filing):
        if filing["answers"].get("hadir") == 13:
            raise ZeroDivisionError
        return filed(**filing)

    monkeypatch.setattr(intake, "submit", sometimes)
    reports = [world.filing(answers={"hadir": 13}), world.filing(OTHER_STATION)]
    broken, taken = post(cast.pkd, reports)
    assert (broken["status"], broken["problem"]["title"], taken["status"]) == (500, "Kesalahan di sistem", 201)
    assert "ZeroDivisionError" in caplog.text


def test_a_lost_database_fails_the_request_and_a_retry_gives_the_receipts(world, cast, monkeypatch):
    filed, tries = intake.submit, []

    def lost_at_the_second(**filing):
        tries.append(filing["report_id"])
        if len(tries) == 2:
            raise OperationalError
        return filed(**filing)

    monkeypatch.setattr(intake, "submit", lost_at_the_second)
    reports = [world.filing(code) for code in (STATION, OTHER_STATION, THIRD_STATION)]
    sent = Caller(cast.pkd).client.post("/api/v1/reports/batch/", {"reports": reports}, "application/json")
    assert (sent.status_code, sent["Content-Type"]) == (503, "application/problem+json")
    assert len(tries) == 2, "the rest is not tried against a database that is away"
    assert [result["status"] for result in post(cast.pkd, reports)] == [200, 201, 201]


def test_who_is_asking_is_read_once(world, cast):
    def cost(*codes):
        caller = Caller(cast.pkd)
        body = {"reports": [world.filing(code) for code in codes]}
        with CaptureQueriesContext(connection) as captured:
            answers = caller.post("reports/batch/", body).json()["results"]
        assert {answer["status"] for answer in answers} == {201}
        return len([row for row in captured if not row["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    assert world.version.parsed  # read once per process
    first = cost(STATION)
    both = cost(OTHER_STATION, THIRD_STATION)
    assert both - first < first
