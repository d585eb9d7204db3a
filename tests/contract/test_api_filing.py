"""Filing over the API: receipts, retries, edits, conflicts, and every refusal in words."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken
from PIL import Image

from hierarchy.lib import clock
from hierarchy.models import Role
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.calendar.models import Window
from reports.filing.models import Conflict, Report, Revision
from reports.journal.models import Event
from reports.obligations.models import Obligation, State
from reports.rollup.models import Outbox
from tests.cast import SINCE, small_tree
from tests.contract.api_world import OTHER_STATION, VILLAGE, Caller, filed, make_world, problem

# Who asks, where they serve, the obligation, what stands for it (locked), and one statement that writes everything.
QUERIES_TO_FILE = 5


@pytest.fixture
def world(election, tree, cast):
    return make_world(election, tree)


class TestFiling:
    def test_a_receipt_comes_after_everything_is_kept(self, world, cast):
        body = world.filing(device_at="2024-02-14T21:40:00+08:00")
        response = Caller(cast.pkd).post("reports/", body)
        assert response.status_code == 201
        receipt, report = response.json(), Report.objects.get(pk=body["id"])
        assert response.headers["Location"] == f"/api/v1/reports/{report.pk}/"
        assert receipt == {
            "report": str(report.pk),
            "revision": 1,
            "sha256": bytes(report.sha256).hex(),
            "code": report.receipt_code,
            "filed_at": receipt["filed_at"],
        }
        assert receipt["filed_at"].endswith("+08:00")
        assert report.answers == {"hadir": 210, "sisa": 3}
        revision = Revision.objects.get(report=report)
        assert (revision.channel, revision.device_at.isoformat()) == ("API", "2024-02-14T13:40:00+00:00")
        assert Event.objects.filter(verb="report.filed", target=str(report.pk)).count() == 1
        assert Outbox.objects.filter(window=world.window, unit=world.tree[VILLAGE]).exists()
        assert world.obligation().state == State.FILED

    def test_five_tries_make_one_report_and_one_receipt(self, world, cast):
        body = world.filing()
        answers = [Caller(cast.pkd).post("reports/", body) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
        assert len({answer.content for answer in answers}) == 1
        assert Revision.objects.filter(report_id=body["id"]).count() == 1
        assert Event.objects.filter(target=body["id"]).count() == 1

    def test_a_retry_after_the_window_has_closed_is_refused_without_a_trace(self, world, cast):
        body = world.filing()
        Obligation.objects.filter(window=world.window).update(closes_at=clock.now())
        problem(Caller(cast.pkd).post("reports/", body), 409, "closed")
        assert not Report.objects.exists()

    def test_an_edit_names_its_basis_and_makes_a_revision(self, world, cast):
        body = world.filing()
        caller = Caller(cast.pkd)
        first = caller.post("reports/", body).json()
        response = caller.post("reports/", body | {"answers": {"hadir": 211}, "based_on": 1})
        assert (response.status_code, response.json()["revision"]) == (201, 2)
        assert response.json()["code"] != first["code"]
        history = caller.get(f"reports/{body['id']}/revisions/").json()
        assert [row["content"]["answers"] for row in history["revisions"]] == [
            {"hadir": 210, "sisa": 3},
            {"hadir": 211},
        ]
        assert [row["based_on"] for row in history["revisions"]] == [None, 1]
        assert caller.post("reports/", body).json() == first, "a late retry of the first still gets its own receipt"

    @pytest.mark.parametrize("based_on", [None, 2, 7])
    def test_a_stale_or_missing_basis_is_a_conflict_that_keeps_both(self, world, cast, based_on):
        body = world.filing()
        caller = Caller(cast.pkd)
        receipt = caller.post("reports/", body).json()
        other = body | {"answers": {"hadir": 99}} | ({"based_on": based_on} if based_on else {})
        for _ in range(3):
            refused = problem(caller.post("reports/", other), 409, "conflict")
            assert refused["standing"] == receipt
        assert Report.objects.get().answers == {"hadir": 210, "sisa": 3}
        history = caller.get(f"reports/{body['id']}/revisions/").json()
        assert [row["content"]["answers"] for row in history["conflicts"]] == [{"hadir": 99}]
        assert Conflict.objects.count() == 1

    def test_a_second_report_for_the_same_obligation_is_a_conflict(self, world, cast):
        standing = filed(world, cast.pkd)
        refused = problem(Caller(cast.pkd).post("reports/", world.filing(answers={"hadir": 1})), 409, "conflict")
        assert refused["standing"]["report"] == str(standing.pk)
        assert Conflict.objects.count() == 1

    def test_an_id_used_for_another_obligation_is_refused(self, world, cast):
        report = filed(world, cast.pkd)
        body = world.filing(OTHER_STATION, id=str(report.pk))
        problem(Caller(cast.pkd).post("reports/", body), 409, "id-taken")
        assert Report.objects.count() == 1


class TestAnswers:
    def test_errors_stand_beside_their_questions(self, world, cast):
        body = world.filing(answers={"hadir": 301, "catatan": "a\x00b", "tidak_ada": 1})
        refused = problem(Caller(cast.pkd).post("reports/", body), 422, "invalid-answers")
        assert set(refused["errors"]) == {"hadir", "catatan", "tidak_ada"}
        assert refused["errors"]["hadir"] == ["Terlalu banyak."]
        assert not Report.objects.exists()

    def test_a_missing_answer_is_named(self, world, cast):
        refused = problem(Caller(cast.pkd).post("reports/", world.filing(answers={})), 422, "invalid-answers")
        assert set(refused["errors"]) == {"hadir"}

    def test_a_soft_rule_asks_for_a_reason_and_takes_it(self, world, cast):
        body = world.filing(answers={"hadir": 1, "sisa": 2})
        refused = problem(Caller(cast.pkd).post("reports/", body), 422, "invalid-answers")
        assert refused["needs_reason"] == {"sisa": "Sisa lebih banyak daripada yang hadir."}
        response = Caller(cast.pkd).post("reports/", body | {"reasons": {"sisa": "Surat suara rusak."}})
        assert response.status_code == 201
        assert Report.objects.get().reasons == {"sisa": "Surat suara rusak."}

    def test_a_photo_is_sent_first_and_named_by_its_hash(self, world, cast):
        caller = Caller(cast.pkd)
        unknown = world.filing(answers={"hadir": 1, "foto": "0" * 64})
        problem(caller.post("reports/", unknown), 422, "photo-unknown")
        file = io.BytesIO()
        Image.new("RGB", (30, 20), "red").save(file, "PNG")
        file.name = "bukti.png"
        file.seek(0)
        sent = {"file": file, "election": world.election.code, "unit": VILLAGE}
        stored = caller.client.post("/api/v1/evidence/", sent)
        assert caller.keep_to_contract("post", "evidence/", stored).status_code == 201
        answers = {"hadir": 1, "foto": stored.json()["sha256"]}
        assert caller.post("reports/", world.filing(answers=answers)).status_code == 201

    def test_what_is_not_a_photo_is_refused(self, world, cast):
        caller = Caller(cast.pkd)
        place = {"election": world.election.code, "unit": VILLAGE}
        cases = [
            ({"file": io.BytesIO(b"GIF89a nothing"), **place}, 422, "not-a-photo"),
            ({"file": io.BytesIO(b""), **place}, 422, "not-a-photo"),
            (place, 400, "bad-request"),
            ({"file": "text", **place}, 400, "bad-request"),
            ({"file": io.BytesIO(b"x"), "election": world.election.code, "unit": "6472\x00"}, 404, ""),
            ({"file": io.BytesIO(b"x"), "election": world.election.code}, 404, ""),
        ]
        for sent, status, code in cases:
            problem(
                caller.keep_to_contract("post", "evidence/", caller.client.post("/api/v1/evidence/", sent)),
                status,
                code,
            )
        problem(caller.post("evidence/", {}), 415)


class TestWhenItCannotBe:
    def test_not_open_yet(self, world, cast):
        hour = timedelta(hours=1)
        later = clock.now() + hour
        Window.objects.filter(pk=world.window.pk).update(
            opens_at=later, due_at=later + hour, closes_at=later + 2 * hour
        )
        assert "WITA" in problem(Caller(cast.pkd).post("reports/", world.filing()), 409, "not-open")["detail"]

    def test_an_open_window_takes_reports_though_its_version_was_withdrawn(self, world, cast):
        world.version.withdrawn_at, world.version.withdrawn_reason = clock.now(), "Salah cetak"
        world.version.save()
        assert Caller(cast.pkd).post("reports/", world.filing()).status_code == 201

    def test_an_obligation_that_is_not_there(self, world, cast):
        for number in (0, -1, 2**63, 10**30):
            problem(Caller(cast.pkd).post("reports/", world.filing(obligation=number)), 400, "bad-request")
        problem(Caller(cast.pkd).post("reports/", world.filing(obligation=2**63 - 1)), 404)


class TestEvents:
    """Reports nobody owed in advance (Form A)."""

    def body(self, world, **changes):
        body = {"id": str(uuid4()), "window": world.event.pk, "unit": VILLAGE, "answers": {"uraian": "Apel siaga."}}
        return {name: value for name, value in (body | changes).items() if value is not None}

    def test_filing_makes_the_obligation_once(self, world, cast):
        body = self.body(world)
        assert [Caller(cast.pkd).post("reports/", body).status_code for _ in range(3)] == [201, 200, 200]
        obligation = Obligation.objects.get(window=world.event)
        assert (obligation.occurrence, obligation.report.pk) == (body["id"], UUID(body["id"]))

    def test_two_events_are_two_reports(self, world, cast):
        assert [Caller(cast.pkd).post("reports/", self.body(world)).status_code for _ in range(2)] == [201, 201]

    def test_a_refused_event_leaves_no_obligation(self, world, cast):
        problem(Caller(cast.pkd).post("reports/", self.body(world, answers={})), 422, "invalid-answers")
        assert not Obligation.objects.filter(window=world.event).exists()

    def test_only_ones_own_unit_of_the_windows_election(self, world, cast, election):
        other = type(election).objects.create(code="pilkada2024", name="Pilkada", kind="PILKADA", voting_day=SINCE)
        small_tree(other)
        roster.load(
            election=other,
            rows=[RosterRow(VILLAGE, "Orang Lain", Role.SUPERVISOR, "08999", username="pilkada_pkd", since=SINCE)],
            by=None,
        )
        elsewhere = type(cast.pkd).objects.get(username="pilkada_pkd")
        problem(Caller(elsewhere).post("reports/", self.body(world)), 404)
        problem(Caller(elsewhere).post("reports/", world.filing()), 404)
        problem(Caller(cast.stranger).post("reports/", self.body(world)), 404)
        problem(Caller(cast.panwascam_operator).post("reports/", self.body(world)), 403)
        problem(Caller(cast.pkd).post("reports/", self.body(world, window=world.window.pk)), 404)
        problem(Caller(cast.pkd).post("reports/", self.body(world, unit="6401012001")), 404)
        assert not Report.objects.exists()

    @pytest.mark.parametrize(
        "changes", [{"window": None}, {"unit": None}, {"obligation": 1}, {"window": None, "unit": None}]
    )
    def test_either_an_obligation_or_a_window_with_a_unit(self, world, cast, changes):
        problem(Caller(cast.pkd).post("reports/", self.body(world, **changes)), 400, "bad-request")

    def test_windows_that_take_them_now(self, world, cast):
        assert [row["id"] for row in Caller(cast.pkd).get("windows/").json()["results"]] == [world.event.pk]
        assert Caller(cast.nobody).get("windows/").json()["results"] == []
        Window.objects.filter(pk=world.event.pk).update(
            closes_at=clock.now(), due_at=clock.now() - timedelta(minutes=1)
        )
        assert Caller(cast.pkd).get("windows/").json()["results"] == []


class TestBodies:
    """What is not a filing at all is told in a sentence that names the field."""

    @pytest.mark.parametrize(
        ("sent", "told"),
        [
            (b"", "kosong atau terpotong"),
            (b"{", "kosong atau terpotong"),
            (b"{]", "JSON tidak dapat dibaca pada bita ke-1"),
            (b"\xff\xfe", "JSON tidak dapat dibaca"),
            (b"[]", "objek JSON"),
            (b"{}", "“id” wajib ada"),
            (b'{"id": 5}', "“id” harus berupa UUID"),
            (b'{"id": "x"}', "“id” harus berupa UUID"),
            (b'{"idd": "x"}', "“idd” tidak dikenal"),
            (b'{"obligation": "5"}', "“obligation” harus bilangan bulat"),
            (b'{"obligation": 5.5}', "“obligation” harus bilangan bulat"),
            (b'{"obligation": ' + b"9" * 5000 + b"}", "“obligation” di luar batas"),
            (b'{"answers": []}', "“answers” harus objek JSON"),
            (b'{"answers": {"a": ' + b"[" * 50_000, "bersarang terlalu dalam"),
            (b'{"unit": "64\\u0000"}', "“unit” memuat tanda"),
            (b'{"device_at": "2024-02-14T21:40:00"}', "“device_at” harus waktu dengan zonanya"),
            (b'{"device_at": "kemarin"}', "“device_at” harus waktu dengan zonanya"),
        ],
    )
    def test_is_told_what_is_wrong(self, cast, sent, told):
        body = problem(Caller(cast.pkd).post("reports/", sent), 400, "bad-request")
        assert told in body["detail"]
        assert all(sentences == [body["detail"]] for sentences in body.get("errors", {}).values())

    def test_a_clock_far_off_is_told_so(self, world, cast):
        for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
            body = world.filing(device_at=moment)
            assert "Jam perangkat" in problem(Caller(cast.pkd).post("reports/", body), 400, "bad-request")["detail"]

    def test_other_content_types_and_formats(self, cast):
        caller = Caller(cast.pkd)
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            problem(caller.post("reports/", b"a=1", content_type=content_type), 415)
        problem(caller.client.get("/api/v1/me/", headers={"accept": "text/html"}), 406)
        problem(caller.client.put("/api/v1/reports/", b"{}", content_type="application/json"), 405)

    def test_a_huge_body_is_refused_before_it_is_read(self, cast):
        problem(Caller(cast.pkd).post("reports/", b" " * (2 * 1024 * 1024 + 1)), 413)
        problem(Caller(cast.pkd).post("token/", b" " * (2 * 1024 * 1024 + 1)), 413)

    def test_a_mistyped_address_is_a_problem_too(self, cast):
        for path in ("report/", "reports", "reports/5/", ""):
            problem(Caller(cast.pkd).client.get(f"/api/v1/{path}"), 404)


def queries_to_file(world, user, code):
    caller, body = Caller(), world.filing(code)
    _row, token = AuthToken.objects.create(user=user)
    with CaptureQueriesContext(connection) as captured:
        assert caller.post("reports/", body, headers={"authorization": f"Token {token}"}).status_code == 201
    return [row["sql"] for row in captured if not row["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def test_filing_costs_the_same_few_queries_in_any_tree(world, cast):
    queries_to_file(world, cast.pkd, "6472012001901")
    small = queries_to_file(world, cast.pkd, "6472012001001")
    assert len(small) <= QUERIES_TO_FILE, "\n".join(small)
    village = world.tree[VILLAGE]
    for number in range(3, 40):
        tree.add_child(parent=village, row=UnitRow(f"{VILLAGE}{number:03d}", f"TPS {number:03d}", "tps", 300), by=None)
    large = queries_to_file(world, cast.pkd, "6472012001002")
    assert len(large) == len(small), "\n".join(large)


@pytest.mark.django_db(transaction=True)
def test_tries_that_overtake_each_other_make_one_report(world, cast):
    body = world.filing()

    def send(_number):
        try:
            return Caller(cast.pkd).post("reports/", body)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(send, range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.content for answer in answers}) == 1
    assert Revision.objects.count() == Event.objects.filter(verb="report.filed").count() == 1
    assert not Conflict.objects.exists()
