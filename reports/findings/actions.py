"""The only writer of findings and their parties: recorded from Form A, decided in plenary, followed up, concluded.

A suspicion becomes a finding, is dismissed or concluded only by a decision of the body's plenary (`decided`, called by
the plenary). Contents belong to those who handle the finding; parties are read only through `read_parties`, which
journals who read them and why. The journal never holds a name. Source: see models.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.lib.formats import tidy
from hierarchy.models import Unit, User
from reports import locks
from reports.bodies.queries import require_preparing
from reports.filing.models import Report
from reports.findings.content import fingerprint, laid, whole
from reports.findings.models import Finding, Matter, Party
from reports.findings.queries import from_form, matter_of, nameable, unrecorded
from reports.findings.reading import require_handling, tell_of_form
from reports.findings.shapes import FindingContent, FindingError, PartyEntry
from reports.journal import actions as journal

Status = Finding.Status


# --- recording ------------------------------------------------------------------------------------------------------


def read_form(*, report: Report, by: User) -> dict[str, Any]:
    """What `from_form` finds in a Form A that somebody is about to record; as a reading of names it is journaled."""
    tell_of_form(report, by)
    return from_form(report.answers, report.filed_at.astimezone(WITA).date())


def record(*, unit: Unit, told: FindingContent, occurred_in: Unit, by: User, report: Report | None = None) -> Finding:
    """Enters a suspected violation in the register of `unit`; its members and its secretariat may.

    Raises Http404 for strangers, PermissionDenied, PlenaryError (no body) and FindingError otherwise.
    """
    require_preparing(by, unit)
    clean = _checked(told)
    if not occurred_in.lies_in(unit.pk, unit.level):
        raise FindingError(_("Tempat kejadian harus di wilayah satuan Anda."), "occurred_in")
    if report is not None and not unrecorded(unit).filter(pk=report.pk).exists():
        raise FindingError(_("Formulir A ini sudah dicatat, atau tidak memuat dugaan pelanggaran."))
    with transaction.atomic():
        locks.hold(locks.Lock.FINDING, unit.pk)
        last = Finding.objects.filter(unit=unit).aggregate(last=Max("number"))["last"] or 0
        try:
            with transaction.atomic():
                finding = Finding.objects.create(
                    unit=unit, number=last + 1, report=report, occurred_in=occurred_in, recorded_by=by,
                    recorded_at=clock.now(), **_fields(clean),
                )  # fmt: skip
        except IntegrityError as error:  # another body was faster with the same form
            raise FindingError(_("Formulir A ini sudah dicatat, atau tidak memuat dugaan pelanggaran.")) from error
        _write_people(finding, clean.people)
        _tell_content("finding.recorded", finding, by, kind=finding.kind, report=str(report.pk) if report else "")
    return finding


def amend(*, finding: Finding, told: FindingContent, by: User) -> Finding:
    """Writes anew what is suspected, as long as no plenary has decided on it and nobody has voted."""
    require_handling(by, finding)
    clean = _checked(told)
    with transaction.atomic():
        standing = _held(finding, Status.SUSPECTED)
        was = fingerprint(whole().get(pk=finding.pk))
        lost = 0 if clean.people or told.nobody else standing.parties.count()
        if lost:
            raise FindingError(
                _("Daftar pihak kosong, padahal %(count)d orang sudah tercatat. Isi lagi, atau centang “Tanpa pihak”.")
                % {"count": lost},
                "people",
            )
        for name, value in _fields(clean).items():
            setattr(standing, name, value)
        standing.save()
        standing.parties.all().delete()
        _write_people(standing, clean.people)
        _tell_content("finding.amended", standing, by, was=was)
    return standing


def assign(*, finding: Finding, people: Iterable[User], by: User) -> None:
    """Names who of the secretariat handles it, in place of those named before; members decide that."""
    access.require(by, Permission.RATIFY, finding.unit)
    chosen = list(people)
    if not {person.pk for person in chosen} <= {person.pk for person in nameable(finding.unit)}:
        raise FindingError(_("Pilih orang dari sekretariat lembaga ini."), "people")
    with transaction.atomic():
        standing = _locked(finding)
        standing.handlers.set(chosen)
        _tell_content("finding.assigned", standing, by, people=sorted(person.username for person in chosen))


def extend(*, finding: Finding, reason: str, by: User) -> Finding:
    """Says that more information is needed: the deadline of art. 454 (8) runs in place of that of (7)."""
    require_handling(by, finding)
    if not (words := tidy(reason)):
        raise FindingError(_("Tuliskan keterangan apa yang masih diperlukan."), "reason")
    with transaction.atomic():
        standing = _held(finding, Status.FOUND)
        standing.status, standing.extended_reason = Status.EXTENDED, words
        standing.save()
        _tell_content("finding.extended", standing, by)
    return standing


def propose_outcome(*, finding: Finding, outcome: str, by: User) -> Finding:
    """Writes what the plenary shall decide as its follow-up."""
    require_handling(by, finding)
    if not (words := tidy(outcome)):
        raise FindingError(_("Tuliskan tindak lanjut yang diusulkan."), "outcome")
    with transaction.atomic():
        standing = _held(finding, Status.FOUND, Status.EXTENDED)
        standing.outcome = words
        standing.save()
        _tell_content("finding.outcome_proposed", standing, by)
    return standing


def read_parties(*, finding: Finding, purpose: str, by: User) -> list[Party]:
    """The people of a finding, for those who handle it. Every call is a line of the journal: who, which, what for."""
    require_handling(by, finding)
    if not (words := tidy(purpose)):
        raise FindingError(_("Tuliskan untuk keperluan apa data pihak dibuka."), "purpose")
    with transaction.atomic():
        _tell("finding.parties_read", finding, by, reason=words[:200])
    return list(finding.parties.all())


# --- the plenary ----------------------------------------------------------------------------------------------------


def decided(*, finding: Finding, matter: str, shown: Mapping[str, Any], carried: bool, by: User, at: datetime) -> None:
    """Takes over what a plenary has decided about what it was `shown`; called by the plenary within its transaction."""
    standing, day = _locked(finding), at.astimezone(WITA).date()
    if matter_of(standing) != matter:
        raise FindingError(_("Temuan ini sudah diputuskan dalam rapat lain. Tunda agenda ini."))
    if laid(standing, matter) != shown:  # somebody amended it in the moment of the first vote
        raise FindingError(_("Isi temuan bukan lagi yang disuarakan. Tunda agenda ini, lalu putuskan lagi."))
    if matter == Matter.FINDING and carried:
        standing.status, standing.registered_on = Status.FOUND, day
    elif matter == Matter.FINDING:
        standing.status, standing.closed_on = Status.DISMISSED, day
    elif carried:
        standing.status, standing.closed_on = Status.CONCLUDED, day
    standing.save()
    _tell_content("finding.decided", standing, by, matter=matter, carried=carried, status=standing.status)


# --- parts ----------------------------------------------------------------------------------------------------------


def _checked(told: FindingContent) -> FindingContent:
    """The same with clean texts. Raises FindingError naming the field."""
    people = tuple(
        PartyEntry(person.part, tidy(person.name)[:120], tidy(person.address)[:300])
        for person in told.people
        if tidy(person.name) or tidy(person.address)
    )
    clean = FindingContent(
        kind=told.kind,
        event=tidy(told.event),
        place=tidy(told.place)[:300],
        happened_on=told.happened_on,
        discovered_on=told.discovered_on,
        evidence=tidy(told.evidence),
        analysis=tidy(told.analysis),
        people=people,
        nobody=told.nobody,
    )
    if clean.kind not in Finding.Kind:
        raise FindingError(_("Pilih jenis pelanggarannya."), "kind")
    if not clean.event:
        raise FindingError(_("Tuliskan peristiwanya."), "event")
    if not clean.place:
        raise FindingError(_("Tuliskan tempat kejadiannya."), "place")
    if clean.discovered_on > clock.today():
        raise FindingError(_("Tanggal ditemukan tidak boleh sesudah hari ini."), "discovered_on")
    if clean.happened_on > clean.discovered_on:
        raise FindingError(_("Tanggal kejadian tidak boleh sesudah tanggal ditemukan."), "happened_on")
    if any(not person.name for person in people):
        raise FindingError(_("Tuliskan nama pihak yang alamatnya diisi."), "people")
    return clean


def _fields(told: FindingContent) -> dict[str, Any]:
    names = ("kind", "event", "place", "happened_on", "discovered_on", "evidence", "analysis")
    return {name: getattr(told, name) for name in names}


def _write_people(finding: Finding, people: Iterable[PartyEntry]) -> None:
    rows = [Party(finding=finding, part=one.part, name=one.name, address=one.address) for one in people]
    Party.objects.bulk_create(rows)


def _locked(finding: Finding) -> Finding:
    rows = Finding.objects.select_for_update(of=["self"]).select_related("unit__election", "occurred_in")
    return rows.get(pk=finding.pk)


def _held(finding: Finding, *statuses: str) -> Finding:
    """As it stands, locked; refused in another status, and once somebody has voted on what it says."""
    standing = _locked(finding)
    if standing.status not in statuses:
        said = standing.get_status_display()
        raise FindingError(_("Catatan ini sekarang berstatus “%(state)s”. Muat ulang halaman.") % {"state": said})
    if standing.agenda.filter(decision="PENDING", votes__isnull=False).exists():
        raise FindingError(_("Anggota sedang bersuara atas catatan ini dalam rapat pleno, jadi isinya tidak berubah."))
    return standing


def _tell_content(verb: str, finding: Finding, by: User, **detail: Any) -> None:
    """Of a verb that has written the finding: the journal keeps the hash of what it says now."""
    _tell(verb, finding, by, content=fingerprint(whole().get(pk=finding.pk)), **detail)


def _tell(verb: str, finding: Finding, by: User, **detail: Any) -> None:
    unit, target = finding.unit, f"temuan-{finding.pk}"
    journal.write(journal.entry(verb, by=by, unit=unit, election=unit.election.code, target=target, **detail))
