"""Who is told what, and when: the ladder of reminders, as a table, and the digests it makes.

A tick inserts a notice for every rung whose moment has come, once for ever by a unique constraint, and gathers the new
ones into one message per person and carrier, all in one transaction. Two beats, a redelivered task or a crash half-way
therefore tell nobody twice; a tick that was missed is made up by the next, and after a long outage only the newest rung
fires. What leaves the house, and that it leaves once, is reports/reminders/delivery.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.urls import reverse
from django.utils.translation import gettext as _

from hierarchy.access import ROLES, Permission
from hierarchy.lib import clock, formats
from hierarchy.lib.clock import WITA
from hierarchy.models import User
from reports.calendar.labels import title_of
from reports.obligations.models import Obligation
from reports.reminders import push, wording
from reports.reminders.models import Carrier, Message, Notice

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUIET_FROM, QUIET_UNTIL = time(21, 0), time(6, 0)  # WITA; nobody is woken, but on the night of the deadline itself
NAMED = 5  # reports that a message names; the rest is a number
EFFECT = timedelta(minutes=30)


# What can no longer be filed need not be asked for; what was opened too late for a rung was never silent at it.
STILL_OPEN = "o.closes_at > %(now)s::timestamptz AND w.opened_at <= o.due_at + %(after)s::interval"


@dataclass(frozen=True)
class Rung:
    """A rung: what the clock counts from, after how long, for how long it is still worth saying, and to whom.

    clock  SQL over obligation `o` and its report `r`; NULL: nothing to count from
    turn   SQL: what a notice is once for; a new deadline or a new revision makes the rung fire anew
    only   SQL: further conditions
    level  levels above the filing unit: 0 whoever files, 1 the direct superior, 2 and 3 above
    """

    state: str
    clock: str
    turn: str
    after: timedelta
    lasts: timedelta
    level: int
    permission: Permission
    only: str = "TRUE"


def _deadline(after: timedelta, lasts: timedelta, level: int) -> Rung:
    permission = Permission.REVIEW if level else Permission.FILE
    return Rung("OWED", "o.due_at", "o.due_at::text", after, lasts, level, permission, STILL_OPEN)


_REVISION = "'r' || r.revision"
LADDER: dict[str, Rung] = {
    "h-60": _deadline(-HOUR, HOUR, 0),
    "h0": _deadline(timedelta(0), 30 * MINUTE, 0),
    "h0-atasan": _deadline(timedelta(0), 30 * MINUTE, 1),
    "h+30": _deadline(30 * MINUTE, 90 * MINUTE, 0),
    "h+30-atasan": _deadline(30 * MINUTE, 90 * MINUTE, 2),
    "h+120": _deadline(2 * HOUR, 12 * HOUR, 3),
    "returned": Rung("RETURNED", "coalesce(r.correct_by, o.due_at)", _REVISION, -8 * DAY, 8 * DAY, 0, Permission.FILE),
    "review-24h": Rung("FILED", "r.filed_at", _REVISION, DAY, DAY, 1, Permission.REVIEW),
    "review-48h": Rung("FILED", "r.filed_at", _REVISION, 2 * DAY, 3 * DAY, 2, Permission.REVIEW),
}
URGENT = frozenset(name for name, rung in LADDER.items() if rung.state == "OWED")
assert LADDER.keys() == wording.KINDS.keys()

# The transaction's own clock is not the application's, which may be moved: `now` always comes from outside.
FIRE = """
INSERT INTO reports_notice (obligation_id, user_id, rung, turn, fired_at)
SELECT DISTINCT o.id, m.user_id, %(rung)s, {turn}, %(now)s::timestamptz
FROM reports_obligation o
    JOIN reports_window w ON w.id = o.window_id AND w.opened_at IS NOT NULL
    JOIN hierarchy_unit u0 ON u0.id = o.filer_id
    {climb}
    JOIN hierarchy_membership m ON m.unit_id = u{level}.id AND m.role = ANY(%(roles)s::text[])
        AND m.since <= %(day)s AND (m.until IS NULL OR m.until >= %(day)s)
    JOIN hierarchy_user a ON a.id = m.user_id AND a.is_active
    LEFT JOIN reports_report r ON r.obligation_id = o.id
WHERE o.state = %(state)s
    AND {clock} <= %(now)s::timestamptz - %(after)s::interval
    AND {clock} > %(now)s::timestamptz - %(after)s::interval - %(lasts)s::interval
    AND {only}
    -- What was told is left out before it is tried: a rung is looked at every tick for as long as it lasts.
    AND NOT EXISTS (SELECT FROM reports_notice n
        WHERE n.obligation_id = o.id AND n.user_id = m.user_id AND n.rung = %(rung)s AND n.turn = {turn})
ON CONFLICT (obligation_id, user_id, rung, turn) DO NOTHING
RETURNING id"""


def tick(at: datetime | None = None) -> int:
    """Fires every rung whose moment has come and writes the messages that say so; returns how many messages."""
    now = at or clock.now()
    with transaction.atomic():
        fired = [notice for name in LADDER for notice in _fire(name, now)]
        return _write(fired, now) if fired else 0


def _fire(name: str, now: datetime) -> list[int]:
    rung = LADDER[name]
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "rung": name,
            "now": now,
            "day": now.astimezone(WITA).date(),
            "roles": _roles(rung.permission),
            "state": rung.state,
            "after": rung.after,
            "lasts": rung.lasts,
        }
        cursor.execute(_statement(name), values)
        return [row[0] for row in cursor.fetchall()]


@cache
def _statement(name: str) -> str:
    rung = LADDER[name]
    climb = "\n    ".join(
        f"JOIN hierarchy_unit u{up} ON u{up}.id = u{up - 1}.parent_id" for up in range(1, rung.level + 1)
    )
    return FIRE.format(turn=rung.turn, clock=rung.clock, only=rung.only, climb=climb, level=rung.level)


def _roles(permission: Permission) -> list[str]:
    return [role.value for role, spec in ROLES.items() if permission in spec.permissions]


# --- digests --------------------------------------------------------------------------------------------------------


def _write(fired: list[int], now: datetime) -> int:
    """One message per person and carrier for the notices that are new; two inserts however many there are."""
    mine = defaultdict(list)
    for notice in notices(fired):
        mine[notice.user_id].append(notice)
    people, devices = User.objects.in_bulk(list(mine)), push.devices_of(mine)
    texts, messages = wording.in_force(), []
    for user_id, told in mine.items():
        text, later = compose(people[user_id], told, texts), not_before(told, now)
        for carrier, address in addresses(people[user_id], devices.get(user_id, ())):
            inside = carrier == Carrier.APP  # it disturbs nobody and waits for nothing
            messages.append(
                Message(
                    user_id=user_id,
                    carrier=carrier,
                    address=address,
                    subject=text.subject[:200],
                    body=text.body,
                    state=Message.State.SENT if inside else Message.State.WAITING,
                    made_at=now,
                    not_before=now if inside else later,
                    sent_at=now if inside else None,
                )
            )
    made = Message.objects.bulk_create(messages, batch_size=2_000)
    carried = Notice.messages.through
    links = [carried(message_id=each.pk, notice_id=told.pk) for each in made for told in mine[each.user_id]]
    carried.objects.bulk_create(links, batch_size=5_000)
    return len(made)


def notices(keys: Iterable[int]) -> list[Notice]:
    """Notices with what their words need; one query."""
    rows = Notice.objects.filter(pk__in=list(keys)).select_related(
        "obligation__window__instrument", "obligation__subject__village", "obligation__report"
    )
    return list(rows.order_by("obligation__due_at", "obligation__subject__code", "pk"))


def matters(notice: Notice) -> bool:
    """Whether what the notice speaks of still is so: the report is still owed, still returned, still unread."""
    obligation = notice.obligation
    if obligation.state != LADDER[notice.rung].state:
        return False
    report = getattr(obligation, "report", None)
    return LADDER[notice.rung].turn != _REVISION or notice.turn == f"r{report.revision if report else 0}"


def compose(user: User, told: Sequence[Notice], texts: dict[str, wording.RungText]) -> wording.RungText:
    """One text for all that is to be said to a person now: a paragraph for each rung, the ladder's order."""
    by_rung: dict[str, list[Notice]] = defaultdict(list)
    for notice in told:
        by_rung[notice.rung].append(notice)
    parts = [
        texts[rung].filled(_values(user, [notice.obligation for notice in by_rung[rung]], rung))
        for rung in LADDER
        if rung in by_rung
    ]
    address = settings.SITE_URL.rstrip("/") + reverse("tasks")
    body = "\n\n".join([*(part.body for part in parts), _("Buka: %(address)s") % {"address": address}])
    return wording.RungText(parts[-1].subject, body)


def _values(user: User, obligations: list[Obligation], rung: str) -> dict[str, str]:
    named = [f"{title_of(obligation.window)}, {obligation.subject.title}" for obligation in obligations[:NAMED]]
    if len(obligations) > NAMED:
        named.append(_("dan %(count)s lagi") % {"count": formats.number(len(obligations) - NAMED)})
    return {
        "jumlah": formats.number(len(obligations)),
        "daftar": "; ".join(named),
        "tenggat": formats.moment(min(_wanted(obligation, rung) for obligation in obligations)),
        "nama": user.name,
    }


def _wanted(obligation: Obligation, rung: str) -> datetime:
    if LADDER[rung].state == "RETURNED" and obligation.report.correct_by is not None:
        return obligation.report.correct_by
    return obligation.due_at


def addresses(user: User, devices: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The carriers that reach a person, with where: always in the application and on the devices they chose, further
    by what is configured."""
    found = [(Carrier.APP.value, "")]
    if user.email and settings.EMAIL_HOST:
        found.append((Carrier.EMAIL.value, user.email))
    if (phone := formats.phone_digits(user.phone)) and settings.GATEWAY_URL:
        found.append((Carrier.GATEWAY.value, phone))
    return found + [(Carrier.PUSH.value, device) for device in devices]


def not_before(told: Iterable[Notice], now: datetime) -> datetime:
    """Now, or the end of the quiet hours; not on the night whose deadline it is."""
    here = now.astimezone(WITA)
    if QUIET_UNTIL <= here.time() < QUIET_FROM:
        return now
    tonight = here.date() if here.time() >= QUIET_FROM else here.date() - DAY
    begins = datetime.combine(tonight, time(12, 0), WITA)
    ends = datetime.combine(tonight + DAY, QUIET_UNTIL, WITA)
    if any(each.rung in URGENT and begins <= each.obligation.due_at <= ends for each in told):
        return now
    return ends


def mark_read(user: User) -> int:
    """Everything a person was told in the application is read by now."""
    return Message.objects.filter(user=user, carrier=Carrier.APP, read_at=None).update(read_at=clock.now())


# --- effect ---------------------------------------------------------------------------------------------------------


TO_FILERS = [name for name, rung in LADDER.items() if rung.level == 0 and rung.state == "OWED"]


def reminded_q(*, prompt: bool = False) -> Q:
    """Obligations whose filer was reminded of them; with `prompt` those filed within EFFECT of a reminder."""
    told = Notice.objects.filter(rung__in=TO_FILERS)
    if prompt:
        soon = F("fired_at") + Value(EFFECT)
        told = told.filter(obligation__first_filed_at__gte=F("fired_at"), obligation__first_filed_at__lte=soon)
    return Q(pk__in=told.order_by().values("obligation"))
