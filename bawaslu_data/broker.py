"""The broker as Celery reaches it: kombu's Redis transport with one fault of it mended.

When the broker goes away, Celery closes the connection and then gives back the messages its tasks still held. By then
kombu 5.7 has taken the connection's address away and stumbles over None. Celery takes the AttributeError for the end of
the worker, where a connection error means: connect again. Nothing is lost by not giving them back: every task is sent
again by beat's sweeps. tests/faults/test_broker.py fails without this.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as BrokerAway

SCHEMES = ("redis", "rediss")  # `redis+socket` is `redis` to kombu


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection.client is None:
            raise BrokerAway("this connection to the broker has been closed")
        return super()._connparams(asynchronous)


class Transport(redis.Transport):
    Channel = Channel


def install() -> None:
    """Lets every address of a Redis or Valkey broker lead to this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(SCHEMES, f"{__name__}:Transport"))
