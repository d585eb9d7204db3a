"""The receipt a filer keeps: a short code a person can read out over a bad line."""

from __future__ import annotations

import hashlib
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to mishear or misread


def code_of(report_id: UUID, sha256: bytes) -> str:
    """Eight characters (40 bits) of SHA-256(report id + content hash), as "K7QF-2M9X".

    A new revision has a new code, so a receipt always speaks of one exact content.
    """
    number = int.from_bytes(hashlib.sha256(report_id.bytes + sha256).digest()[:5])
    letters = "".join(ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"
