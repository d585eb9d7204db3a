"""Run by `manage.py shell` on the demo's own database: every page as each of its people; what they saw, as JSON.

One line a page: (who, the route's name, its address, the status, the titles of what is empty on it). `who` is level and
role, "" whoever passes by.
"""

import json
import re

from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import URLResolver, get_resolver, reverse

from bawaslu_data import rehearsal
from dashboards.models import ExportJob
from hierarchy.levels import Level
from hierarchy.models import Election
from reports.calendar.models import Window
from reports.filing.models import Report
from reports.findings.models import Finding
from reports.obligations.models import Obligation
from reports.plenary.minutes import PRINTED
from reports.plenary.models import Minutes, Plenary

# Not for people, only to be posted to, or only for who is not signed in.
NO_PAGE = re.compile(
    "(api-.*|healthz|readyz|metrics|set_language|service-worker|logout.*|login|activate|devices|messages-read"
    "|usual-quorum)"
)
EMPTY = re.compile(r'<div class="empty">\s*<h2>([^<]+)')
OF_UNIT = ("unit", "board", "quality", "leadership")
NAMED = 3  # of the things that a page is about


def without_argument(entries):
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from without_argument(entry.url_patterns)
        elif entry.name and not entry.pattern.regex.groups and not NO_PAGE.fullmatch(entry.name):
            yield entry.name, reverse(entry.name)


def about(unit):
    """Pages about a unit of the line, and about what lies in it."""
    for route in OF_UNIT:
        yield route, reverse(route, args=[election.code, unit.code])
    filed = Report.objects.filter(obligation__subject__code__startswith=unit.code, window__election=election)
    mine = Obligation.objects.filter(filer=unit, closes_at__gt=rehearsal.clock.now(), window__opened_at__isnull=False)
    for route, rows in (
        ("plenary", Plenary.objects.filter(unit=unit).order_by("-pk")),
        ("minutes", Plenary.objects.filter(unit=unit).order_by("pk")),
        ("finding", Finding.objects.filter(unit=unit).order_by("pk")),
        ("report", filed.order_by("-revision", "filed_at")),
        ("compare", filed.filter(revision__gt=1).order_by("pk")),
        ("file-report", mine.filter(state__in=["OWED", "RETURNED"]).order_by("pk")),
        ("file-event", Window.objects.filter(instrument__cadence="EVENT", opened_at__isnull=False)),
        ("export-status", ExportJob.objects.filter(unit=unit)),
    ):
        yield from ((route, reverse(route, args=[key])) for key in rows.values_list("pk", flat=True)[:NAMED])


def public():
    """What anybody may read: both releases, from the province down to a polling station."""
    for unit in line:
        for release in ([], [1], [2]):
            yield "public-unit", reverse("public-unit", args=[election.code, *release, unit.code])
    for kept in Minutes.objects.order_by("pk"):
        printed = bytes(kept.fingerprint).hex()[:PRINTED]
        yield "check-minutes", reverse("check-minutes", args=[kept.plenary_id, printed])


def visit(who, client, pages):
    for route, path in pages:
        answer = client.get(path, follow=True)
        text = answer.content.decode() if "html" in answer["Content-Type"] else ""
        yield who, route, path, answer.status_code, EMPTY.findall(text)


setup_test_environment()
rehearsal.move_clock_to_the_end()
election = Election.objects.get(code="pemilu2024")
memberships = [membership for _label, membership in rehearsal.cast(election)][
    :-1
]  # the last is a stranger, to whom nothing is shown
line = sorted({membership.unit for membership in memberships}, key=lambda unit: unit.code)
seen = list(visit("", Client(), [*without_argument(get_resolver().url_patterns), *public()]))
kinds = set()
for membership in memberships:
    who = f"{Level(membership.unit.level).name} {membership.role}"
    if (who, membership.unit_id) not in kinds:  # of several members one
        kinds.add((who, membership.unit_id))
        client = Client()
        client.force_login(membership.user)
        seen += visit(who, client, [*without_argument(get_resolver().url_patterns), *about(membership.unit)])
print(json.dumps(seen))
