"""The only writer of releases: freezes the approved figures, signs them, links them to the release before.

The public reads nothing else, so unapproved data cannot leak through a forgotten filter and a published number never
changes silently: a correction is a new number. Aggregates only; texts, photos and names are exempt from disclosure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, transaction

from dashboards.models import Fate, Publication, PublishedPage
from dashboards.releases import keys, proof
from dashboards.releases.content import build_pages
from dashboards.releases.proof import GENESIS
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import Election, Unit, User
from reports.journal import actions as journal
from reports.journal.models import Event, Seal

BATCH = 2_000  # pages held at once
PUBLISHED = "figures.published"


def publish(*, election: Election, by: User | None, note: str = "") -> Publication:
    """Releases the figures as they stand. `by` None: the system's own schedule.

    Raises PermissionDenied or Http404 when `by` may not publish for the election's province.
    """
    if by is not None:
        for root in Unit.objects.filter(election=election, level=Level.PROVINCE):
            access.require(by, Permission.PUBLISH, root)
    with transaction.atomic(), connection.cursor() as cursor:
        # One snapshot for every query of the release, so that a page and its parent's page always agree. LOCK TABLE
        # waits for a release in progress before the snapshot is taken; an advisory lock would wait after it.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("LOCK TABLE dashboards_publication IN SHARE ROW EXCLUSIVE MODE")
        release = _next(election)
        release.published_by, release.note = by, note
        pages, release.changed = _store_pages(election, release.number, release.cut_off)
        _sign(release, pages)
        release.save(force_insert=True)
        journal.write(
            journal.entry(
                PUBLISHED,
                by=by,
                election=election.code,
                target=_target(election, release.number),
                at=release.cut_off,
                digest=release.digest.hex(),
                changed=release.changed,
                note=note,
            )
        )
    return release


def _next(election: Election) -> Publication:
    """The release after the newest, linked to it and to the journal; its first query takes the snapshot."""
    previous, sealed = election.publications.first(), Seal.objects.last()
    return Publication(
        election=election,
        number=previous.number + 1 if previous else 1,
        cut_off=clock.now(),
        header=proof.NEWEST,
        previous_digest=bytes(previous.digest) if previous else GENESIS,
        journal_head=bytes(sealed.head) if sealed else GENESIS,
    )


def _store_pages(election: Election, number: int, cut_off: datetime) -> tuple[dict[str, bytes], int]:
    """Stores the pages that differ from those in force; returns every page's digest by code, and how many differed."""
    known = {
        code: (bytes(digest), unit)
        for code, digest, unit in proof.in_force(election).values_list("code", "sha256", "unit_id")
    }
    pages, fresh, changed = dict[str, bytes](), list[PublishedPage](), 0
    for code, unit, payload in _everything(election, cut_off, known.keys()):
        pages[code] = digest = proof.page_digest(payload)
        if known.get(code) != (digest, unit):
            fresh.append(
                PublishedPage(election=election, number=number, code=code, unit_id=unit, payload=payload, sha256=digest)
            )
            changed += 1
        if len(fresh) == BATCH:
            PublishedPage.objects.bulk_create(fresh)
            fresh.clear()
    PublishedPage.objects.bulk_create(fresh)
    return pages, changed


def _everything(
    election: Election, cut_off: datetime, known: Set[str]
) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
    """(code, unit id, payload): a page for every unit, then a tombstone for every known code that is no unit's now."""
    unit_of = dict(Unit.objects.filter(election=election).order_by().values_list("code", "pk"))
    for code, payload in build_pages(election, cut_off):
        yield code, unit_of[code], payload
    code_of = {unit: code for code, unit in unit_of.items()}
    for page in proof.in_force(election).filter(code__in=known - unit_of.keys()):
        yield page.code, page.unit_id, tombstone(page, code_of.get(page.unit_id))


def tombstone(page: PublishedPage, successor: str | None) -> dict[str, Any]:
    """The payload for a vanished code: what its last page was called, what became of the unit, and the release
    (`last`) in which that page appeared. The keys of a page with figures are there and empty."""
    fate = Fate.RETIRED if page.unit_id is None else Fate.RENUMBERED if successor else Fate.CLOSED
    return {
        **{key: page.payload[key] for key in ("code", "name", "kind", "level")},
        **{"ancestors": [], "registered_voters": None, "sections": {}, "children": []},
        **{"fate": fate.value, "successor": successor, "last": page.payload.get("last", page.number)},
    }


def _sign(release: Publication, pages: Mapping[str, bytes]) -> None:
    key = keys.signing_key()
    release.pages, release.digest = len(pages), proof.release_digest(release, pages)
    release.signature, release.public_key = key.sign(release.digest), keys.public_half(key)


# --- what does not hold any more ------------------------------------------------------------------------------------


def broken() -> Iterator[str]:
    """Releases whose pages, digest, link, signature or key do not recompute, or that the journal tells otherwise."""
    try:
        trusted = keys.trusted()
    except keys.KeyFault as fault:
        trusted = []
        yield str(fault)
    for election in Election.objects.all():
        releases = list(election.publications.order_by("number").select_related("election", "published_by"))
        before = GENESIS
        for release in releases:
            if proof.release_digest(release, proof.manifest(release)) != bytes(release.digest):
                yield f"release {release}: the digest does not recompute"
            if bytes(release.previous_digest) != before:
                yield f"release {release}: its link to the release before does not recompute"
            yield from _badly_signed(release, trusted)
            before = bytes(release.digest)
        yield from _unlike_the_journal(election, releases)
    for page in PublishedPage.objects.iterator(chunk_size=2_000):
        if proof.page_digest(page.payload) != bytes(page.sha256):
            yield f"page {page.code} of release {page.number}: the content is not what was published"


def _badly_signed(release: Publication, trusted: list[bytes]) -> Iterator[str]:
    key = bytes(release.public_key)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes(release.signature), bytes(release.digest))
    except (InvalidSignature, ValueError):
        yield f"release {release}: the signature is not that of its key"
    if trusted and key not in trusted:
        yield f"release {release}: signed by another key ({key.hex()[:16]}...) than the agency's"


def _unlike_the_journal(election: Election, releases: list[Publication]) -> Iterator[str]:
    """The journal holds who published what, with which note; and each release holds the head of the journal."""
    events = {event.target: event for event in Event.objects.filter(verb=PUBLISHED, election=election.code)}
    named = [bytes(release.journal_head) for release in releases if release.journal_head is not None]
    heads = {bytes(head) for head in Seal.objects.filter(head__in=named).values_list("head", flat=True)} | {GENESIS}
    for release in releases:
        event = events.pop(_target(election, release.number), None)
        if event is None:
            yield f"release {release}: the journal does not know it"
            continue
        told = {"digest": event.detail.get("digest"), "publisher": event.actor, "note": event.detail.get("note")}
        held = {
            "digest": bytes(release.digest).hex(),
            "publisher": release.published_by.username if release.published_by else "",
            "note": release.note,
        }
        for what, value in told.items():
            if value is not None and value != held[what]:  # the first releases' events held no note
                yield f"release {release}: the journal says another {what}"
        if release.journal_head is not None and bytes(release.journal_head) not in heads:
            yield f"release {release}: no seal of the journal has the head it was signed with"
    for target in events:
        yield f"release {target}: the journal says it was published, and it is not there"


def _target(election: Election, number: int) -> str:
    return f"{election.code} v{number}"
