"""The receipt a filer keeps: a short code a person can read out over a bad line."""

from __future__ import annotations

import hashlib
from uuid import UUID

from hierarchy.lib import base32


def code_of(report_id: UUID, sha256: bytes) -> str:
    """Eight characters (40 bits) of SHA-256(report id + content hash), as "K7QF-2M9X".

    A new revision has a new code, so a receipt always speaks of one exact content.
    """
    return base32.written(int.from_bytes(hashlib.sha256(report_id.bytes + sha256).digest()[:5]), 8)
