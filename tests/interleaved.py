"""Two transactions that meet at a point one chooses: the first is held open until the second waits for it, or ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connection, transaction

PATIENCE = 20.0  # seconds; only a test that fails waits so long

WAITING = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = %s"


def interleaved(first: Callable[[], object], second: Callable[[], object]) -> list[BaseException]:
    """Runs `first`, then `second` while the transaction of `first` is still open; what they raised.

    The commit of `first` comes once `second` waits for a lock or has ended.
    """
    written, ended = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def begin() -> None:
        with transaction.atomic():
            first()
            written.set()
            _until(lambda: ended.is_set() or _somebody_waits())

    def follow() -> None:
        assert written.wait(PATIENCE)
        second()

    def run(act: Callable[[], object], done: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # a thread's exception is lost unless it is carried out
            raised.append(error)
        finally:
            done()
            connection.close()

    threads = [
        threading.Thread(target=run, args=[begin, written.set]),
        threading.Thread(target=run, args=[follow, ended.set]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    return raised


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "the second transaction neither waited nor ended"
        time.sleep(0.02)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [connection.settings_dict["NAME"]])
        return bool(cursor.fetchone()[0])
