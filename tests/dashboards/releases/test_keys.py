"""The key that signs releases: made whole, named when damaged, pinned where no database reaches."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command

from dashboards.models import Publication, PublishedPage
from dashboards.releases import actions as publish
from dashboards.releases import keys, proof
from reports.journal.models import Event
from tests.days import Day
from tests.released import release, unguarded

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_is_made_once_and_only_its_owner_may_read_it(settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path / "keys"
    first = keys.signing_key().private_bytes_raw()
    assert keys.signing_key().private_bytes_raw() == first
    assert (settings.KEY_DIR / "publication.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.KEY_DIR.iterdir()] == ["publication.key"], "nothing is left beside it"


@pytest.mark.django_db
@pytest.mark.parametrize("content", ["", "\n", "ab" * 31, "zz" * 32])
def test_a_damaged_key_is_named_and_kept(settings: Any, tmp_path: Path, content: str) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    (tmp_path / "publication.key").write_text(content)
    with pytest.raises(keys.KeyFault, match=r"publication\.key rusak.*64 angka heksadesimal"):
        keys.signing_key()
    assert (tmp_path / "publication.key").read_text() == content
    (fault,) = publish.broken()
    assert "rusak" in fault


def test_processes_that_make_the_key_at_once_agree_on_one(settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    gate = threading.Barrier(8)

    def make(_number: int) -> bytes:
        gate.wait()
        return keys._make().private_bytes_raw()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(make, range(8)))) == 1


def test_only_the_pinned_key_may_sign(day: Day, settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_PUBLIC_KEY = "0b" * 32
    with pytest.raises(CommandError, match=r"^Kunci untuk 0b0b.*PUBLICATION_PUBLIC_KEY"):
        call_command("publish", election="pemilu2024")
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    with pytest.raises(CommandError, match=r"^Kunci untuk 0b0b"):
        call_command("publish", public_key=True)
    assert list(tmp_path.iterdir()) == [], "no new key where another one is expected"
    assert Publication.objects.count() == 0


def test_the_command_prints_the_public_key(day: Day, capsys: Any) -> None:
    call_command("publish", public_key=True)
    key = capsys.readouterr().out.strip()
    assert key == keys.public_half(keys.signing_key()).hex()
    call_command("publish", election="pemilu2024")
    assert f"Kunci publik: {key}" in capsys.readouterr().out


def test_releases_signed_anew_by_whoever_owns_the_database_are_named(day: Day, settings: Any) -> None:
    """With pages, digests, journal and signature all made to fit; only the key outside the database gives it away."""
    settings.PUBLICATION_PUBLIC_KEY = keys.public_half(keys.signing_key()).hex()
    made = release(day)
    forger = Ed25519PrivateKey.generate()
    page = PublishedPage.objects.get(code="64")
    page.payload["name"] = "Kalimantan Palsu"
    pages = proof.manifest(made) | {"64": proof.page_digest(page.payload)}
    digest = proof.release_digest(made, pages)
    values = {"payload": page.payload, "sha256": pages["64"]}
    with unguarded("dashboards_publishedpage", "dashboards_publication", "reports_event"):
        PublishedPage.objects.filter(pk=page.pk).update(**values)
        Publication.objects.update(digest=digest, signature=forger.sign(digest), public_key=keys.public_half(forger))
        event = Event.objects.get(verb="figures.published")
        Event.objects.filter(pk=event.pk).update(detail=event.detail | {"digest": digest.hex()})
    (fault,) = publish.broken()
    assert "signed by another key" in fault
    settings.PUBLICATION_PUBLIC_KEY = ""
    (fault,) = publish.broken()  # the key that is there knows it too
    assert "signed by another key" in fault
    settings.PUBLICATION_PUBLIC_KEY = f"{'0b' * 32},{keys.public_half(forger).hex()}"
    assert not list(publish.broken()), "an older key that is pinned is the agency's"
