"""The page of a body's leaders: one sheet about everything below it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from dashboards.leadership.queries import leadership
from dashboards.unchanged import this_minute, unless_unchanged
from dashboards.unit import queries as pages
from hierarchy import access
from hierarchy.access import COLLEGIAL, Permission
from hierarchy.levels import Level
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit
from hierarchy.units.queries import find
from hierarchy.web import SignedIn

FOUND = 20  # units listed for a word; who sees as many as that types more of it


@login_required
@require_safe
def leadership_home(request: SignedIn) -> HttpResponse:
    """The page of one's own body; those who sit in none go where everybody begins."""
    own = next((row.unit for row in access.memberships(request.user) if row.unit.level in COLLEGIAL), None)
    return redirect("leadership", election=own.election.code, code=own.code) if own else redirect("unit-home")


@unless_unchanged("cari")
def leadership_page(request: SignedIn, election: str, code: str) -> HttpResponse:
    """What is in, missing, moving, ratified and wrong in an area; `?cari=` finds any unit below it."""
    units = Unit.objects.visible_to(request.user).with_ancestors().filter(level__in=COLLEGIAL)
    unit: Unit = get_object_or_404(units, election__code=election, code=code)
    page = pages.unit_page(
        unit,
        instrument=request.GET.get("instrumen", ""),
        period=request.GET.get("periode", ""),
        basis="filed",
        sort=request.GET.get("urut", ""),
        now=this_minute(),
    )
    sought = tidy(request.GET.get("cari", ""))[:60]
    context = {
        "page": page,
        "led": leadership(page),
        "unit": unit,
        "body": Level(unit.level).spec.body,
        "above": [one for one in unit.ancestors if access.can(request.user, Permission.VIEW, one)],
        "sought": sought,
        "found": list(_found(unit, sought)) if sought else [],
        "FOUND": FOUND,
        "nav_current": "leadership",
    }
    return render(request, "dashboards/leadership/leadership.html", context)


def _found(unit: Unit, sought: str) -> QuerySet[Unit]:
    """Units below by a part of the name, or by how the code begins."""
    rows = find(sought, Unit.objects.within(unit)).select_related("district", "village")
    return rows.order_by("level", "code")[:FOUND]
