"""Releases: who may make one, what chains and signs them, and how a changed row is found out."""

from __future__ import annotations

import itertools
import json
import threading
from datetime import UTC
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test import Client
from django.urls import reverse

from dashboards.models import Publication, PublishedPage
from dashboards.releases import actions as publish
from hierarchy.models import Unit
from reports.filing.models import Report
from reports.journal import actions as journal
from reports.journal.models import Event
from reports.obligations.models import Obligation, State
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup.models import Outbox
from tests.days import Day, fresh
from tests.released import VILLAGE, approve_one, contradictions, plain_fold, release

pytestmark = pytest.mark.django_db(transaction=True)


def tamper(table: str, change: str) -> None:
    """What somebody with the database's password could do."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        cursor.execute(f"UPDATE {table} SET {change}")
        assert cursor.rowcount >= 1
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered while it has some left to check
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
    day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"))
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
    monkeypatch.setattr(
        publish, "_sign", lambda *args: [folds.append(plain_fold(day.election, args[0].cut_off)), sign(*args)][1]
    )
    stop, faults = threading.Event(), list[BaseException]()
    obligations = list(
        Obligation.objects.for_intake().filter(window=day.windows["pemungutan-tps"], subject__village__code=VILLAGE)
    )

    def field() -> None:
        try:
            for number in itertools.count():
                if stop.is_set():
                    break
                for obligation in obligations:
                    _work(day, obligation.pk, number)
                rollup.run_pending()
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=field)
    worker.start()
    try:
        releases = []
        while sum(each.changed > 0 for each in releases) < 5 and len(releases) < 200:
            releases.append(release(day))
    finally:
        stop.set()
        worker.join()
    assert not faults
    assert sum(each.changed > 0 for each in releases) == 5, "the field was at work meanwhile"
    for made, fold in zip(releases, folds, strict=True):
        assert not list(contradictions(made, fold))
    assert not list(publish.broken())


def _work(day: Day, obligation: int, number: int) -> None:
    """Files, approves or reopens what is owed about a station."""
    found = Obligation.objects.for_intake().get(pk=obligation)
    filer = {"001": day.cast.ptps, "002": day.cast.ptps_sibling}.get(found.subject.code[-3:])
    report = Report.objects.for_review().filter(obligation=obligation).first()
    if filer is None:
        return
    if report is None:
        day.file(filer, found)
    elif found.state == State.APPROVED:
        review.withdraw(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd), reason="salah")
    else:
        review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


def test_a_page_holds_figures_and_nothing_else(day: Day, settings: Any) -> None:
    settings.DISCLOSURE_K = 1
    approve_one(day)
    release(day)
    page = PublishedPage.objects.get(code=VILLAGE)
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
    for change in (
        "UPDATE dashboards_publishedpage SET payload = '{}'",
        "DELETE FROM dashboards_publication",
        "TRUNCATE dashboards_publication",
        "TRUNCATE dashboards_publishedpage",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


# What is changed behind the trigger's back, and what the proof says of it.
TAMPERINGS = {
    ("dashboards_publishedpage", "payload = '{\"code\": \"64\"}' WHERE code = '64' AND number = 1"): "page 64",
    ("dashboards_publishedpage", "sha256 = decode(repeat('ab', 32), 'hex') WHERE code = '6472'"): "does not recompute",
    ("dashboards_publication", "cut_off = cut_off - interval '1 hour' WHERE number = 1"): "does not recompute",
    ("dashboards_publication", "signature = decode(repeat('cd', 64), 'hex') WHERE number = 2"): "signature",
    ("dashboards_publication", "previous_digest = decode(repeat('00', 32), 'hex') WHERE number = 2"): "not recompute",
    ("dashboards_publication", "journal_head = decode(repeat('ef', 32), 'hex') WHERE number = 2"): "not recompute",
    ("dashboards_publication", "header = 1 WHERE number = 2"): "not recompute",
    ("dashboards_publication", "header = 9 WHERE number = 2"): "not recompute",
    ("dashboards_publication", "pages = pages - 1, header = 1 WHERE number = 2"): "not recompute",
    ("dashboards_publication", "note = 'lain' WHERE number = 2"): "another note",
    ("dashboards_publication", "published_by_id = (SELECT max(id) FROM hierarchy_user) WHERE number = 1"): "publisher",
    ("reports_event", "detail = detail || '{\"digest\": \"00\"}' WHERE verb = 'figures.published'"): "another digest",
    ("reports_event", "verb = 'x' WHERE verb = 'figures.published'"): "the journal does not know it",
    ("reports_seal", "head = decode(repeat('ab', 32), 'hex')"): "no seal of the journal has the head",
}


def test_a_changed_row_is_found_whatever_was_changed(day: Day) -> None:
    release(day)
    assert journal.seal()
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


def test_a_release_that_was_taken_away_is_missed(day: Day) -> None:
    release(day)
    release(day)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dashboards_publication DISABLE TRIGGER append_only")
        cursor.execute("DELETE FROM dashboards_publication WHERE number = 2")
        assert list(publish.broken()) == [
            "release pemilu2024 v2: the journal says it was published, and it is not there"
        ]
        transaction.set_rollback(True)


def test_each_release_signs_the_head_of_the_journal_of_its_moment(day: Day, client: Client) -> None:
    first = release(day)
    assert bytes(first.journal_head) == bytes(32)
    seal = journal.seal()
    assert seal is not None
    second = release(day)
    assert bytes(second.journal_head) == bytes(seal.head)
    header = client.get("/publik/pemilu2024/rilis/2/manifes.txt").content.decode().splitlines()[0]
    words = ["rilis/2", "pemilu2024", "2", second.cut_off.astimezone(UTC).isoformat(), bytes(first.digest).hex()]
    assert header.split() == [*words, bytes(seal.head).hex()]
    assert bytes(seal.head).hex() in client.get(reverse("how-to-verify")).content.decode()
