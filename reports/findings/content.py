"""What a finding says, as one text that can be bound by a hash."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from hierarchy.lib.canonical import JOURNAL
from reports.findings.models import Finding, Matter


def laid(finding: Finding, matter: str) -> dict[str, Any]:
    """What lies on the table, as plain JSON: the content, and of the parties a hash alone."""
    people = [[party.part, party.name, party.address] for party in finding.parties.all()]
    shown = {
        "matter": matter,
        "unit": finding.unit.code,
        "number": finding.number,
        "kind": finding.kind,
        "occurred_in": finding.occurred_in.code,
        "event": finding.event,
        "place": finding.place,
        "happened_on": finding.happened_on.isoformat(),
        "discovered_on": finding.discovered_on.isoformat(),
        "evidence": finding.evidence,
        "analysis": finding.analysis,
        "parties_sha256": JOURNAL.sha256(people).hex(),
    }
    return shown | ({"outcome": finding.outcome} if matter == Matter.OUTCOME else {})


# Named one by one: a field that is added later must not change what the journal keeps of findings from before.
FINGERPRINTED = (
    *("id", "unit_id", "number", "report_id", "occurred_in_id", "kind", "status", "event", "place", "happened_on"),
    *("discovered_on", "evidence", "analysis", "recorded_by_id", "registered_on", "extended_reason", "outcome"),
    "closed_on",
)


def whole() -> QuerySet[Finding]:
    """Findings with all that `fingerprint` looks at."""
    return Finding.objects.order_by("pk").prefetch_related("parties", "handlers")


def fingerprint(finding: Finding) -> str:
    """SHA-256 (hex) of all that a finding says, people included: what the journal keeps of it, and no word of it."""
    kept = {name: getattr(finding, name) for name in FINGERPRINTED}
    kept["recorded_at"] = finding.recorded_at.timestamp()
    kept["parties"] = [[party.part, party.name, party.address] for party in finding.parties.all()]
    kept["handlers"] = sorted(person.username for person in finding.handlers.all())
    return JOURNAL.sha256(kept).hex()
