"""The page of doubtful figures of a unit: open flags by rule, and totals beside those of the election commission."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit
from hierarchy.querysets import within_q
from hierarchy.units.queries import named
from hierarchy.web import SignedIn, paged
from reports.calendar.labels import title_of
from reports.calendar.models import InstrumentVersion
from reports.calendar.querysets import without_schema
from reports.filing.querysets import without_content
from reports.quality import labels as flag_words
from reports.quality import references as reference
from reports.quality import rules
from reports.quality.models import Flag

SUBJECT = "report__obligation__subject__"
LIGHT = without_schema("report__obligation__window__version")


@never_cache
@login_required
@require_safe
def doubtful(request: SignedIn, election: str, code: str) -> HttpResponse:
    """Open flags of reports about a unit and all below it; filters in the URL."""
    units = Unit.objects.visible_to(request.user).with_ancestors()
    unit: Unit = get_object_or_404(units, election__code=election, code=code)
    flags = Flag.objects.filter(within_q(unit, SUBJECT), resolved_at=None, sha256=F("report__sha256"))
    counted = dict(flags.order_by().values_list("rule").annotate(Count("pk")))
    rule, sought = request.GET.get("aturan", ""), tidy(request.GET.get("cari", ""))[:60]
    if rule in rules.RULES:
        flags = flags.filter(rule=rule)
    if sought:
        flags = flags.filter(named(sought, SUBJECT))
    joined = flags.select_related(
        "report__obligation__subject__village", "report__obligation__window__instrument",
        "report__obligation__window__stage", "report__obligation__window__version",
    ).defer(*LIGHT, *without_content("report"))  # fmt: skip
    page = paged(request, joined.order_by("-pk"))
    rows = list(page)
    versions = InstrumentVersion.objects.in_bulk({row.report.obligation.window.version_id for row in rows})
    context = {
        "unit": unit,
        "above": [one for one in unit.ancestors if access.can(request.user, Permission.VIEW, one)],
        "rules": [(key, spec, counted.get(key, 0)) for key, spec in rules.RULES.items()],
        "total": sum(counted.values()),
        "rule": rule,
        "sought": sought,
        "page": page,
        "rows": [
            (
                flag_words.told(row, versions[row.report.obligation.window.version_id].parsed),
                row.report.obligation.subject,
                title_of(row.report.obligation.window),
            )
            for row in rows
        ],
        "may_load": bool(access.memberships_with(request.user, Permission.MANAGE_ROSTER)),
        "beside": reference.beside(unit),
        "nav_current": "unit",
    }
    return render(request, "reports/quality/quality.html", context)
