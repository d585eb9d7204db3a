"""Filing in: the one verb that the web form, the API, the import and the rehearsal all call.

A receipt is given only after report, revision, obligation, event and outbox mark are committed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access, clock
from hierarchy.access import Permission
from hierarchy.formats import wita
from hierarchy.models import Unit, User
from reports import journal, outbox
from reports.instruments.codec import Content, decode
from reports.models import Cadence, Conflict, Evidence, Obligation, Report, Revision, State, Window
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
    _check_open(obligation, moment)
    content = decode(obligation.window.version.parsed, answers=answers, reasons=reasons or {})
    _check_photos(obligation, content)
    try:
        with transaction.atomic():
            return _store(by, obligation, report_id, content, based_on, channel, device_at, moment)
    except IntegrityError:  # the id belongs to a report about something else
        raise Refused("id-taken", _("Nomor laporan ini sudah dipakai. Muat ulang halaman, lalu kirim lagi.")) from None
    except _Clash as clash:
        # The refused version is kept in a transaction of its own: the one that found the clash is rolled back.
        _keep_conflict(by, clash.obligation_id, report_id, content, based_on, moment)
        raise Refused("conflict", clash.sentence, current=clash.current) from None


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
        raise Refused(
            "not-open", _("Pelaporan ini baru dibuka pada %(when)s.") % {"when": wita(window.opens_at)}
        )
    if moment >= obligation.closes_at:
        raise Refused(
            "closed",
            _("Pelaporan ini sudah ditutup pada %(when)s. Hubungi atasan Anda untuk meminta perpanjangan.")
            % {"when": wita(obligation.closes_at)},
        )


def _check_photos(obligation: Obligation, content: Content) -> None:
    """Answers may refer only to photos that the filing unit has handed in."""
    named = content.photos
    if not named:
        return
    known = set(
        Evidence.objects.filter(unit_id=obligation.filer_id, sha256__in=named).values_list("sha256", flat=True)
    )
    if set(named) - known:
        raise Refused("photo-unknown", _("Foto belum terkirim. Kirim fotonya lebih dulu, lalu ulangi."), status=422)


class _Clash(Exception):
    def __init__(self, obligation_id: int, current: Report, sentence: str) -> None:
        self.obligation_id, self.current, self.sentence = obligation_id, current, sentence


def _store(by, obligation, report_id, content, based_on, channel, device_at, moment) -> Receipt:
    # The lock makes two devices filing at once take turns; whoever comes second meets the first one's report.
    state = Obligation.objects.select_for_update().values_list("state", flat=True).get(pk=obligation.pk)
    current = Report.objects.filter(obligation_id=obligation.pk).first()
    if current is not None:
        if current.pk == report_id and bytes(current.sha256) == content.sha256:
            return _receipt(current, new=False)
        sent = Revision.objects.filter(report_id=report_id, report__obligation_id=obligation.pk, sha256=content.sha256)
        if repeated := sent.first():
            return _receipt(current, new=False, revision=repeated)
        _check_basis(obligation, current, report_id, based_on)
    report = _write_report(by, obligation, current, report_id, content, moment)
    Revision(
        report_id=report.pk,
        number=report.revision,
        based_on=report.revision - 1 or None,
        canonical=content.canonical,
        sha256=content.sha256,
        vector=content.vector,
        channel=channel,
        filed_by=by,
        filed_at=moment,
        device_at=device_at,
    ).save(force_insert=True)
    _turn_filed(obligation, state, moment)
    journal.write(
        journal.entry(
            "report.filed" if report.revision == 1 else "report.revised",
            by=by,
            unit=obligation.subject,
            election=obligation.window.election.code,
            target=report.pk,
            at=moment,
            revision=report.revision,
            sha256=content.sha256.hex(),
            channel=channel,
            was=state,
        )
    )
    outbox.mark([(obligation.window_id, obligation.counted_in)], at=moment)
    return _receipt(report, new=True)


def _check_basis(obligation: Obligation, current: Report, report_id: UUID, based_on: int | None) -> None:
    if current.pk != report_id:
        sentence = _("Laporan lain untuk tugas ini sudah diterima (kode %(code)s). Buka laporan itu untuk memperbaikinya.")
    elif based_on != current.revision:
        sentence = _("Laporan ini sudah berubah sejak Anda membukanya (kode %(code)s). Periksa versi terbaru dulu.")
    else:
        return
    raise _Clash(obligation.pk, current, sentence % {"code": current.receipt_code})


def _write_report(by, obligation, current, report_id, content, moment) -> Report:
    values = {
        "answers": content.answers,
        "reasons": content.reasons,
        "vector": content.vector,
        "sha256": content.sha256,
        "filed_by": by,
        "filed_at": moment,
    }
    if current is None:
        report = Report(
            id=report_id,
            obligation_id=obligation.pk,
            window_id=obligation.window_id,
            counted_in_id=obligation.counted_in_id,
            **values,
        )
        report.save(force_insert=True)
        return report
    for name, value in values.items():
        setattr(current, name, value)
    current.revision += 1
    # The new content has not been seen by any reviewer.
    current.approved_sha256 = current.approved_by = current.approved_at = None
    current.remarks = {}
    current.save()
    return current


def _turn_filed(obligation: Obligation, state: str, moment: datetime) -> None:
    changes: dict[str, object] = {"state": State.FILED, "attested_by": None, "attested_reason": ""}
    if state in (State.OWED, State.VACANT, State.UNREACHABLE):
        changes["first_filed_at"] = moment
    Obligation.objects.filter(pk=obligation.pk).update(**changes)


def _receipt(report: Report, *, new: bool, revision: Revision | None = None) -> Receipt:
    number, sha256, filed_at = (
        (revision.number, bytes(revision.sha256), revision.filed_at)
        if revision
        else (report.revision, bytes(report.sha256), report.filed_at)
    )
    return Receipt(report.pk, number, sha256.hex(), code_of(report.pk, sha256), filed_at, new)


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
