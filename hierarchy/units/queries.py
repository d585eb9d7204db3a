"""Finding a unit by what a person types: its code with or without dots, or its name in any case."""

from __future__ import annotations

from django.db.models import Q

from hierarchy.lib.formats import tidy
from hierarchy.models import Unit
from hierarchy.querysets import UnitQuerySet


def named(text: str, prefix: str = "") -> Q:
    """Rows whose unit (reached through `prefix`, e.g. "subject__") has this in its name, or begins its code so.

    An empty text names every unit.
    """
    words, code = _read(text)
    by_name = Q(**{f"{prefix}name__icontains": words})
    return by_name | Q(**{f"{prefix}code__startswith": code}) if code else by_name


def find(text: str, scope: UnitQuerySet) -> UnitQuerySet:
    """The units of a scope that `named` tells."""
    return scope.filter(named(text))


def one(text: str, scope: UnitQuerySet) -> Unit | None:
    """The unit of a scope with this very code or name; None where there is none, or more than one of that name."""
    words, code = _read(text)
    if not words:
        return None
    found = list(scope.filter(Q(name__iexact=words) | Q(code=code) if code else Q(name__iexact=words))[:2])
    return found[0] if len(found) == 1 else None


def _read(text: str) -> tuple[str, str]:
    """What was typed with single spaces, and as a code: empty where it is none."""
    words = " ".join(tidy(text).split())
    bare = words.replace(".", "").replace(" ", "")
    return words, bare if bare.isascii() and bare.isdigit() else ""
