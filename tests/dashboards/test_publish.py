"""Releases: who may make one, what chains and signs them, and how a changed row is found out."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test import Client

from dashboards import keys, proof, publish
from dashboards.models import Fate, Publication, PublishedPage
from hierarchy import tree
from hierarchy.models import Unit
from hierarchy.rows import UnitRow
from reports import review, rollup
from reports.models import Event, Obligation, Outbox, Report, State
from tests.days import Day, fresh
from tests.released import contradictions, in_force, plain_fold

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


# --- units that get new codes, close, and come back ------------------------------------------------------------------


def village(day: Day, code: str, name: str = "Batu Cermin") -> Unit:
    """A village without polling stations, as the tree files have them between two counts: it may be closed again."""
    return tree.add_child(parent=unit(code[:6]), row=UnitRow(code, name, "desa"), by=None)


def unit(code: str) -> Unit:
    return Unit.objects.with_ancestors().get(code=code)


def renumber(old: str, new: str) -> None:
    tree.move(unit=unit(old), parent=unit(old).parent, code=new, by=None)


def told(code: str, number: int | None = None) -> dict[str, Any]:
    newest = Publication.objects.get(number=number) if number else Publication.objects.first()
    return in_force(newest)[code]


def fate(code: str) -> tuple[str, str | None]:
    payload = told(code)
    return payload["fate"], payload["successor"]


def test_a_code_that_vanishes_leaves_a_tombstone_and_every_release_recomputes(day: Day) -> None:
    village(day, "6472012008")
    release(day)
    renumber("6472012001", "6472012005")
    tree.remove(unit=unit("6472012008"), by=None)
    second, third = release(day), release(day)
    assert not list(publish.broken())
    assert not list(contradictions(third))
    assert fate("6472012001") == (Fate.RENUMBERED, "6472012005")
    assert fate("6472012001901") == (Fate.RENUMBERED, "6472012005901")
    assert fate("6472012008") == (Fate.CLOSED, None)
    units = Unit.objects.count()
    assert (second.pages, third.pages, third.changed) == (units + 5, units + 5, 0)
    listed = [row["code"] for row in told("647201")["children"]]
    assert listed == ["6472012002", "6472012005"]
    assert "fate" not in told("6472012008", 1)


def test_a_tombstone_follows_the_unit_and_not_the_code_it_once_got(day: Day) -> None:
    release(day)
    renumber("6472012001", "6472012005")
    release(day)
    renumber("6472012005", "6472012006")
    village(day, "6472012005")  # the code is given away again
    release(day)
    assert fate("6472012001") == (Fate.RENUMBERED, "6472012006")
    assert told("6472012005")["name"] == "Batu Cermin"
    tree.remove(unit=unit("6472012005"), by=None)
    renumber("6472012006", "6472012001")  # and the unit gets its first one back
    release(day)
    assert "fate" not in told("6472012001")
    assert fate("6472012005") == (Fate.CLOSED, None)
    assert fate("6472012006") == (Fate.RENUMBERED, "6472012001")
    assert not list(publish.broken())
    assert not list(contradictions(Publication.objects.first()))


def test_units_that_swap_codes_are_not_mistaken_for_each_other(day: Day) -> None:
    """Their pages look alike, so only the unit tells them apart when one of them moves on."""
    for code in ("6472012007", "6472012008"):
        village(day, code)
    first = {code: unit(code).pk for code in ("6472012007", "6472012008")}
    release(day)
    renumber("6472012007", "6472012009")
    renumber("6472012008", "6472012007")
    renumber("6472012009", "6472012008")
    release(day)
    renumber("6472012008", "6472012009")
    release(day)
    assert unit("6472012009").pk == first["6472012007"]
    assert fate("6472012008") == (Fate.RENUMBERED, "6472012009")
    assert "fate" not in told("6472012007")
    assert not list(publish.broken())


def test_a_closed_unit_whose_code_comes_back_has_a_page_again(day: Day) -> None:
    for _ in range(2):
        village(day, "6472012008")
        release(day)
        assert "fate" not in told("6472012008")
        tree.remove(unit=unit("6472012008"), by=None)
        release(day)
        assert fate("6472012008") == (Fate.CLOSED, None)
    assert [told("6472012008", number).get("fate", "") for number in (1, 2, 3, 4)] == ["", "CLOSED", "", "CLOSED"]
    assert not list(publish.broken())


def test_the_page_of_a_vanished_code_says_what_became_of_the_unit(day: Day, client: Client) -> None:
    village(day, "6472012008")
    approve_one(day)
    release(day)
    before = {code: client.get(f"/publik/pemilu2024/rilis/1/{code}/").content for code in (VILLAGE, "6472012008")}
    renumber(VILLAGE, "6472012005")
    tree.remove(unit=unit("6472012008"), by=None)
    release(day)
    for place in ("", "rilis/2/"):
        renumbered = client.get(f"/publik/pemilu2024/{place}{VILLAGE}/")
        assert renumbered.status_code == 200
        assert "kini berkode 6472012005" in renumbered.content.decode()
        assert f'href="/publik/pemilu2024/{place}6472012005/"' in renumbered.content.decode()
        closed = client.get(f"/publik/pemilu2024/{place}6472012008/")
        assert closed.status_code == 410
        assert "sudah ditutup" in closed.content.decode()
        assert 'href="/publik/pemilu2024/rilis/1/6472012008/"' in closed.content.decode()
    for code, status in ((VILLAGE, 200), ("6472012008", 410)):
        data = client.get(f"/publik/pemilu2024/{code}.json")
        assert (data.status_code, data["X-Content-SHA256"]) == (status, hashlib.sha256(data.content).hexdigest())
        assert f"{code} {data['X-Content-SHA256']}" in client.get("/publik/pemilu2024/manifes.txt").content.decode()
        assert client.get(f"/publik/pemilu2024/rilis/1/{code}/").content == before[code]
    moved = client.get("/publik/pemilu2024/6472012005/").content.decode()
    assert f'href="/publik/pemilu2024/rilis/1/{VILLAGE}/' in moved, "the release before has it under its old code"
    assert moved.count("/publik/pemilu2024/6472012005001/") == moved.count("/publik/pemilu2024/6472012005002/") == 1


def test_the_home_page_is_a_province_that_is_still_there(day: Day, client: Client) -> None:
    tree.load(election=day.election, rows=[UnitRow("11", "Salah Muat", "provinsi")], by=None)
    release(day)
    assert "Salah Muat" in client.get("/").content.decode()
    tree.remove(unit=unit("11"), by=None)
    release(day)
    assert "Kalimantan Timur" in client.get("/").content.decode()
    assert client.get("/publik/pemilu2024/11/").status_code == 410
    assert not list(publish.broken())


# --- releases from before tombstones ---------------------------------------------------------------------------------


@pytest.fixture
def as_before(monkeypatch: Any) -> Callable[[Day], Publication]:
    """Releases as they were made once: no tombstones, no unit beside a page, the first form of the header."""

    def make(day: Day) -> Publication:
        with monkeypatch.context() as patch:
            pages = lambda election, _known: ((code, None, page) for code, page in publish.build_pages(election))  # noqa: E731
            patch.setattr(publish, "_everything", pages)
            patch.setattr(proof, "NEWEST", 1)
            return release(day)

    return make


def test_releases_signed_before_tombstones_go_on_proving_what_they_signed(
    day: Day, client: Client, as_before: Callable[[Day], Publication]
) -> None:
    village(day, "6472012008")
    as_before(day)
    renumber(VILLAGE, "6472012005")
    tree.remove(unit=unit("6472012008"), by=None)
    old = as_before(day)
    assert old.header == 1
    assert not list(publish.broken())
    shown = client.get("/publik/pemilu2024/rilis/2/manifes.txt").content
    assert hashlib.sha256(shown).digest() == bytes(old.digest)
    # A page that the release did not sign is no page of it.
    codes = [VILLAGE, f"{VILLAGE}001", "6472012008", "6472012005", "6472012005001", "64"]
    answers = [client.get(f"/publik/pemilu2024/rilis/2/{code}/").status_code for code in codes]
    assert answers == [404, 404, 404, 200, 200, 200]
    healed = release(day)
    assert not list(publish.broken())
    assert not list(contradictions(healed))
    assert (fate(VILLAGE), fate("6472012008")) == ((Fate.RETIRED, None), (Fate.RETIRED, None))
    assert "tidak dipakai lagi" in client.get(f"/publik/pemilu2024/{VILLAGE}/").content.decode()


def test_the_migration_finds_the_units_of_pages_where_code_and_name_still_say_it(
    day: Day, as_before: Callable[[Day], Publication]
) -> None:
    village(day, "6472012008")
    as_before(day)
    tree.rename(unit=unit("6472012008"), name="Batu Besar", by=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("dashboards.migrations.0005_what_became_of_a_page").FILL)
    units = dict(Unit.objects.values_list("code", "pk"))
    found = dict(PublishedPage.objects.values_list("code", "unit_id"))
    assert found == units | {"6472012008": None}
    with pytest.raises(DatabaseError):
        PublishedPage.objects.update(unit_id=1)
    assert release(day).changed == len({"647201", "6472012008"})
    assert not list(publish.broken())


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
    first = keys.signing_key().private_bytes_raw()
    assert keys.signing_key().private_bytes_raw() == first
    assert (settings.KEY_DIR / "publication.key").stat().st_mode & 0o777 == 0o600
