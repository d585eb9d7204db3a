"""Lists, instruments and figures over the API."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hierarchy.lib import clock
from reports.api import obligations
from reports.instruments.schema import Schema
from reports.obligations.models import Obligation
from reports.review import actions as review
from reports.rollup.fold import run_all
from tests.contract.api_world import OTHER_STATION, STATION, VILLAGE, Caller, filed, make_world, problem


@pytest.fixture
def world(election, tree, cast):
    return make_world(election, tree)


def ids(response):
    return [row["id"] for row in response.json()["results"]]


class TestObligations:
    def test_what_i_owe_is_my_own_and_says_by_when(self, world, cast):
        rows = Caller(cast.pkd).get("obligations/").json()["results"]
        assert [row["subject"]["code"] for row in rows] == [STATION, OTHER_STATION, "6472012001901"]
        row = rows[0]
        assert row["subject"]["title"] == "TPS 001 Harapan Baru"
        assert row["filer"]["code"] == VILLAGE
        assert row["window"]["version_url"] == "/api/v1/instruments/uji-tps/versions/1/"
        assert row["due_at"].endswith("+08:00")
        assert datetime.fromisoformat(row["due_at"]) == world.obligation().due_at
        assert (row["state"], row["report"], row["on_time"]) == ("OWED", None, None)
        assert ids(Caller(cast.panwascam_chair).get("obligations/")) == []

    def test_what_waits_for_my_review(self, world, cast):
        report = filed(world, cast.pkd)
        waiting = Caller(cast.panwascam_chair).get("obligations/?task=review").json()["results"]
        assert [(row["report"], row["on_time"]) for row in waiting] == [(str(report.pk), True)]
        assert ids(Caller(cast.regency_chair).get("obligations/?task=review")) == []
        assert report.obligation_id not in ids(Caller(cast.pkd).get("obligations/"))
        assert ids(Caller(cast.pkd).get("obligations/?state=FILED")) == [report.obligation_id]

    @pytest.mark.parametrize(
        ("field", "value"), [("stage", "UJI"), ("election", "pemilu2024"), ("instrument", "uji-tps")]
    )
    def test_filters(self, world, cast, field, value):
        caller = Caller(cast.pkd)
        assert len(ids(caller.get(f"obligations/?{field}={value}"))) == 3
        assert ids(caller.get(f"obligations/?{field}=LAIN")) == []
        problem(caller.get(f"obligations/?{field}=%00"), 400, "bad-request")

    @pytest.mark.parametrize("query", ["task=x", "state=LATE", "stat=OWED", "task=", "cursor=" + "A" * 500])
    def test_a_query_that_makes_no_sense(self, cast, query):
        problem(Caller(cast.pkd).get(f"obligations/?{query}"), 400, "bad-request")

    @pytest.mark.parametrize("cursor", ["x", "%00", "eyJ9", "WyIyMDI0LTAyLTE0VDAwOjAwOjAwIiwxXQ==", ""])
    def test_a_cursor_nobody_gave(self, cast, cursor):
        problem(Caller(cast.pkd).get(f"obligations/?cursor={cursor}"), 400, "bad-cursor")

    @pytest.mark.parametrize(
        ("moment", "status"),
        [
            ("9999-12-31T23:59:59-23:59", 400),
            ("0001-01-01T00:00:00+23:59", 400),
            ("9999-12-31T23:59:59Z", 200),
            ("0001-01-01T00:00:00Z", 200),
            ("0000-01-01T00:00:00Z", 400),
            ("2024-02-14T18:00:00+08:00", 200),
        ],
    )
    @pytest.mark.parametrize("key", [1, 2**63 - 1])
    def test_a_cursor_at_the_edge_of_the_calendar(self, world, cast, moment, status, key):
        cursor = base64.urlsafe_b64encode(f'["{moment}",{key}]'.encode()).decode()
        answer = Caller(cast.pkd).get(f"obligations/?cursor={cursor}")
        assert answer.status_code == status
        if status == 400:
            problem(answer, 400, "bad-cursor")

    def test_pages_hold_everything_once_even_with_one_deadline(self, world, cast, monkeypatch):
        monkeypatch.setattr(obligations, "PAGE", 7)
        caller, found, path = Caller(cast.province_chair), [], "obligations/?task=all&stage=UJI"
        while path:
            page = caller.get(path).json()
            assert 0 < len(page["results"]) <= 7
            found += page["results"]
            path = page["next"] and page["next"].removeprefix("/api/v1/")
        assert len(found) == 24
        assert {row["id"] for row in found} == set(Obligation.objects.values_list("pk", flat=True))
        assert [(row["due_at"], row["id"]) for row in found] == sorted((row["due_at"], row["id"]) for row in found)

    def test_a_list_costs_the_same_queries_however_long(self, world, cast):
        def cost(user, path):
            caller = Caller(user)
            with CaptureQueriesContext(connection) as captured:
                count = len(ids(caller.get(path)))
            return count, len(captured)

        few, many = cost(cast.pkd, "obligations/"), cost(cast.province_chair, "obligations/?task=all")
        assert few[0] < many[0]
        assert few[1] == many[1] <= 4  # session, user, memberships, the list


class TestInstruments:
    path = "instruments/uji-tps/versions/1/"

    def test_a_version_carries_everything_a_client_needs_offline(self, world, cast):
        version = Caller(cast.pkd).get(self.path).json()
        assert Schema.from_json(version["schema"]) == world.version.parsed
        assert [cell[0] for cell in version["layout"]] == list(range(world.version.width))

    def test_it_is_fetched_once(self, world, cast):
        caller = Caller(cast.pkd)
        etag = caller.get(self.path).headers["ETag"]
        again = caller.get(self.path, headers={"if-none-match": etag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert caller.get(self.path, headers={"if-none-match": '"other"'}).status_code == 200

    def test_its_withdrawal_is_news(self, world, cast):
        caller = Caller(cast.pkd)
        etag = caller.get(self.path).headers["ETag"]
        world.version.withdrawn_at, world.version.withdrawn_reason = clock.now(), "Salah cetak"
        world.version.save()
        fresh = caller.get(self.path, headers={"if-none-match": etag})
        assert (fresh.status_code, fresh.json()["withdrawn_reason"]) == (200, "Salah cetak")

    def test_one_that_is_not_there(self, world, cast):
        for path in (
            "instruments/lain/versions/1/",
            "instruments/uji-tps/versions/2/",
            f"instruments/uji-tps/versions/{10**30}/",
        ):
            problem(Caller(cast.pkd).get(path), 404)


class TestTallies:
    def figures(self, row, basis):
        return {(f["question"], f["kind"]): f[basis] for f in row["figures"] if f["kind"] == "SUM"}

    def test_both_bases_stand_side_by_side_at_every_level(self, world, cast):
        approved = filed(world, cast.pkd, answers={"hadir": 200, "sisa": 1})
        filed(world, cast.pkd, code=OTHER_STATION, answers={"hadir": 50, "sisa": 2})
        review.approve(report=approved, seen=bytes(approved.sha256), by=cast.panwascam_chair)
        run_all()
        for code, expected in (("64", 24), ("6472", 12), ("647201", 6), (VILLAGE, 3)):
            [row] = (
                Caller(cast.province_chair)
                .get(f"units/pemilu2024/{code}/tallies/?instrument=uji-tps")
                .json()["results"]
            )
            assert row["unit"]["code"] == code
            assert self.figures(row, "filed") == {("hadir", "SUM"): 250, ("sisa", "SUM"): 3}
            assert self.figures(row, "approved") == {("hadir", "SUM"): 200, ("sisa", "SUM"): 1}
            assert {f["kind"] for f in row["figures"] if f["label"]} >= {"SUM"}, "a sum says what is summed"
            counts = row["counts"]
            assert (counts["expected"], counts["filed"], counts["approved"], counts["late"]) == (expected, 2, 1, 0)
            assert counts["missing"] + counts["vacant"] == expected - 2

    def test_a_window_brings_the_children_along(self, world, cast):
        filed(world, cast.pkd)
        run_all()
        path = f"units/pemilu2024/6472/tallies/?window={world.window.pk}"
        rows = Caller(cast.regency_chair).get(path).json()["results"]
        assert [row["unit"]["code"] for row in rows] == ["6472", "647201", "647202"]
        assert rows[0]["counts"]["filed"] == sum(row["counts"]["filed"] for row in rows[1:]) == 1

    def test_a_polling_station_has_none(self, world, cast):
        filed(world, cast.pkd)
        run_all()
        assert Caller(cast.ptps).get(f"units/pemilu2024/{STATION}/tallies/").json()["results"] == []
