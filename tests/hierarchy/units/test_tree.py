"""The laws of the tree hold after any sequence of verbs, and nothing else can write it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.lib.errors import Refusal
from hierarchy.lib.guard import StructureGuarded
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.signals import tree_changed
from hierarchy.units import integrity
from hierarchy.units.gazetteer import kaltim_rows
from hierarchy.units.rows import UnitRow, edges
from hierarchy.units.tree import add_child, check, load, move, plan, remove, rename, repair, set_tags
from tests.cast import small_rows

OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "move", "rename", "remove"]), st.integers(0, 10_000), st.integers(0, 10_000)),
    max_size=12,
)
IN_ONE_TRANSACTION = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


def assert_lawful(election: Election) -> None:
    """No problem is reported, and two independent rebuilds (SQL and Python) give what is stored."""
    assert check(election) == []
    assert integrity.rewrite(election) == 0
    stored = dict(Unit.objects.filter(election=election).values_list("code", "pk"))
    found = {u.code: (u.lft, u.rght) for u in Unit.objects.filter(election=election)}
    assert found == edges(stored)
    for unit in Unit.objects.filter(election=election).select_related("parent"):
        chain = [stored[unit.code[:length]] for length in (2, 4, 6, 10) if len(unit.code) >= length]
        assert [unit.province_id, unit.regency_id, unit.district_id, unit.village_id][: len(chain)] == chain


def perform(election: Election, verb: str, first: int, second: int) -> None:
    """One verb on units picked by the numbers; a refusal is as lawful an outcome as a change."""
    units = list(Unit.objects.filter(election=election))
    unit, other = units[first % len(units)], units[second % len(units)]
    if verb == "add":
        widths = (2, 2, 4, 3, 1)
        code = unit.code + str(second).zfill(widths[unit.level])[-widths[unit.level] :]
        add_child(parent=unit, row=UnitRow(code, f"Baru {second}"), by=None)
    elif verb == "move":
        parents = [candidate for candidate in units if candidate.level == unit.level - 1] or [other]
        move(unit=unit, parent=parents[second % len(parents)], by=None)
    elif verb == "rename":
        rename(unit=unit, name=f"Nama {second}", by=None)
    else:
        remove(unit=unit, by=None)


@IN_ONE_TRANSACTION
@given(operations=OPERATIONS)
def test_any_sequence_of_verbs_keeps_the_laws(election: Election, tree: dict[str, Unit], operations: list):
    with transaction.atomic():
        for verb, first, second in operations:
            try:
                with transaction.atomic():
                    perform(election, verb, first, second)
            except Refusal:
                continue
        assert_lawful(election)
        transaction.set_rollback(True)


@IN_ONE_TRANSACTION
@given(before=st.sets(st.integers(1, 38)), after=st.sets(st.integers(1, 38)), data=st.data())
def test_load_makes_the_tree_equal_to_the_rows(election: Election, before: set[int], after: set[int], data):
    """Whatever stood before: the rows win, the same load twice changes nothing, and surviving units keep their id."""
    every = small_rows()
    first, second = whole(every, before), whole(every, after)
    second = [replace(row, name=f"{row.name} {data.draw(st.sampled_from('AB'))}") for row in second]
    with transaction.atomic():
        load(election=election, rows=first, by=None)
        ids = dict(Unit.objects.filter(election=election).values_list("code", "pk"))
        foreseen = plan(election=election, rows=second)
        done = load(election=election, rows=second, by=None)
        assert done.summary() == foreseen.summary()
        assert_lawful(election)
        now = {unit.code: unit for unit in Unit.objects.filter(election=election)}
        assert {code: unit.name for code, unit in now.items()} == {row.code: row.name for row in second}
        assert all(unit.pk == ids[code] for code, unit in now.items() if code in ids)
        assert load(election=election, rows=second, by=None).is_empty
        transaction.set_rollback(True)


def whole(rows: list[UnitRow], picked: set[int]) -> list[UnitRow]:
    """The picked rows with all their parents, and the province."""
    codes = {rows[number].code for number in picked} | {"64"}
    return [row for row in rows if any(code.startswith(row.code) for code in codes)]


def test_the_real_tree_loads_whole(election: Election):
    rows = kaltim_rows()
    diff = load(election=election, rows=rows, by=None)
    assert (len(diff.new), diff.unchanged) == (12_595, 0)
    levels = Counter(Unit.objects.filter(election=election).values_list("level", flat=True))
    assert levels == {0: 1, 1: 10, 2: 105, 3: 1038, 4: 11441}
    assert Unit.objects.filter(election=election, number__gte=901).count() == 70
    assert check(election) == []
    assert plan(election=election, rows=rows).is_empty


def test_an_official_renumbering_keeps_the_identity_of_everything_below(election: Election, tree: dict[str, Unit]):
    rows = []
    for row in small_rows():
        if row.code.startswith("6472012001"):
            previous = row.code if row.code == "6472012001" else ""
            row = replace(row, code="6472022009" + row.code[10:], previous_code=previous)
        rows.append(row)
    diff = load(election=election, rows=rows, by=None)
    assert [(change.was.code, change.row.code) for change in diff.moved] == [
        ("6472012001" + end, "6472022009" + end) for end in ("", "001", "002", "901")
    ]
    assert not diff.new
    assert not diff.closed
    moved = Unit.objects.get(election=election, code="6472022009901")
    assert moved.pk == tree["6472012001901"].pk
    assert moved.district_id == tree["647202"].pk
    assert_lawful(election)


def test_two_villages_can_swap_codes_in_one_load(election: Election, tree: dict[str, Unit]):
    pair = {"6472012001": "6472012002", "6472012002": "6472012001"}
    rows = [row for row in small_rows() if row.code[:10] not in pair or len(row.code) == 10]
    load(election=election, rows=rows, by=None)
    rows = [replace(row, code=pair.get(row.code, row.code), previous_code=row.code) for row in rows]
    assert len(load(election=election, rows=rows, by=None).moved) == 2
    assert Unit.objects.get(election=election, code="6472012001").pk == tree["6472012002"].pk
    assert_lawful(election)


def test_another_province_and_another_election_stay_as_they_are(election: Election):
    other = Election.objects.create(code="pilkada2024", name="Pilkada", kind="PILKADA", voting_day=date(2024, 11, 27))
    for target in (election, other):
        load(election=target, rows=[UnitRow("63", "Kalimantan Selatan"), UnitRow("6301", "Tanah Laut")], by=None)
        load(election=target, rows=small_rows(), by=None)
    load(election=election, rows=[UnitRow("64", "Kalimantan Timur")], by=None)
    assert set(Unit.objects.filter(election=election).values_list("code", flat=True)) == {"63", "6301", "64"}
    assert Unit.objects.filter(election=other).count() == 41
    assert Unit.objects.filter(level=0).values("tree_id").distinct().count() == 4
    assert_lawful(election)
    assert_lawful(other)


def test_same_names_in_two_regencies_stay_apart(election: Election, tree: dict[str, Unit]):
    for name, level in (("Sungai Pinang", 2), ("Harapan Baru", 3)):
        twins = Unit.objects.filter(name=name, level=level, election=election)
        assert {unit.code[:4] for unit in twins} == {"6401", "6472"}
    samarinda, paser = tree["647201"], tree["640101"]
    assert samarinda.name == paser.name
    assert Unit.objects.within(samarinda).count() == Unit.objects.within(paser).count() == 9
    assert not set(Unit.objects.within(samarinda)) & set(Unit.objects.within(paser))


def test_a_unit_in_use_is_not_closed_and_the_reason_is_named(election: Election, tree: dict[str, Unit]):
    user = User.objects.create(username="a", name="A")
    Membership.objects.create(user=user, unit=tree["6472012001001"], role=Role.SUPERVISOR, since=date(2024, 1, 22))
    rows = [row for row in small_rows() if row.code != "6472012001001"]
    for act in (
        lambda: load(election=election, rows=rows, by=None),
        lambda: remove(unit=tree["6472012001001"], by=None),
    ):
        with pytest.raises(Refusal, match="6472012001001 tidak dapat ditutup"):
            act()
    assert Unit.objects.filter(election=election).count() == 39


def test_wrong_rows_leave_the_tree_untouched(election: Election, tree: dict[str, Unit]):
    for wrong in (UnitRow("640399", "Yatim"), UnitRow("6401", "Ganda"), UnitRow("64x1", "Huruf"), UnitRow("6405", " ")):
        with pytest.raises(Refusal):
            load(election=election, rows=[*small_rows(), wrong], by=None)
    assert_lawful(election)
    assert Unit.objects.filter(election=election).count() == 39


def test_a_parent_with_units_below_is_not_removed(election: Election, tree: dict[str, Unit]):
    with pytest.raises(Refusal, match="masih membawahi 3 satuan"):
        remove(unit=tree["6472012001"], by=None)


def test_every_write_outside_the_verbs_is_refused(election: Election, tree: dict[str, Unit]):
    unit = tree["6472012001"]
    unit.name = "Lain"
    everyone = Unit.objects.filter(election=election)
    for write in (
        unit.save,
        unit.delete,
        lambda: unit.move_to(tree["640101"], "last-child"),
        lambda: Unit.objects.create(election=election, code="6499", name="x", parent=tree["64"]),
        lambda: Unit.objects.bulk_create([Unit(election=election, code="6499", name="x")]),
        lambda: everyone.update(lft=1),
        lambda: everyone.update(parent=tree["64"]),
        lambda: Unit.objects.update(code="99"),
        everyone.delete,
    ):
        with pytest.raises(StructureGuarded):
            write()
    assert everyone.update(registered_voters=5) == 39
    assert_lawful(election)


def test_a_change_is_announced_inside_its_transaction(election: Election, tree: dict[str, Unit]):
    class Refused(Exception):
        pass

    def receiver(**kwargs: object) -> None:
        heard.append((kwargs["verb"], kwargs["detail"]))
        raise Refused

    heard: list = []
    tree_changed.connect(receiver)
    try:
        with pytest.raises(Refused):
            rename(unit=tree["6472"], name="Kota Tepian", by=None)
    finally:
        tree_changed.disconnect(receiver)
    assert heard == [("rename", {"code": "6472", "name": "Kota Tepian"})]
    assert Unit.objects.get(pk=tree["6472"].pk).name == "Kota Samarinda"


def test_tags_are_a_set(election: Election, tree: dict[str, Unit]):
    unit = set_tags(unit=tree["6472012001"], tags=["sulit dijangkau", " kepulauan", "kepulauan"], by=None)
    assert Unit.objects.get(pk=unit.pk).tags == ["kepulauan", "sulit dijangkau"]
    assert Unit.objects.filter(tags__contains=["kepulauan"]).count() == 1
    with pytest.raises(Refusal):
        set_tags(unit=unit, tags=["x" * 41], by=None)


CORRUPTIONS = st.lists(
    st.tuples(
        st.integers(0, 38),
        st.sampled_from(["lft", "rght", "tree_id", "province_id", "regency_id", "district_id", "village_id"]),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=15,
)


@IN_ONE_TRANSACTION
@given(corruptions=CORRUPTIONS)
def test_repair_mends_whatever_is_derived(election: Election, tree: dict[str, Unit], corruptions: list):
    units = sorted(tree.values(), key=lambda unit: unit.code)
    before = list(Unit.objects.filter(election=election).order_by("code").values())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE hierarchy_unit DROP CONSTRAINT unit_edges_in_order")
        for which, column, value in corruptions:
            stray = units[value % 39].pk if column.endswith("_id") and column != "tree_id" else value
            cursor.execute(f"UPDATE hierarchy_unit SET {column} = %s WHERE id = %s", [stray, units[which].pk])
        damaged = list(Unit.objects.filter(election=election).order_by("code").values()) != before
        assert bool(check(election)) == damaged
        assert bool(repair(election)) == damaged
        assert list(Unit.objects.filter(election=election).order_by("code").values()) == before
        assert check(election) == []
        transaction.set_rollback(True)


def test_wrong_parents_are_named_and_not_guessed_at(election: Election, tree: dict[str, Unit]):
    with connection.cursor() as cursor:
        sql = "UPDATE hierarchy_unit SET parent_id = %s WHERE id = %s"
        cursor.execute(sql, [tree["640101"].pk, tree["6472012001"].pk])
        assert "prefix" in {problem.key for problem in check(election)}
        cursor.execute(sql, [tree["6472012002001"].pk, tree["647201"].pk])
        keys = {problem.key: problem for problem in check(election)}
    assert keys["orphan"].codes[0] == "647201"
    with pytest.raises(Refusal, match="Satuan tidak tersambung"):
        repair(election)


@pytest.mark.parametrize(("parent", "code", "message"), [
    ("6472", "640103", "tidak melanjutkan"),
    ("6472", "647201", "sudah dipakai"),
    ("6472", "64720", "angka 0–9"),
    ("6472", "6472٠٣", "angka 0–9"),
    ("6472012001001", "6472012001001001", "angka 0–9"),
])  # fmt: skip
def test_a_child_must_continue_its_parents_code(tree: dict[str, Unit], parent: str, code: str, message: str):
    with pytest.raises(Refusal, match=message):
        add_child(parent=tree[parent], row=UnitRow(code, "Baru"), by=None)


@pytest.mark.parametrize(("code", "message"), [
    ("64720255", "Panjang kode 64720255"), ("64720200555", "melanjutkan"), ("6472", "melanjutkan"),
])  # fmt: skip
def test_a_new_code_is_told_what_is_wrong_with_it(tree: dict[str, Unit], code: str, message: str):
    with pytest.raises(Refusal, match=message):
        move(unit=tree["6472012002"], parent=tree["647202"], by=None, code=code)


def test_a_move_to_the_wrong_level_is_refused(tree: dict[str, Unit]):
    for unit, parent in (("6472012001", "6472"), ("64", "6472"), ("6472012001001", "647202")):
        with pytest.raises(Refusal, match="tingkatnya tidak cocok"):
            move(unit=tree[unit], parent=tree[parent], by=None)
    with pytest.raises(Refusal, match="sudah dipakai"):
        move(unit=tree["6472012001"], parent=tree["647202"], by=None)
