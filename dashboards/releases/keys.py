"""The agency's key: its private half signs releases, its public half is pinned where no database reaches."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext as _

from hierarchy.lib.errors import Refusal

HEX = re.compile(r"[0-9a-f]{64}")  # 32 bytes


class KeyFault(Refusal):
    """The key cannot sign; `messages` say what to do."""


def signing_key() -> Ed25519PrivateKey:
    """The agency's key from PUBLICATION_KEY (hex), else one made once and kept in KEY_DIR with mode 0600.

    Raises KeyFault: a damaged key, or one that is not the first in PUBLICATION_PUBLIC_KEY.
    """
    key = _private()
    first = next(iter(pinned()), None)
    if first and (key is None or public_half(key) != first):
        raise KeyFault(
            _(
                "Kunci untuk %(pinned)s…, yang pertama di PUBLICATION_PUBLIC_KEY, tidak ada di server ini. Pulihkan "
                "kunci itu dari cadangan, atau tulis kunci publik yang baru di depan yang lama."
            )
            % {"pinned": first.hex()[:16]}
        )
    return key or _make()


def public_half(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def pinned() -> list[bytes]:
    """The public keys of PUBLICATION_PUBLIC_KEY, the one in use first; a text that is no key is left out (the system
    checks name it)."""
    texts = settings.PUBLICATION_PUBLIC_KEY.replace(",", " ").split()
    return [bytes.fromhex(text) for text in texts if HEX.fullmatch(text)]


def own() -> bytes | None:
    """The public half of the key that is there; None when there is none. Makes none. Raises KeyFault."""
    key = _private()
    return public_half(key) if key else None


def trusted() -> list[bytes]:
    """The keys whose releases are the agency's own: the pinned ones, else that of the key that is there."""
    if keys := pinned():
        return keys
    key = own()
    return [key] if key else []


def to_check(release: bytes) -> bytes:
    """The public key that a release, signed by `release` as its row says, is to be checked with."""
    keys = pinned()
    return keys[0] if keys and release not in keys else release


def _path() -> Path:
    return Path(settings.KEY_DIR) / "publication.key"


def _private() -> Ed25519PrivateKey | None:
    """The key that is there; makes none."""
    text, place = settings.PUBLICATION_KEY, "PUBLICATION_KEY"
    if not text:
        place = str(_path())
        try:
            text = _path().read_text().strip()
        except FileNotFoundError:
            return None
    if not HEX.fullmatch(text):
        raise KeyFault(
            _(
                "Kunci di %(place)s rusak: isinya harus 64 angka heksadesimal. Pulihkan dari cadangan. Kosongkan hanya "
                "jika belum ada rilis yang ditandatangani dengannya: hapus berkasnya, kunci baru dibuat sendiri."
            )
            % {"place": place}
        )
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def _make() -> Ed25519PrivateKey:
    """A new key, on disk whole or not at all, and never over one that another process has just made."""
    folder = _path().parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".publication-") as aside:  # mode 0600
        aside.write(Ed25519PrivateKey.generate().private_bytes_raw().hex())
        aside.flush()
        os.fsync(aside.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside.name, _path())
    key = _private()
    assert key is not None
    return key
