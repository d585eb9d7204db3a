"""Where slow work of a web process comes in: hashing passwords, decoding photos. Never in the last thread.

Who waits for a turn holds a thread as surely as who has it. So whoever comes, to wait or to work, takes one of
`WEB_THREADS - 1` places at once or is sent away at once, and a thread is always left for pages and filing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings


class Work(StrEnum):
    STRANGER = "STRANGER"  # a password of somebody whom the site does not know
    HOME = "HOME"  # a password of an account in its usual network, which others may share
    KNOWN = "KNOWN"  # a password of a known device, of a session, of who activates an account
    PHOTO = "PHOTO"


# Places that each takes at most: one who works and one who waits, but strangers leave a place to those who are known.
MOST = {Work.STRANGER: 1, Work.HOME: 1, Work.KNOWN: 2, Work.PHOTO: 2}
LEAVES = {Work.STRANGER: 1, Work.HOME: 1, Work.KNOWN: 0, Work.PHOTO: 0}

_inside: Counter[Work] = Counter()
_guard = threading.Lock()


def has_room(work: Work) -> bool:
    places = max(1, settings.WEB_THREADS - 1)
    left = min(LEAVES[work], places - 1)  # a process of two threads has one place, for whoever comes first
    return _inside[work] < MOST[work] and _inside.total() < places - left


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
