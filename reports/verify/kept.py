"""What is kept beside the reports: photos, instruments, and the tables that only their verbs may write.

Tree, terms, accounts and figures of the KPU have no history of their own: the newest digest in the journal is compared
with the table (reports/journal/covered.py). Where no event carries one yet, nothing is claimed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache

from django.db import connection
from django.db.models import Q

from reports.calendar.models import InstrumentVersion
from reports.filing import evidence
from reports.filing.models import Evidence
from reports.journal import covered
from reports.journal.models import Event
from reports.verify.filed import named

PHOTOS_AT_ONCE = 500  # rows
NEWEST = """
SELECT DISTINCT ON (s.key) s.key, s.value FROM reports_event e, jsonb_each_text(e.detail->'state') AS s
WHERE jsonb_typeof(e.detail->'state') = 'object' ORDER BY s.key, e.id DESC
"""


BY_VERB = Q(verb__startswith="tree.") | Q(verb__startswith="roster.") | Q(verb="references.loaded")
UNCOVERED = BY_VERB & ~Q(verb="roster.rehash") & ~Q(detail__has_key="state")


def broken_tables() -> Iterator[str]:
    """Tables whose content is not what the last verb left."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        told = dict(cursor.fetchall())
    now = covered.digests(*covered.ALL)
    for key in sorted(told):
        if told[key] != now.get(key, ""):
            yield f"{key}: not as its last event left it"
    # Where one key is covered, so is every other of its kind: each came by a verb. Of an election that was there before
    # verbs covered what they write, a key is claimed only once its own verb has come again.
    kinds = {key.split()[0] for key in told}
    older = set(Event.objects.filter(UNCOVERED).values_list("election", flat=True).distinct())
    for key in sorted(now.keys() - told.keys()):
        kind, *place = key.split()
        if kind in kinds and (place[0] if place else "") not in older:
            yield f"{key}: no event tells of it"


ACCOUNTS = """
WITH last AS (
    SELECT DISTINCT ON (name) detail->>'username' AS name, detail->>'secret' AS secret FROM reports_event
    WHERE verb LIKE 'roster.%%' AND (detail ? 'secret' OR verb IN ('roster.activate', 'roster.renew_code'))
    ORDER BY name, id DESC
)
SELECT u.username, u.password, last.name, last.secret FROM hierarchy_user u LEFT JOIN last ON last.name = u.username
"""


def broken_accounts() -> Iterator[str]:
    """Passwords and codes that were changed by no verb. Events from before they were covered claim nothing.

    Of an account that nobody has activated, only that it has no password: its code may have been exchanged.
    """
    now = covered.secrets()
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        for username, password, told, secret in cursor.fetchall():
            if told is None and password and not password.startswith("!"):
                yield f"account {username}: it has a password, and no event tells of its activation"
            elif secret is not None and secret != now[username]:
                yield f"account {username}: password or code are not as its last event left them"


INSTRUMENT_LAWS = {
    "instrument {} v{}: published without an event, or with another source": """
        SELECT i.code, v.number FROM reports_instrumentversion v JOIN reports_instrument i ON i.id = v.instrument_id
        WHERE NOT EXISTS (SELECT 1 FROM reports_event e WHERE e.verb = 'instrument.published'
            AND e.target = i.code || ' v' || v.number AND e.detail->>'source_sha256' = v.source_sha256)""",
    "instrument {}: the journal tells that it was published, and it is not there": """
        SELECT e.target FROM reports_event e WHERE e.verb = 'instrument.published' AND NOT EXISTS (
            SELECT 1 FROM reports_instrumentversion v JOIN reports_instrument i ON i.id = v.instrument_id
            WHERE e.target = i.code || ' v' || v.number)""",
    "instrument {} v{}: whether it was withdrawn is other than the journal tells": """
        SELECT i.code, v.number FROM reports_instrumentversion v JOIN reports_instrument i ON i.id = v.instrument_id
            LEFT JOIN reports_event e ON e.verb = 'instrument.withdrawn' AND e.target = i.code || ' v' || v.number
        WHERE (v.withdrawn_at IS NOT NULL) <> (e.id IS NOT NULL) OR v.withdrawn_reason <> e.detail->>'reason'""",
    "window {}: opened without an event, or at another time": """
        SELECT w.id FROM reports_window w WHERE w.opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reports_event e
            WHERE e.verb = 'window.opened' AND e.target = w.id::text AND e.at = w.opened_at)""",
    "window {}: it asks another version than the journal tells": """
        WITH last AS (
            SELECT DISTINCT ON (target) target, detail->>'version' AS number FROM reports_event
            WHERE verb IN ('window.opened', 'window.repinned') AND detail ? 'version' ORDER BY target, id DESC
        )
        SELECT w.id FROM reports_window w JOIN reports_instrumentversion v ON v.id = w.version_id
            LEFT JOIN last ON last.target = w.id::text
        WHERE v.number::text <> last.number OR v.instrument_id <> w.instrument_id""",
    "window {}: the journal tells that it was opened, and it is not open": """
        SELECT e.target FROM reports_event e WHERE e.verb = 'window.opened' AND NOT EXISTS (
            SELECT 1 FROM reports_window w WHERE w.id::text = e.target AND w.opened_at IS NOT NULL)""",
}


def broken_instruments() -> Iterator[str]:
    """Instruments against their source and the journal; windows against the journal."""
    published = Event.objects.filter(verb="instrument.published", detail__has_key="digest")
    told = dict(published.values_list("target", "detail__digest"))
    for version in InstrumentVersion.objects.select_related("instrument").order_by("pk").iterator(chunk_size=20):
        name, digest = f"{version.instrument.code} v{version.number}", bytes(version.digest).hex()
        if hashlib.sha256(version.source).hexdigest() != version.source_sha256:
            yield f"instrument {name}: its source is not what was published"
        if not digest == covered.schema_sha256(version.schema) == told.get(name, digest):
            yield f"instrument {name}: its questions are not those that were published"
    yield from named(INSTRUMENT_LAWS)


# Photos from before the first such event are known by their row and their file alone.
EVIDENCE_LAWS = {
    "photo {}: kept without an event, or otherwise than the journal tells": """
        SELECT p.id FROM reports_evidence p JOIN hierarchy_user u ON u.id = p.uploaded_by_id
        WHERE p.id >= (SELECT min(target::bigint) FROM reports_event WHERE verb = 'evidence.stored') AND NOT EXISTS (
            SELECT 1 FROM reports_event e WHERE e.verb = 'evidence.stored' AND e.target = p.id::text
                AND e.actor = u.username AND e.detail->>'sha256' = p.sha256
                AND e.detail->>'original_sha256' = p.original_sha256)""",
    "photo {}: the journal tells that it was kept, and it is not there": """
        SELECT e.target FROM reports_event e WHERE e.verb = 'evidence.stored'
            AND NOT EXISTS (SELECT 1 FROM reports_evidence p WHERE p.id::text = e.target)
            AND NOT EXISTS (SELECT 1 FROM reports_event s WHERE s.verb = 'evidence.swept' AND s.target = e.target)""",
}


def broken_evidence() -> Iterator[str]:
    """Every photo's row by the journal."""
    yield from named(EVIDENCE_LAWS)


def broken_photos() -> Iterator[str]:
    """Every photo's file by its hash. Its row never changes, so this needs no snapshot, and keeps none open while the
    disk reads: rows are asked for some at a time, and no longer held once they are here."""
    last, unnamed = 0, cache(evidence.unnamed)  # asked for at the first missing file: it reads every version there is
    while found := list(Evidence.objects.filter(pk__gt=last).order_by("pk")[:PHOTOS_AT_ONCE]):
        for photo in found:
            if fault := _fault_of_file(photo, unnamed):
                yield f"photo {photo.pk}: its file {photo.file.name} {fault}"
        last = found[-1].pk


def _fault_of_file(photo: Evidence, unnamed: Callable[[], set[int]]) -> str:
    try:
        with photo.file.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        # Swept a moment ago; or of a backup: its row was still in the dump when the file had been swept.
        swept = photo.pk in unnamed() or not Evidence.objects.filter(pk=photo.pk).exists()
        return "" if swept else "cannot be read"
    return "" if found == photo.sha256 else "is not what was handed in"
