"""What a release's signature covers: the bytes of a page, its digest, the lines of the manifest, their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from dashboards.models import Publication, PublishedPage
from hierarchy.lib.canonical import TABLED
from hierarchy.models import Election

GENESIS = bytes(32)
# The first line of a manifest, by Publication.header. A form is never changed once a release was signed with it.
HEADERS = {
    1: "{election} {number} {cut_off} {previous}",
    2: "rilis/2 {election} {number} {cut_off} {previous} {journal}",
}
NEWEST = max(HEADERS)


def canonical(payload: dict[str, Any]) -> bytes:
    """The bytes that are hashed: sorted keys, no spaces, UTF-8."""
    return TABLED.encode(payload)


def page_digest(payload: dict[str, Any]) -> bytes:
    """SHA-256 of the payload as canonical JSON, 32 bytes."""
    return TABLED.sha256(payload)


def release_lines(release: Publication, pages: Mapping[str, bytes]) -> list[str]:
    """The header (times in UTC, digests in hex), then "code sha256" per page, sorted by code."""
    head = HEADERS.get(release.header, "?").format(
        election=release.election.code,
        number=release.number,
        cut_off=release.cut_off.astimezone(UTC).isoformat(),
        previous=bytes(release.previous_digest).hex(),
        journal=bytes(release.journal_head or b"").hex(),
    )
    return [head, *(f"{code} {pages[code].hex()}" for code in sorted(pages))]


def release_digest(release: Publication, pages: Mapping[str, bytes]) -> bytes:
    """SHA-256 over the manifest of a release, 32 bytes."""
    return hashlib.sha256(release_text(release, pages).encode()).digest()


def release_text(release: Publication, pages: Mapping[str, bytes]) -> str:
    """The manifest as it is served and signed: the lines of a release, joined."""
    return "\n".join(release_lines(release, pages))


def manifest(release: Publication) -> dict[str, bytes]:
    """Code -> digest of every page that a release signed."""
    rows = in_force(release.election, release.number).values_list("code", "sha256")
    pages = {code: bytes(digest) for code, digest in rows}
    if release.header == 1 and len(pages) != release.pages:
        living = _living(release)
        return {code: digest for code, digest in pages.items() if code in living}
    return pages


def in_force(election: Election, number: int | None = None) -> Any:
    """PublishedPage rows in force at a release (default: the latest), one per code."""
    pages = PublishedPage.objects.filter(election=election)
    if number is not None:
        pages = pages.filter(number__lte=number)
    return pages.order_by("code", "-number").distinct("code")


def _living(release: Publication) -> set[str]:
    """Codes that a province's page leads to, by its children and theirs.

    Releases of form 1 knew no tombstones: a code that had vanished was in no list of children and was not signed, but
    nothing in its own row says so.
    """
    rows = in_force(release.election, release.number).values_list("code", "payload__level", "payload__children")
    below = {code: [child["code"] for child in children] for code, _level, children in rows}
    found, left = set[str](), [code for code, level, _children in rows if level == 0]
    while left:
        code = left.pop()
        if code in below and code not in found:
            found.add(code)
            left += below[code]
    return found
