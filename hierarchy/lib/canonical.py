"""JSON that is hashed, signed or sealed: the same value gives the same bytes, now and in every later release.

The ways of writing it grew one by one, and what was stored under one can only be proven in that one, so each stays as
it is (tests/contract/test_stored_bytes.py). All sort the names and write UTF-8. New kinds of record take TABLED.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec


@dataclass(frozen=True)
class Dialect:
    """A way of writing JSON. `encode` raises TypeError for what it cannot write."""

    encode: Callable[[Any], bytes]

    def sha256(self, value: Any) -> bytes:
        """32 bytes."""
        return hashlib.sha256(self.encode(value)).digest()


class Lines:
    """The SHA-256 over many values, a line each; memory does not grow with them."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect, self._hash = dialect, hashlib.sha256()

    def add(self, value: Any) -> None:
        self._hash.update(self._dialect.encode(value) + b"\n")

    def sha256(self) -> bytes:
        """Of the lines so far, 32 bytes."""
        return self._hash.digest()


def _standard(separators: tuple[str, str], plain: Callable[[Any], Any] | None = None) -> Dialect:
    """The standard library's; `plain` turns what JSON does not know into something it does."""
    encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=separators, default=plain)
    return Dialect(lambda value: encoder.encode(value).encode())


def _listed(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else list(value)


# Reports and the schemas they answer: msgspec writes structs, and some fractions otherwise than the rest (1e16, 1e+16).
REPORT = Dialect(msgspec.json.Encoder(order="sorted").encode)
# What a plenary votes on, what its minutes say, and the pages of a release, which anybody hashes as they are served.
TABLED = _standard((",", ":"))
# Rows of a recap: the same, for figures in any sequence and moments in ISO 8601.
RECAP = _standard((",", ":"), _listed)
# Lines of the journal and findings: blanks after comma and colon; dates and ids as Python prints them.
JOURNAL = _standard((", ", ": "), str)
