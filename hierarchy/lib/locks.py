"""PostgreSQL advisory locks. Writers of one tree queue; writers of two trees do not meet."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    """First key of pg_advisory_xact_lock(int4, int4). Never reuse or renumber: an old release may still hold one."""

    TREE = 1  # second key: tree_key()
    ROSTER = 2  # second key: election id
    HASHING = 3  # second key: hashing.Lane; one password at a time


def tree_key(election_id: int, province: str) -> int:
    """One key per (election, province), without hashing, so that two trees never share a lock by chance.

    `province` is the two-digit Kemendagri code; fits int4 up to 21 million elections.
    """
    return election_id * 100 + int(province)


def take(lock: IntEnum, keys: Iterable[int], *, wait: bool = True, shared: bool = False) -> bool:
    """Waits for `lock` on every key and holds it to the end of the transaction.

    Without `wait`, returns False at the first key that somebody else holds. `shared` holders do not exclude each other.

    Keys are taken in ascending order, so two writers who need the same two trees cannot deadlock.
    Raises TransactionManagementError outside atomic(), where the lock would be gone before the next statement.
    """
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        from django.db.transaction import TransactionManagementError

        raise TransactionManagementError("an advisory lock is only held inside transaction.atomic()")
    call = f"pg_{'' if wait else 'try_'}advisory_xact_lock{'_shared' if shared else ''}"
    with connection.cursor() as cursor:
        for key in sorted(set(keys)):
            cursor.execute(f"SELECT {call}(%s, %s)", [int(lock), key])
            if cursor.fetchone()[0] is False:
                return False
    return True
