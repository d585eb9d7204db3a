"""Counts failures in PostgreSQL, so that guessing stays slow whether or not there is a cache.

A count is a bucket that drains evenly. It has no window at whose edge it starts anew, and a full one lets the next
attempt in as soon as one has drained, so nobody waits for more than `every` seconds unless others take their turn.
"""

from __future__ import annotations

import ipaddress
import math
import random
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from hierarchy.lib import prepared
from hierarchy.lib.errors import Refusal

SWEEP_ONE_IN = 200  # attempts; drained buckets are then forgotten


class NotNow(Refusal):
    """An attempt that was not judged; the next one may be after `retry_after` seconds."""

    status, code, retry_after = 429, "throttled", 1


class TooManyAttempts(NotNow):
    """Whoever comes too often, from this place or for this account."""


@dataclass(frozen=True)
class Limit:
    """At most `burst` failures at once and one more every `every` seconds: in t seconds `burst` + t / `every`."""

    of: str
    burst: int
    every: int

    def key(self, *who: str) -> str:
        return key_of(self.of, *who)


def key_of(what: str, *who: str) -> str:
    return salted_hmac(f"hierarchy.throttle.{what}", "\0".join(who), algorithm="sha256").hexdigest()


# A row that comes back was counted; a full bucket stays as it is, however often somebody knocks.
COUNT = """
INSERT INTO hierarchy_failurecount AS f (key, drained_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(every)s))
ON CONFLICT (key) DO UPDATE
    SET drained_at = greatest(f.drained_at, clock_timestamp()) + make_interval(secs => %(every)s)
    WHERE f.drained_at <= clock_timestamp() + make_interval(secs => %(every)s * (%(burst)s - 1))
RETURNING true
"""
WAIT = """
SELECT extract(epoch FROM drained_at - clock_timestamp())::float8 FROM hierarchy_failurecount WHERE key = %(key)s
"""
MARK = """
INSERT INTO hierarchy_failurecount AS f (key, drained_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(lasts)s))
ON CONFLICT (key) DO UPDATE SET drained_at = greatest(f.drained_at, excluded.drained_at)
"""
TAKE_BACK = """
UPDATE hierarchy_failurecount SET drained_at = drained_at - make_interval(secs => %(every)s) WHERE key = %(key)s
"""
SWEEP = "DELETE FROM hierarchy_failurecount WHERE drained_at < clock_timestamp()"


class Attempt:
    """One try, counted before the password is looked at, so that many at once cannot slip through together."""

    def __init__(self, counts: list[tuple[Limit, str]]) -> None:
        """`counts`: limits and their keys, the narrowest first. Raises TooManyAttempts; nothing is counted then."""
        self._counted: list[tuple[Limit, str]] = []
        if random.randrange(SWEEP_ONE_IN) == 0:  # noqa: S311
            prepared.execute(SWEEP, {}).close()
        for limit, key in counts:
            if not prepared.rows(COUNT, {"key": key, "every": float(limit.every), "burst": float(limit.burst)}):
                self.forgive()
                raise _too_many(_seconds_left(limit, key))
            self._counted.append((limit, key))

    def forgive(self) -> None:
        """Takes the counts back: only failures add up."""
        for limit, key in self._counted:
            prepared.execute(TAKE_BACK, {"key": key, "every": float(limit.every)}).close()
        self._counted = []


def mark(key: str, lasts: int) -> None:
    """Something in favour of this key, for so many seconds from now; marked again, it lasts as long anew."""
    prepared.execute(MARK, {"key": key, "lasts": float(lasts)}).close()


def marked(key: str) -> bool:
    """Whether anything is held against, or for, this key."""
    found = prepared.rows(WAIT, {"key": key})
    return bool(found) and found[0][0] > 0


def _too_many(seconds: int) -> TooManyAttempts:
    sentence = _(
        "Terlalu banyak percobaan. Tunggu %(minutes)d menit, lalu coba lagi. Bila mendesak, masuk dari "
        "perangkat yang biasa Anda pakai, atau minta kode baru kepada atasan Anda."
    )
    return TooManyAttempts(sentence % {"minutes": -(-seconds // 60)}, retry_after=seconds)


def _seconds_left(limit: Limit, key: str) -> int:
    found = prepared.rows(WAIT, {"key": key})
    held = float(found[0][0]) if found else 0.0
    return max(1, math.ceil(held - limit.every * (limit.burst - 1)))


def address_of(request: HttpRequest) -> str:
    """The address of the device. Behind the reverse proxy of a deployment, the last one that proxy names."""
    if settings.DEPLOYED and (forwarded := request.META.get("HTTP_X_FORWARDED_FOR")):
        return str(forwarded).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def network_of(request: HttpRequest) -> str:
    """The address as far as one customer has it for themself: all of IPv4, the first 64 bits of IPv6."""
    spoken = address_of(request)
    try:
        address = ipaddress.ip_address(spoken)
    except ValueError:
        return spoken
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
