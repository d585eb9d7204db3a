"""The only writer of publications: freezes the approved figures, signs them, links them to the release before.

The public reads nothing else, so unapproved data cannot leak through a forgotten filter and a published number never
changes silently: a correction is a new number. Aggregates only; texts, photos and names are exempt from disclosure.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import connection, transaction

from dashboards.figures import public_cells, public_problems
from dashboards.models import Publication, PublishedPage
from dashboards.public import canonical
from dashboards.standing import standing
from hierarchy import access, clock
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.models import Election, Unit, User
from reports import journal
from reports.findings import confirmed
from reports.models import Window
from reports.rollup import COUNTS

GENESIS = bytes(32)
BATCH = 2_000  # pages held at once


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
        previous = election.publications.first()
        cut_off = clock.now()
        number = previous.number + 1 if previous else 1
        pages, changed = _store_pages(election, number)
        publication = _sign(election, number, cut_off, previous, pages)
        publication.changed, publication.published_by, publication.note = changed, by, note
        publication.save(force_insert=True)
        journal.write(
            journal.entry(
                "figures.published",
                by=by,
                election=election.code,
                target=f"{election.code} v{number}",
                at=cut_off,
                digest=publication.digest.hex(),
                changed=changed,
            )
        )
    return publication


def _store_pages(election: Election, number: int) -> tuple[dict[str, bytes], int]:
    """Stores the pages that differ from those in force; returns every page's digest by code, and how many differed."""
    known, pages, changed = manifest(election), dict[str, bytes](), 0
    fresh: list[PublishedPage] = []
    for code, payload in build_pages(election):
        pages[code] = digest = page_digest(payload)
        if known.get(code) != digest:
            fresh.append(PublishedPage(election=election, number=number, code=code, payload=payload, sha256=digest))
            changed += 1
        if len(fresh) == BATCH:
            PublishedPage.objects.bulk_create(fresh)
            fresh.clear()
    PublishedPage.objects.bulk_create(fresh)
    return pages, changed


def page_digest(payload: dict[str, Any]) -> bytes:
    """SHA-256 of the payload as canonical JSON (sorted keys, no spaces, UTF-8), 32 bytes."""
    return hashlib.sha256(canonical(payload)).digest()


def release_digest(election: str, number: int, cut_off: datetime, previous: bytes, pages: dict[str, bytes]) -> bytes:
    """SHA-256 over the lines of a release joined by newlines, 32 bytes."""
    lines = release_lines(election, number, cut_off, previous, pages)
    return hashlib.sha256("\n".join(lines).encode()).digest()


def release_lines(election: str, number: int, cut_off: datetime, previous: bytes, pages: dict[str, bytes]) -> list[str]:
    """ "election number cut-off(UTC) previous-digest", then "code sha256" per page, sorted by code."""
    head = f"{election} {number} {cut_off.astimezone(UTC).isoformat()} {previous.hex()}"
    return [head, *(f"{code} {pages[code].hex()}" for code in sorted(pages))]


def manifest(election: Election, number: int | None = None) -> dict[str, bytes]:
    """Unit code -> digest of the page in force at a release (default: the latest)."""
    pages = PublishedPage.objects.filter(election=election)
    if number is not None:
        pages = pages.filter(number__lte=number)
    rows = pages.order_by("code", "-number").distinct("code").values_list("code", "sha256")
    return {code: bytes(digest) for code, digest in rows}


def _sign(
    election: Election, number: int, cut_off: datetime, previous: Publication | None, pages: dict[str, bytes]
) -> Publication:
    before = bytes(previous.digest) if previous else GENESIS
    digest = release_digest(election.code, number, cut_off, before, pages)
    key = signing_key()
    return Publication(
        election=election,
        number=number,
        cut_off=cut_off,
        pages=len(pages),
        digest=digest,
        previous_digest=before,
        signature=key.sign(digest),
        public_key=key.public_key().public_bytes_raw(),
    )


def signing_key() -> Ed25519PrivateKey:
    """The agency's key from PUBLICATION_KEY (hex), else one made once and kept in KEY_DIR with mode 0600."""
    if settings.PUBLICATION_KEY:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings.PUBLICATION_KEY))
    path = settings.KEY_DIR / "publication.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(Ed25519PrivateKey.generate().private_bytes_raw().hex())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def broken() -> Iterator[str]:
    """Releases whose pages, digest, link or signature do not recompute."""
    for election in Election.objects.all():
        before = GENESIS
        for release in election.publications.order_by("number"):
            pages = manifest(election, release.number)
            digest = release_digest(election.code, release.number, release.cut_off, before, pages)
            if digest != bytes(release.digest) or before != bytes(release.previous_digest):
                yield f"publication {release}: the digest does not recompute"
            try:
                Ed25519PublicKey.from_public_bytes(bytes(release.public_key)).verify(
                    bytes(release.signature), bytes(release.digest)
                )
            except InvalidSignature:
                yield f"publication {release}: the signature is not that of its key"
            before = bytes(release.digest)
    for page in PublishedPage.objects.iterator(chunk_size=2_000):
        if page_digest(page.payload) != bytes(page.sha256):
            yield f"page {page.code} of release {page.number}: the content is not what was published"


# --- what a page says ----------------------------------------------------------------------------------------------


def build_pages(election: Election) -> Iterator[tuple[str, dict[str, Any]]]:
    """(code, payload) for every unit of the election: its sections, and a line for each child.

    A section is one instrument of one stage over all its periods: counts of obligations, and the public sums over
    APPROVED reports; then, from districts up, how many findings its bodies have confirmed, by kind. Units hold no
    names of people and no text. One province is held at a time.
    """
    for province in Unit.objects.filter(election=election, level=Level.PROVINCE).order_by("code"):
        yield from _pages_of(province)


def _pages_of(province: Unit) -> Iterator[tuple[str, dict[str, Any]]]:
    units = {unit.pk: unit for unit in Unit.objects.within(province).order_by("code")}
    sections, findings = _sections(province), confirmed(province)
    children: dict[int, list[Unit]] = defaultdict(list)
    for unit in units.values():
        if unit.parent_id:
            children[unit.parent_id].append(unit)
    for unit in units.values():
        chain = [units[pk] for pk in (unit.province_id, unit.regency_id, unit.district_id, unit.village_id) if pk]
        yield (
            unit.code,
            {
                "code": unit.code,
                "name": unit.name,
                "kind": unit.kind,
                "level": unit.level,
                "ancestors": [[a.code, a.name, a.kind] for a in chain if a.pk != unit.pk],
                "registered_voters": unit.registered_voters,
                "sections": sections.get(unit.pk, {}),
                # Only where there are any, so that a page does not change by what is not there.
                **({"findings": found} if (found := findings.get(unit.pk)) else {}),
                "children": [
                    {
                        "code": child.code,
                        "name": child.name,
                        "kind": child.kind,
                        "counts": {key: section["counts"] for key, section in sections.get(child.pk, {}).items()},
                        "problems": {key: section["problems"] for key, section in sections.get(child.pk, {}).items()},
                    }
                    for child in children[unit.pk]
                ],
            },
        )


def _sections(province: Unit) -> dict[int, dict[str, dict[str, Any]]]:
    """unit id -> "stage/instrument/version" -> section."""
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for window in Window.objects.for_pages(province.election):
        schema = window.version.parsed
        cells = public_cells(schema), public_problems(schema)
        _add(found, window, cells, standing(window, province))
    return found


def _add(found: dict, window: Window, cells: tuple, rows: Iterable[tuple]) -> None:
    values, problems = cells
    name = f"{window.stage.code}/{window.instrument.code}/{window.version.number}"
    for unit_id, *counts, vector in rows:
        section = found[unit_id].setdefault(
            name,
            {
                "stage": window.stage.code,
                "instrument": window.instrument.code,
                "version": window.version.number,
                "counts": dict.fromkeys(COUNTS, 0),
                "values": {},
                "problems": 0,
            },
        )
        for key, count in zip(COUNTS, counts, strict=True):
            section["counts"][key] += count
        if vector is not None:
            section["problems"] += sum(vector[position] for position in problems)
            for key, position in values:
                if vector[position]:  # a value not named is 0: most problems are absent from most stations
                    section["values"][key] = section["values"].get(key, 0) + vector[position]
