"""Who may read what of a finding, and of a Form A that suspects one; whoever reads names is told of in the journal."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.models import User
from reports.calendar.models import InstrumentVersion
from reports.filing.models import Conflict, Report
from reports.findings.models import Finding
from reports.findings.shapes import FORM, PEOPLE_ASKED, SUSPECTS
from reports.instruments.schema import PHOTO, TEXT, YES
from reports.journal import actions as journal

PART_IV = "dugaan"  # how the names of its groups begin
TOLD_UPWARDS = frozenset({"pengawas", "kejadian"})  # groups whose texts are meant for the bodies above


def handles(user: User, finding: Finding) -> bool:
    """Members of the body that handles it, and those of its secretariat who were named for it, while they serve."""
    if access.can(user, Permission.RATIFY, finding.unit):
        return True
    serves = any(membership.unit_id == finding.unit_id for membership in access.memberships(user))
    return serves and any(person.pk == user.pk for person in finding.handlers.all())


def require_handling(user: User, finding: Finding) -> None:
    """Raises Http404 for whoever does not handle it: to them, its contents do not exist."""
    if not handles(user, finding):
        raise Http404


def hidden_from(user: User, report: Report) -> frozenset[str]:
    """The answers of a Form A that the user may not read; empty for every other report.

    Who wrote it, who reviews it and who handles the finding made of it sees it whole. Others above see who supervised,
    where, when and how, and what is told upwards as an incident; of one that suspects a violation, in any version, no
    text, no photo and nothing of part IV. `report` comes joined as for its page.
    """
    if report.obligation.window.instrument.code != FORM or _reads(user, report):
        return frozenset()
    return PEOPLE_ASKED | (_contents(report) if _suspects(report) else frozenset())


def withheld(user: User, report: Report) -> frozenset[str]:
    """The same, for a page or an answer that shows the rest: whoever but the writer reads names is told of."""
    hidden = hidden_from(user, report)
    names = report.obligation.window.instrument.code == FORM and PEOPLE_ASKED & report.answers.keys()
    if names and not hidden and not access.can(user, Permission.FILE, report.obligation.filer):
        tell_of_form(report, user)
    return hidden


def _reads(user: User, report: Report) -> bool:
    filer = report.obligation.filer
    if access.can(user, Permission.FILE, filer) or access.can(user, Permission.REVIEW, filer):
        return True
    finding = Finding.objects.filter(report=report).select_related("unit").first()
    return finding is not None and handles(user, finding)


def _suspects(report: Report) -> bool:
    """Whether any version of it, or any that was refused, says that there is a violation."""
    said = f'"{SUSPECTS}":"{YES}"'.encode()
    conflicts = Conflict.objects.filter(obligation=report.obligation_id)
    kept = report.revisions.values_list("canonical").union(conflicts.values_list("canonical"), all=True)
    return any(said in bytes(canonical) for (canonical,) in kept)


def _contents(report: Report) -> frozenset[str]:
    questions = InstrumentVersion.schema_of(report.window.version_id).questions
    return frozenset(
        q.name
        for q in questions
        if q.group.startswith(PART_IV) or (q.kind in (TEXT, PHOTO) and q.group not in TOLD_UPWARDS)
    )


def tell_of_form(report: Report, by: User) -> None:
    filer, election = report.obligation.filer, report.obligation.window.election.code
    with transaction.atomic():
        journal.write(journal.entry("report.parties_read", by=by, unit=filer, election=election, target=report.pk))
