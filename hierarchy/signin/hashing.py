"""Whose turn it is to have a password hashed.

Argon2 is slow and large on purpose, so whoever may ask for it without an account could keep every processor of the
site at it. The whole site hashes one password at a time per lane; who would wait long is asked to come again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy.lib import gate, locks
from hierarchy.signin.throttle import NotNow

BETWEEN = 0.05  # seconds between two looks whether it is one's turn


class OneCoreArgon2(Argon2PasswordHasher):
    """Argon2id with Django's memory and passes, in one thread: with eight, one hash takes every core of the machine."""

    parallelism = 1


class Lane(IntEnum):
    """Strangers never stand in the way of those whom the site knows. Never renumber: keys of Lock.HASHING."""

    STRANGER = 1
    KNOWN = 2  # a device known before, a session, an activation code that fits
    HOME = 3  # an account in its usual network; who shares that address may guess at it from there, so not KNOWN

    @property
    def work(self) -> gate.Work:
        return gate.Work[self.name]


class Busy(NotNow):
    """There is no place among those whose passwords are hashed just now."""

    status, code, retry_after = 503, "busy", 5


def _busy() -> Busy:
    return Busy(_("Sedang banyak orang masuk bersamaan. Tunggu beberapa detik, lalu coba lagi."))


def require_room(lane: Lane) -> None:
    """Raises Busy where `turn` would at once; asked before anything is counted, so that a flood is cheap to refuse."""
    if not gate.has_room(lane.work):
        raise _busy()


@contextmanager
def turn(lane: Lane) -> Iterator[None]:
    """The block may hash a password; it runs in a transaction, which holds the turn. Raises Busy."""
    ends = time.monotonic() + settings.TURN_PATIENCE[lane.name]
    with gate.place(lane.work, full=_busy()):
        while True:
            with transaction.atomic():
                if locks.take(locks.Lock.HASHING, [lane], wait=False):
                    yield
                    return
            if time.monotonic() > ends:
                raise _busy()
            time.sleep(BETWEEN)
