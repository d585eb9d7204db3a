"""Who may do what, where: the whole matrix of the cast, the stranger first."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from hierarchy import access
from hierarchy.access import REACH, ROLES, Permission, can, require
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election, Role, Unit, User
from hierarchy.people import roster
from tests.cast import Cast

P = Permission
SUPERVISOR = {P.VIEW: "self+below", P.EXPORT: "self+below", P.FILE: "self", P.REVIEW: "child", P.ATTEST: "child"}
MEMBER = {P.VIEW: "self+below", P.EXPORT: "self+below", P.REVIEW: "child", P.ATTEST: "child", P.RATIFY: "self"}
OPERATOR = {P.VIEW: "self+below", P.EXPORT: "self+below", P.FILE: "self"}
MEMBER[P.PREPARE] = OPERATOR[P.PREPARE] = "self"
EVERYTHING_BELOW = "self+below"
EXPECTED: dict[str, tuple[str, dict[Permission, str]]] = {
    "stranger": ("6401012001", SUPERVISOR),
    "stranger_member": ("6401", MEMBER),
    "nobody": ("", {}),
    "ptps": ("6472012001001", SUPERVISOR),
    "ptps_sibling": ("6472012001002", SUPERVISOR),
    "pkd": ("6472012001", SUPERVISOR),
    "pkd_sibling": ("6472012002", SUPERVISOR),
    "panwascam_chair": ("647201", MEMBER),
    "panwascam_member": ("647201", MEMBER),
    "panwascam_operator": ("647201", OPERATOR),
    "regency_chair": ("6472", MEMBER),
    "regency_member": ("6472", MEMBER),
    "regency_operator": ("6472", OPERATOR),
    "province_chair": ("64", MEMBER | {P.PUBLISH: EVERYTHING_BELOW}),
    "province_member": ("64", MEMBER | {P.PUBLISH: EVERYTHING_BELOW}),
    "province_operator": ("64", OPERATOR),
    "admin": ("64", dict.fromkeys((P.VIEW, P.EXPORT, P.MANAGE_ROSTER, P.MANAGE_CALENDAR), EVERYTHING_BELOW)),
}


def expected(membership: str, reach: str | None, code: str) -> bool:
    """Said with codes only, so that it shares nothing with the ancestor columns it checks."""
    parent_length = {13: 10, 10: 6, 6: 4, 4: 2, 2: 0}[len(code)]
    match reach:
        case "self":
            return code == membership
        case "child":
            return code != membership and code[:parent_length] == membership
        case "self+below":
            return code.startswith(membership)
        case _:
            return False


def test_the_matrix_names_every_member_of_the_cast():
    assert set(EXPECTED) == {field.name for field in fields(Cast) if not field.name.endswith("_members")}


@pytest.mark.parametrize("name", EXPECTED)
def test_access_matrix(cast: Cast, tree: dict[str, Unit], name: str):
    user, (membership, grants) = getattr(cast, name), EXPECTED[name]
    for permission in Permission:
        for code, unit in tree.items():
            allowed = expected(membership, grants.get(permission), code)
            assert can(user, permission, unit) == allowed, (name, permission, code)


@pytest.mark.parametrize("name", EXPECTED)
def test_visible_to_is_can_view_as_a_query(cast: Cast, tree: dict[str, Unit], name: str):
    user = getattr(cast, name)
    seen = set(Unit.objects.visible_to(user).values_list("code", flat=True))
    assert seen == {code for code, unit in tree.items() if can(user, Permission.VIEW, unit)}


def test_the_stranger_is_told_that_it_does_not_exist(cast: Cast, tree: dict[str, Unit]):
    for user in (cast.stranger, cast.stranger_member, cast.nobody, AnonymousUser(), None):
        for permission in Permission:
            with pytest.raises(Http404):
                require(user, permission, tree["6472012001"])


def test_who_sees_but_may_not_is_refused(cast: Cast, tree: dict[str, Unit]):
    with pytest.raises(PermissionDenied, match="Anda tidak berwenang"):
        require(cast.panwascam_operator, Permission.REVIEW, tree["6472012001"])
    with pytest.raises(PermissionDenied):
        require(cast.regency_member, Permission.REVIEW, tree["6472012001"])  # not the direct superior
    require(cast.panwascam_member, Permission.REVIEW, tree["6472012001"])


def test_one_query_however_many_questions(cast: Cast, tree: dict[str, Unit], django_assert_num_queries):
    def ask_all() -> None:
        for permission in Permission:
            for unit in tree.values():
                can(cast.regency_member, permission, unit)

    with django_assert_num_queries(1):
        ask_all()
    with django_assert_num_queries(1):
        assert access.memberships(cast.regency_member)[0].unit.title == "Kota Samarinda"
        assert access.memberships(cast.regency_member)[0].unit.election.code == "pemilu2024"
        ask_all()


def test_the_anonymous_and_the_inactive_have_no_memberships(cast: Cast, django_assert_num_queries):
    cast.pkd.is_active = False
    with django_assert_num_queries(0):
        assert access.memberships(AnonymousUser()) == access.memberships(cast.pkd) == access.memberships(None) == []


@pytest.mark.parametrize(("starts", "ends", "counts"), [(-5, -1, False), (-5, 0, True), (0, None, True), (1, 9, False)])
def test_a_term_counts_from_its_first_day_to_its_last(
    cast: Cast, tree: dict[str, Unit], starts: int, ends: int | None, counts: bool
):
    day = clock.today()
    roster.appoint(
        user=cast.nobody,
        unit=tree["6401022002"],
        role=Role.SUPERVISOR,
        since=day + timedelta(days=starts),
        until=None if ends is None else day + timedelta(days=ends),
        by=cast.admin,
    )
    assert can(cast.nobody, Permission.FILE, tree["6401022002"]) == counts


def test_serving_in_two_places_reaches_both_and_nothing_between(cast: Cast, tree: dict[str, Unit]):
    roster.appoint(user=cast.pkd, unit=tree["6401022002"], role=Role.SUPERVISOR, since=clock.today(), by=None)
    user = User.objects.get(pk=cast.pkd.pk)
    assert {membership.unit.code for membership in access.memberships_with(user, Permission.FILE)} == {
        "6472012001",
        "6401022002",
    }
    assert not can(user, Permission.VIEW, tree["6472012002"])


def test_another_election_is_another_world(cast: Cast, election: Election):
    other = Election.objects.create(code="pilkada2024", name="Pilkada", kind="PILKADA", voting_day=election.voting_day)
    from tests.cast import small_tree

    same_code = small_tree(other)["6472012001"]
    assert not can(cast.pkd, Permission.VIEW, same_code)
    assert not can(cast.province_chair, Permission.VIEW, same_code)


def test_every_role_is_described_and_every_permission_has_a_reach():
    assert set(ROLES) == set(Role)
    assert set(REACH) == set(Permission)
    assert all(str(spec.description) and spec.permissions and spec.levels for spec in ROLES.values())
    assert not ROLES[Role.ADMIN].permissions & {P.FILE, P.REVIEW, P.RATIFY, P.ATTEST, P.PUBLISH}
    assert ROLES[Role.SUPERVISOR].levels == {Level.VILLAGE, Level.POLLING_STATION}
