"""Digests of what verbs write without a row of history: tree, terms, accounts, passwords, figures of the KPU.

An event of such a verb carries, in `detail["state"]`, a digest of the table as the verb left it; `verify` compares the
newest of each key with the table as it stands. A change by any other way is therefore seen, though not which row it is.
Each digest is computed under the lock its writers hold, so that the newest event is about the newest state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import connection

from hierarchy.levels import CODE_LENGTHS, Level
from hierarchy.lib.canonical import REPORT

# key -> (what it is the digest of, rows of (key's parts..., digest)). A digest is the SHA-256 (hex) of one JSON array a
# row, ordered by id. Every statement takes the election or NULL for all, and the provinces' codes or NULL.
DIGEST = "encode(sha256(convert_to(string_agg({row}::text, E'\\n' ORDER BY {id}), 'UTF8')), 'hex')"
PROVINCE = f"left(u.code, {CODE_LENGTHS[Level.PROVINCE]})"  # a code begins with its province's
UNITS = f"""
SELECT concat_ws(' ', 'units', e.code, {PROVINCE}), {
    DIGEST.format(
        row="jsonb_build_array(u.id, u.code, u.name, u.kind, u.parent_id, u.number, u.registered_voters, u.latitude, "
        "u.longitude, u.tags)",
        id="u.id",
    )
}
FROM hierarchy_unit u JOIN hierarchy_election e ON e.id = u.election_id
WHERE (%(election)s::text IS NULL OR e.code = %(election)s)
    AND (%(provinces)s::text[] IS NULL OR {PROVINCE} = ANY(%(provinces)s)) GROUP BY 1
"""
TERMS = f"""
SELECT concat_ws(' ', 'terms', e.code, {PROVINCE}), {
    DIGEST.format(
        row="jsonb_build_array(m.id, m.user_id, m.unit_id, m.role, m.since, m.until, m.granted_by_id, m.reason)",
        id="m.id",
    )
}
FROM hierarchy_membership m JOIN hierarchy_unit u ON u.id = m.unit_id JOIN hierarchy_election e ON e.id = u.election_id
WHERE (%(election)s::text IS NULL OR e.code = %(election)s)
    AND (%(provinces)s::text[] IS NULL OR {PROVINCE} = ANY(%(provinces)s)) GROUP BY 1
"""
# Neither password nor code, which their owners change all day (`secret`), nor when somebody was last seen.
PEOPLE = f"""
SELECT 'people', {
    DIGEST.format(
        row="jsonb_build_array(u.id, u.username, u.name, u.phone, u.email, u.is_active, u.born_on)", id="u.id"
    )
}
FROM hierarchy_user u HAVING count(*) > 0
"""
REFERENCES = f"""
SELECT concat_ws(' ', 'references', e.code), {
    DIGEST.format(
        row="jsonb_build_array(r.id, r.unit_id, r.instrument, r.question, r.value, r.source, r.imported_by_id, "
        "extract(epoch FROM r.imported_at))",
        id="r.id",
    )
}
FROM reports_reference r JOIN hierarchy_election e ON e.id = r.election_id
WHERE %(election)s::text IS NULL OR e.code = %(election)s GROUP BY 1
"""
ALL = (UNITS, TERMS, PEOPLE, REFERENCES)
OWN = """
SELECT u.username,
    encode(sha256(convert_to(concat_ws(' ', u.username, u.password, u.activation_digest), 'UTF8')), 'hex')
FROM hierarchy_user u WHERE %(username)s::text IS NULL OR u.username = %(username)s
"""


def digests(*statements: str, election: str | None = None, provinces: Iterable[str] | None = None) -> dict[str, str]:
    """Key -> digest (hex) of what is in the tables now; what holds no row has no key."""
    values: dict[str, Any] = {"election": election, "provinces": None if provinces is None else sorted(provinces)}
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)
            found |= dict(cursor.fetchall())
    return found


def of_units(election: str, provinces: Iterable[str]) -> dict[str, str]:
    """Of the units of provinces, one key a province, "" where none is left."""
    wanted = sorted(provinces)
    return {f"units {election} {code}": "" for code in wanted} | digests(UNITS, election=election, provinces=wanted)


def of_terms(election: str, provinces: Iterable[str]) -> dict[str, str]:
    """Of who serves in provinces, one key a province, "" where nobody does."""
    wanted = sorted(provinces)
    return {f"terms {election} {code}": "" for code in wanted} | digests(TERMS, election=election, provinces=wanted)


def secrets(username: str | None = None) -> dict[str, str]:
    """Username -> digest of password and open code: a digest of digests, which tells neither."""
    with connection.cursor() as cursor:
        cursor.execute(OWN, {"username": username})
        return dict(cursor.fetchall())


def schema_sha256(schema: dict[str, Any]) -> str:
    """Of a published schema as it is stored: the digest (hex) it was published with (InstrumentVersion.digest)."""
    return REPORT.sha256(schema).hex()


def sha256_of(words: str) -> str:
    """SHA-256 (hex) of words that the journal does not repeat: a dissent, what was said in a meeting."""
    return hashlib.sha256(words.encode()).hexdigest()
