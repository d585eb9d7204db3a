"""Filing in: the one verb that the web form, the API, the import and the rehearsal all call.

A receipt is given only after report, revision, obligation, event and outbox mark are committed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access, clock
from hierarchy.access import Permission
from hierarchy.formats import moment as in_wita
from hierarchy.models import Unit, User
from reports import journal, outbox, write_filing
from reports.instruments.codec import Content, InvalidAnswers, decode
from reports.instruments.schema import PHOTO
from reports.models import Cadence, Conflict, Evidence, Obligation, Report, Revision, Window
from reports.receipts import code_of


class Refused(Exception):
    """The filing was understood and cannot be accepted. `code` is for programs, `str()` for people."""

    def __init__(self, code: str, message: str, *, status: int = 409, current: Report | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.current = code, status, current


@dataclass(frozen=True)
class Receipt:
    """Proof of filing. `new` is False when the same content had been filed before under the same id."""

    report_id: UUID
    revision: int
    sha256: str
    code: str
    filed_at: datetime
    new: bool


def submit(
    *,
    by: User,
    obligation: Obligation,
    report_id: UUID,
    answers: Mapping[str, object],
    reasons: Mapping[str, str] | None = None,
    based_on: int | None = None,
    channel: str,
    device_at: datetime | None = None,
    at: datetime | None = None,
) -> Receipt:
    """Files a report, or a new revision of it.

    `report_id` is the UUID its client made; the same id with the same content gives the same receipt however often it
    is sent. `based_on` names the revision an edit starts from. `at` is the moment of arrival (default: now).

    Raises Http404 outside the filer's reach, PermissionDenied without the right to file, InvalidAnswers naming the
    questions, and Refused: not-open, closed, version-withdrawn, conflict (both versions kept).
    """
    access.require(by, Permission.FILE, obligation.filer)
    moment = at or clock.now()
    try:
        _check_open(obligation, moment)
    except Refused:
        # A client that missed the answer just before the window closed still gets its receipt.
        if receipt := _sent_before(obligation, report_id, answers, reasons):
            return receipt
        raise
    content = decode(obligation.window.version.parsed, answers=answers, reasons=reasons or {})
    _check_photos(obligation, content)
    try:
        with transaction.atomic():
            return _store(by, obligation, report_id, content, based_on, channel, device_at, moment)
    except _Clash as clash:
        # The refused version is kept in a transaction of its own: the one that found the clash is rolled back.
        _keep_conflict(by, clash.obligation_id, report_id, content, based_on, moment)
        current = Report.objects.filter(obligation_id=clash.obligation_id).first()
        raise Refused("conflict", str(clash), current=current) from None


def submit_event(*, by: User, window: Window, subject: Unit, report_id: UUID, **filing) -> Receipt:
    """Files a report that nobody owed in advance (Form A): its obligation is made by the act of filing it.

    Takes what `submit` takes besides the obligation, and raises what it raises; Http404 when the window does not take
    events or belongs to another election.
    """
    if window.instrument.cadence != Cadence.EVENT or window.election_id != subject.election_id:
        raise Http404
    access.require(by, Permission.FILE, subject)
    known = Obligation.objects.for_intake().filter(window=window, subject=subject, occurrence=str(report_id))
    if obligation := known.first():
        return submit(by=by, obligation=obligation, report_id=report_id, **filing)
    with transaction.atomic():
        Obligation.objects.bulk_create(
            [
                Obligation(
                    window=window,
                    subject=subject,
                    filer=subject,
                    counted_in_id=subject.village_id if subject.is_station else subject.pk,
                    occurrence=str(report_id),
                    due_at=window.due_at,
                    closes_at=window.closes_at,
                )
            ],
            ignore_conflicts=True,  # a retry of the same filing may be a step ahead
        )
        return submit(by=by, obligation=known.get(), report_id=report_id, **filing)


def _check_open(obligation: Obligation, moment: datetime) -> None:
    window = obligation.window
    if window.version.withdrawn_at is not None:
        raise Refused(
            "version-withdrawn",
            _("Formulir ini sudah ditarik: %(reason)s. Muat ulang halaman untuk memakai formulir yang baru.")
            % {"reason": window.version.withdrawn_reason},
        )
    if window.opened_at is None or moment < window.opens_at:
        raise Refused("not-open", _("Pelaporan ini baru dibuka pada %(when)s.") % {"when": in_wita(window.opens_at)})
    if moment >= obligation.closes_at:
        raise Refused(
            "closed",
            _("Pelaporan ini sudah ditutup pada %(when)s. Hubungi atasan Anda untuk meminta perpanjangan.")
            % {"when": in_wita(obligation.closes_at)},
        )


def _sent_before(
    obligation: Obligation, report_id: UUID, answers: Mapping[str, object], reasons: Mapping[str, str] | None
) -> Receipt | None:
    try:
        content = decode(obligation.window.version.parsed, answers=answers, reasons=reasons or {})
    except InvalidAnswers:
        return None
    return _repeat(obligation, report_id, content)


def _check_photos(obligation: Obligation, content: Content) -> None:
    """Answers may refer only to photos that the filing unit has handed in."""
    questions = obligation.window.version.parsed.questions
    named = [content.answers[q.name] for q in questions if q.kind == PHOTO and q.name in content.answers]
    if not named:
        return
    known = set(Evidence.objects.filter(unit_id=obligation.filer_id, sha256__in=named).values_list("sha256", flat=True))
    if set(named) - known:
        raise Refused("photo-unknown", _("Foto belum terkirim. Kirim fotonya lebih dulu, lalu ulangi."), status=422)


class _Clash(Exception):
    def __init__(self, obligation_id: int, sentence: str) -> None:
        super().__init__(sentence)
        self.obligation_id = obligation_id


def _store(by, obligation, report_id, content, based_on, channel, device_at, moment) -> Receipt:
    standing = write_filing.lock(obligation.pk)
    if standing.report_id == report_id and standing.sha256 == content.sha256:
        return _receipt(report_id, standing.revision, standing.sha256, standing.filed_at, new=False)
    if standing.report_id is not None and (standing.report_id, standing.revision) != (report_id, based_on):
        return _repeated(obligation, standing, report_id, content)
    revision = standing.revision + 1
    event = journal.entry(
        "report.filed" if revision == 1 else "report.revised",
        by=by,
        unit=obligation.subject,
        election=obligation.window.election.code,
        target=report_id,
        at=moment,
        revision=revision,
        sha256=content.sha256.hex(),
        channel=channel,
        was=standing.state,
    )
    written = write_filing.write(
        obligation=obligation,
        report_id=report_id,
        revision=revision,
        content=content,
        by=by,
        at=moment,
        channel=channel,
        device_at=device_at,
        event=event,
    )
    if not written:
        raise Refused("id-taken", _("Nomor laporan ini sudah dipakai. Muat ulang halaman, lalu kirim lagi."))
    outbox.wake_after_commit(obligation.counted_in.regency_id)
    return _receipt(report_id, revision, content.sha256, moment, new=True)


def _repeated(obligation: Obligation, standing: write_filing.Standing, report_id: UUID, content: Content) -> Receipt:
    """The receipt of an earlier revision that a client sends again, having missed the answer; else a clash."""
    if receipt := _repeat(obligation, report_id, content):
        return receipt
    if standing.report_id != report_id:
        sentence = _("Laporan lain untuk tugas ini sudah diterima (kode %(code)s). Perbaiki laporan itu saja.")
    else:
        sentence = _("Laporan ini sudah berubah sejak Anda membukanya (kode %(code)s). Periksa versi terbaru dulu.")
    assert standing.report_id is not None
    raise _Clash(obligation.pk, sentence % {"code": code_of(standing.report_id, standing.sha256)})


def _repeat(obligation: Obligation, report_id: UUID, content: Content) -> Receipt | None:
    """The receipt of the newest revision with this very content, if there is one."""
    sent = Revision.objects.filter(report_id=report_id, report__obligation=obligation, sha256=content.sha256)
    found = sent.order_by("-number").first()
    if found is None:
        return None
    return _receipt(report_id, found.number, bytes(found.sha256), found.filed_at, new=False)


def _receipt(report_id: UUID, revision: int, sha256: bytes, filed_at: datetime | None, *, new: bool) -> Receipt:
    assert filed_at is not None
    return Receipt(report_id, revision, sha256.hex(), code_of(report_id, sha256), filed_at, new)


def _keep_conflict(by, obligation_id, report_id, content, based_on, moment) -> None:
    with transaction.atomic():
        kept, made = Conflict.objects.get_or_create(
            obligation_id=obligation_id,
            report_id=report_id,
            sha256=content.sha256,
            defaults={
                "canonical": content.canonical,
                "based_on": based_on,
                "filed_by": by,
                "filed_at": moment,
            },
        )
        if made:
            subject = Obligation.objects.select_related("subject__election").get(pk=obligation_id).subject
            journal.write(
                journal.entry(
                    "report.conflict",
                    by=by,
                    unit=subject,
                    election=subject.election.code,
                    target=report_id,
                    at=moment,
                    sha256=content.sha256.hex(),
                    conflict=kept.pk,
                )
            )
