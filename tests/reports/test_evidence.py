"""Photos: kept without what a phone hides in them, refused with a sentence when they are none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from PIL import Image

from reports import evidence
from reports.models import Evidence
from tests.days import Day, fresh

pytestmark = pytest.mark.django_db


def photo(size: tuple[int, int] = (40, 20), kind: str = "JPEG", **exif: str) -> SimpleUploadedFile:
    picture, out, tags = Image.new("RGB", size, "teal"), io.BytesIO(), Image.Exif()
    tags[0x010F] = "KAMERA RAHASIA"
    tags[0x0112] = 6  # turned by a quarter
    picture.save(out, kind, exif=tags)
    return SimpleUploadedFile("foto.jpg", out.getvalue())


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_a_photo_is_turned_upright_stripped_and_kept_once(election_day: Day):
    unit = election_day.units["6472012001001"]
    kept = [evidence.store(file=photo(), unit=unit, by=election_day.cast.ptps) for _ in range(2)]
    assert (kept[0].pk, Evidence.objects.count()) == (kept[1].pk, 1)
    raw = Path(kept[0].file.path).read_bytes()
    with Image.open(io.BytesIO(raw)) as stored:
        assert stored.size == (20, 40)
        assert not stored.getexif()
    assert b"RAHASIA" not in raw


def test_a_large_photo_is_made_small(election_day: Day):
    unit = election_day.units["6472012001001"]
    kept = evidence.store(file=photo((4000, 3000)), unit=unit, by=election_day.cast.ptps)
    with Image.open(kept.file.path) as stored:
        assert max(stored.size) == evidence.SIDE


@pytest.mark.parametrize("content", [b"", b"not a photo", b"\xff\xd8\xff\xe0 broken", b"PK\x03\x04 a zip"])
def test_what_is_no_photo_is_refused(election_day: Day, content: bytes):
    with pytest.raises(evidence.NotAPhoto):
        evidence.store(
            file=SimpleUploadedFile("foto.jpg", content),
            unit=election_day.units["6472012001001"],
            by=election_day.cast.ptps,
        )
    assert not Evidence.objects.exists()


def test_a_bomb_is_refused_before_it_is_unpacked(election_day: Day, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "MAX_PIXELS", 100)
    with pytest.raises(evidence.NotAPhoto, match="terlalu besar"):
        evidence.store(file=photo(), unit=election_day.units["6472012001001"], by=election_day.cast.ptps)


def test_only_who_files_for_the_unit_hands_photos_in(election_day: Day):
    unit = election_day.units["6472012001001"]
    with pytest.raises(PermissionDenied):
        evidence.store(file=photo(), unit=unit, by=fresh(election_day.cast.pkd))
    with pytest.raises(Http404):
        evidence.store(file=photo(), unit=unit, by=fresh(election_day.cast.stranger))
