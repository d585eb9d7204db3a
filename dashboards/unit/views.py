"""The page of a unit: its figures, what is below it, who still owes."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from dashboards.unchanged import this_minute, unless_unchanged
from dashboards.unit import queries as pages
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.models import Unit
from hierarchy.web import SignedIn


@unless_unchanged()
def unit(request: SignedIn, election: str, code: str) -> HttpResponse:
    """A unit for those who lead it or what is above it: children, counts, sums, drill-down, filed or approved."""
    units = Unit.objects.visible_to(request.user).with_ancestors()
    found = get_object_or_404(units, election__code=election, code=code)
    page = pages.unit_page(
        found,
        instrument=request.GET.get("instrumen", ""),
        period=request.GET.get("periode", ""),
        basis=request.GET.get("dasar", ""),
        sort=request.GET.get("urut", ""),
        now=this_minute(),
    )
    context = {
        "page": page,
        "unit": found,
        "body": Level(found.level).spec.body,
        "has_body": found.level in access.COLLEGIAL,
        "above": [a for a in found.ancestors if access.can(request.user, Permission.VIEW, a)],
        "may_export": access.can(request.user, Permission.EXPORT, found),
        "nav_current": "unit",
    }
    return render(request, "dashboards/unit/unit.html", context)
