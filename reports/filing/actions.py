"""Filing in: the one verb that the web form, the API, the import and the rehearsal all call.

A receipt is given only after report, revision, obligation, event and outbox mark are committed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import moment as in_wita
from hierarchy.models import Unit, User
from reports import locks
from reports.calendar.models import Cadence, InstrumentVersion, Window
from reports.filing import write_one as write_filing
from reports.filing.models import Evidence, Report, Revision
from reports.filing.receipts import code_of
from reports.filing.write_one import IntakeObligation
from reports.instruments.codec import Content, InvalidAnswers, decode
from reports.instruments.schema import PHOTO, Schema
from reports.journal import actions as journal
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from reports.rollup import outbox

ATTEMPTS = 4  # looks at what stands; each one but the last was overtaken by another filing of the same obligation


class ReportRefused(Refusal):
    """The filing was understood and cannot be accepted."""

    code = "filing"


class Clash(ReportRefused):
    """Another version stands: `current`."""

    code = "conflict"

    def __init__(self, text: str, current: Report) -> None:
        super().__init__(text)
        self.current = current


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
    obligation_id: int,
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
    questions, and ReportRefused: not-open, closed, id-taken, photo-unknown, or Clash (both versions kept).
    """
    moment = at or clock.now()
    for _attempt in range(ATTEMPTS):
        obligation = write_filing.read(obligation_id)
        if obligation is None:
            raise Http404
        access.require(by, Permission.FILE, obligation.filer)
        content = _acceptable(obligation, report_id, answers, reasons, moment)
        if isinstance(content, Receipt):
            return content
        if obligation.report_id is not None and (obligation.report_id, obligation.revision) != (report_id, based_on):
            return _repeated(by, obligation, report_id, content, based_on, moment)
        if write_filing.write(
            obligation=obligation,
            report_id=report_id,
            content=content,
            by=by,
            at=moment,
            channel=channel,
            device_at=device_at,
        ):
            outbox.wake_after_commit()
            return _receipt(report_id, obligation.revision + 1, content.sha256, moment, new=True)
        # Somebody was faster, so another look decides; or the id is in use elsewhere, and then no look ever will.
        if Report.objects.filter(pk=report_id).exclude(obligation=obligation_id).exists():
            break
    sentence = _("Nomor laporan ini sudah dipakai. Muat ulang halaman, lalu kirim lagi.")
    raise ReportRefused(sentence, code="id-taken")


def submit_event(*, by: User, window: Window, subject: Unit, report_id: UUID, **filing) -> Receipt:
    """Files a report that nobody owed in advance (Form A): its obligation is made by the act of filing it.

    Takes what `submit` takes besides the obligation, and raises what it raises; Http404 when the window does not take
    events or belongs to another election.
    """
    if window.instrument.cadence != Cadence.EVENT or window.election_id != subject.election_id:
        raise Http404
    access.require(by, Permission.FILE, subject)
    rows = Obligation.objects.filter(window=window, subject=subject, occurrence=str(report_id))
    known = rows.order_by().values_list("pk", flat=True)
    if (obligation_id := known.first()) is not None:
        return submit(by=by, obligation_id=obligation_id, report_id=report_id, **filing)
    with transaction.atomic():
        locks.hold(locks.Lock.WINDOW, window.pk, shared=True)  # an extension counts for this one too, or waits for it
        due_at, closes_at = obligations.terms(window, [subject])
        Obligation.objects.bulk_create(
            [
                Obligation(
                    window=window,
                    subject=subject,
                    filer=subject,
                    counted_in_id=subject.village_id if subject.is_station else subject.pk,
                    occurrence=str(report_id),
                    due_at=due_at,
                    closes_at=closes_at,
                )
            ],
            ignore_conflicts=True,  # a retry of the same filing may be a step ahead
        )
        return submit(by=by, obligation_id=known.get(), report_id=report_id, **filing)


def check_open(obligation: IntakeObligation, moment: datetime) -> None:
    """Raises ReportRefused unless the obligation takes reports at `moment`."""
    if obligation.opened_at is None or moment < obligation.opens_at:
        sentence = _("Pelaporan ini baru dibuka pada %(when)s.")
        raise ReportRefused(sentence % {"when": in_wita(obligation.opens_at)}, code="not-open")
    if moment >= obligation.closes_at:
        sentence = _("Pelaporan ini sudah ditutup pada %(when)s. Hubungi atasan Anda untuk meminta perpanjangan.")
        raise ReportRefused(sentence % {"when": in_wita(obligation.closes_at)}, code="closed")


def _acceptable(
    obligation: IntakeObligation,
    report_id: UUID,
    answers: Mapping[str, object],
    reasons: Mapping[str, str] | None,
    moment: datetime,
) -> Content | Receipt:
    """The content to be filed; or the receipt of the same content filed before, even where the window has closed since:
    a client that missed the answer just before still gets it."""
    schema = InstrumentVersion.schema_of(obligation.version_id)
    try:
        check_open(obligation, moment)
    except ReportRefused:
        try:
            receipt = _repeat(obligation, report_id, decode(schema, answers=answers, reasons=reasons or {}))
        except InvalidAnswers:
            receipt = None
        if receipt is None:
            raise
        return receipt
    content = decode(schema, answers=answers, reasons=reasons or {})
    if (obligation.report_id, obligation.sha256) == (report_id, content.sha256):
        assert obligation.filed_at is not None
        return _receipt(report_id, obligation.revision, obligation.sha256, obligation.filed_at, new=False)
    _check_photos(obligation, schema, content)
    return content


def _check_photos(obligation: IntakeObligation, schema: Schema, content: Content) -> None:
    """Answers may refer only to photos that the filing unit has handed in."""
    named = [content.answers[q.name] for q in schema.questions if q.kind == PHOTO and q.name in content.answers]
    if not named:
        return
    known = set(Evidence.objects.filter(unit_id=obligation.filer.pk, sha256__in=named).values_list("sha256", flat=True))
    if set(named) - known:
        sentence = _("Foto belum terkirim. Kirim fotonya lebih dulu, lalu ulangi.")
        raise ReportRefused(sentence, code="photo-unknown", status=422)


def _repeated(
    by: User, obligation: IntakeObligation, report_id: UUID, content: Content, based_on: int | None, moment: datetime
) -> Receipt:
    """The receipt of an earlier revision that a client sends again, having missed the answer.

    Raises Clash when there is none; what was sent is kept.
    """
    if receipt := _repeat(obligation, report_id, content):
        return receipt
    assert obligation.report_id is not None
    if obligation.report_id != report_id:
        sentence = _("Laporan lain untuk tugas ini sudah diterima (kode %(code)s). Perbaiki laporan itu saja.")
    else:
        sentence = _("Laporan ini sudah berubah sejak Anda membukanya (kode %(code)s). Periksa versi terbaru dulu.")
    _keep_conflict(by, obligation.pk, report_id, content, based_on, moment)
    current = Report.objects.get(obligation_id=obligation.pk)
    raise Clash(sentence % {"code": code_of(obligation.report_id, obligation.sha256)}, current)


def _repeat(obligation: IntakeObligation, report_id: UUID, content: Content) -> Receipt | None:
    """The receipt of the newest revision with this very content, if there is one."""
    sent = Revision.objects.filter(report_id=report_id, report__obligation=obligation.pk, sha256=content.sha256)
    found = sent.order_by("-number").first()
    if found is None:
        return None
    return _receipt(report_id, found.number, bytes(found.sha256), found.filed_at, new=False)


def _receipt(report_id: UUID, revision: int, sha256: bytes, filed_at: datetime, *, new: bool) -> Receipt:
    return Receipt(report_id, revision, sha256.hex(), code_of(report_id, sha256), filed_at, new)


KEEP = """
INSERT INTO reports_conflict (obligation_id, report_id, based_on, canonical, sha256, filed_by_id, filed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""


def _keep_conflict(by, obligation_id, report_id, content, based_on, moment) -> None:
    # Not get_or_create: two retries at once would write the statement that fails, content and all, to the server's log.
    kept = [obligation_id, report_id, based_on, content.canonical, content.sha256, by.pk, moment]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(KEEP, kept)
            made = cursor.fetchone()
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
                    conflict=made[0],
                )
            )
