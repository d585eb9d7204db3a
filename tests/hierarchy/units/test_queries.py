"""Whoever types a unit's code, dotted code or name finds it where they may look, and nowhere else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.lib import formats
from hierarchy.models import Unit
from hierarchy.units import queries
from tests.cast import Cast, small_rows

CODES = [row.code for row in small_rows()]
SAME_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
WAYS = {
    "code": lambda unit: unit.code,
    "dotted code": lambda unit: formats.unit_code(unit.code),
    "spaced code": lambda unit: f"  {formats.unit_code(unit.code)}\u00a0",
    "name": lambda unit: unit.name,
    "shouted name": lambda unit: unit.name.upper(),
    "careless name": lambda unit: "  ".join(unit.name.lower().split()),
}


@SAME_DATABASE
@given(code=st.sampled_from(CODES), root=st.sampled_from(CODES), way=st.sampled_from(sorted(WAYS)))
def test_a_unit_is_found_in_its_scope_and_never_outside(tree: dict[str, Unit], code: str, root: str, way: str) -> None:
    unit, typed = tree[code], WAYS[way](tree[code])
    scope = Unit.objects.within(tree[root])
    within = [each for each in tree.values() if each.code.startswith(root)]
    found = queries.find(typed, scope)
    assert (unit in found) == (unit in within)
    assert set(found) <= set(within)
    meant = [each for each in within if each == unit or ("name" in way and each.name == unit.name)]
    assert queries.one(typed, scope) == (meant[0] if len(meant) == 1 else None)


@SAME_DATABASE
@given(text=st.text(max_size=20))
def test_whatever_is_typed_is_looked_for_and_not_executed(tree: dict[str, Unit], text: str) -> None:
    scope = Unit.objects.within(tree["647201"])
    assert set(queries.find(text, scope)) <= set(scope)
    one = queries.one(text, scope)
    assert one is None or one in scope


@pytest.mark.parametrize("text", ["", " ", "%", "_", "TPS", "64.72.01.2", "999999"])
def test_no_single_unit_is_meant_by_part_of_a_name_or_code(tree: dict[str, Unit], text: str) -> None:
    assert queries.one(text, Unit.objects.all()) is None


@pytest.mark.parametrize("way", ["code", "dotted code", "shouted name"])
def test_every_page_understands_all_of_them(cast: Cast, tree: dict[str, Unit], way: str) -> None:
    unit = tree["647201"]
    typed, admin, member = WAYS[way](unit), Client(), Client()
    admin.force_login(cast.admin)
    member.force_login(cast.regency_member)
    assert unit.title in admin.get(reverse("acting"), {"cari": typed}).content.decode()
    answer = member.get(reverse("leadership", args=[unit.election.code, "6472"]), {"cari": typed})
    assert reverse("unit", args=[unit.election.code, unit.code]) in answer.content.decode()
