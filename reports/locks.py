"""Advisory locks of reporting, beside those of hierarchy/locks.py. Never reuse or renumber one."""

from __future__ import annotations

from enum import IntEnum

from hierarchy import locks


class Lock(IntEnum):
    ROLLUP = 1001  # second key: a regency id, or 0 for the provinces; one worker at a time folds that subtree
    SEAL = 1002  # the head of the journal's hash chain
    WINDOW = 1003  # second key: a window id; opening it, or refreshing its vacancies
    PLENARY = 1004  # second key: a unit id; its register of plenaries
    FINDING = 1005  # second key: a unit id; its register of findings
    EVIDENCE = 1010  # second key: a unit id; the photos it hands in


def hold(lock: Lock, key: int = 0, *, wait: bool = True) -> bool:
    """Holds the lock until the transaction ends, waiting for it or not; False: somebody else has it. Raises outside
    atomic()."""
    return locks.take(lock, [key], wait=wait)
