"""The only writer of export jobs: asks for a recap workbook, makes it, hands it over.

The table is the queue and a broker message only makes it faster: a sweep finds jobs whose message or worker was lost.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.utils import translation
from django.utils.translation import gettext as _

from dashboards.models import ExportJob
from dashboards.recaps import queries as recap
from dashboards.recaps.workbook import basis_words, write_recap
from hierarchy import access
from hierarchy.access import COLLEGIAL, Permission
from hierarchy.lib import clock, jobs
from hierarchy.lib.clock import WITA
from hierarchy.lib.errors import Refusal
from hierarchy.models import Unit, User
from hierarchy.querysets import within_q
from reports.calendar.models import Window
from reports.journal import actions as journal

logger = logging.getLogger(__name__)
State = ExportJob.State
BASES = ("filed", "approved", "ratified")
SILENT = timedelta(seconds=60)  # a job without a sign of life for longer is taken over
MOST_ATTEMPTS = 3
MOST_UNFINISHED = 5  # per person, so that one impatient finger does not hold up the others
PROGRESS_EVERY = 1.0  # seconds


class Superseded(Exception):
    """Another worker has taken the job over; this one must stop without a trace."""


def ask(*, unit: Unit, stage_code: str, basis: str, detail: bool = False, by: User) -> ExportJob:
    """Puts a recap in the queue; the same wish while it is unfinished gives the same job.

    Raises Http404 or PermissionDenied without Permission.EXPORT over `unit`, and Refusal with a sentence.
    """
    access.require(by, Permission.EXPORT, unit)
    if basis not in BASES:
        raise Refusal(_("Pilih dasar angka: dilaporkan, disetujui, atau disahkan."))
    if basis == "ratified" and unit.level not in COLLEGIAL:
        raise Refusal(_("Satuan ini tidak mempunyai rapat pleno. Pilih dasar angka dilaporkan atau disetujui."))
    if basis == "ratified" and detail:
        raise Refusal(_("Pleno mengesahkan angka sebuah lembaga, bukan angka TPS atau desa. Hapus tanda pada “Rinci”."))
    opened = Window.objects.filter(election=unit.election_id, stage__code=stage_code, opened_at__isnull=False)
    if not opened.exists():
        raise Refusal(_("Tahapan ini belum dibuka. Pilih tahapan lain."))
    wish = {"unit": unit, "stage_code": stage_code, "basis": basis, "detail": detail, "asked_by": by}
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)  # two taps at once must not both find nothing
        unfinished = ExportJob.objects.filter(asked_by=by, state__in=[State.WAITING, State.RUNNING])
        if same := unfinished.filter(**wish).first():
            return same
        if unfinished.count() >= MOST_UNFINISHED:
            raise Refusal(
                _("Masih ada %d rekap Anda yang dibuat. Tunggu sampai salah satunya selesai.") % MOST_UNFINISHED
            )
        moment = clock.now()
        job = ExportJob.objects.create(**wish, asked_at=moment, touched_at=moment)
        _note("export.asked", job, by, stage=stage_code, basis=basis, detail=detail)
        transaction.on_commit(lambda: _wake(job.pk))
    return job


def visible_to(user: User) -> QuerySet[ExportJob]:
    """Jobs about units over which the user holds EXPORT today; having asked once is not enough to read it for ever."""
    scope = Q(pk__in=[])
    for membership in access.memberships_with(user, Permission.EXPORT):
        scope |= within_q(membership.unit, "unit__")
    return ExportJob.objects.filter(scope).select_related("unit__election", "unit__village", "asked_by")


def hand_over(*, job: ExportJob, by: User) -> FieldFile:
    """The finished file, with a line in the journal: a recap holds narratives that are exempt from disclosure.

    Raises Http404 or PermissionDenied as `ask` does, and Refusal while there is no file.
    """
    access.require(by, Permission.EXPORT, job.unit)
    if job.state != State.DONE or not job.file.storage.exists(job.file.name or ""):
        raise Refusal(_("Berkas rekap ini tidak tersedia. Minta rekap yang baru."))
    with transaction.atomic():
        _note("export.downloaded", job, by, sha256=job.sha256)
    return job.file


def make(job_id: str | UUID) -> bool:
    """Makes the workbook of a job; False when it is done, is another worker's, or does not exist.

    Safe to run any number of times, side by side: the attempt number decides whose file stands. Must not run inside a
    transaction, because every figure of a workbook comes from one snapshot of its own.
    """
    job = _claim(job_id)
    if job is None:
        return False
    try:
        with translation.override(settings.LANGUAGE_CODE):  # an official document, whoever asked for it
            _make(job)
    except Superseded:
        return False
    except Refusal as refusal:
        _fail(job, str(refusal))
    except Exception:
        logger.exception("export %s failed", job.pk)
        _fail(job, _("Rekap belum berhasil dibuat karena gangguan sistem. Minta lagi; bila gagal lagi, hubungi admin."))
    return True


def sweep() -> int:
    """Wakes the jobs whose message was lost and takes back those whose worker died; returns how many were found."""
    moment = clock.now()
    silent = ExportJob.objects.filter(state__in=[State.WAITING, State.RUNNING], touched_at__lt=moment - SILENT)
    found = 0
    for job in silent.order_by("asked_at"):
        found += 1
        if job.state == State.RUNNING and job.attempts >= MOST_ATTEMPTS:
            _fail(
                job,
                _("Rekap ini tiga kali terhenti di tengah jalan. Hubungi admin, atau minta rekap yang lebih kecil."),
            )
            continue
        same = ExportJob.objects.filter(pk=job.pk, state=job.state, attempts=job.attempts)
        if same.update(state=State.WAITING, touched_at=moment):
            _wake(job.pk)
    return found


def _wake(job_id: UUID) -> None:
    try:
        jobs.send("dashboards.tasks.make_recap", str(job_id), expires=SILENT.total_seconds())
    except Exception as error:  # whatever ails the broker: the job is in the table and the sweep finds it
        logger.warning("export %s: no message sent, the sweep will find it (%s)", job_id, error)


def _claim(job_id: str | UUID) -> ExportJob | None:
    moment = clock.now()
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, touched_at__lt=moment - SILENT)
    taken = ExportJob.objects.filter(free, pk=job_id).update(
        state=State.RUNNING, attempts=F("attempts") + 1, touched_at=moment, done=0, total=0
    )
    return (
        ExportJob.objects.select_related("unit__election", "unit__village", "asked_by").get(pk=job_id)
        if taken
        else None
    )


def _make(job: ExportJob) -> None:
    if not access.can(job.asked_by, Permission.EXPORT, job.unit):
        raise Refusal(_("Wewenang untuk mengunduh rekap satuan ini sudah berakhir."))
    with _snapshot(), _progress(job) as progress:
        cut_off = clock.now()
        gathered = recap.gather(
            unit=job.unit, stage_code=job.stage_code, basis=job.basis, detail=job.detail, cut_off=cut_off
        )
        local = cut_off.astimezone(WITA)
        folder = f"recaps/{local:%Y/%m/%d}/{job.pk}"
        kind = "-".join(filter(None, [basis_words(job.basis), _("rinci") if job.detail else ""]))
        name = f"{folder}/Rekap-{job.stage_code}-{job.unit.code}-{kind}-{local:%Y%m%d-%H%M%S}.xlsx"
        path, part = _clear(folder, name, job.attempts)
        write_recap(part, recap=gathered, progress=progress)
    try:
        _finish(job, gathered.size, cut_off, name, path, part)
    finally:
        part.unlink(missing_ok=True)


def _finish(job: ExportJob, rows: int, cut_off: datetime, name: str, path: Path, part: Path) -> None:
    """Puts the file in its place, if the job is still this worker's. Raises Superseded."""
    mine = ExportJob.objects.filter(pk=job.pk, state=State.RUNNING, attempts=job.attempts)
    if not mine.exists():  # then its next worker has cleared the file away as well
        raise Superseded
    digest = _sha256(part)
    with transaction.atomic():
        finished = mine.update(
            state=State.DONE,
            file=name,
            sha256=digest,
            cut_off=cut_off,
            finished_at=clock.now(),
            done=rows,
            total=rows,
            error="",
        )
        if not finished:
            raise Superseded
        part.replace(path)  # before the commit: a job that says DONE has its file
        _note("export.made", job, None, sha256=digest, file=path.name)


def _clear(folder: str, name: str, attempt: int) -> tuple[Path, Path]:
    """Where the file will stand and where it grows; what killed attempts left behind is removed."""
    place = Path(default_storage.path(folder))
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob("*.part"):
        if int(left.suffixes[-2].strip(".")) < attempt:
            left.unlink(missing_ok=True)
    path = Path(default_storage.path(name))
    return path, path.with_name(f"{path.name}.{attempt}.part")


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of the data for every query, however long the writing takes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def _progress(job: ExportJob) -> Iterator[_Progress]:
    progress = _Progress(job)
    try:
        yield progress
    finally:
        progress.link.close()


class _Progress:
    """Writes how far a job is, on a connection of its own: the snapshot's would show it to nobody until the end."""

    def __init__(self, job: ExportJob) -> None:
        self.job, self.next = job, 0.0
        self.link = connection.copy()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + PROGRESS_EVERY
        with self.link.cursor() as cursor:
            cursor.execute(
                "UPDATE dashboards_exportjob SET done = %s, total = %s, touched_at = %s"
                " WHERE id = %s AND state = 'RUNNING' AND attempts = %s",
                [done, total, clock.now(), self.job.pk, self.job.attempts],
            )
            if not cursor.rowcount:
                raise Superseded


def _fail(job: ExportJob, sentence: str) -> None:
    with transaction.atomic():
        mine = ExportJob.objects.filter(pk=job.pk, state=State.RUNNING, attempts=job.attempts)
        if mine.update(state=State.FAILED, error=sentence, finished_at=clock.now()):
            _note("export.failed", job, None, error=sentence)


def _note(verb: str, job: ExportJob, by: User | None, **detail: Any) -> None:
    journal.write(journal.entry(verb, by=by, unit=job.unit, target=job.pk, election=job.unit.election.code, **detail))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
