"""The columns of a filing: write_one.py inserts them, write_many.py copies them (a test holds them to the models)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hierarchy.lib import prepared
from hierarchy.models import User
from reports.instruments.codec import Content


class Columns(dict[str, str]):
    """Column -> the value it takes, by its name in `values`."""

    @property
    def names(self) -> str:
        return ", ".join(self)

    @property
    def parameters(self) -> str:
        """The same as values of a statement; what PostgreSQL cannot tell the type of is cast."""
        return ", ".join(f"%({name})s{CASTS.get(name, '')}" for name in self.values())

    def line(self, cells: Mapping[str, str]) -> str:
        """A line of COPY."""
        return "\t".join([cells[name] for name in self.values()]) + "\n"


WHAT = {"obligation_id": "obligation", "window_id": "window", "counted_in_id": "counted_in"}
CONTENT = {"answers": "answers", "reasons": "reasons", "vector": "vector", "sha256": "sha256"}
FILED = {"filed_by_id": "by", "filed_at": "at"}
REPORT = Columns({"id": "report", **WHAT, "revision": "revision", **CONTENT, **FILED, "remarks": "remarks"})
REVISION = Columns(
    {"report_id": "report", "number": "revision", "based_on": "based_on", "canonical": "canonical", "sha256": "sha256"}
    | {"vector": "vector", "channel": "channel", **FILED, "device_at": "device_at"}
)
EVENT = Columns({name: name for name in ("at", "verb", "actor", "election", "unit", "target", "detail")})
CASTS = {
    **dict.fromkeys(("answers", "reasons", "remarks", "detail"), "::jsonb"),
    **{"vector": "::bigint[]", "based_on": "::smallint", "device_at": "::timestamptz"},
}
# Of a report that is filed anew: everything but what it is about. No reviewer has seen the new content.
REVISED = ", ".join(f"{column} = excluded.{column}" for column in REPORT if column not in {"id", *WHAT})
UNSEEN = "correct_by = NULL, approved_sha256 = NULL, approved_by_id = NULL, approved_at = NULL"
# Of its obligation; {at}: the moment of filing.
OBLIGATION = (
    "state = 'FILED', first_filed_at = coalesce(first_filed_at, {at}), attested_by_id = NULL, attested_reason = ''"
)
ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))  # the backslash first


def values(
    *,
    about: Mapping[str, int],
    report_id: UUID,
    revision: int,
    content: Content,
    by: User,
    at: datetime,
    channel: str,
    device_at: datetime | None,
    event: Mapping[str, Any],
) -> dict[str, Any]:
    """Name -> value of all columns. `about`: the values of WHAT; `event`: those of EVENT."""
    return {
        **about,
        "report": report_id,
        "revision": revision,
        "based_on": revision - 1 or None,
        "answers": _json(content.answers),
        "reasons": _json(content.reasons),
        "remarks": "{}",
        "vector": prepared.array(content.vector),
        "sha256": content.sha256,
        "canonical": content.canonical,
        "by": by.pk,
        "at": at,
        "channel": channel,
        "device_at": device_at,
        **event,
        "detail": _json(event["detail"]),
    }


def cell(value: Any) -> str:
    """A value as a cell of COPY's text."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    for plain, escaped in ESCAPED:  # one by one: `translate` walks a long text letter by letter
        text = text.replace(plain, escaped)
    return text


def _json(value: dict) -> str:
    return msgspec.json.encode(value).decode()
