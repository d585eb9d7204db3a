"""What can be asked of the register of findings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet

from hierarchy.levels import Level
from hierarchy.models import Membership, Role, Unit, User
from hierarchy.querysets import visible_q, within_q
from reports.calendar.models import InstrumentVersion
from reports.filing.models import Report
from reports.filing.querysets import without_content
from reports.findings.models import Finding, Matter
from reports.findings.shapes import FORM, PEOPLE, SUSPECTS, PartyEntry
from reports.instruments.schema import YES

Status = Finding.Status
CONFIRMED = (Status.FOUND, Status.EXTENDED, Status.CONCLUDED)  # what the public is told the number of
CLOSED = (Status.CONCLUDED, Status.DISMISSED)


def nameable(unit: Unit) -> list[User]:
    """Who of the secretariat can be named to handle a finding of the body."""
    memberships = Membership.objects.current().filter(unit=unit, role=Role.OPERATOR).select_related("user")
    return [membership.user for membership in memberships.order_by("user__name", "pk")]


def register(user: User) -> QuerySet[Finding]:
    """Findings of the user's bodies and of all below them; who may read what of one, `handles` says."""
    return Finding.objects.filter(visible_q(user, "unit__")).select_related("unit__election", "occurred_in__village")


def unrecorded(unit: Unit) -> QuerySet[Report]:
    """Form A below (and of) the unit that suspects a violation nobody has recorded yet, the oldest first."""
    asked = Q(pk__in=[])
    for version in InstrumentVersion.objects.filter(instrument__code=FORM).only("schema", "digest"):
        options = version.parsed.cells.get(SUSPECTS, ())
        position = next(cell.position for cell in options if cell.option == YES)
        asked |= Q(window__version=version.pk, **{f"vector__{position}__gt": 0})
    rows = Report.objects.filter(asked, within_q(unit, "obligation__subject__"), finding=None)
    rows = rows.select_related("obligation__subject__village", "obligation__subject__district")
    rows = rows.select_related("obligation__filer", "obligation__window__election")
    return rows.defer(*without_content(but="answers")).order_by("filed_at", "pk")


def from_form(answers: Mapping[str, Any], filed_on: date) -> dict[str, Any]:
    """The fields of a finding (all but its kind) as part IV of a Form A fills them; `people` as a list of Person."""
    happened = answers.get("tanggal_kejadian")
    discovered = date.fromisoformat(answers["tanggal"]) if answers.get("tanggal") else filed_on
    texts = [answers.get(name, "") for name in ("peristiwa", "uraian_dugaan")]
    return {
        "event": "\n".join(filter(None, texts)),
        "place": answers.get("tempat_kejadian", ""),
        "happened_on": min(date.fromisoformat(happened), discovered) if happened else discovered,
        "discovered_on": discovered,
        "evidence": "\n".join(filter(None, (answers.get(name, "") for name in ("alat_bukti", "barang_bukti")))),
        "analysis": "\n".join(filter(None, (answers.get(name, "") for name in ("fakta", "analisa")))),
        "people": [
            PartyEntry(part, answers[name], answers.get(address, ""))
            for name, address, part in PEOPLE
            if answers.get(name)
        ],
    }  # fmt: skip


def counts(unit: Unit) -> dict[str, int]:
    """Status -> how many happened in the unit or below it; one query."""
    rows = Finding.objects.filter(within_q(unit, "occurred_in__")).order_by().values_list("status")
    return dict(rows.annotate(Count("pk")))


def confirmed(province: Unit) -> dict[int, dict[str, int]]:
    """Unit id -> kind -> findings its bodies have confirmed, for every unit of districts and above; one query.

    Not below districts: one finding at a polling station would point at a person.
    """
    levels = ("province", "regency", "district")
    rows = Finding.objects.filter(within_q(province, "occurred_in__"), status__in=CONFIRMED).order_by()
    found: dict[int, dict[str, int]] = {}
    columns = [f"occurred_in__{level}_id" for level in levels]
    for own, at, *above, kind, number in rows.values_list(
        "occurred_in_id", "occurred_in__level", *columns, "kind"
    ).annotate(Count("pk")):
        for unit in {*filter(None, above), *([own] if at <= Level.DISTRICT else [])}:
            kinds = found.setdefault(unit, {})
            kinds[kind] = kinds.get(kind, 0) + number
    return found


def matter_of(finding: Finding) -> str:
    """What a plenary can decide about it now; "" where nothing waits for a decision."""
    if finding.status == Status.SUSPECTED:
        return str(Matter.FINDING)
    return str(Matter.OUTCOME) if finding.status not in CLOSED and finding.outcome else ""


def to_decide(unit: Unit) -> list[Finding]:
    """Findings of the body that wait for its plenary, the oldest first."""
    rows = Finding.objects.filter(unit=unit).exclude(status__in=CLOSED).select_related("unit")
    return [row for row in rows.order_by("discovered_on", "pk") if matter_of(row)]
