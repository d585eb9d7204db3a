"""Reads of releases: everything the public sees comes through here and from nowhere else."""

from __future__ import annotations

from itertools import pairwise

from django.db.models import Exists, OuterRef, Q, Subquery

from dashboards.models import Publication, PublishedPage
from dashboards.releases.proof import in_force, manifest, release_text
from hierarchy.levels import line_of
from hierarchy.lib import prepared


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
    """The page in force at a release, a tombstone among them; without a code the first province's.

    Annotated with `before`: the code under which the same unit had a page in an earlier release, None if it had none.
    """
    if code and of.header == 1 and not _led_to(of, code):
        return None
    pages = PublishedPage.objects.filter(election_id=of.election_id, number__lte=of.number)
    living = ~Q(payload__has_key="fate")
    earlier = PublishedPage.objects.filter(
        living, election_id=of.election_id, unit_id=OuterRef("unit_id"), number__lt=of.number
    )
    found = pages.annotate(before=Subquery(earlier.order_by("-number").values("code")[:1])).order_by("code", "-number")
    if code:
        return found.filter(code=code).first()
    later = pages.filter(code=OuterRef("code"), number__gt=OuterRef("number"))
    return found.filter(living, ~Exists(later)).first()


def _led_to(of: Publication, code: str) -> bool:
    """Whether a release of form 1 has the page, which only its parents' lists of children say (proof.manifest)."""
    line = line_of(code)
    pages = in_force(of.election, of.number).filter(code__in=line)
    listed = {page: children for page, children in pages.values_list("code", "payload__children")}
    steps = pairwise(line)
    return code in listed and all(lower in (child["code"] for child in listed.get(upper, ())) for upper, lower in steps)


def manifest_text(of: Publication) -> str:
    return release_text(of, manifest(of))
