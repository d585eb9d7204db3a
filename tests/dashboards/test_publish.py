"""Releases: who may make one, what chains and signs them, and how a changed row is found out."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404

from dashboards import publish
from dashboards.models import Publication, PublishedPage
from hierarchy.models import Unit
from reports import review, rollup
from reports.models import Event, Obligation, Outbox, Report, State
from tests.days import Day, fresh
from tests.released import contradictions, plain_fold

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE = "6472012001"


@pytest.fixture
def day(election_day: Day, settings: Any) -> Day:
    settings.PUBLICATION_KEY = "11" * 32
    return election_day


def release(day: Day) -> Publication:
    """As the field does it: nobody waits for the outbox to be empty first."""
    return publish.publish(election=day.election, by=None)


def approve_one(day: Day) -> None:
    report = day.file(day.cast.ptps)
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def tamper(table: str, change: str) -> None:
    """What somebody with the database's password could do."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        cursor.execute(f"UPDATE {table} SET {change}")
        assert cursor.rowcount >= 1
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")


def test_it_works(day: Day) -> None:
    first = release(day)
    units = Unit.objects.filter(election=day.election).count()
    assert (first.number, first.pages, first.changed) == (1, units, units)
    assert bytes(first.previous_digest) == bytes(32)
    assert not list(publish.broken())
    assert Event.objects.filter(verb="figures.published", target="pemilu2024 v1").count() == 1


def test_only_what_changed_is_stored_again_and_releases_are_chained(day: Day) -> None:
    first = release(day)
    approve_one(day)
    second, third = release(day), release(day)
    line = {"64", "6472", "647201", "6472012001", "6472012001001"}
    assert set(PublishedPage.objects.filter(number=2).values_list("code", flat=True)) == line
    assert (second.changed, third.changed) == (len(line), 0)
    assert [bytes(r.previous_digest) for r in (second, third)] == [bytes(first.digest), bytes(second.digest)]
    assert bytes(third.digest) != bytes(second.digest)  # the same pages at another moment are another release
    assert not list(publish.broken())


def test_a_release_agrees_with_itself_and_with_the_rows_while_marks_wait(day: Day) -> None:
    assert not list(contradictions(release(day)))
    rollup.run_all()
    approve_one(day)
    day.file(day.cast.ptps_sibling, day.duty(subject="6472012001002"))
    assert Outbox.objects.exists()
    second = release(day)
    assert not list(contradictions(second))
    assert PublishedPage.objects.filter(number=2).count() == len({"64", "6472", "647201", "6472012001"}) + 2
    rollup.run_all()
    assert release(day).changed == 0


def test_a_release_agrees_with_itself_while_others_file_and_approve(day: Day, monkeypatch: Any) -> None:
    """Each release is held against the rows as its own snapshot shows them."""
    folds: list[Any] = []
    sign = publish._sign
    monkeypatch.setattr(publish, "_sign", lambda *args: [folds.append(plain_fold(day.election)), sign(*args)][1])
    stop, faults = threading.Event(), list[BaseException]()
    duties = list(
        Obligation.objects.for_intake().filter(window=day.windows["pemungutan-tps"], subject__village__code=VILLAGE)
    )

    def field() -> None:
        try:
            for number in itertools.count():
                if stop.is_set():
                    break
                for duty in duties:
                    _work(day, duty.pk, number)
                rollup.run_pending()
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=field)
    worker.start()
    try:
        releases = [release(day) for _ in range(8)]
    finally:
        stop.set()
        worker.join()
    assert not faults
    assert sum(each.changed > 0 for each in releases) > 2, "the field was at work meanwhile"
    for made, fold in zip(releases, folds, strict=True):
        assert not list(contradictions(made, fold))
    assert not list(publish.broken())


def _work(day: Day, duty: int, number: int) -> None:
    """Files, approves or reopens what is owed about a station."""
    found = Obligation.objects.for_intake().get(pk=duty)
    filer = {"001": day.cast.ptps, "002": day.cast.ptps_sibling}.get(found.subject.code[-3:])
    report = Report.objects.for_review().filter(obligation=duty).first()
    if filer is None:
        return
    if report is None:
        day.file(filer, found)
    elif found.state == State.APPROVED:
        review.withdraw(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd), reason="salah")
    else:
        review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def test_a_page_holds_figures_and_nothing_else(day: Day) -> None:
    approve_one(day)
    release(day)
    page = PublishedPage.objects.get(code="6472012001001")
    (section,) = [s for s in page.payload["sections"].values() if s["instrument"] == "pemungutan-tps"]
    assert all(isinstance(value, int) for value in section["values"].values())
    assert not [key for key in section["values"] if key.startswith(("kejadian_khusus", "foto", "ada_kejadian"))]
    assert "answers" not in json.dumps(page.payload)


def test_the_signature_is_of_the_digest_and_of_nothing_else(day: Day) -> None:
    first = release(day)
    key = Ed25519PublicKey.from_public_bytes(bytes(first.public_key))
    key.verify(bytes(first.signature), bytes(first.digest))
    with pytest.raises(InvalidSignature):
        key.verify(bytes(first.signature), bytes(32))


def test_only_members_of_the_province_may_publish(day: Day) -> None:
    for user, refusal in (
        (day.cast.nobody, Http404),
        (day.cast.stranger_member, Http404),
        (day.cast.regency_chair, Http404),
        (day.cast.province_operator, PermissionDenied),
        (day.cast.admin, PermissionDenied),
    ):
        with pytest.raises(refusal):
            publish.publish(election=day.election, by=fresh(user))
    assert Publication.objects.count() == 0
    assert publish.publish(election=day.election, by=fresh(day.cast.province_member)).published_by is not None


def test_the_database_refuses_to_change_what_was_published(day: Day) -> None:
    release(day)
    for change in ("UPDATE dashboards_publishedpage SET payload = '{}'", "DELETE FROM dashboards_publication"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


# What is changed behind the trigger's back, and what the proof says of it.
TAMPERINGS = {
    ("dashboards_publishedpage", "payload = '{\"code\": \"64\"}' WHERE code = '64' AND number = 1"): "page 64",
    ("dashboards_publishedpage", "sha256 = decode(repeat('ab', 32), 'hex') WHERE code = '6472'"): "does not recompute",
    ("dashboards_publication", "cut_off = cut_off - interval '1 hour' WHERE number = 1"): "does not recompute",
    ("dashboards_publication", "signature = decode(repeat('cd', 64), 'hex') WHERE number = 2"): "signature",
    ("dashboards_publication", "previous_digest = decode(repeat('00', 32), 'hex') WHERE number = 2"): "not recompute",
}


def test_a_changed_row_is_found_whatever_was_changed(day: Day) -> None:
    release(day)
    approve_one(day)
    release(day)
    assert not list(publish.broken())
    for (table, change), words in TAMPERINGS.items():
        with transaction.atomic():
            tamper(table, change)
            faults = list(publish.broken())
            transaction.set_rollback(True)
        assert any(words in fault for fault in faults), (change, faults)
    assert not list(publish.broken())


def test_a_key_is_made_once_and_only_its_owner_may_read_it(settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path / "keys"
    first = publish.signing_key().private_bytes_raw()
    assert publish.signing_key().private_bytes_raw() == first
    assert (settings.KEY_DIR / "publication.key").stat().st_mode & 0o777 == 0o600
