"""Where slow work of a web process comes in: hashing passwords, decoding photos. Never in the last thread.

Who waits for a turn holds a thread as surely as who has it. So whoever comes, to wait or to work, takes a place at once
or is sent away at once. Places of photos and of passwords are apart: photos never close sign-in, nor sign-in filing. A
process has a thread more than places (E008 of bawaslu_data/checks.py), which pages and filing always find.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Work(StrEnum):
    STRANGER = "STRANGER"  # a password of somebody whom the site does not know
    HOME = "HOME"  # a password of an account in its usual network, which others may share
    KNOWN = "KNOWN"  # a password of a known device, of a session, of who activates an account
    PHOTO = "PHOTO"


PASSWORDS = (Work.STRANGER, Work.HOME, Work.KNOWN)
# Places that these take together at most. Of a kind, one works and one waits; of the three places of passwords, those
# whom the site does not know for certain take no more than two, so that who is known always finds one.
MOST = {(Work.STRANGER,): 1, (Work.HOME,): 1, (Work.KNOWN,): 2, PASSWORDS: 3, (Work.PHOTO,): 2}
PLACES = MOST[PASSWORDS] + MOST[Work.PHOTO,]

_inside: Counter[Work] = Counter()
_guard = threading.Lock()


def has_room(work: Work) -> bool:
    return all(sum(_inside[each] for each in kinds) < most for kinds, most in MOST.items() if work in kinds)


@contextmanager
def place(work: Work, *, full: Exception) -> Iterator[None]:
    """The block does slow work, or waits for its turn at it. Raises `full` where there is no place."""
    with _guard:
        if not has_room(work):
            raise full
        _inside[work] += 1
    try:
        yield
    finally:
        with _guard:
            _inside[work] -= 1
