"""What no form offers and anybody can send: it gets a refusal or a page, never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.days import TPS, Day, fresh
from tests.reports.findings.test_findings import DISTRICT, form_a, recorded

pytestmark = pytest.mark.django_db
ODD = ["\x00", "9" * 400, "²", "%", "-1"]
ASKED = ["cari", "instrumen", "periode", "urut", "dasar", "status", "jenis"]
ASKED += ["halaman", "formulir", "aturan", "keadaan", "laporan", "bentuk"]
UNIT = f"pemilu2024/{DISTRICT}/"
PAGES = ["temuan/", "temuan/baru/", "pleno/", "pengganti/"]
PAGES += [f"{page}/{UNIT}" for page in ("pimpinan", "mutu", "satuan")]
RECORD = {"kind": "CRIMINAL", "event": "x", "occurred_in": TPS, "place": "p", "happened_on": "2024-02-14"}
RECORD |= {"discovered_on": "2024-02-14", "part": "WITNESS", "name": "n", "address": "a"}
DEVICE = {"endpoint": "https://fcm.googleapis.com/x", "p256dh": "x", "auth": "x"}
QUORUM = {"code": DISTRICT, "needed": "3", "reason": "Tata tertib"}


@pytest.mark.parametrize("odd", ODD)
def test_nothing_odd_is_a_fault(election_day: Day, odd: str) -> None:
    finding, cast = recorded(election_day), election_day.cast
    form_a(election_day)
    chair, admin = Client(), Client()
    chair.force_login(fresh(cast.panwascam_chair))
    admin.force_login(fresh(cast.admin))
    typed = dict.fromkeys(("keperluan", "orang", "alasan", "hasil"), odd)
    steps: list[tuple[Client, str, list[dict[str, Any]]]] = [
        (chair, f"temuan/{finding.pk}/{step}/", [typed])
        for step in ("pihak", "penangan", "keterangan", "tindak-lanjut")
    ]
    posts: list[tuple[Client, str, list[dict[str, Any]]]] = [
        (chair, "temuan/baru/", [RECORD | {name: odd} for name in [*RECORD, "laporan"]]),
        (chair, f"temuan/{finding.pk}/ubah/", [RECORD | {name: odd} for name in RECORD]),
        *steps,
        (chair, "pleno/baru/", [{"place": odd, "meets_at": "2024-02-16T10:00", "agenda": f"temuan-{finding.pk}"},
                                {"place": odd, "meets_at": odd, "agenda": odd}]),
        (chair, "pesan/perangkat/", [DEVICE | {name: odd} for name in DEVICE]),
        (admin, "pleno/kuorum/", [QUORUM | {name: odd} for name in QUORUM]),
        (admin, "pleno/kuorum/biasa/", [{"kuorum": odd}]),
        (admin, "mutu/angka-kpu/", [{"file": odd}]),
    ]  # fmt: skip
    got = {(page, name): chair.get(f"/{page}", {name: odd}).status_code for page in PAGES for name in ASKED}
    got |= {
        (path, str(sent)): client.post(f"/{path}", sent).status_code for client, path, many in posts for sent in many
    }
    assert {key: status for key, status in got.items() if status >= 500} == {}
