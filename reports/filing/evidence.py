"""The only writer of evidence: takes photos in, encodes them anew, forgets those that no report names."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import warnings
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock, gate
from hierarchy.lib.errors import Refusal
from hierarchy.models import Unit, User
from hierarchy.signin.throttle import Attempt, Limit, TooManyAttempts
from reports import locks
from reports.filing.models import Evidence
from reports.journal import actions as journal

logger = logging.getLogger(__name__)
MAX_BYTES = 12 * 1024 * 1024  # what a phone's camera makes at most
SIDE, QUALITY = 1600, 72  # pixels of the longer side, JPEG quality: about 300 kB and a C.Hasil still legible
# Pixels a picture may have, by format. A JPEG is decoded at an eighth to a half of its size (`draft`); the others only
# whole, at up to 16 bytes a pixel.
MAX_PIXELS = {"JPEG": 64_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
# A progressive JPEG is sent in scans, ten as cameras and browsers make it; each makes the decoder go over the whole
# picture once, and 12 MB hold 140,000 of them.
MAX_SCANS = 30
PER_DAY = 60  # photos that a unit may hand in on one day (WITA)
NOT_KEPT = Limit("photo", burst=20, every=60)  # files of an account that are decoded and then not kept
KEPT_UNNAMED = timedelta(days=7)  # how long a photo waits for the report that names it
_decoding = BoundedSemaphore(1)  # one at a time in a process: a picture takes up to 250 MB while it is decoded
_NEXT_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")  # what follows FF is data (00) or a restart inside a scan
START_OF_SCAN, END_OF_IMAGE, ALONE = b"\xda", b"\xd9", (b"\xd8", b"\x01")  # alone: markers without a length
MOST_MARKERS = 5_000  # a camera's file has some dozens; a file of nothing else would keep the count itself busy


class NotAPhoto(Refusal):
    """The file cannot be taken as a photo."""

    status, code = 422, "not-a-photo"


class NotNow(NotAPhoto):
    """The photo may be good, but cannot be kept at the moment; it says when to send it again."""

    status, code, retry_after = 503, "photo-not-kept", 60


class Busy(NotNow):
    """There is no place among those whose photos are decoded just now: this one was not."""

    retry_after = 5


def _busy() -> Busy:
    return Busy(_("Server sedang menerima banyak foto. Coba kirim lagi sebentar lagi."))


class TooMany(NotAPhoto):
    """The unit has handed in what a day allows."""

    status, code = 429, "too-many-photos"


class TooManyRefused(TooMany):
    """The account has sent too many files that were decoded for nothing."""


def _too_many_refused(wait: int) -> TooManyRefused:
    sentence = _(
        "Terlalu banyak berkas dari akun Anda yang tidak dapat disimpan. Tunggu %(minutes)d menit, lalu kirim "
        "foto yang baru diambil dengan kamera."
    )
    return TooManyRefused(sentence % {"minutes": -(-wait // 60)}, retry_after=wait)


def store(*, file: File, unit: Unit, by: User) -> Evidence:
    """Keeps a photo for a unit's reports and returns it; the same photo again returns the same row.

    The picture is decoded and encoded afresh, which drops EXIF, GPS and anything hidden in the file, and turned
    upright. Raises NotAPhoto, and PermissionDenied or Http404 through access.
    """
    access.require(by, Permission.FILE, unit)
    size = file.size or 0
    if not 0 < size <= MAX_BYTES:
        raise NotAPhoto(_("Foto harus berukuran paling besar 12 MB dan tidak kosong."))
    raw = file.read()
    original = hashlib.sha256(raw).hexdigest()
    # Before it is decoded, which is what costs; and again under the lock of `_keep`, for what came meanwhile.
    if kept := _found(unit, Q(original_sha256=original)):
        return kept
    try:
        attempt = Attempt([(NOT_KEPT, NOT_KEPT.key(str(by.pk)))])
    except TooManyAttempts as error:
        raise _too_many_refused(error.retry_after or 1) from error
    try:
        kept = _keep(_encode(raw), original, unit, by)
    except Busy:  # nothing was decoded
        attempt.forgive()
        raise
    attempt.forgive()
    return kept


def _found(unit: Unit, same: Q) -> Evidence | None:
    """The photo, if the unit has it already."""
    with transaction.atomic():
        locks.hold(locks.Lock.EVIDENCE, unit.pk)
        if kept := Evidence.objects.filter(same, unit=unit).first():
            # Handed in again, its week begins again: a report that is about to name it must find it.
            kept.uploaded_at = clock.now()
            kept.save(update_fields=["uploaded_at"])
        return kept


def _require_day(unit: Unit) -> None:
    """Raises TooMany where the unit may hand in no more today. Asked only once the picture is known to be a new one."""
    today = Evidence.objects.filter(unit=unit, uploaded_at__gte=clock.now() - timedelta(days=1))
    if today.count() >= PER_DAY:
        sentence = _("Satuan ini sudah mengirim %(count)d foto dalam 24 jam. Kirim foto berikutnya besok.")
        raise TooMany(sentence % {"count": PER_DAY})


def _keep(encoded: bytes, original: str, unit: Unit, by: User) -> Evidence:
    sha256 = hashlib.sha256(encoded).hexdigest()
    with transaction.atomic():
        if kept := _found(unit, Q(sha256=sha256)):  # it holds the unit's lock from here on
            return kept
        _require_day(unit)
        evidence = Evidence(unit=unit, sha256=sha256, original_sha256=original, uploaded_by=by, uploaded_at=clock.now())
        try:
            evidence.file.save(f"{unit.code}-{sha256[:16]}.jpg", ContentFile(encoded))
        except OSError as error:  # a full disk, above all: hierarchy/lib/storage.py left nothing behind
            logger.error("evidence: a photo could not be kept (%s)", error)
            raise NotNow(_("Foto belum dapat disimpan di server. Coba lagi beberapa menit lagi.")) from error
        _tell("evidence.stored", evidence, by, original_sha256=evidence.original_sha256)
    return evidence


def _tell(verb: str, evidence: Evidence, by: User | None, **detail: Any) -> None:
    unit, detail["sha256"] = evidence.unit, evidence.sha256
    journal.write(journal.entry(verb, by=by, unit=unit, election=unit.election.code, target=evidence.pk, **detail))


def _encode(raw: bytes) -> bytes:
    """The photo as a JPEG of ours. Of whatever is sent, no more than MAX_PIXELS and MAX_SCANS is decoded."""
    with gate.place(gate.Work.PHOTO, full=_busy()):
        if not _decoding.acquire(timeout=settings.TURN_PATIENCE["PHOTO"]):
            raise _busy()
        try:
            return _decoded_anew(raw)
        finally:
            _decoding.release()


def _decoded_anew(raw: bytes) -> bytes:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Its own limit is one for all formats, and lower than that of a JPEG which is never decoded whole.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture: Any = Image.open(io.BytesIO(raw), formats=list(MAX_PIXELS))
        _refuse_bombs(picture, raw)
        picture.draft("RGB", (SIDE, SIDE))
        if picture.mode not in ("RGB", "RGBA", "L"):
            picture = picture.convert("RGB")
        picture.thumbnail((SIDE, SIDE), reducing_gap=2.0)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    except NotAPhoto:
        raise
    except Exception as error:  # Pillow raises many kinds of error on a broken file; each means the same to a person
        raise NotAPhoto(_("Berkas ini bukan foto JPEG, PNG, atau WebP yang dapat dibaca.")) from error
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _refuse_bombs(picture: Any, raw: bytes) -> None:
    """Raises NotAPhoto from the headers alone, before anything is decoded."""
    # A JPEG with a second picture behind it, as phones keep depth or brightness, goes by a name of its own.
    kind = "JPEG" if picture.format == "MPO" else picture.format
    if picture.width * picture.height > MAX_PIXELS[kind]:
        raise NotAPhoto(_("Foto terlalu besar. Kecilkan ukurannya, lalu kirim lagi."))
    if kind == "JPEG" and scans(raw) > MAX_SCANS:
        raise NotAPhoto(_("Foto ini disusun dengan cara yang tidak dapat diterima. Ambil foto baru, lalu kirim lagi."))


def scans(jpeg: bytes) -> int:
    """How many scans a JPEG's own picture is sent in (ITU-T T.81, B.1). What lies after its end is not counted: phones
    append films and second pictures there, whose bytes look like anything."""
    found, at = 0, 0
    for _each in range(MOST_MARKERS):
        marker = _NEXT_MARKER.search(jpeg, at)
        if marker is None or marker[1] == END_OF_IMAGE:
            return found
        at = marker.end()
        if marker[1] not in ALONE:
            found += marker[1] == START_OF_SCAN
            at += int.from_bytes(jpeg[at : at + 2], "big")  # the segment; of a scan, its header
    return MOST_MARKERS


# By what every version says, not by the unit that files today: a moved village must not lose the photos of its reports.
UNNAMED = """
WITH named AS MATERIALIZED (
    SELECT DISTINCT hash[1] AS sha256 FROM (
        SELECT canonical FROM reports_revision UNION ALL SELECT canonical FROM reports_conflict
    ) AS kept, regexp_matches(convert_from(kept.canonical, 'UTF8'), '"([0-9a-f]{64})"', 'g') AS hash
    WHERE %(sha256)s::text IS NULL OR position(%(sha256)s::bytea IN kept.canonical) > 0
)
SELECT e.id FROM reports_evidence e
WHERE e.uploaded_at < %(before)s AND (%(sha256)s::text IS NULL OR e.sha256 = %(sha256)s)
    AND NOT EXISTS (SELECT 1 FROM named n WHERE n.sha256 = e.sha256)
"""


def sweep() -> int:
    """Forgets photos that no version of a report and no refused filing has named within a week; returns how many.

    A photo that stays unnamed is a form that was never sent. Row by row under the unit's lock, so that a photo handed
    in again in this very moment is found again or kept anew.
    """
    found = Evidence.objects.filter(pk__in=unnamed()).select_related("unit__election")
    return sum(_forget(evidence) for evidence in found)


def unnamed(sha256: str | None = None) -> set[int]:
    """Keys of the photos (with this hash) that have been named by nobody for a week."""
    with connection.cursor() as cursor:
        cursor.execute(UNNAMED, {"before": clock.now() - KEPT_UNNAMED, "sha256": sha256})
        return {pk for (pk,) in cursor.fetchall()}


def _forget(evidence: Evidence) -> int:
    unit = evidence.unit
    with transaction.atomic():
        locks.hold(locks.Lock.EVIDENCE, unit.pk)
        # Asked again: a report may have named it while the photos before it went.
        rows = Evidence.objects.filter(pk__in=unnamed(evidence.sha256) & {evidence.pk})
        gone, _by_table = rows.delete()
        if gone:
            _tell("evidence.swept", evidence, None)
            transaction.on_commit(lambda: evidence.file.delete(save=False))
    return gone
