"""The pages of messages: one's own, and for the admin the words and the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hierarchy.models import User
from reports.reminders import actions as reminders
from reports.reminders.models import Message, Wording
from tests.days import Day
from tests.reports.filing.test_pages import signed_in, text_of
from tests.reports.reminders.test_reminders import DUE

pytestmark = pytest.mark.django_db
KIND = "/pengaturan/pesan/h-60/"


@pytest.fixture
def told(election_day: Day, settings: Any) -> Day:
    """An hour before the deadline; stations have an address for e-mail."""
    settings.EMAIL_HOST = "mail.invalid"
    User.objects.filter(username__startswith="ptps").update(email="ptps-rahasia@example.id")
    reminders.tick(DUE - timedelta(minutes=60))
    return election_day


def save(client: Client, step: str, **text: str) -> Any:
    return client.post(KIND, {"subject": "Segera", "body": "Kirim {daftar}", "langkah": step, **text})


def test_a_person_reads_their_own_messages_and_marks_them_read(told: Day) -> None:
    client = signed_in(told.cast.ptps)
    assert "Pesan (1 baru)" in text_of(client.get(reverse("tasks")))
    text = text_of(client.get(reverse("messages")))
    assert "Satu jam lagi: 1 laporan" in text
    assert "1 belum dibaca" in text
    assert client.post(reverse("messages-read")).status_code == 302
    assert "belum dibaca" not in text_of(client.get(reverse("messages")))
    assert Message.objects.filter(user=told.cast.ptps_sibling, read_at=None, carrier="APP").count() == 1
    assert "Belum ada pesan" in text_of(signed_in(told.cast.pkd).get(reverse("messages")))


def test_an_admin_looks_at_a_text_before_it_is_in_force(told: Day) -> None:
    client = signed_in(told.cast.admin)
    assert "60 menit sebelum tenggat" in text_of(client.get(reverse("wordings")))
    assert "Contoh pesan yang sampai" in text_of(client.get(KIND))
    shown = text_of(save(client, "lihat"))
    assert "Kirim Pengawasan pemungutan suara, TPS 001" in shown
    assert not Wording.objects.exists()
    assert save(client, "simpan").status_code == 302
    assert Wording.objects.get().subject == "Segera"


def test_a_text_that_cannot_be_filled_in_is_refused_and_stays(told: Day) -> None:
    answer = save(signed_in(told.cast.admin), "simpan", body="Kirim {segera}")
    assert answer.status_code == 422
    assert "“{segera}” tidak dikenal" in text_of(answer)
    assert "Kirim {segera}" in answer.content.decode()
    assert not Wording.objects.exists()


@pytest.mark.parametrize("name", ["stranger", "province_chair", "regency_operator", "nobody"])
def test_only_the_admin_of_the_province_sets_words_and_reads_the_log(told: Day, name: str) -> None:
    client = signed_in(getattr(told.cast, name))
    assert save(client, "simpan").status_code == 404
    for page in ("wordings", "message-log"):
        assert client.get(reverse(page)).status_code == 404


def test_the_log_shows_what_became_of_each_message_and_no_whole_address(told: Day) -> None:
    client = signed_in(told.cast.admin)
    page = client.get(reverse("message-log"), {"keadaan": "WAITING", "jalur": "EMAIL"})
    assert "menunggu" in text_of(page)
    assert "ptps-rahasia" not in page.content.decode()
    assert "Belum ada yang dikirim" in text_of(client.get(reverse("message-log"), {"keadaan": "FAILED"}))
