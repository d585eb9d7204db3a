"""Slows down the guessing of passwords, counted in Django's cache.

A whole district may share one address (carriers put thousands of phones behind one), and anybody can name another's
account: so the narrow limit is on the pair, and the wide ones are far above what people who mistype can reach.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)


class TooManyAttempts(Exception):
    """The sentence for the person; `wait` is the number of seconds until the next try counts."""

    def __init__(self, wait: int) -> None:
        minutes = -(-wait // 60)
        super().__init__(
            _("Terlalu banyak percobaan. Tunggu %(minutes)d menit, lalu coba lagi.") % {"minutes": minutes}
        )
        self.wait = wait


@dataclass(frozen=True)
class Limit:
    """At most `attempts` failures per `seconds`, for one combination of what `by` names."""

    by: tuple[str, ...]
    attempts: int
    seconds: int

    def key(self, who: dict[str, str], moment: float) -> str:
        spoken = "\0".join([str(int(moment) // self.seconds), *(f"{part}={who[part]}" for part in self.by)])
        return f"sign-in:{hashlib.sha256(spoken.encode(errors='replace')).hexdigest()}"


LIMITS = (
    Limit(("account", "address"), 10, 15 * 60),
    Limit(("account",), 100, 60 * 60),
    Limit(("address",), 600, 60 * 60),
)


class Attempt:
    """One try, counted before the password is looked at, so that many at once cannot slip through together."""

    def __init__(self, request: HttpRequest, account: str) -> None:
        """Raises TooManyAttempts."""
        who, moment = {"account": account.casefold(), "address": address_of(request)}, time.time()
        self._keys = [(limit, limit.key(who, moment)) for limit in LIMITS]
        for limit, key in self._keys:
            if _count(key, limit.seconds) > limit.attempts:
                raise TooManyAttempts(limit.seconds - int(moment) % limit.seconds)

    def succeeded(self) -> None:
        """Takes the count back: only failures add up."""
        for _limit, key in self._keys:
            try:
                cache.decr(key)
            except Exception:  # the count has run out, or the cache is away; either way nothing is held against anyone
                logger.debug("throttle: a count could not be taken back", exc_info=True)


def _count(key: str, seconds: int) -> int:
    try:
        cache.add(key, 0, timeout=seconds)
        return cache.incr(key)
    except Exception:  # a dead cache must not keep 12,000 people from filing; the slow password hash still stands
        logger.warning("throttle: attempts are not being counted", exc_info=True)
        return 0


def address_of(request: HttpRequest) -> str:
    """The address of the device. Behind the reverse proxy of a deployment, the last one that proxy names."""
    if settings.DEPLOYED and (forwarded := request.META.get("HTTP_X_FORWARDED_FOR")):
        return forwarded.rpartition(",")[2].strip()
    return request.META.get("REMOTE_ADDR", "")
