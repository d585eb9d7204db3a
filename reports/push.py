"""Web Push: devices that asked for it, and one sealed message to one of them.

The only writer of devices. A message is encrypted for its device (RFC 8291), so the browser maker's server that carries
it reads nothing; it knows us by a signature (VAPID, RFC 8292) with a key derived from SECRET_KEY, so that every process
has the same one and no further secret must be kept. Whoever changes SECRET_KEY asks everybody to switch it on again.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from hierarchy import clock
from hierarchy.formats import tidy
from hierarchy.models import User
from reports.models import Device

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# A device is told at once or, if it was off, within this time; later the reminder says nothing any more.
KEPT_SECONDS = 4 * 3600
LETTERS = 600  # of the body; a push carries 3,993 bytes at most
TIMEOUT = 10  # seconds
MOST_DEVICES = 5  # of one person; a sixth replaces the oldest
POINT, SECRET = 65, 16  # bytes of a P-256 point and of the device's secret
LONGEST_ADDRESS = 500
GONE = frozenset({404, 410})  # the device took it back
LATER = frozenset({429, 500, 502, 503, 504})
# Order of the curve P-256 (FIPS 186-4).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class NotADevice(Exception):
    """What a browser sent is no subscription that we can use."""


class Gone(Exception):
    """The device no longer takes messages."""


class Busy(Exception):
    """The carrier asks to come again later; nothing was delivered."""


class Refused(Exception):
    """The carrier does not take it."""


def subscribe(*, user: User, endpoint: str, p256dh: str, auth: str) -> Device:
    """Keeps a device of the user; one that was somebody else's is theirs from now on.

    Raises NotADevice for keys of the wrong size and for an address that is not of PUSH_SERVICES: the server posts to
    it, and a person must not choose where.
    """
    if len(endpoint) > LONGEST_ADDRESS or endpoint != tidy(endpoint) or not _is_carrier(endpoint):
        raise NotADevice(_("Layanan pemberitahuan peramban ini tidak dikenal."))
    try:
        point, secret = _bytes(p256dh), _bytes(auth)
        _public(point)
    except ValueError as error:
        raise NotADevice(_("Peramban mengirim kunci yang tidak dapat dipakai. Coba lagi.")) from error
    if len(point) != POINT or len(secret) != SECRET:
        raise NotADevice(_("Peramban mengirim kunci yang tidak dapat dipakai. Coba lagi."))
    device, _made = Device.objects.update_or_create(
        endpoint=endpoint, defaults={"user": user, "p256dh": point, "auth": secret, "made_at": clock.now()}
    )
    kept = Device.objects.filter(user=user).order_by("-made_at", "-pk").values_list("pk", flat=True)
    Device.objects.filter(user=user).exclude(pk__in=list(kept[:MOST_DEVICES])).delete()
    return device


def unsubscribe(*, user: User) -> int:
    """Forgets every device of the user; returns how many."""
    deleted, _by_model = Device.objects.filter(user=user).delete()
    return deleted


def devices_of(users: Iterable[int]) -> dict[int, list[str]]:
    """User id -> addresses of their devices; one query."""
    found: dict[int, list[str]] = defaultdict(list)
    for user_id, endpoint in Device.objects.filter(user__in=list(users)).values_list("user_id", "endpoint"):
        found[user_id].append(endpoint)
    return found


def send(*, endpoint: str, title: str, body: str, tag: str) -> None:
    """Hands one message to the device's carrier. Raises Gone (and forgets the device), Busy, Refused, or whatever the
    connection raises, after which nobody knows whether it arrived."""
    import requests

    device = Device.objects.filter(endpoint=endpoint).first()
    if device is None:
        raise Gone("the person switched it off")
    told = {"title": title, "body": body[:LETTERS], "tag": tag, "url": reverse("messages")}
    try:
        answer = requests.post(
            endpoint,
            data=_sealed(json.dumps(told, ensure_ascii=False).encode(), device),
            headers={
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(KEPT_SECONDS),
                "Urgency": "high",
                "Authorization": f"vapid t={_token(endpoint)}, k={public_key()}",
            },
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.exceptions.ConnectTimeout as error:
        raise Busy(str(error)) from error
    if answer.status_code in GONE:
        device.delete()
        raise Gone(f"{answer.status_code}")
    if answer.status_code in LATER:
        raise Busy(f"{answer.status_code}")
    if not 200 <= answer.status_code < 300:
        raise Refused(f"{answer.status_code} {answer.text[:200]}")


# --- keys -----------------------------------------------------------------------------------------------------------


def public_key() -> str:
    """Our key as browsers want it: an uncompressed point, base64url."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = _key(settings.SECRET_KEY).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _text(point)


@cache
def _key(secret: str) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # 48 bytes, so that the remainder is as good as even over all keys (FIPS 186-5, A.2.1).
    drawn = HKDF(hashes.SHA256(), 48, salt=None, info=b"bawaslu web push").derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(drawn) % (ORDER - 1) + 1, ec.SECP256R1())


def _token(endpoint: str) -> str:
    """A JWT for the carrier, good for half a day (RFC 8292)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    # By the world's clock: a rehearsal's would be refused.
    claims = {"aud": _origin(endpoint), "exp": int(time.time()) + 12 * 3600, "sub": settings.SITE_URL}
    head = {"typ": "JWT", "alg": "ES256"}
    signed = ".".join(_text(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    r, s = decode_dss_signature(_key(settings.SECRET_KEY).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(r.to_bytes(32) + s.to_bytes(32))}"


def _sealed(message: bytes, device: Device) -> bytes:
    from apprise.utils.pem import ApprisePEMController

    sealer = ApprisePEMController(path=str(settings.KEY_DIR))  # its own keys are for something else and never made
    return bytes(
        sealer.encrypt_webpush(message, public_key=_public(bytes(device.p256dh)), auth_secret=bytes(device.auth))
    )


def _public(point: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _is_carrier(address: str) -> bool:
    try:
        origin = _origin(address)
    except ValueError:
        return False
    return "@" not in origin and any(fnmatch(origin, pattern) for pattern in settings.PUSH_SERVICES)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
