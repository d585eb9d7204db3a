"""Photos: kept without what a phone hides in them, refused with a sentence when they are none."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import Http404
from PIL import Image

from hierarchy.lib import clock
from hierarchy.lib.storage import WholeFiles
from reports.filing import evidence
from reports.filing.models import Evidence
from reports.journal.models import Event
from reports.verify import kept as verify_kept
from tests.days import AFTERNOON, Day, fresh

pytestmark = pytest.mark.django_db


def photo(size: tuple[int, int] = (40, 20), kind: str = "JPEG", **exif: str) -> SimpleUploadedFile:
    picture, out, tags = Image.new("RGB", size, "teal"), io.BytesIO(), Image.Exif()
    tags[0x010F] = "KAMERA RAHASIA"
    tags[0x0112] = 6  # turned by a quarter
    picture.save(out, kind, exif=tags)
    return SimpleUploadedFile("foto.jpg", out.getvalue())


def drawn(number: int) -> bytes:
    """A photo that differs from that of every other number."""
    picture, out = Image.effect_mandelbrot((64, 48), (-2 - number, -1, 1, 1), 20), io.BytesIO()
    picture.convert("RGB").save(out, "JPEG")
    return out.getvalue()


def progressive() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 100), 60).convert("RGB").save(out, "JPEG", progressive=True)
    return out.getvalue()


def hand_in(day: Day, content: bytes) -> Evidence:
    return evidence.store(
        file=SimpleUploadedFile("foto.jpg", content), unit=day.units["6472012001001"], by=day.cast.ptps
    )


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(election_day: Day, kind: str):
    side = int(evidence.MAX_PIXELS[kind] ** 0.5) + 1
    out = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", (side, side)).save(out, kind)
    with pytest.raises(evidence.NotAPhoto, match="terlalu besar"):
        hand_in(election_day, out.getvalue())


def test_a_picture_sent_in_endless_scans_is_refused_before_it_is_decoded(election_day: Day):
    """One scan of 89 bytes, repeated, held a web process for half a minute with half a megabyte."""
    raw = progressive()
    start = raw.rindex(b"\xff\xda")
    scan = raw[start:-2]
    assert evidence.scans(raw) <= evidence.MAX_SCANS
    assert evidence.scans(raw[:-2] + scan * 40 + raw[-2:]) == evidence.scans(raw) + 40
    with pytest.raises(evidence.NotAPhoto, match="Ambil foto baru"):
        hand_in(election_day, raw[:-2] + scan * 40 + raw[-2:])


def test_a_file_of_nothing_but_markers_does_not_keep_the_count_busy():
    assert evidence.scans(b"\xff\xd8" + b"\xff\x01" * 1_000_000) > evidence.MAX_SCANS


@pytest.mark.parametrize("pad", [b"\xff", b"\xff\xff\xff", b""])
def test_scans_are_counted_however_the_file_is_padded(pad: bytes):
    raw = progressive()
    marker = raw.rindex(b"\xff\xda")
    assert evidence.scans(raw[:marker] + pad + raw[marker:]) == evidence.scans(raw)


def test_a_photo_with_a_film_behind_it_is_taken(election_day: Day):
    """Phones append a second or two of film, in which any two bytes occur."""
    film = Random(5).randbytes(2_000_000) + b"\xff\xda" * 100
    assert hand_in(election_day, progressive() + film).pk


def test_a_photo_that_keeps_a_second_picture_behind_it_is_taken_and_bounded(
    election_day: Day, monkeypatch: pytest.MonkeyPatch
):
    """Phones keep depth and brightness so; such a JPEG goes by a name of its own."""
    out, pictures = io.BytesIO(), [Image.effect_noise((300, 200), 40 + n).convert("RGB") for n in range(2)]
    pictures[0].save(out, "MPO", save_all=True, append_images=pictures[1:])
    assert Image.open(io.BytesIO(out.getvalue())).format == "MPO"
    assert hand_in(election_day, out.getvalue()).pk
    monkeypatch.setitem(evidence.MAX_PIXELS, "JPEG", 100)
    with pytest.raises(evidence.NotAPhoto, match="terlalu besar"):
        hand_in(election_day, out.getvalue() + b"another file")


def test_a_photo_named_while_others_are_swept_stays(election_day: Day, monkeypatch: pytest.MonkeyPatch):
    kept = hand_in(election_day, drawn(1))
    election_day.set_clock(AFTERNOON + evidence.KEPT_UNNAMED + timedelta(minutes=5))
    real = evidence.unnamed

    def first_of_all(sha256: str | None = None) -> set[int]:
        found = real(sha256)
        if sha256 is None:
            election_day.file(election_day.cast.ptps, at=AFTERNOON, foto_tps=kept.sha256)
        return found

    monkeypatch.setattr(evidence, "unnamed", first_of_all)
    assert evidence.sweep() == 0
    assert Path(kept.file.path).exists()


def test_a_photo_waits_for_the_one_before_it_and_not_for_ever(election_day: Day, settings: Any):
    settings.TURN_PATIENCE = settings.TURN_PATIENCE | {"PHOTO": 0.01}
    with evidence._decoding, pytest.raises(evidence.NotNow, match="sebentar lagi"):
        hand_in(election_day, photo().read())
    assert hand_in(election_day, photo().read()).pk


def test_a_unit_hands_in_so_many_photos_a_day(election_day: Day, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "PER_DAY", 2)
    first, _second = hand_in(election_day, drawn(1)), hand_in(election_day, drawn(2))
    with pytest.raises(evidence.TooMany, match="besok"):
        hand_in(election_day, drawn(3))
    assert hand_in(election_day, drawn(1)) == first  # what is kept already costs nothing
    election_day.set_clock(AFTERNOON + timedelta(days=1, minutes=1))
    assert hand_in(election_day, drawn(3)).pk


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was decoded, with a limit of three that are not kept."""
    files, decode = [], evidence._decoded_anew
    monkeypatch.setattr(evidence, "_decoded_anew", lambda raw: (files.append(raw), decode(raw))[1])
    monkeypatch.setattr(evidence, "NOT_KEPT", replace(evidence.NOT_KEPT, burst=3))
    return files


def broken(number: int) -> bytes:
    """A picture that costs its decoding and then fails."""
    return drawn(number)[:-200]


def test_a_photo_that_is_kept_is_decoded_once_and_however_many_are_kept_none_is_refused(
    election_day: Day, decoded: list[bytes]
):
    sent = [drawn(number % 8) for number in range(20)]
    assert len({hand_in(election_day, each).pk for each in sent}) == len(decoded) == 8


@pytest.mark.parametrize("refused", [broken, drawn], ids=["no picture", "a full day"])
def test_what_is_decoded_for_nothing_is_bounded_for_each_account(
    election_day: Day, decoded: list[bytes], refused: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evidence, "PER_DAY", 1)
    kept = hand_in(election_day, drawn(0))
    for number in range(1, 8):
        with pytest.raises(evidence.NotAPhoto) as told:
            hand_in(election_day, refused(number))
    assert decoded == [drawn(0), *map(refused, (1, 2, 3))]
    assert isinstance(told.value, evidence.TooManyRefused)
    assert (told.value.status, 0 < told.value.retry_after <= 60) == (429, True)
    assert "Tunggu 1 menit" in str(told.value)
    assert hand_in(election_day, drawn(0)) == kept  # known by its file, it costs nothing


def test_on_a_full_day_another_file_of_a_picture_that_is_kept_is_found_again(
    election_day: Day, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evidence, "PER_DAY", 1)
    kept = [hand_in(election_day, drawn(1) + bytes(more)) for more in range(evidence.NOT_KEPT.burst + 5)]
    assert {each.pk for each in kept} == {kept[0].pk}


def test_a_turn_that_does_not_come_is_not_counted(election_day: Day, decoded: list[bytes], settings: Any):
    settings.TURN_PATIENCE = settings.TURN_PATIENCE | {"PHOTO": 0.0}
    for number in range(5):
        with evidence._decoding, pytest.raises(evidence.Busy):
            hand_in(election_day, drawn(number))
    assert hand_in(election_day, drawn(1)).pk


def test_one_picture_in_two_files_is_kept_once(election_day: Day):
    """A phone that writes the date into a photo each time it is sent makes another file of the same picture."""
    kept = [hand_in(election_day, drawn(1) + bytes(more)) for more in range(3)]
    assert len({each.pk for each in kept}) == Evidence.objects.count() == 1


def test_a_full_disk_leaves_neither_a_row_nor_half_a_file(
    election_day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(evidence.NotNow, match="beberapa menit"):
            hand_in(election_day, drawn(1))
    assert not Evidence.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    kept = hand_in(election_day, drawn(1))
    assert hashlib.sha256(Path(kept.file.path).read_bytes()).hexdigest() == kept.sha256


def test_two_files_of_one_name_are_both_kept(tmp_path: Path):
    storage = WholeFiles(location=tmp_path)
    names = [storage.save("a/b.txt", ContentFile(text)) for text in (b"one", b"two")]
    assert [Path(storage.path(name)).read_bytes() for name in names] == [b"one", b"two"]
    assert len(list(tmp_path.rglob("*.*"))) == 2


def test_only_photos_that_no_version_names_are_forgotten(election_day: Day, django_capture_on_commit_callbacks):
    unnamed, named, corrected, fresh_one = (hand_in(election_day, drawn(number)) for number in range(4))
    report = election_day.file(election_day.cast.ptps, foto_tps=corrected.sha256)
    election_day.file(election_day.cast.ptps, report_id=report.pk, based_on=1, foto_tps=named.sha256)
    path = Path(unnamed.file.path)
    assert evidence.sweep() == 0  # within its week a photo may still be on its way into a report
    election_day.set_clock(AFTERNOON + evidence.KEPT_UNNAMED + timedelta(minutes=5))
    assert hand_in(election_day, drawn(3)) == fresh_one  # handed in again: its week begins again
    with django_capture_on_commit_callbacks(execute=True):
        assert evidence.sweep() == 1
    assert set(Evidence.objects.all()) == {named, corrected, fresh_one}
    assert not path.exists()
    assert Path(named.file.path).exists()
    assert Event.objects.get(verb="evidence.swept").detail == {"sha256": unnamed.sha256}


def test_only_who_files_for_the_unit_hands_photos_in(election_day: Day):
    unit = election_day.units["6472012001001"]
    with pytest.raises(PermissionDenied):
        evidence.store(file=photo(), unit=unit, by=fresh(election_day.cast.pkd))
    with pytest.raises(Http404):
        evidence.store(file=photo(), unit=unit, by=fresh(election_day.cast.stranger))


@pytest.mark.django_db(transaction=True)
class TestVerified:
    """`manage.py verify` reads the disk for as long as it takes; nothing in the database waits for that."""

    @pytest.fixture
    def kept(self, election_day: Day) -> list[Evidence]:
        return [hand_in(election_day, drawn(number)) for number in range(3)]

    def test_no_transaction_is_open_while_a_file_is_read(
        self, kept: list[Evidence], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verify_kept, "PHOTOS_AT_ONCE", 2)
        seen: list[tuple[str, str, str | None]] = []
        read, ours = WholeFiles._open, connection.connection

        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:

            def watched(storage: WholeFiles, name: str, mode: str = "rb") -> File:
                state = "SELECT state, backend_xmin::text FROM pg_stat_activity WHERE pid = %s"
                seen.append((name, *other.execute(state, [connection.connection.info.backend_pid]).fetchone()))
                return read(storage, name, mode)

            monkeypatch.setattr(WholeFiles, "_open", watched)
            call_command("verify", "evidence", "photos", "filings")
        assert ours is connection.connection
        assert seen == [(photo.file.name, "idle", None) for photo in kept]

    def test_photos_come_and_go_meanwhile(
        self, kept: list[Evidence], election_day: Day, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One is swept just before its file is looked for, another handed in: neither is a difference."""
        read = WholeFiles._open

        def meanwhile(storage: WholeFiles, name: str, mode: str = "rb") -> File:
            if name == kept[0].file.name:
                hand_in(election_day, drawn(7))
                Evidence.objects.filter(pk=kept[1].pk).update(uploaded_at=clock.now() - 2 * evidence.KEPT_UNNAMED)
                assert evidence.sweep() == 1
            return read(storage, name, mode)

        monkeypatch.setattr(WholeFiles, "_open", meanwhile)
        call_command("verify", "evidence", "photos")
        assert not Evidence.objects.filter(pk=kept[1].pk).exists()

    def test_what_is_unnamed_is_asked_for_once_however_many_files_are_missing(
        self, kept: list[Evidence], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It reads every version of every report."""
        asked, unnamed = [], evidence.unnamed
        monkeypatch.setattr(evidence, "unnamed", lambda sha256=None: (asked.append(sha256), unnamed(sha256))[1])
        for photo in kept[:2]:
            Path(photo.file.path).unlink()
            Evidence.objects.filter(pk=photo.pk).update(uploaded_at=clock.now() - 2 * evidence.KEPT_UNNAMED)
        assert list(verify_kept.broken_photos()) == []
        Path(kept[2].file.path).unlink()
        assert [line.split(":")[0] for line in verify_kept.broken_photos()] == [f"photo {kept[2].pk}"]
        assert asked == [None, None]

    def test_a_file_that_is_gone_or_exchanged_is_named(
        self, kept: list[Evidence], capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path(kept[0].file.path).unlink()
        Path(kept[1].file.path).write_bytes(b"lain")
        with pytest.raises(CommandError, match="2 perbedaan"):
            call_command("verify", "--roll-up")
        told = capsys.readouterr().err
        assert f"photo {kept[0].pk}: its file {kept[0].file.name} cannot be read" in told
        assert f"photo {kept[1].pk}: its file {kept[1].file.name} is not what was handed in" in told
