"""Reads of publications: everything the public sees comes through here and from nowhere else."""

from __future__ import annotations

import json
from typing import Any

from dashboards.models import Publication, PublishedPage
from hierarchy import prepared


def release(election: str, number: int | None = None) -> Publication | None:
    """A numbered release of an election, its newest one, or (election "") the newest of the newest election."""
    rows = Publication.objects.select_related("election").order_by("-election__voting_day", "-number")
    if election:
        rows = rows.filter(election__code=election)
    if number is not None:
        rows = rows.filter(number=number)
    return rows.first()


DIGEST = """
SELECT p.digest FROM dashboards_publication p JOIN hierarchy_election e ON e.id = p.election_id
WHERE (%(election)s::text = '' OR e.code = %(election)s) AND (%(number)s::bigint IS NULL OR p.number = %(number)s)
ORDER BY e.voting_day DESC, p.number DESC LIMIT 1
"""


def release_digest(election: str, number: int | None = None) -> bytes | None:
    """The digest of what `release` finds: all that a reader who has the page already needs to know."""
    found = prepared.rows(DIGEST, {"election": election, "number": number})
    return bytes(found[0][0]) if found else None


def stored(of: Publication, code: str = "") -> PublishedPage | None:
    """The page in force at a release; without a code the province's: every release has it, and its code is first."""
    pages = PublishedPage.objects.filter(election_id=of.election_id, number__lte=of.number)
    if code:
        pages = pages.filter(code=code)
    return pages.order_by("code", "-number").first()


def canonical(payload: dict[str, Any]) -> bytes:
    """The bytes that are hashed: sorted keys, no spaces, UTF-8."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def manifest_text(of: Publication) -> str:
    from dashboards.publish import manifest, release_lines

    pages = manifest(of.election, of.number)
    return "\n".join(release_lines(of.election.code, of.number, of.cut_off, bytes(of.previous_digest), pages))
