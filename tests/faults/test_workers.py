"""Workers die, come twice or hear things twice: the figures are those of the reports all the same."""

from __future__ import annotations

import pytest

from tests.faults.processes import KINDS
from tests.faults.world import World, folding


@pytest.mark.parametrize("who", KINDS)
def test_a_worker_killed_in_the_middle_of_a_rollup_leaves_its_marks(world: World, who: str) -> None:
    obligation, later = world.take(2)
    with world.hold(folding(obligation.village)) as held:
        world.file(obligation)
        held.await_waiting()
        KINDS[who](world.worker)
        world.file(later)
    world.supervise()
    world.check()


# Marks of every level at once, each twice and in no order: a province before the villages its figure is made of.
SHUFFLED = """
    INSERT INTO reports_outbox (window_id, unit_id, level, regency_id, marked_at)
    SELECT t.window_id, t.unit_id, u.level, u.regency_id, now() FROM reports_tally t
        JOIN hierarchy_unit u ON u.id = t.unit_id, generate_series(1, 2)
    ORDER BY md5(concat(t.id, generate_series)) RETURNING id"""


def test_tasks_and_marks_that_come_often_and_in_the_wrong_order_change_nothing(world: World) -> None:
    obligations = world.take_apart()
    world.second.start()
    world.second.await_ready()
    try:
        for obligation in obligations:
            world.send("roll_up", times=5)  # before there is anything to fold
            assert world.ask(SHUFFLED)
            world.file(obligation)
            world.send("roll_up", 999_999_999, times=2)  # an older release named a regency: this task fails
            world.send("no_such_task")
            world.send("roll_up", times=10)
        world.check()
    finally:
        world.second.kill_all()


def test_two_workers_on_one_parent_do_not_write_an_old_sum_over_a_new_one(world: World) -> None:
    first, second = world.take_apart()
    [(province,)] = world.ask("SELECT parent_id FROM hierarchy_unit WHERE id = %s", first.regency)
    world.second.start()
    world.second.await_ready()
    try:
        with world.hold(folding(province)) as held:
            world.file(first)
            held.await_waiting()  # it has read its children and cannot write
            world.file(second)
            world.send("roll_up", times=4)
            held.await_waiting(2)  # others have folded the second regency, and want the province too
        world.check()
    finally:
        world.second.kill_all()
