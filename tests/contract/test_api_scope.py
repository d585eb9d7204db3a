"""Every endpoint, every member of the cast: what lies outside one's subtree does not exist."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import transaction

from reports.filing.models import Report
from reports.obligations.models import State
from reports.review import actions as review
from reports.rollup.fold import run_all
from tests.contract.api_world import STATION, VILLAGE, Caller, filed, make_world, problem

# Who sees the village's report of station 001 (subtree), who may file it (the village), who reviews it (the district).
SEES = {
    *("ptps", "pkd", "panwascam_chair", "panwascam_member", "panwascam_operator", "regency_chair", "regency_member"),
    *("regency_operator", "province_chair", "province_member", "province_operator", "admin"),
}
REVIEWS = {"panwascam_chair", "panwascam_member"}
BLIND = {"ptps_sibling", "pkd_sibling", "stranger", "stranger_member", "nobody"}
EVERYBODY = sorted(SEES | BLIND)


@pytest.fixture
def world(election, tree, cast):
    return make_world(election, tree)


@contextmanager
def undone() -> Iterator[None]:
    """Lets the next one meet the world as this one did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def seen(report: Report, **more: object) -> dict[str, object]:
    return {"seen": bytes(report.sha256).hex(), **more}


def test_the_cast_is_all_here(cast):
    people = {name for name in type(cast).__annotations__ if not name.endswith("_members")}
    assert people == SEES | BLIND


def test_reading(world, cast, subtests):
    report = filed(world, cast.pkd)
    run_all()
    for name in EVERYBODY:
        with subtests.test(name), undone():
            caller = Caller(getattr(cast, name))
            may, pk = name in SEES, report.obligation_id
            for path in (f"obligations/{pk}/", f"reports/{report.pk}/", f"reports/{report.pk}/revisions/"):
                response = caller.get(path)
                if may:
                    assert response.status_code == 200, path
                else:
                    problem(response, 404)
            listed = [row["id"] for row in caller.get("obligations/?task=all").json()["results"]]
            assert (pk in listed) == may
            assert caller.get("me/").json()["username"] == name
            assert caller.get("instruments/uji-tps/versions/1/").status_code == 200
            assert caller.get(f"units/pemilu2024/{STATION}/tallies/").status_code == (200 if may else 404)
            if name in SEES - {"ptps"}:
                assert caller.get(f"units/pemilu2024/{VILLAGE}/tallies/").json()["results"][0]["counts"]["filed"] == 1
            else:
                problem(caller.get(f"units/pemilu2024/{VILLAGE}/tallies/"), 404)


def test_filing(world, cast, subtests):
    for name in EVERYBODY:
        with subtests.test(name), undone():
            body = world.filing()
            response = Caller(getattr(cast, name)).post("reports/", body)
            if name == "pkd":
                assert response.status_code == 201
            else:
                # A polling station's own supervisor does not see the village, which is the one that files.
                problem(response, 403 if name in SEES - {"ptps"} else 404)
            assert Report.objects.count() == (name == "pkd")


@pytest.mark.parametrize("step", ["approve", "return", "withdraw"])
def test_reviewing(world, cast, step, subtests):
    report = filed(world, cast.pkd)
    if step == "withdraw":
        review.approve(report=report, seen=bytes(report.sha256), by=cast.district_members[2])
    before = world.obligation().state
    after = {"approve": State.APPROVED, "return": State.RETURNED, "withdraw": State.FILED}[step]
    more = {"approve": {}, "return": {"remarks": {"": "Periksa lagi."}}, "withdraw": {"reason": "Keliru."}}[step]
    for name in EVERYBODY:
        with subtests.test(name), undone():
            response = Caller(getattr(cast, name)).post(f"reports/{report.pk}/{step}/", seen(report, **more))
            if name in REVIEWS:
                assert (response.status_code, response.json()["obligation"]["state"]) == (200, after)
                assert world.obligation().state == after
            else:
                problem(response, 403 if name in SEES - {"ptps"} else 404)
                assert world.obligation().state == before


def test_evidence(world, cast, subtests):
    for name in EVERYBODY:
        with subtests.test(name), undone():
            caller = Caller(getattr(cast, name))
            place = {"election": "pemilu2024", "unit": VILLAGE}
            response = caller.client.post("/api/v1/evidence/", place | {"file": io.BytesIO(b"no photo")})
            expected = 422 if name == "pkd" else 403 if name in SEES - {"ptps"} else 404
            assert caller.keep_to_contract("post", "evidence/", response).status_code == expected


def test_nobody_is_let_in_without_signing_in(world, cast):
    report = filed(world, cast.pkd)
    caller = Caller()
    for path in (
        "me/",
        "obligations/",
        f"obligations/{report.obligation_id}/",
        "windows/",
        "instruments/uji-tps/versions/1/",
        f"reports/{report.pk}/",
        f"reports/{report.pk}/revisions/",
        f"units/pemilu2024/{VILLAGE}/tallies/",
    ):
        assert problem(caller.get(path), 401)["detail"]
    for path in ("reports/", *(f"reports/{report.pk}/{step}/" for step in ("approve", "return", "withdraw"))):
        response = caller.post(path, {})
        problem(response, 401)
        assert response.headers["WWW-Authenticate"] == "Token"
    problem(caller.delete("token/"), 401)
    problem(caller.post("evidence/", {}), 401)


def test_what_is_elsewhere_answers_as_what_is_nowhere(world, cast):
    report = filed(world, cast.pkd)
    caller = Caller(cast.stranger)
    for there, nowhere in (
        (f"reports/{report.pk}/", f"reports/{uuid4()}/"),
        (f"obligations/{report.obligation_id}/", "obligations/999999999/"),
        (f"units/pemilu2024/{VILLAGE}/tallies/", "units/pemilu2024/9999/tallies/"),
    ):
        assert caller.get(there).content == caller.get(nowhere).content
    known, unknown = world.filing(), world.filing(obligation=999_999_999)
    assert caller.post("reports/", known).content == caller.post("reports/", unknown).content


def test_approval_is_of_what_was_seen(world, cast):
    report = filed(world, cast.pkd)
    caller, path = Caller(cast.panwascam_chair), f"reports/{report.pk}/approve/"
    Caller(cast.pkd).post("reports/", world.filing(id=str(report.pk), answers={"hadir": 5}, based_on=1))
    assert "berubah" in problem(caller.post(path, seen(report)), 409, "review")["detail"]
    report.refresh_from_db()
    approved = caller.post(path, seen(report)).json()
    assert (approved["obligation"]["state"], approved["approved_by"]) == ("APPROVED", cast.panwascam_chair.name)
    problem(caller.post(path, seen(report)), 409, "review")


def test_a_returned_report_says_what_to_correct(world, cast):
    report = filed(world, cast.pkd)
    caller, path = Caller(cast.panwascam_chair), f"reports/{report.pk}/return/"
    problem(caller.post(path, seen(report, remarks={})), 409, "review")
    problem(caller.post(path, seen(report, remarks={"hadir": "a\x00"})), 400, "bad-request")
    problem(caller.post(path, seen(report, remarks={"ha\x00dir": "a"})), 400, "bad-request")
    problem(caller.post(path, {"seen": "00", "remarks": {"hadir": "a"}}), 400, "bad-request")
    assert caller.post(path, seen(report, remarks={"hadir": "Hitung lagi."})).status_code == 200
    assert Caller(cast.pkd).get(f"reports/{report.pk}/").json()["remarks"] == {"hadir": "Hitung lagi."}
    owed = Caller(cast.pkd).get("obligations/?state=RETURNED").json()["results"]
    assert [row["report"] for row in owed] == [str(report.pk)]


def test_a_page_of_another_site_cannot_use_the_session(world, cast):
    caller = Caller()
    caller.client = type(caller.client)(enforce_csrf_checks=True, raise_request_exception=False)
    caller.client.force_login(cast.pkd)
    problem(caller.post("reports/", world.filing()), 403)
    assert not Report.objects.exists()
