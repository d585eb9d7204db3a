"""Pages of admins: a body's own quorum, figures of the commission from a file."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from reports.bodies import queries as bodies
from reports.bodies.models import Quorum
from reports.journal.models import Event
from reports.quality.models import Reference
from tests.days import TPS, Day, fresh

pytestmark = pytest.mark.django_db
HEAD = "kode;instrumen;pertanyaan;nilai;sumber\n"


@pytest.fixture
def admin(election_day: Day, client: Client) -> Client:
    client.force_login(fresh(election_day.cast.admin))
    return client


def test_a_body_gets_its_own_quorum_and_the_usual_one_back(admin: Client, election_day: Day) -> None:
    url, unit = reverse("quorums"), election_day.units["647201"]
    assert "Semua lembaga memakai kuorum yang biasa." in admin.get(url).content.decode()
    posted = {"code": "64.72.01", "needed": "1", "reason": "Tata tertib 1/2024"}
    low = admin.post(url, posted)
    assert low.status_code == 422
    assert "antara 2 dan 3 orang" in low.content.decode()
    assert "Tata tertib 1/2024" in low.content.decode(), "what was typed stays"
    assert "Tidak ada lembaga dengan kode ini" in admin.post(url, posted | {"code": TPS}).content.decode()
    assert admin.post(url, posted | {"needed": "3"}).status_code == 302
    assert bodies.needed_of(unit, 3) == 3
    assert "Kecamatan Sungai Pinang" in admin.get(url).content.decode()
    back = {"kuorum": Quorum.objects.get().pk}
    assert admin.post(reverse("usual-quorum"), back).status_code == 302
    assert bodies.needed_of(unit, 3) == 2
    assert list(Event.objects.filter(verb__startswith="quorum.").values_list("verb", flat=True).order_by("pk")) == [
        "quorum.set",
        "quorum.unset",
    ]


def test_figures_are_looked_at_first_and_loaded_then(admin: Client) -> None:
    url = reverse("references")

    def send(content: str, button: str, name: str = "kpu.csv") -> str:
        file = SimpleUploadedFile(name, content.encode())
        return admin.post(url, {"file": file, button: "1"}, follow=True).content.decode()

    good = HEAD + f"{TPS};pemungutan-tps;dpt_l;150;DPT KPU\n"
    assert "Berkas ini berisi 1 angka baru" in send(good, "periksa")
    assert not Reference.objects.exists()
    assert "Angka dimuat: 1 baru" in send(good, "muat")
    assert Reference.objects.get().imported_by.username == "admin"
    wrong = send(HEAD + f"{TPS};pemungutan-tps;dpt_l;banyak;DPT KPU\n", "muat")
    assert "kpu.csv" in wrong
    assert "bukan bilangan bulat" in wrong
    assert "hanya berkas .csv atau .xlsx" in send("x", "muat", "kpu.pdf")
    assert "Pilih berkasnya." in admin.post(url, {}).content.decode()
    assert Reference.objects.get().value == 150


def test_only_for_admins(election_day: Day, client: Client) -> None:
    for name in ("province_chair", "province_operator", "ptps", "stranger_member", "nobody"):
        client.force_login(fresh(getattr(election_day.cast, name)))
        assert [client.get(reverse(route)).status_code for route in ("quorums", "references")] == [404, 404]
        assert "Kuorum lembaga" not in client.get(reverse("plenaries")).content.decode()


@pytest.mark.parametrize(
    "name", ["é" * 250 + ".csv", "a" * 250 + ".csv", "\U0001f980" * 120 + ".csv", "..csv", "a.csv" * 45]
)
def test_a_file_may_have_any_name_its_owner_likes(admin: Client, name: str) -> None:
    file = SimpleUploadedFile(name, (HEAD + f"{TPS};pemungutan-tps;dpt_l;150;DPT KPU\n").encode())
    answer = admin.post(reverse("references"), {"file": file, "periksa": "1"})
    assert answer.status_code == 200
    assert "Berkas ini berisi 1 angka baru" in answer.content.decode()
