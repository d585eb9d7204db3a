"""Web Push: sealed for one device, signed by us, posted to known carriers only; what one says decides the rest."""

from __future__ import annotations

import json
import os
import socket
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.urls import reverse

from hierarchy.lib.errors import Refusal
from reports.reminders import actions as reminders
from reports.reminders import delivery, push
from reports.reminders.models import Carrier, Device, Message
from tests.days import AFTERNOON, Day, fresh

pytestmark = pytest.mark.django_db


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def raw(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


class Browser:
    """A device with its keys; opens what was sealed for it, after RFC 8291 and RFC 8188 and not after our own code."""

    def __init__(self) -> None:
        self.key, self.secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self.point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def keys(self) -> dict[str, str]:
        return {"p256dh": text(self.point), "auth": text(self.secret)}

    def opened(self, body: bytes) -> dict[str, Any]:
        salt, size = body[:16], body[20]
        theirs, sealed = body[21 : 21 + size], body[21 + size :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        info = b"WebPush: info\x00" + self.point + theirs
        first = HKDF(hashes.SHA256(), 32, salt=self.secret, info=info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\x00").derive(first)
        nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\x00").derive(first)
        plain = AESGCM(key).decrypt(nonce, sealed, None)
        assert plain[-1:] == b"\x02"
        told: dict[str, Any] = json.loads(plain[:-1])
        return told


class Service:
    """A carrier on loopback: keeps what it is handed and answers with `status`."""

    def __init__(self) -> None:
        self.status, self.taken = 201, list[tuple[dict[str, str], bytes]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    made = Service()
    settings.PUSH_SERVICES = [made.origin]
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def device(election_day: Day, service: Service) -> Browser:
    browser = Browser()
    push.subscribe(user=election_day.cast.ptps, endpoint=f"{service.origin}/satu", **browser.keys())
    return browser


def due(day: Day) -> None:
    """Cast.ptps has an hour left for the report of voting, and is told so."""
    day.set_clock(AFTERNOON.replace(hour=17, minute=1))
    reminders.tick()


def test_a_reminder_reaches_the_device_sealed_and_signed(election_day: Day, service: Service, device: Browser) -> None:
    due(election_day)
    assert delivery.deliver() == 1
    ((headers, body),) = service.taken
    told = device.opened(body)
    message = Message.objects.get(carrier=Carrier.PUSH)
    assert (told["title"], message.state) == (message.subject, "SENT")
    assert told["url"] == reverse("messages")
    assert message.subject.encode() not in body, "the carrier reads nothing"
    assert headers["Content-Encoding"] == "aes128gcm"
    scheme, rest = headers["Authorization"].split(" ", 1)
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", push.public_key())
    head, claims, signature = parts["t"].split(".")
    assert json.loads(raw(claims))["aud"] == service.origin
    numbers = [int.from_bytes(raw(signature)[at : at + 32]) for at in (0, 32)]
    ours = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
    ours.verify(encode_dss_signature(*numbers), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert delivery.deliver() == 0, "once"


def test_it_is_sealed_to_the_byte_as_the_standard_shows() -> None:
    """RFC 8291, appendix A."""
    made = push.sealed(
        b"When I grow up, I want to be a watermelon",
        point=raw("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        secret=raw("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=raw("DGv6ra1nlYgDCS1FRnbzlw"),
        key=ec.derive_private_key(int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()),
    )
    assert text(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
        "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    ("status", "state", "devices"),
    [
        (201, "SENT", 1),
        (410, "FAILED", 0),
        (404, "FAILED", 0),
        (503, "WAITING", 1),
        (403, "FAILED", 1),
        (302, "FAILED", 1),
    ],
)
def test_what_the_carrier_says(
    election_day: Day, service: Service, device: Browser, status: int, state: str, devices: int
) -> None:
    service.status = status
    due(election_day)
    delivery.deliver()
    assert len(service.taken) == 1, "never followed elsewhere"
    assert Message.objects.get(carrier=Carrier.PUSH).state == state
    assert Device.objects.count() == devices


def test_a_line_that_breaks_leaves_the_message_unsure(election_day: Day, service: Service, device: Browser) -> None:
    service.server.shutdown()
    service.server.server_close()
    due(election_day)
    delivery.deliver()
    assert Message.objects.get(carrier=Carrier.PUSH).state == "UNSURE"


class Trap:
    """A listener on loopback that nobody may connect to; `met` says how often somebody did."""

    def __init__(self) -> None:
        self.met = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                self.server.accept()[0].close()
                self.met += 1


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.server.shutdown(socket.SHUT_RDWR)
    made.server.close()


NAMES = {"fcm": "fcm.googleapis.com", "moz": "updates.push.services.mozilla.com", "long": "x" * 500}
# {here} and {port} are the listener's. Whatever some parser may make of it, nobody is posted to.
ODD = [
    *("https://{here}/", "http://{here}/", "https:{here}/", "https:/{here}/", "https:///{here}/", "//{here}/"),
    *("HTTPS://{here}/", "https\\://{here}/", "https://{here}\\.push.services.mozilla.com/latest/meta-data"),
    *("https://{here}\\@{fcm}/x", "https://{fcm}\\@{here}/x", "https://{fcm}@{here}/x", "https://{fcm}:443@{here}/"),
    *("https://{here}#.{moz}/", "https://{here}?.{moz}/", "https://{here}/.{moz}", "https://{here}%2f.{moz}/"),
    *("https://{here}%5c.{moz}/", "https://{here}\t.{moz}/", "https://{here}\n.{moz}/", "https://{here}\r\n.{moz}/"),
    *("https://{here}\x00.{moz}/", "https://{here} .{moz}/", "https://{here};.{moz}/", "https://{here},.{moz}/"),
    *("https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/.{moz}", "https://[{fcm}]:{port}/", "https://127.1:{port}/"),
    *("https://localhost:{port}/", "https://2130706433:{port}/", "https://0x7f.1:{port}/", "https://127.0.0.1.:{port}/"),
    *("https://{fcm}:{port}/x", "https://{fcm}:443/x", "https://{fcm}:/x", "https://{fcm}.:{port}/", "https://{fcm}./x"),
    *("http://{fcm}/x", "https://FCM.googleapis.com/x", "https://x.{fcm}/x", "https://evil{fcm}/x", "ftp://{fcm}/x"),
    *("https://{fcm}.evil.example/", "https://evil.example/{fcm}", "https://{fcm}@evil.example/", "https://u:p@{fcm}/x"),
    *("https://push.services.mozilla.com/x", "https://.push.services.mozilla.com/x", "https://*.notify.windows.com/x"),
    *("https://a..push.services.mozilla.com/x", "https://evilpush.services.mozilla.com/x", "https://{moz}.evil.example/"),
    *("https://{fcm}\u3002evil.example/", "https://{port}\uff0e{moz}/", "https://{fcm}\u2044x", "https://\uff46cm.googleapis.com/"),
    *("http://169.254.169.254/latest", "file:///etc/passwd", "javascript:alert(1)", "https://", "https://["),
    *("", "/", "x"),
    *("https://{fcm}/\x00", "https://{fcm}/\x7f", "https://{fcm}/a b", "https://{fcm}/a\\b", "https://{fcm}/x\n"),
    *(" https://{fcm}/x", "https://{fcm}?x", "https://{fcm}#x", "https://{fcm}/{long}"),
]  # fmt: skip


def test_the_server_posts_to_known_carriers_only(election_day: Day, trap: Trap) -> None:
    """An odd address is neither taken from a browser nor, had it come into the table by another way, posted to."""
    user, taken = election_day.cast.ptps, []
    for form in ODD:
        address = form.format(here=f"127.0.0.1:{trap.port}", port=trap.port, **NAMES)
        with suppress(Refusal):
            push.subscribe(user=user, endpoint=address, **Browser().keys())
            taken.append(address)
        if "{long}" not in form:
            with pytest.raises(push.PushRefused):
                push.send(user=user.pk, endpoint=address, title="", body="", tag="")
    assert (taken, trap.met) == ([], 0)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/cX:APA91-_b~%20?a=1&b=(2)",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA==",
        "https://wns2-sg2p.notify.windows.com/w/?token=BQYA%2b",
        "https://a.b.notify.windows.com/w/",
        "https://web.push.apple.com/QAbc",
    ],
)
def test_the_carriers_of_browsers_are_taken_as_they_write_themselves(election_day: Day, endpoint: str) -> None:
    assert push.subscribe(user=election_day.cast.ptps, endpoint=endpoint, **Browser().keys()).endpoint == endpoint


def test_nothing_of_the_environment_leads_a_message_elsewhere(
    election_day: Day, service: Service, device: Browser, trap: Trap, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("default login kami password rahasia\n")
    due(election_day)
    assert delivery.deliver() == 1
    ((headers, _body),) = service.taken
    assert headers["Authorization"].startswith("vapid ")
    assert trap.met == 0


def test_a_message_for_one_person_is_not_shown_to_the_next_who_has_the_phone(
    election_day: Day, service: Service, device: Browser
) -> None:
    due(election_day)
    waiting = Message.objects.get(carrier=Carrier.PUSH)
    push.subscribe(user=election_day.cast.pkd, endpoint=f"{service.origin}/satu", **device.keys())
    assert delivery.deliver() == 0
    assert service.taken == []
    waiting.refresh_from_db()
    assert (waiting.user, waiting.state) == (election_day.cast.ptps, "FAILED")
    assert Device.objects.get().user == election_day.cast.pkd, "and the phone stays the next one's"


@pytest.mark.parametrize("changes", [{"p256dh": "x"}, {"p256dh": text(b"\x04" + bytes(64))}, {"auth": text(b"short")}])
def test_keys_that_are_none_are_refused(election_day: Day, changes: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="kunci"):
        push.subscribe(
            user=election_day.cast.ptps, endpoint="https://fcm.googleapis.com/a", **(Browser().keys() | changes)
        )


def test_a_shared_device_is_whose_it_was_last_and_nobody_has_more_than_five(election_day: Day) -> None:
    cast = election_day.cast
    for user in (cast.ptps, cast.pkd):
        push.subscribe(user=user, endpoint="https://fcm.googleapis.com/same", **Browser().keys())
    assert Device.objects.get().user == cast.pkd
    for number in range(7):
        push.subscribe(user=cast.ptps, endpoint=f"https://fcm.googleapis.com/{number}", **Browser().keys())
    kept = {device.endpoint[-1] for device in Device.objects.filter(user=cast.ptps)}
    assert kept == {"2", "3", "4", "5", "6"}


def test_on_and_off_on_the_page(election_day: Day, client: Client) -> None:
    client.force_login(fresh(election_day.cast.ptps))
    url = reverse("devices")
    wrong = client.post(url, {"endpoint": "http://x", **Browser().keys()}, follow=True)
    assert "tidak dikenal" in wrong.content.decode()
    asked = {"endpoint": "https://fcm.googleapis.com/fcm/send/abc", **Browser().keys()}
    on = client.post(url, asked, follow=True).content.decode()
    assert "Menyala di 1 perangkat" in on
    off = client.post(url, {"matikan": "1"}, follow=True).content.decode()
    assert "Menyala di" not in off
    assert not Device.objects.exists()
    script = Client().get(reverse("service-worker"))
    assert script["Content-Type"].startswith("text/javascript")
    assert b"showNotification" in script.content
