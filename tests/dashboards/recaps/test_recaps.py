"""Recap workbooks asked for, made and handed over: none is lost, none is made twice, no stranger sees one."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.urls import reverse

from dashboards.models import ExportJob
from dashboards.recaps import actions as recaps
from dashboards.recaps import workbook
from hierarchy.lib import clock, jobs
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, User
from reports.journal.models import Event
from reports.rollup import fold as rollup
from tests.dashboards.recaps.test_workbook import load
from tests.days import Day, fresh

State = ExportJob.State


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of jobs that were put to the broker."""
    ids: list[str] = []
    monkeypatch.setattr(jobs, "send", lambda _name, job_id, **_options: ids.append(job_id))
    return ids


@pytest.fixture
def day(election_day: Day, settings: Any, tmp_path: Path, sent: list[str]) -> Day:
    settings.MEDIA_ROOT = tmp_path
    election_day.file(election_day.cast.ptps)
    rollup.run_all()
    return election_day


def wish(day: Day, by: User | None = None, code: str = "6472", **changes: Any) -> ExportJob:
    wanted = {"unit": day.units[code], "stage_code": "PEMUNGUTAN", "basis": "filed"} | changes
    return recaps.ask(**wanted, by=fresh(by or day.cast.regency_operator))


def made_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def verbs(job: ExportJob) -> list[str]:
    return list(Event.objects.filter(target=str(job.pk)).values_list("verb", flat=True))


# --- making -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_job_is_made_once_however_often_it_is_run(day: Day, sent: list[str], tmp_path: Path) -> None:
    job = wish(day)
    assert sent == [str(job.pk)]
    assert [recaps.make(job.pk), recaps.make(job.pk)] == [True, False]
    job.refresh_from_db()
    (path,) = made_files(tmp_path)
    assert (job.state, job.error, job.attempts) == (State.DONE, "", 1)
    assert job.done == job.total > 0
    assert job.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name.startswith("Rekap-PEMUNGUTAN-6472-dilaporkan-20240214-")
    assert "KEPATUHAN" in load(path).sheetnames
    assert verbs(job) == ["export.asked", "export.made"]


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_a_job_that_is_made_again(
    day: Day, sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(path: Path, **_rest: Any) -> None:
        path.write_bytes(b"half a workbook")
        raise Killed

    job = wish(day)
    with monkeypatch.context() as patch:
        patch.setattr(recaps, "write_recap", die)
        with pytest.raises(Killed):
            recaps.make(job.pk)
    assert ExportJob.objects.get().state == State.RUNNING
    assert not recaps.make(job.pk), "its worker may still be alive"
    assert recaps.sweep() == 0
    day.set_clock(clock.now() + timedelta(seconds=61))
    assert recaps.sweep() == 1
    assert sent == [str(job.pk)] * 2
    assert recaps.make(job.pk)
    (path,) = made_files(tmp_path)
    assert path.suffix == ".xlsx"
    assert ExportJob.objects.get().attempts == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_given_up_cannot_overwrite_the_file(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = wish(day)

    def slow(path: Path, **rest: Any) -> str:
        digest = workbook.write_recap(path, **rest)
        with monkeypatch.context() as patch:
            patch.setattr(recaps, "write_recap", workbook.write_recap)
            overtake(job)
        return digest

    monkeypatch.setattr(recaps, "write_recap", slow)
    assert not recaps.make(job.pk)
    job.refresh_from_db()
    (path,) = made_files(tmp_path)
    assert (job.state, job.attempts) == (State.DONE, 2)
    assert job.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def overtake(job: ExportJob) -> None:
    """Another worker takes the silent job and finishes it, in a thread with connections of its own."""
    from threading import Thread

    from django.db import connection

    def work() -> None:
        ExportJob.objects.filter(pk=job.pk).update(touched_at=clock.now() - timedelta(minutes=2))
        recaps.make(job.pk)
        connection.close()

    other = Thread(target=work)
    other.start()
    other.join()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_says_what_to_do(
    day: Day, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_args: Any, **_rest: Any) -> None:
        raise OSError("disk full")

    job = wish(day)
    monkeypatch.setattr(recaps, "write_recap", break_down)
    assert recaps.make(job.pk)
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "disk full" not in job.error
    assert "disk full" in caplog.text
    client = signed_in(day.cast.regency_operator)
    assert "Minta lagi" in client.get(reverse("exports")).content.decode()
    assert "every 2s" not in client.get(reverse("export-status", args=[job.pk])).content.decode()
    assert client.get(reverse("export-file", args=[job.pk])).status_code == 302
    assert verbs(job) == ["export.asked", "export.failed"]


@pytest.mark.django_db(transaction=True)
def test_a_wish_outlives_the_broker_and_the_right_to_it_does_not(
    day: Day, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_broker(*_args: Any, **_options: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "send", no_broker)
        job = wish(day)
    assert sent == []
    day.set_clock(clock.now() + timedelta(seconds=61))
    assert recaps.sweep() == 1
    assert sent == [str(job.pk)]
    assert recaps.sweep() == 0, "a job just woken is not woken again"
    Membership.objects.filter(user=job.asked_by).update(until=clock.today() - timedelta(days=1))
    recaps.make(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, "Wewenang untuk mengunduh rekap satuan ini sudah berakhir.")
    assert signed_in(job.asked_by).get(reverse("export-status", args=[job.pk])).status_code == 404


# --- asking -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_is_asked_for_by_those_who_may(day: Day) -> None:
    with pytest.raises(Http404):
        wish(day, day.cast.stranger_member)
    with pytest.raises(Http404):
        wish(day, day.cast.pkd, code="6472")
    with pytest.raises(PermissionDenied):
        recaps.access.require(fresh(day.cast.admin), recaps.Permission.FILE, day.units["64"])
    assert wish(day, day.cast.admin, code="64").state == State.WAITING
    for changes in ({"stage_code": "COKLIT"}, {"basis": "semua"}):
        with pytest.raises(Refusal, match="Pilih"):
            wish(day, **changes)


@pytest.mark.django_db(transaction=True)
def test_recaps_of_one_unit_on_different_bases_are_files_of_different_names(day: Day, tmp_path: Path) -> None:
    """An office that keeps both in one folder would lose the first."""
    for changes in ({}, {"detail": True}, {"basis": "approved"}, {"basis": "ratified"}):
        assert recaps.make(wish(day, **changes).pk)
    names = [path.name for path in made_files(tmp_path)]
    assert len(set(names)) == len(names) == 4
    assert {name.partition("-20")[0].removeprefix("Rekap-PEMUNGUTAN-6472-") for name in names} == {
        *("dilaporkan", "dilaporkan-rinci", "disetujui", "disahkan")
    }


@pytest.mark.django_db
def test_only_bodies_have_ratified_recaps_and_none_of_stations(day: Day) -> None:
    for changes in ({"code": "6472012001"}, {"detail": True}):
        with pytest.raises(Refusal, match=r"pleno|Pleno"):
            wish(day, **changes, basis="ratified")
    assert wish(day, code="647201", basis="ratified").get_basis_display() == "Disahkan"


@pytest.mark.django_db
def test_the_newest_stage_is_offered_first(day: Day) -> None:
    text = signed_in(day.cast.regency_operator).get(reverse("exports")).content.decode()
    options = re.findall(r'<option value="pemilu2024/(\w+)"', text)
    assert options[:2] == ["PENGHITUNGAN", "PEMUNGUTAN"]


@pytest.mark.django_db
def test_the_same_wish_is_one_job_and_wishes_are_few(day: Day) -> None:
    assert wish(day) == wish(day)
    for code in ("647201", "647202", "6472012001", "6472012002"):
        wish(day, code=code)
    with pytest.raises(Refusal, match="Tunggu"):
        wish(day, detail=True)


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_asks_watches_and_downloads(day: Day, tmp_path: Path) -> None:
    client = signed_in(day.cast.regency_operator)
    page = client.get(reverse("exports"), {"satuan": "6472012001"})
    assert 'value="6472012001"' in page.content.decode()
    asked = {"satuan": "64.72.01", "tahapan": "pemilu2024/PEMUNGUTAN", "dasar": "filed"}
    assert client.post(reverse("exports"), asked).status_code == 302
    job = ExportJob.objects.get()
    waiting = client.get(reverse("export-status", args=[job.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "Menunggu giliran" in waiting
    assert "every 2s" in waiting
    assert "<html" not in waiting
    recaps.make(job.pk)
    job.refresh_from_db()
    done = client.get(reverse("export-status", args=[job.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in done
    assert job.sha256 in done
    assert reverse("export-file", args=[job.pk]) in done
    response = client.get(reverse("export-file", args=[job.pk]))
    content = b"".join(response.streaming_content)
    assert hashlib.sha256(content).hexdigest() == job.sha256
    assert "PEMBUKAAN" in load(BytesIO(content)).sheetnames
    assert Path(job.file.name).name in response["Content-Disposition"]
    assert verbs(job)[-1] == "export.downloaded"
    Path(job.file.path).unlink()
    gone = client.get(reverse("export-file", args=[job.pk]), follow=True).content.decode()
    assert "Minta rekap yang baru" in gone
    for user, status in STRANGERS:
        visitor = signed_in(getattr(day.cast, user))
        for name in ("export-status", "export-file"):
            assert visitor.get(reverse(name, args=[job.pk])).status_code == status, (user, name)


# The job is about 647201: those above and the body itself see it, those beside and below do not.
STRANGERS = [("stranger", 404), ("stranger_member", 404), ("nobody", 404), ("pkd", 404), ("ptps", 404)]


@pytest.mark.django_db
def test_a_wrong_wish_is_answered_at_its_field(day: Day) -> None:
    client = signed_in(day.cast.pkd)
    for changes, sentence in (
        ({"satuan": "6472"}, "tidak ada di wilayah Anda"),
        ({"satuan": "6401012001"}, "tidak ada di wilayah Anda"),
        ({"satuan": "=1+1\x00"}, "satuan"),
        ({"tahapan": "pemilu2024/COKLIT"}, "Pilih tahapan dari daftar"),
        ({"dasar": "x"}, "dasar"),
    ):
        asked = {"satuan": "6472012001", "tahapan": "pemilu2024/PEMUNGUTAN", "dasar": "filed"} | changes
        response = client.post(reverse("exports"), asked)
        assert response.status_code == 422, changes
        assert sentence in response.content.decode()
    assert not ExportJob.objects.exists()


@pytest.mark.django_db
def test_an_account_without_a_unit_is_told_so_and_a_visitor_signs_in(day: Day) -> None:
    page = signed_in(day.cast.nobody).get(reverse("exports"))
    assert "Belum ada yang dapat direkap" in page.content.decode()
    for url in (reverse("exports"), *(reverse(n, args=[uuid.uuid4()]) for n in ("export-status", "export-file"))):
        assert Client().get(url).status_code == 302
    assert signed_in(day.cast.ptps).get(reverse("export-status", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.django_db
def test_the_page_costs_the_same_for_one_job_and_for_many(day: Day, django_assert_max_num_queries: Any) -> None:
    for code in ("6472", "647201", "647202"):
        wish(day, code=code)
    client = signed_in(day.cast.regency_operator)
    with django_assert_max_num_queries(8):  # session, user, memberships, stages, count, jobs, names
        assert client.get(reverse("exports")).status_code == 200
