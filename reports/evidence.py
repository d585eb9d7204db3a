"""The only writer of evidence: takes a photo in, re-encodes it, names it by what it is."""

from __future__ import annotations

import hashlib
import io
import warnings

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy import access, clock
from hierarchy.access import Permission
from hierarchy.models import Unit, User
from reports.models import Evidence

MAX_BYTES = 12 * 1024 * 1024  # what a phone's camera makes at most
MAX_PIXELS = 60_000_000
SIDE, QUALITY = 1600, 72  # pixels of the longer side, JPEG quality: about 300 kB and a C.Hasil still legible


class NotAPhoto(Exception):
    """The file cannot be taken as a photo; the message tells the person what to do."""


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
    encoded = _encode(raw)
    sha256 = hashlib.sha256(encoded).hexdigest()
    with transaction.atomic():
        evidence, made = Evidence.objects.get_or_create(
            unit=unit,
            sha256=sha256,
            defaults={
                "original_sha256": hashlib.sha256(raw).hexdigest(),
                "uploaded_by": by,
                "uploaded_at": clock.now(),
            },
        )
        if made:
            evidence.file.save(f"{unit.code}-{sha256[:16]}.jpg", ContentFile(encoded))
    return evidence


def _encode(raw: bytes) -> bytes:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(raw), formats=["JPEG", "PNG", "WEBP"])
            if picture.width * picture.height > MAX_PIXELS:
                raise NotAPhoto(_("Foto terlalu besar. Kecilkan ukurannya, lalu kirim lagi."))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except NotAPhoto:
        raise
    except Exception as error:  # Pillow raises many kinds of error on a broken file; each means the same to a person
        raise NotAPhoto(_("Berkas ini bukan foto JPEG, PNG, atau WebP yang dapat dibaca.")) from error
    upright.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
