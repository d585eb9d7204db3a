"""Web Push: devices that asked for it, and one sealed message to one of them.

The only writer of devices. A message is encrypted for its device (RFC 8291), so the browser maker's server that carries
it reads nothing; it knows us by a signature (VAPID, RFC 8292) with a key derived from SECRET_KEY, so that every process
has the same one and no further secret must be kept. Whoever changes SECRET_KEY asks everybody to switch it on again.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.models import User
from reports.reminders.models import Device

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from requests import Response

# A device is told at once or, if it was off, within this time; later the reminder says nothing any more.
KEPT_SECONDS = 4 * 3600
LETTERS = 600  # of the body; a push carries 3,993 bytes at most
RECORD = 4096  # bytes of the one record that every carrier takes
TIMEOUT = (3, 7)  # seconds to connect, and between two bytes of the answer
MOST_DEVICES = 5  # of one person; a sixth replaces the oldest
POINT, SECRET = 65, 16  # bytes of a P-256 point and of the device's secret
LONGEST_ADDRESS = 500
SESSION_KEY = "push_endpoint"  # of the browser's session: the device to forget when its person goes out
GONE = frozenset({404, 410})  # the device took it back
LATER = frozenset({429, 500, 502, 503, 504})
# Order of the curve P-256 (FIPS 186-4).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Gone(Exception):
    """The device no longer takes messages."""


class Busy(Exception):
    """The carrier asks to come again later; nothing was delivered."""


class PushRefused(Exception):
    """The carrier does not take it."""


def subscribe(*, user: User, endpoint: str, p256dh: str, auth: str) -> Device:
    """Keeps a device of the user; one that was somebody else's is theirs from now on.

    Raises Refusal for keys of the wrong size and for an address that is not of PUSH_SERVICES: the server posts to
    it, and a person must not choose where.
    """
    if len(endpoint) > LONGEST_ADDRESS or endpoint != tidy(endpoint) or not _is_carrier(endpoint):
        raise Refusal(_("Layanan pemberitahuan peramban ini tidak dikenal."))
    try:
        point, secret = _bytes(p256dh), _bytes(auth)
        _public(point)
    except ValueError as error:
        raise Refusal(_("Peramban mengirim kunci yang tidak dapat dipakai. Coba lagi.")) from error
    if len(point) != POINT or len(secret) != SECRET:
        raise Refusal(_("Peramban mengirim kunci yang tidak dapat dipakai. Coba lagi."))
    device, _made = Device.objects.update_or_create(
        endpoint=endpoint, defaults={"user": user, "p256dh": point, "auth": secret, "made_at": clock.now()}
    )
    kept = Device.objects.filter(user=user).order_by("-made_at", "-pk").values_list("pk", flat=True)
    Device.objects.filter(user=user).exclude(pk__in=list(kept[:MOST_DEVICES])).delete()
    return device


def forget(users: Iterable[int], *, endpoint: str = "") -> int:
    """Forgets the devices of these people, or only the one at `endpoint`; returns how many."""
    rows = Device.objects.filter(user__in=list(users))
    deleted, _by_model = (rows.filter(endpoint=endpoint) if endpoint else rows).delete()
    return deleted


def devices_of(users: Iterable[int]) -> dict[int, list[str]]:
    """User id -> addresses of their devices; one query."""
    found: dict[int, list[str]] = defaultdict(list)
    for user_id, endpoint in Device.objects.filter(user__in=list(users)).values_list("user_id", "endpoint"):
        found[user_id].append(endpoint)
    return found


def send(*, user: int, endpoint: str, title: str, body: str, tag: str) -> None:
    """Hands one message to the device's carrier, if the device still is this person's: phones are handed over.

    Raises Gone (and forgets the device), Busy, Refused, or whatever the connection raises, after which nobody knows
    whether it arrived.
    """
    if not _is_carrier(endpoint):  # the list may have changed since the device was taken
        raise PushRefused(_("Layanan pemberitahuan peramban ini tidak dikenal."))
    device = Device.objects.filter(endpoint=endpoint, user=user).first()
    if device is None:
        raise Gone(_("Perangkat ini tidak lagi dipakai orang ini."))
    told = {"title": title, "body": body[:LETTERS], "tag": tag, "url": reverse("messages")}
    answer = _post(
        endpoint,
        data=_sealed(json.dumps(told, ensure_ascii=False).encode(), device),
        headers={
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Urgency": "high",
            "Authorization": f"vapid t={_token(endpoint)}, k={public_key()}",
        },
    )
    if answer.status_code in GONE:
        device.delete()
        raise Gone(f"{answer.status_code}")
    if answer.status_code in LATER:
        raise Busy(f"{answer.status_code}")
    if not 200 <= answer.status_code < 300:
        raise PushRefused(f"{answer.status_code} {answer.text[:200]}")


def _post(endpoint: str, **what: Any) -> Response:
    """Straight to the address: no proxy and no password file of the environment, no redirect. Raises Busy."""
    import requests

    with requests.Session() as line:
        line.trust_env = False
        try:
            return line.post(endpoint, timeout=TIMEOUT, allow_redirects=False, **what)
        except requests.exceptions.ConnectTimeout as error:
            raise Busy(str(error)) from error


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


def sealed(message: bytes, *, point: bytes, secret: bytes, salt: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """The message for a device alone: one record of aes128gcm (RFC 8188) under a key agreed after RFC 8291.

    `point` and `secret` are the device's; `salt` (16 bytes) and `key` are drawn anew for every message.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    def drawn(length: int, salt: bytes, info: bytes, source: bytes) -> bytes:
        return HKDF(hashes.SHA256(), length, salt=salt, info=info).derive(source)

    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = drawn(32, secret, b"WebPush: info\0" + point + ours, key.exchange(ec.ECDH(), _public(point)))
    cipher = AESGCM(drawn(16, salt, b"Content-Encoding: aes128gcm\0", shared))
    nonce = drawn(12, salt, b"Content-Encoding: nonce\0", shared)
    head = salt + RECORD.to_bytes(4) + bytes([len(ours)]) + ours
    return head + cipher.encrypt(nonce, message + b"\x02", None)  # 2: the last record


def _sealed(message: bytes, device: Device) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec

    theirs = {"point": bytes(device.p256dh), "secret": bytes(device.auth)}
    return sealed(message, **theirs, salt=secrets.token_bytes(16), key=ec.generate_private_key(ec.SECP256R1()))


def _public(point: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


# Nothing that two parsers could read in two ways: no user, no backslash, no blank, no control character, no letter of
# another alphabet. What stands between "//" and the next "/" is a host and, at most, a port.
_ADDRESS = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[a-z0-9.-]+)(?::[0-9]{1,5})?)(?:/[!-\[\]-~]*)?", re.ASCII
)


def _origin(address: str) -> str:
    """Scheme, host and port of an address, "" when it is none that may be posted to."""
    found = _ADDRESS.fullmatch(address)
    return found["origin"] if found else ""


def _is_carrier(address: str) -> bool:
    """Whether the address lies at one of PUSH_SERVICES: the same origin, or below `https://*.domain` by labels."""
    origin = _origin(address)
    return bool(origin) and any(_covers(pattern, origin) for pattern in settings.PUSH_SERVICES)


def _covers(pattern: str, origin: str) -> bool:
    scheme, _, domain = pattern.partition("://*.")
    if not domain:
        return origin == pattern
    labels = origin.removeprefix(f"{scheme}://").split(".")
    wanted = domain.split(".")
    return (
        origin.startswith(f"{scheme}://")
        and all(labels)
        and len(labels) > len(wanted)
        and labels[-len(wanted) :] == wanted
    )


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
