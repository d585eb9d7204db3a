"""Which workers live: each signs a book in the broker with every heartbeat of Celery, every two seconds.

Asking them (`inspect ping`) takes a second, and the broker's own lists go on naming a worker that was killed.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.signals import heartbeat_sent
from django.conf import settings
from redis import Redis, RedisError

BOOK = "bawaslu:workers"  # sorted set: host name of a worker -> when it last signed, Unix seconds
MISSED = 15.0  # seconds without a sign after which a worker counts as gone
logger = logging.getLogger(__name__)


def broker() -> Redis:
    """A connection of its own, to be closed by whoever takes it; it gives up after half a second."""
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)


@heartbeat_sent.connect
def sign(sender: Any, **kwargs: Any) -> None:
    """Called inside a worker, between its tasks: whatever happens to the broker must not end it."""
    try:
        with broker() as book:
            book.zadd(BOOK, {sender.eventer.hostname: time.time()})
            book.expire(BOOK, 3600)
    except RedisError as error:
        logger.info("heartbeat: not signed (%s)", error)


def alive(book: Redis) -> int:
    """How many workers have signed lately."""
    return int(book.zcount(BOOK, time.time() - MISSED, "+inf"))
