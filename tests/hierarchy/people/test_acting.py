"""Acting officers: they review in somebody's place for a time, and nothing more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, Role, Unit, User
from hierarchy.people import acting, roster
from hierarchy.people.roster_rows import RosterRow
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import State
from reports.review import actions as review
from tests.cast import Cast, membership_of
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db
VILLAGE = "6472012001"


def village(cast: Cast) -> Unit:
    return Unit.objects.with_ancestors().get(pk=membership_of(cast.pkd).unit_id)


def put(cast: Cast, user: User, by: User, *, days: int = 3, reason: str = "PKD sakit") -> Membership:
    until = clock.today() + timedelta(days=days)
    return acting.let_act(user=user, unit=village(cast), until=until, reason=reason, by=fresh(by))


def test_who_acts_reviews_until_their_term_ends(election_day: Day):
    cast, report = election_day.cast, election_day.file(election_day.cast.ptps)
    seen = bytes(report.sha256)
    with pytest.raises(Http404):
        review.approve(report=report, seen=seen, by=fresh(cast.pkd_sibling))
    term = put(cast, cast.pkd_sibling, cast.panwascam_member)
    review.approve(report=report, seen=seen, by=fresh(cast.pkd_sibling))
    assert election_day.obligation().state == State.APPROVED
    event = Event.objects.get(verb="roster.let_act")
    assert (event.actor, event.detail["reason"]) == (cast.panwascam_member.username, "PKD sakit")
    acting.stop(membership=term, by=fresh(cast.pkd))
    with pytest.raises(Http404):
        review.withdraw(report=report, seen=seen, reason="keliru", by=fresh(cast.pkd_sibling))


def test_who_acts_neither_files_nor_votes_nor_lets_another_act(cast: Cast):
    put(cast, cast.pkd_sibling, cast.pkd)
    by, unit = fresh(cast.pkd_sibling), village(cast)
    held = {permission for permission in Permission if access.can(by, permission, unit)}
    assert held == {Permission.VIEW, Permission.EXPORT}
    station = Unit.objects.with_ancestors().get(pk=membership_of(cast.ptps).unit_id)
    assert access.can(by, Permission.REVIEW, station)
    with pytest.raises(Refusal, match="Hanya pejabatnya"):
        put(cast, cast.ptps, cast.pkd_sibling)


def test_nobody_approves_their_own_report_by_acting_for_their_superior(election_day: Day):
    cast, report = election_day.cast, election_day.file(election_day.cast.ptps)
    put(cast, cast.ptps, cast.panwascam_chair)
    with pytest.raises(review.ReviewError, match="ikut mengisi"):
        review.approve(report=report, seen=bytes(report.sha256), by=fresh(cast.ptps))


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody"])
def test_a_stranger_never_acts_and_appoints_nobody(cast: Cast, name: str):
    with pytest.raises(Refusal, match="harus bertugas"):
        put(cast, getattr(cast, name), cast.pkd)
    with pytest.raises(Http404):
        put(cast, cast.pkd_sibling, getattr(cast, name))


@pytest.mark.parametrize("name", ["panwascam_operator", "regency_member", "province_chair"])
def test_only_the_officer_the_direct_superior_or_the_roster_appoints(cast: Cast, name: str):
    with pytest.raises(Refusal, match="Hanya pejabatnya"):
        put(cast, cast.pkd_sibling, getattr(cast, name))


@pytest.mark.parametrize("name", ["pkd", "panwascam_member", "panwascam_chair", "admin"])
def test_they_do(cast: Cast, name: str):
    assert put(cast, cast.pkd_sibling, getattr(cast, name)).granted_by == getattr(cast, name)


def test_a_term_has_a_reason_and_an_end_that_is_near(cast: Cast):
    for wrong in ({"reason": "  "}, {"days": -1}, {"days": 61}):
        with pytest.raises(Refusal):
            put(cast, cast.pkd_sibling, cast.pkd, **wrong)
    put(cast, cast.pkd_sibling, cast.pkd)
    with pytest.raises(Refusal, match="sudah menjadi pengganti"):
        put(cast, cast.pkd_sibling, cast.pkd)
    membership = membership_of(cast.pkd)
    with pytest.raises(IntegrityError, match="acting_for_a_time"), transaction.atomic():
        Membership.objects.create(user=cast.pkd, unit=membership.unit, role=Role.ACTING, since=clock.today())


def test_a_roster_file_cannot_name_one(cast: Cast):
    with pytest.raises(Refusal, match="peran tidak dikenal"):
        roster.load(
            election=membership_of(cast.pkd).unit.election, rows=[RosterRow(VILLAGE, "Siti", Role.ACTING)], by=None
        )


def test_a_post_with_only_a_substitute_stays_vacant(election_day: Day):
    cast = election_day.cast
    put(cast, cast.pkd_sibling, cast.panwascam_member)
    membership = membership_of(cast.ptps)
    roster.end(membership=membership, by=None)
    Membership.objects.create(
        user=cast.ptps_sibling, unit=membership.unit, role=Role.ACTING, since=clock.today(), until=clock.today(),
        granted_by=cast.pkd, reason="coba",
    )  # fmt: skip
    obligations.refresh_vacancies(at=election_day.obligation().window.due_at)
    assert election_day.obligation().state == State.VACANT


# --- the page -------------------------------------------------------------------------------------------------------


def form(user: User, *, days: int = 2, reason: str = "Cuti") -> dict[str, str]:
    today = clock.today()
    return {"user": str(user.pk), "since": str(today), "until": str(today + timedelta(days=days)), "reason": reason}


def test_a_superior_lets_somebody_act_on_the_page_and_ends_it(client: Client, cast: Cast):
    client.force_login(cast.panwascam_member)
    address = f"/pengganti/?satuan={village(cast).pk}"
    assert cast.pkd_sibling.name in client.get(address).content.decode()
    wrong = client.post(address, form(cast.pkd_sibling, days=90, reason="Naik haji"))
    assert (wrong.status_code, "paling lama 60 hari" in wrong.content.decode()) == (422, True)
    assert "Naik haji" in wrong.content.decode()  # what was typed stays
    assert client.post(address, form(cast.pkd_sibling)).status_code == 302
    term = Membership.objects.get(role=Role.ACTING)
    assert (term.user, term.granted_by) == (cast.pkd_sibling, cast.panwascam_member)
    assert client.post(f"/pengganti/{term.pk}/akhiri/").status_code == 302
    assert not Membership.objects.filter(role=Role.ACTING).exists()


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody", "pkd_sibling", "regency_member"])
def test_the_page_offers_nobody_else_the_unit(client: Client, cast: Cast, name: str):
    client.force_login(getattr(cast, name))
    assert client.post(f"/pengganti/?satuan={village(cast).pk}", form(cast.pkd_sibling)).status_code == 404
    term = put(cast, cast.pkd_sibling, cast.pkd)
    assert client.post(f"/pengganti/{term.pk}/akhiri/").status_code == 404
    assert Membership.objects.filter(pk=term.pk).exists()


def test_the_page_asks_as_much_for_many_units_as_for_few(client: Client, cast: Cast, django_assert_max_num_queries):
    client.force_login(cast.admin)
    with django_assert_max_num_queries(8):
        page = client.get("/pengganti/?cari=6472").content.decode()
    assert "Kecamatan Sungai Pinang" in page
    assert "tidak ada satuan dengan nama" in client.get("/pengganti/?cari=zzz").content.decode().lower()
