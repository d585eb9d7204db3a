"""Advisory locks of reporting, beside those of hierarchy/lib/locks.py. Never reuse or renumber one."""

from __future__ import annotations

from enum import IntEnum

from hierarchy.lib import locks


class Lock(IntEnum):
    ROLLUP = 1001  # second key: a regency id, or 0 for the provinces; one worker at a time folds that subtree
    SEAL = 1002  # the head of the journal's hash chain
    WINDOW = 1003  # second key: a window id; opening it, or refreshing its vacancies
    PLENARY = 1004  # second key: a unit id; its register of plenaries
    FINDING = 1005  # second key: a unit id; its register of findings
    CALENDAR = 1006  # second key: an election id; its windows against its tree (hierarchy's TREE is taken before it)
    QUALITY = 1007  # second key: a window id; one check of its reports at a time
    EVIDENCE = 1010  # second key: a unit id; the photos it hands in
    JOURNAL = 1020  # with an event id in one key, not by `hold`; taken by a trigger, see journal._settled
    PEOPLE = 1021  # the accounts, while a digest of them is written
    REFERENCES = 1022  # second key: an election id; its figures of the election commission


def hold(lock: Lock, key: int = 0, *, wait: bool = True, shared: bool = False) -> bool:
    """Holds the lock until the transaction ends, waiting for it or not; False: somebody else has it. Raises outside
    atomic(). Those who hold it `shared` shut out only those who do not."""
    return locks.take(lock, [key], wait=wait, shared=shared)
