"""Writers that run at the same moment, each on its own connection."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from hierarchy.lib import locks
from hierarchy.lib.errors import Refusal
from hierarchy.models import Election, Membership, Unit, User
from hierarchy.people import activation, roster
from hierarchy.people.roster_rows import RosterRow
from hierarchy.units.rows import UnitRow, edges
from hierarchy.units.tree import add_child, check, load, move, remove, rename
from tests.cast import SINCE, small_rows

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 6


def race(*acts: Callable[[], object]) -> list[BaseException]:
    """Starts every act at once; what they raised."""
    start, raised = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait(10)
            act()
        except BaseException as error:  # a thread's exception is lost unless it is carried out
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_six_writers_leave_no_duplicate_edge(election: Election, tree: dict[str, Unit]):
    """Each adds, moves, renames and removes under stale parents, as six pages open since morning would."""

    def write(writer: int) -> None:
        for turn in range(6):
            number = 100 + writer * 10 + turn
            village = tree[("6472012001", "6401022002", "6472022002")[turn % 3]]
            unit = add_child(parent=village, row=UnitRow(f"{village.code}{number}", f"TPS {number}"), by=None)
            if turn == 4:
                move(unit=unit, parent=tree["6401012001"], by=None)
            if turn == 5:
                remove(unit=unit, by=None)
        rename(unit=tree["6472012001"], name=f"Harapan {writer}", by=None)

    raised = race(*(lambda writer=writer: write(writer) for writer in range(WRITERS)))
    assert raised == []
    assert check(election) == []
    units = {unit.code: (unit.lft, unit.rght) for unit in Unit.objects.filter(election=election)}
    assert len(units) == 39 + WRITERS * 5
    assert units == edges(units)


def test_two_loads_of_one_file_make_one_tree(election: Election):
    raised = race(*[lambda: load(election=election, rows=small_rows(), by=None)] * 4)
    assert raised == []
    assert Unit.objects.filter(election=election).count() == 39
    assert check(election) == []


def test_an_activation_code_opens_once_however_many_try(cast: object):
    user = User.objects.get(username="pkd")
    code = activation.renew_code(user=user, by=None)
    passwords = [f"sandi-panjang-{number}" for number in range(4)]
    raised = race(
        *(
            lambda password=password: activation.activate(username="pkd", code=code, password=password)
            for password in passwords
        )
    )
    assert [type(error) for error in raised] == [Refusal] * 3
    user.refresh_from_db()
    assert sum(user.check_password(password) for password in passwords) == 1


def test_two_loads_of_one_roster_make_each_account_once(election: Election, tree: dict[str, Unit]):
    rows = [RosterRow(code, f"Orang {code}", "SUPERVISOR", since=SINCE) for code in tree if len(code) >= 10]
    raised = race(*[lambda: roster.load(election=election, rows=rows, by=None)] * 3)
    assert raised == []
    assert User.objects.count() == Membership.objects.count() == len(rows) == 32


def test_a_lock_outside_a_transaction_is_refused_because_it_would_protect_nothing():
    with pytest.raises(transaction.TransactionManagementError):
        locks.take(locks.Lock.TREE, [1])
