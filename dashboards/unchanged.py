"""Whether a leaders' page would still say what it said: one statement instead of the page (HTTP 304).

The statement stamps every row the page is made of, table by table, with how many there are and the sum of their `xmin`,
the transaction that wrote each (PostgreSQL). A written row carries a later one, so as long as no row was written, added
or taken away both stay, and otherwise one of them changes, whoever wrote. What lies deeper than the rows of the unit
and its children is stamped through their tallies: whatever an obligation does marks a tally as stale in its own
transaction (reports/rollup/outbox.py), the mark is stamped until it is folded, and a fold writes the tally again even
when its figures come out as they were. Moments are whole minutes, and the minute is part of the tag: so are words that
tell the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.messages import get_messages
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from dashboards.edition import edition
from hierarchy import access
from hierarchy.levels import LEAF, Level
from hierarchy.lib import clock, prepared
from hierarchy.models import Election, Membership, Unit
from hierarchy.web import SignedIn

View = Callable[..., HttpResponseBase]
XMIN = "x.xmin::text::bigint"
LEVEL_OF = {level.spec.code_length: level for level in Level}
# What a page is made of: FROM and WHERE of each table, its rows called x. `here` is the unit with its ancestors, `near`
# it and its children, {area} the column that names it on every unit in it.
EVERYWHERE = {
    "memberships": "hierarchy_membership x WHERE x.user_id = %(user)s",
    "offices": """hierarchy_membership m JOIN hierarchy_unit s ON s.id = m.unit_id
        JOIN hierarchy_unit x ON x.id IN (s.id, s.village_id) WHERE m.user_id = %(user)s""",
    "above": """here JOIN hierarchy_unit x
        ON x.id IN (here.province_id, here.regency_id, here.district_id, here.village_id)""",
    "units": "near JOIN hierarchy_unit x ON x.id = near.id",
    # Names of units far below stand on a page too; whatever the tree does is journaled with it, without a unit.
    "tree": "reports_event x WHERE x.election = %(election)s AND x.unit = '' AND x.verb LIKE 'tree.%%'",
    "election": "here JOIN hierarchy_election x ON x.id = here.election_id",
    "windows": "here JOIN reports_window x ON x.election_id = here.election_id",
    "stages": "here JOIN reports_stage x ON x.election_id = here.election_id",
    "extensions": """here JOIN reports_window w ON w.election_id = here.election_id
        JOIN reports_extension x ON x.window_id = w.id""",
    "instruments": "reports_instrument x",
    "versions": "reports_instrumentversion x",
    "tallies": "near JOIN reports_tally x ON x.unit_id = near.id",
    "marks": "here, reports_outbox x JOIN hierarchy_unit u ON u.id = x.unit_id WHERE u.{area} = here.id",
    "own obligations": "near JOIN reports_obligation x ON x.subject_id = near.id",
    "own reports": """near JOIN reports_obligation o ON o.subject_id = near.id
        JOIN reports_report x ON x.obligation_id = o.id""",
    "plenaries": "near JOIN reports_plenary x ON x.unit_id = near.id",
    "agenda": "near JOIN reports_agendaitem x ON x.unit_id = near.id",
    # Of earlier days none is written any more, but the last one's may come late.
    "snapshots": "near JOIN dashboards_snapshot x ON x.unit_id = near.id WHERE x.day >= %(day)s::date - 1",
    "findings": "here, reports_finding x JOIN hierarchy_unit u ON u.id = x.occurred_in_id WHERE u.{area} = here.id",
}
# The list of the compliance board names people, and says whom a reminder has reached.
OF_LIST = {
    "notices": """here, reports_notice x JOIN reports_obligation o ON o.id = x.obligation_id
        JOIN hierarchy_unit u ON u.id = o.subject_id WHERE u.{area} = here.id""",
    "posts": """here, hierarchy_membership x JOIN hierarchy_unit u ON u.id = x.unit_id
        WHERE u.{area} = here.id OR u.id = here.parent_id""",
    "people": """here, hierarchy_membership m JOIN hierarchy_unit u ON u.id = m.unit_id
        JOIN hierarchy_user x ON x.id = m.user_id WHERE u.{area} = here.id OR u.id = here.parent_id""",
}


def unless_unchanged(*parameters: str, with_list: bool = False) -> Callable[[View], View]:
    """A page of a unit for who is signed in; a browser that has it still learns so in one query.

    `parameters` of the address whose answer may rest on more than is stamped: with one of them it is made anew.
    """

    def decorate(view: View) -> View:
        @login_required
        @require_safe
        @wraps(view)
        def answer(request: SignedIn, election: str, code: str) -> HttpResponseBase:
            # What a message says is said once, so a page with one is no page to come back to.
            asked_again = len(get_messages(request)) == 0 and not any(request.GET.get(name) for name in parameters)
            tag = _tag(request, election, code, with_list=with_list)
            if not asked_again or tag is None:
                return view(request, election=election, code=code)
            kept: HttpResponseBase | None = get_conditional_response(request, etag=tag)
            response = kept or view(request, election=election, code=code)
            if response.status_code in (200, 304):
                response.headers["ETag"] = tag
                patch_cache_control(response, private=True, no_cache=True)
            return response

        return answer

    return decorate


def this_minute() -> datetime:
    """The beginning of the present minute: what a page that tells the minute is about."""
    return clock.now().replace(second=0, microsecond=0)


def _tag(request: SignedIn, election: str, code: str, *, with_list: bool) -> str | None:
    """The ETag of a unit's page for this person, in this language and minute; None where there is no such unit."""
    level, user = LEVEL_OF.get(len(code)), request.user
    if level is None:
        return None
    values = {"user": user.pk, "day": clock.today(), "election": election, "code": code}
    # The minute first: a page made in the next one is newer than its tag says, and never older.
    minute = this_minute()
    rows = prepared.rows(_statement(level, with_list), values)
    access.remember(user, _memberships(rows))
    if rows[0][0] is None:
        return None
    person = (user.pk, user.username, user.name, request.COOKIES.get(settings.CSRF_COOKIE_NAME))
    facts = (person, translation.get_language(), edition(), settings.CLOCK_OFFSET, minute, rows[0][0])
    digest = hashlib.blake2b(repr(facts).encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=16)
    return f'"{digest.hexdigest()}"'


# --- the statement ----------------------------------------------------------------------------------------------------

MODELS: tuple[Any, ...] = (Membership, Unit, Election, Unit)  # a membership, its unit, that unit's election and village
COLUMNS = [[field.attname for field in model._meta.concrete_fields] for model in MODELS]


@cache
def _statement(level: Level, with_list: bool) -> str:
    """The stamp (NULL without the unit), and with it the reader's memberships as `access.memberships` has them."""
    area = "id" if level == LEAF else f"{level.spec.column}_id"
    parts = EVERYWHERE | (OF_LIST if with_list else {})
    stamps = ", ".join(
        f"(SELECT concat(count(*), '.', sum({XMIN})) FROM {part.format(area=area)})" for part in parts.values()
    )
    columns = [f"{table}.{_quoted(name)}" for table, names in zip("muev", COLUMNS, strict=True) for name in names]
    return f"""
    WITH here AS MATERIALIZED (
        SELECT u.* FROM hierarchy_unit u JOIN hierarchy_election e ON e.id = u.election_id
        WHERE e.code = %(election)s AND u.code = %(code)s
    ), near AS MATERIALIZED (
        SELECT id FROM here UNION ALL SELECT u.id FROM here JOIN hierarchy_unit u ON u.parent_id = here.id
    )
    SELECT stamp.words, {", ".join(columns)}
    FROM (SELECT CASE WHEN EXISTS (SELECT FROM here) THEN concat_ws(' ', {stamps}) END) AS stamp (words)
        LEFT JOIN (hierarchy_membership m JOIN hierarchy_unit u ON u.id = m.unit_id
            JOIN hierarchy_election e ON e.id = u.election_id LEFT JOIN hierarchy_unit v ON v.id = u.village_id)
        ON m.user_id = %(user)s AND m.since <= %(day)s::date AND (m.until IS NULL OR m.until >= %(day)s::date)
    ORDER BY m.id"""


def _quoted(name: str) -> str:
    return f'"{name}"'


def _memberships(rows: list[tuple[Any, ...]]) -> list[Membership]:
    found = []
    for _stamp, *values in rows:
        parts: list[Any] = []
        for model, names in zip(MODELS, COLUMNS, strict=True):
            some, values = values[: len(names)], values[len(names) :]
            parts.append(None if some[0] is None else model.from_db("default", names, some))
        membership, unit, election, village = parts
        if membership is None:
            continue
        unit.election, unit.village, membership.unit = election, village, unit
        found.append(membership)
    return found
