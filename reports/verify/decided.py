"""What bodies decided: meetings, lists, agenda, votes and findings against what the journal tells of them, both ways.

The journal of one meeting is told again, event by event (`_Told`), and the rows must be what it ends with. Times of a
row and of its event are taken one after the other, so they may differ by seconds.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reports.findings import content
from reports.findings.models import Finding
from reports.journal.covered import sha256_of
from reports.journal.models import Event
from reports.plenary.models import AgendaItem, Minutes, Plenary, Vote
from reports.verify.filed import named

SAME = timedelta(minutes=1)
DECIDED = {"ratified": "RATIFIED", "rejected": "REJECTED"}


# What an event of a meeting leaves it as; "presided": somebody took the chair in place of who had left.
STATES = {"called": "CALLED", "opened": "OPEN", "presided": "OPEN", "closed": "CLOSED", "cancelled": "CANCELLED"}


@dataclass
class _JournalPlenary:
    """A meeting as its events tell it."""

    state: str = ""
    detail: dict[str, dict[str, Any]] = field(default_factory=dict)  # of called, opened, closed, cancelled
    at: dict[str, datetime] = field(default_factory=dict)
    present: dict[str, bool] = field(default_factory=dict)  # username -> in the room in the end
    excused: dict[str, str] = field(default_factory=dict)
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    votes: dict[tuple[int, str], tuple[dict[str, Any], datetime]] = field(default_factory=dict)
    minutes: str | None = None  # SHA-256 of the file

    def hear(self, event: Event) -> None:
        what = event.verb.partition(".")[2]
        detail, item = event.detail, event.detail.get("item")
        if what in STATES:
            self.state = STATES[what]
            self.detail[what], self.at[what] = detail, event.at
        elif what in ("arrived", "left"):
            self.present[detail["member"]] = what == "arrived"
            self.excused.pop(detail["member"], None)
        elif what == "excused":
            self.excused[detail["member"]] = detail["reason"]
        elif what == "struck":
            self.present.pop(detail["member"], None)
            self.excused.pop(detail["member"], None)
        elif what == "removed":
            self.items.pop(item, None)
        elif what == "voted":
            self.votes[item, event.actor] = (detail, event.at)
        elif event.verb == "minutes.kept":
            self.minutes = detail["sha256"]
        elif what == "postponed":
            self.items[item] |= {"decision": "POSTPONED", "note": detail["reason"], "at": event.at}
        elif what in ("added", "refreshed", *DECIDED):
            known = self.items.setdefault(item, {"decision": "PENDING"})
            known |= detail | {"at": event.at, "decision": DECIDED.get(what, known["decision"])}


def broken_meetings() -> Iterator[str]:
    """Plenaries, their lists of attendance, agenda items and votes."""
    told: dict[str, _JournalPlenary] = defaultdict(_JournalPlenary)
    for event in Event.objects.filter(target__startswith="pleno-").order_by("id").iterator(chunk_size=2_000):
        told[event.target].hear(event)
    minutes = _minutes()
    rows = Plenary.objects.select_related("presided_by").order_by("pk")
    for meeting in rows.prefetch_related("attendance__user", "items__votes__user").iterator(chunk_size=200):
        known = told.pop(f"pleno-{meeting.pk}", None)
        name = f"plenary {meeting.pk}"
        if known is None:
            yield f"{name}: called without an event"
            continue
        yield from (f"{name}: {fault}" for fault in _of_meeting(meeting, known))
        if known.minutes != minutes.pop(meeting.pk, None):
            yield f"{name}: its minutes are not those that were kept"
        yield from (f"{name}: {fault}" for fault in _of_attendance(meeting, known))
        yield from (f"{name}: {fault}" for fault in _of_items(list(meeting.items.all()), known))
    yield from (f"plenary {target[6:]}: the journal tells of it, and it is not there" for target in told)
    yield from named(QUORUM_LAWS)


def _minutes() -> dict[int, str]:
    """Plenary -> SHA-256 (hex) of the file of its minutes; "" where that is not the hash beside it."""
    found = {}
    for row in Minutes.objects.iterator(chunk_size=20):
        file = hashlib.sha256(row.pdf).digest()
        found[row.plenary_id] = file.hex() if file == bytes(row.sha256) else ""
    return found


def _of_meeting(meeting: Plenary, told: _JournalPlenary) -> Iterator[str]:
    if meeting.state != told.state:
        yield f"its state is {meeting.state}, in the journal {told.state}"
    called, opened = told.detail.get("called", {}), told.detail.get("opened")
    closed, cancelled = told.detail.get("closed"), told.detail.get("cancelled")
    presider = meeting.presided_by.username if meeting.presided_by else None
    facts = [
        ("place", called.get("place"), meeting.place),
        ("time", datetime.fromisoformat(called["meets_at"]) if called else None, meeting.meets_at),
        ("publicity", called.get("public"), meeting.public),
        ("presider", (told.detail.get("presided") or opened)["presider"] if opened else None, presider),
        ("members", opened["of"] if opened else None, meeting.members),
        ("number of minutes", closed["minutes"] if closed else "", meeting.minutes_number),
        ("reason", cancelled["reason"] if cancelled else "", meeting.cancelled_reason),
        ("notes", (closed or {}).get("notes_sha256", sha256_of(meeting.notes)), sha256_of(meeting.notes)),
    ]
    yield from (f"its {name} is not what the journal tells" for name, kept, row in facts if kept != row)
    for name, moment in (("called", meeting.called_at), ("opened", meeting.opened_at), ("closed", meeting.closed_at)):
        if not _same(told.at.get(name), moment):
            yield f"it was not {name} when the journal tells"


def _of_attendance(meeting: Plenary, told: _JournalPlenary) -> Iterator[str]:
    rows = {row.user.username: row for row in meeting.attendance.all()}
    for member in sorted(rows.keys() | told.present.keys() | told.excused.keys()):
        row = rows.get(member)
        came = row is not None and row.arrived_at is not None
        there = row is not None and row.present
        if (came, there) != (member in told.present, told.present.get(member, False)):
            yield f"whether {member} was there is other than the journal tells"
        if (row.absence if row else "") != told.excused.get(member, ""):
            yield f"why {member} was absent is other than the journal tells"


def _of_items(items: list[AgendaItem], told: _JournalPlenary) -> Iterator[str]:
    rows = {item.pk: item for item in items}
    for pk in sorted(rows.keys() ^ told.items.keys()):
        yield f"item {pk}: " + (
            "on the agenda without an event" if pk in rows else "the journal tells of it, it is gone"
        )
    for pk in sorted(rows.keys() & told.items.keys()):
        item, kept = rows[pk], told.items[pk]
        facts = [
            ("decision", kept["decision"], item.decision),
            ("content", kept.get("sha256"), bytes(item.sha256).hex()),
            ("version", kept.get("version"), item.version),
            ("mode", kept.get("mode", ""), item.mode),
            ("window or finding", (kept.get("window"), kept.get("finding")), (item.window_id, item.finding_id)),
            ("note", kept.get("note", ""), item.note),
            ("reason", kept.get("reason", ""), item.reason),
        ]
        yield from (f"item {pk}: its {name} is not what the journal tells" for name, old, new in facts if old != new)
        if item.decided_at and not _same(kept["at"], item.decided_at):
            yield f"item {pk}: it was not decided when the journal tells"
    votes = {(item.pk, vote.user.username): vote for item in items for vote in item.votes.all()}
    for key in sorted(votes.keys() | told.votes.keys()):
        yield from (
            f"item {key[0]}: the vote of {key[1]} {fault}" for fault in _of_vote(votes.get(key), told.votes.get(key))
        )


def _of_vote(vote: Vote | None, told: tuple[dict[str, Any], datetime] | None) -> Iterator[str]:
    if vote is None or told is None:
        yield "is in the journal alone" if vote is None else "was cast without an event"
        return
    detail, at = told
    dissent = detail.get("dissent_sha256", sha256_of(vote.dissent))
    if (detail["choice"], detail["sha256"], dissent) != (vote.choice, bytes(vote.seen).hex(), sha256_of(vote.dissent)):
        yield "is not what the journal tells"
    if not _same(at, vote.cast_at):
        yield "was not cast when the journal tells"


def _same(one: datetime | None, other: datetime | None) -> bool:
    return one is other is None or (one is not None and other is not None and abs(one - other) <= SAME)


QUORUM_LAWS = {
    "quorum of unit {}: other than the journal tells": """
        WITH last AS (
            SELECT DISTINCT ON (target) target, verb, actor, detail FROM reports_event
            WHERE verb IN ('quorum.set', 'quorum.unset') ORDER BY target, id DESC
        )
        SELECT coalesce(q.unit_id::text, last.target)
        FROM (SELECT q.*, u.username FROM reports_quorum q JOIN hierarchy_user u ON u.id = q.set_by_id) q
            FULL JOIN last ON last.target = q.unit_id::text
        WHERE (q.id IS NOT NULL) <> (last.verb IS NOT DISTINCT FROM 'quorum.set') OR q.id IS NOT NULL AND
            (q.needed::text, q.reason, q.username) IS DISTINCT FROM
                (last.detail->>'needed', last.detail->>'reason', last.actor)"""
}


def broken_findings() -> Iterator[str]:
    """Findings: status by their events and their plenary, content by the digest of the newest event that has one."""
    told: dict[str, dict[str, Any]] = {}
    for event in Event.objects.filter(target__startswith="temuan-").order_by("id").iterator(chunk_size=2_000):
        known = told.setdefault(event.target, {})
        if event.verb == "finding.recorded":
            known["status"] = Finding.Status.SUSPECTED
        elif event.verb == "finding.decided":
            known["status"] = event.detail["status"]
        elif event.verb == "finding.extended":
            known["status"] = Finding.Status.EXTENDED
        known |= {name: event.detail[name] for name in ("content",) if name in event.detail}
    ratified = set(AgendaItem.objects.exclude(decision="PENDING").values_list("finding_id", "matter", "decision"))
    for finding in content.whole().iterator(chunk_size=200):
        name, known = f"finding {finding.pk}", told.pop(f"temuan-{finding.pk}", {})
        if "status" not in known:
            yield f"{name}: recorded without an event"
        elif known["status"] != finding.status:
            yield f"{name}: its status is {finding.status}, in the journal {known['status']}"
        if known.get("content", content.fingerprint(finding)) != content.fingerprint(finding):
            yield f"{name}: its content is not what its last event left"
        if (decided := NEEDS.get(finding.status)) and (finding.pk, *decided) not in ratified:
            yield f"{name}: {finding.status} without a decision of its plenary"
    yield from (f"finding {target[7:]}: the journal tells of it, and it is not there" for target in told)


NEEDS: dict[str, tuple[str, str]] = {
    Finding.Status.FOUND: ("FINDING", "RATIFIED"),
    Finding.Status.EXTENDED: ("FINDING", "RATIFIED"),
    Finding.Status.DISMISSED: ("FINDING", "REJECTED"),
    Finding.Status.CONCLUDED: ("OUTCOME", "RATIFIED"),
}
