"""What the page of a unit says in a release: pure payloads from the rows, in a few statements a province.

Aggregates only. What a single supervisor reported is in none of them: stations show counts of obligations, and from the
village upward cells that would give a report back are withheld (disclosure.py, docs/publication.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from dashboards.releases.sections import Payload, sections_of
from hierarchy.levels import LEAF, Level
from hierarchy.lib import clock
from hierarchy.models import Election, Unit
from reports.findings.queries import confirmed


def build_pages(election: Election, at: datetime | None = None) -> Iterator[tuple[str, Payload]]:
    """(code, payload) for every unit of the election as of `at` (default: now): its sections, and a line per child.

    A section is one instrument of one stage over all its periods: counts of obligations and, from the village upward,
    the public sums over APPROVED reports, what of them is withheld, ratified, and stands still; then, from districts
    up, how many findings its bodies have confirmed, by kind. One province is held at a time.
    """
    at = at or clock.now()
    for province in Unit.objects.filter(election=election, level=Level.PROVINCE).order_by("code"):
        yield from _pages_of(province, at)


def uneven(whole: Payload, parts: Collection[Payload]) -> Iterator[str]:
    """Where a page is not the sum of its children's pages.

    Counts always are, with those of reports about the unit itself (`own`), wherever a child has the section; sums are
    where nothing is its own, neither the page nor a child withholds any, and the children are not polling stations,
    which publish none.
    """
    for key, section in whole["sections"].items():
        below = [part["sections"][key] for part in parts if key in part["sections"]]
        own = section.get("own", {})
        for name, count in section["counts"].items() if below else ():
            if count != own.get(name, 0) + sum(part["counts"][name] for part in below):
                yield f"{whole['code']} {key} {name}: {count} is not the sum of its children's"
        if own or not below or not all("values" in one and not one["withheld"] for one in (section, *below)):
            continue
        for name in {name for one in (section, *below) for name in one["values"]}:
            if section["values"].get(name, 0) != sum(part["values"].get(name, 0) for part in below):
                yield f"{whole['code']} {key} {name}: is not the sum of its children's"
        if section["problems"] != sum(part["problems"] for part in below):
            yield f"{whole['code']} {key}: problems are not the sum of its children's"


def _pages_of(province: Unit, at: datetime) -> Iterator[tuple[str, Payload]]:
    units = {unit.pk: unit for unit in Unit.objects.within(province).order_by("code")}
    sections, findings = sections_of(province, units, at), confirmed(province)
    children: dict[int, list[Unit]] = defaultdict(list)
    for unit in units.values():
        if unit.parent_id:
            children[unit.parent_id].append(unit)
    for unit in units.values():
        chain = [units[pk] for pk in (unit.province_id, unit.regency_id, unit.district_id, unit.village_id) if pk]
        yield (
            unit.code,
            {
                "code": unit.code,
                "name": unit.name,
                "kind": unit.kind,
                "level": unit.level,
                "ancestors": [[a.code, a.name, a.kind] for a in chain if a.pk != unit.pk],
                "registered_voters": unit.registered_voters,
                "sections": sections[unit.pk],
                # Only where there are any, so that a page does not change by what is not there.
                **({"findings": found} if (found := findings.get(unit.pk)) else {}),
                "children": [_line(child, sections[child.pk]) for child in children[unit.pk]],
            },
        )


def _line(child: Unit, sections: dict[str, Payload]) -> Payload:
    """What a page says of a child; the same as the child's own page does."""
    line: Payload = {"code": child.code, "name": child.name, "kind": child.kind}
    line["counts"] = {key: section["counts"] for key, section in sections.items()}
    if child.level != LEAF:
        line["problems"] = {key: section["problems"] for key, section in sections.items()}
        if still := {key: section["still"] for key, section in sections.items() if "still" in section}:
            line["still"] = still
    return line
