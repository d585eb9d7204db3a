"""The only writer of findings and their parties: recorded from Form A, decided in plenary, followed up, concluded.

A suspicion becomes a finding, is dismissed or concluded only by a decision of the body's plenary (`decided`, called by
the plenary). Contents belong to those who handle the finding; parties are read only through `read_parties`, which
journals who read them and why. The journal never holds a name. Source: see models.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.canonical import JOURNAL
from hierarchy.lib.clock import WITA
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.models import Membership, Role, Unit, User
from hierarchy.querysets import visible_q, within_q
from reports import locks
from reports.bodies.queries import require_preparing
from reports.calendar.models import InstrumentVersion
from reports.filing.models import Conflict, Report
from reports.filing.querysets import without_content
from reports.findings.models import Finding, Matter, Party
from reports.instruments.schema import PHOTO, TEXT, YES
from reports.journal import actions as journal

Status, Part = Finding.Status, Party.Part
FORM = "form-a"  # the instrument whose part IV is about suspected violations
SUSPECTS = "ada_dugaan"  # its question whether there is one
# Its answers that name people: (name, address, part).
PEOPLE = (
    ("pelaku", "alamat_pelaku", Part.RESPONDENT),
    ("saksi_1_nama", "saksi_1_alamat", Part.WITNESS),
    ("saksi_2_nama", "saksi_2_alamat", Part.WITNESS),
)
PEOPLE_ASKED = frozenset(name for person in PEOPLE for name in person[:2])
PART_IV = "dugaan"  # how the names of its groups begin
TOLD_UPWARDS = frozenset({"pengawas", "kejadian"})  # groups whose texts are meant for the bodies above
CONFIRMED = (Status.FOUND, Status.EXTENDED, Status.CONCLUDED)  # what the public is told the number of
CLOSED = (Status.CONCLUDED, Status.DISMISSED)


class FindingError(Refusal):
    """A step of a finding cannot be taken."""

    code = "finding"


@dataclass(frozen=True)
class PartyEntry:
    part: str
    name: str
    address: str = ""


@dataclass(frozen=True)
class FindingContent:
    """What is written about a suspected violation; dates in WITA."""

    kind: str
    event: str
    place: str
    happened_on: date
    discovered_on: date
    evidence: str = ""
    analysis: str = ""
    people: tuple[PartyEntry, ...] = field(default=())
    nobody: bool = False  # said so: no person is named, though some were before


# --- who ------------------------------------------------------------------------------------------------------------


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


def nameable(unit: Unit) -> list[User]:
    """Who of the secretariat can be named to handle a finding of the body."""
    memberships = Membership.objects.current().filter(unit=unit, role=Role.OPERATOR).select_related("user")
    return [membership.user for membership in memberships.order_by("user__name", "pk")]


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
        _tell_of_form(report, user)
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


def _tell_of_form(report: Report, by: User) -> None:
    filer, election = report.obligation.filer, report.obligation.window.election.code
    with transaction.atomic():
        journal.write(journal.entry("report.parties_read", by=by, unit=filer, election=election, target=report.pk))


# --- reads ----------------------------------------------------------------------------------------------------------


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


def read_form(*, report: Report, by: User) -> dict[str, Any]:
    """What `from_form` finds in a Form A that somebody is about to record; as a reading of names it is journaled."""
    _tell_of_form(report, by)
    return from_form(report.answers, report.filed_at.astimezone(WITA).date())


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


# --- recording ------------------------------------------------------------------------------------------------------


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


def matter_of(finding: Finding) -> str:
    """What a plenary can decide about it now; "" where nothing waits for a decision."""
    if finding.status == Status.SUSPECTED:
        return str(Matter.FINDING)
    return str(Matter.OUTCOME) if finding.status not in CLOSED and finding.outcome else ""


def to_decide(unit: Unit) -> list[Finding]:
    """Findings of the body that wait for its plenary, the oldest first."""
    rows = Finding.objects.filter(unit=unit).exclude(status__in=CLOSED).select_related("unit")
    return [row for row in rows.order_by("discovered_on", "pk") if matter_of(row)]


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


def _tell_content(verb: str, finding: Finding, by: User, **detail: Any) -> None:
    """Of a verb that has written the finding: the journal keeps the hash of what it says now."""
    _tell(verb, finding, by, content=fingerprint(whole().get(pk=finding.pk)), **detail)


def _tell(verb: str, finding: Finding, by: User, **detail: Any) -> None:
    unit, target = finding.unit, f"temuan-{finding.pk}"
    journal.write(journal.entry(verb, by=by, unit=unit, election=unit.election.code, target=target, **detail))
