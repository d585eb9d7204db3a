"""Releases: who may make one, what chains and signs them, and how a changed row is found out."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test import Client
from django.urls import reverse

from dashboards import keys, proof, publish, published_sections
from dashboards.models import Fate, Publication, PublishedPage
from hierarchy import tree
from hierarchy.models import Unit
from hierarchy.rows import UnitRow
from reports import journal, review, rollup
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
    monkeypatch.setattr(
        publish, "_sign", lambda *args: [folds.append(plain_fold(day.election, args[0].cut_off)), sign(*args)][1]
    )
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


@pytest.mark.parametrize("code", ["6472012000", "6472012009"])
def test_what_the_release_before_said_is_found_by_the_unit(day: Day, code: str) -> None:
    """Also where the tombstone of its old code stands before or after it in the order of codes."""
    release(day)
    renumber(VILLAGE, code)
    made = release(day)
    pages = published_sections._past(unit("64"), made).pages
    assert pages[unit(code).pk] == told(code)["sections"] != {}


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
            pages = lambda election, _at, _known: ((code, None, page) for code, page in publish.build_pages(election))  # noqa: E731
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
            "publication pemilu2024 v2: the journal says it was published, and it is not there"
        ]
        transaction.set_rollback(True)


def test_releases_signed_anew_by_whoever_owns_the_database_are_named(day: Day, settings: Any) -> None:
    """With pages, digests, journal and signature all made to fit; only the key outside the database gives it away."""
    settings.PUBLICATION_PUBLIC_KEY = keys.public_half(keys.signing_key()).hex()
    made = release(day)
    forger = Ed25519PrivateKey.generate()
    page = PublishedPage.objects.get(code="64")
    page.payload["name"] = "Kalimantan Palsu"
    pages = proof.manifest(made) | {"64": proof.page_digest(page.payload)}
    digest = proof.release_digest(made, pages)
    values = {"payload": page.payload, "sha256": pages["64"]}
    with unguarded("dashboards_publishedpage", "dashboards_publication", "reports_event"):
        PublishedPage.objects.filter(pk=page.pk).update(**values)
        Publication.objects.update(digest=digest, signature=forger.sign(digest), public_key=keys.public_half(forger))
        event = Event.objects.get(verb="figures.published")
        Event.objects.filter(pk=event.pk).update(detail=event.detail | {"digest": digest.hex()})
    (fault,) = publish.broken()
    assert "signed by another key" in fault
    settings.PUBLICATION_PUBLIC_KEY = ""
    (fault,) = publish.broken()  # the key that is there knows it too
    assert "signed by another key" in fault
    settings.PUBLICATION_PUBLIC_KEY = f"{'0b' * 32},{keys.public_half(forger).hex()}"
    assert not list(publish.broken()), "an older key that is pinned is the agency's"


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")


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


# --- the key ----------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_only_its_owner_may_read_it(settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path / "keys"
    first = keys.signing_key().private_bytes_raw()
    assert keys.signing_key().private_bytes_raw() == first
    assert (settings.KEY_DIR / "publication.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.KEY_DIR.iterdir()] == ["publication.key"], "nothing is left beside it"


@pytest.mark.django_db
@pytest.mark.parametrize("content", ["", "\n", "ab" * 31, "zz" * 32])
def test_a_damaged_key_is_named_and_kept(settings: Any, tmp_path: Path, content: str) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    (tmp_path / "publication.key").write_text(content)
    with pytest.raises(keys.KeyFault, match=r"publication\.key rusak.*64 angka heksadesimal"):
        keys.signing_key()
    assert (tmp_path / "publication.key").read_text() == content
    (fault,) = publish.broken()
    assert "rusak" in fault


def test_processes_that_make_the_key_at_once_agree_on_one(settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    gate = threading.Barrier(8)

    def make(_number: int) -> bytes:
        gate.wait()
        return keys._make().private_bytes_raw()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(make, range(8)))) == 1


def test_only_the_pinned_key_may_sign(day: Day, settings: Any, tmp_path: Path) -> None:
    settings.PUBLICATION_PUBLIC_KEY = "0b" * 32
    with pytest.raises(CommandError, match=r"^Kunci untuk 0b0b.*PUBLICATION_PUBLIC_KEY"):
        call_command("publish", election="pemilu2024")
    settings.PUBLICATION_KEY, settings.KEY_DIR = "", tmp_path
    with pytest.raises(CommandError, match=r"^Kunci untuk 0b0b"):
        call_command("publish", public_key=True)
    assert list(tmp_path.iterdir()) == [], "no new key where another one is expected"
    assert Publication.objects.count() == 0


def test_the_command_prints_the_public_key(day: Day, capsys: Any) -> None:
    call_command("publish", public_key=True)
    key = capsys.readouterr().out.strip()
    assert key == keys.public_half(keys.signing_key()).hex()
    call_command("publish", election="pemilu2024")
    assert f"Kunci publik: {key}" in capsys.readouterr().out


# --- the program on the page ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    code: int
    lines: list[str]


@pytest.fixture
def periksa(day: Day, live_server: Any, client: Client, tmp_path: Path) -> Callable[..., Checked]:
    """Runs the program as the page shows it, by default with asserts switched off."""
    day.settings.SITE_URL = live_server.url

    def run(*options: str, **changes: str) -> Checked:
        program = client.get(reverse("how-to-verify")).context["recipe"]
        for old, new in changes.items():
            program = re.sub(f'^{old} = ".*?"', f'{old} = "{new}"', program, flags=re.MULTILINE)
        (tmp_path / "periksa.py").write_text(program)
        command = [sys.executable, *(options or ("-O",)), str(tmp_path / "periksa.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return Checked(done.returncode, done.stdout.splitlines())

    return run


def test_the_program_on_the_page_proves_a_release(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    approve_one(day)
    second = release(day)
    done = periksa()
    assert (done.code, done.lines[-1]) == (0, f"Semua cocok: {bytes(second.digest).hex()}")
    assert all(line.endswith(": cocok") for line in done.lines[:-1])
    said = [line.split(": ")[0] for line in done.lines[:-1]]
    assert {line.split(".")[0] for line in said} == {"1-2", "3", "4", "5", "6"}
    assert "6. Sambungan ke rilis 1" in said
    assert periksa(KODE="6472012001001").code == 0
    renumber(VILLAGE, "6472012005")
    release(day)
    assert periksa(KODE=VILLAGE).code == 0, "a tombstone is proved like any page"


def test_the_program_adds_up_what_was_signed(day: Day, periksa: Callable[..., Checked], monkeypatch: Any) -> None:
    """Whoever holds the key can sign a page that its children's pages do not bear out."""
    build = publish.build_pages

    def forged(*args: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for code, payload in build(*args):
            if code == "64":
                next(iter(payload["sections"].values()))["counts"]["filed_count"] += 1
            yield code, payload

    monkeypatch.setattr(publish, "build_pages", forged)
    release(day)
    done = periksa()
    (line,) = [line for line in done.lines if "TIDAK COCOK" in line]
    assert (done.code, line.split(" ")[0]) == (1, "5.")


def test_without_its_package_the_program_still_checks_what_it_can(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    done = periksa("-S", "-E")
    assert done.code == 1
    (line,) = [line for line in done.lines if line.startswith("4.")]
    assert "pip install cryptography" in line
    assert all(other.endswith(": cocok") for other in done.lines[:-1] if other != line)


# What somebody with the database's password, or the site's own owner, could change; and the steps that tell.
FORGED = {
    ("dashboards_publishedpage", "payload = jsonb_set(payload, '{registered_voters}', '1') WHERE code = '64'"): "1-2.",
    (
        "dashboards_publishedpage",
        "payload = jsonb_set(payload, '{registered_voters}', '1') WHERE code = '6472'",
    ): "1-2.",
    ("dashboards_publishedpage", "sha256 = decode(repeat('ab', 32), 'hex') WHERE code = '6401012001'"): "3. 4. 6.",
    ("dashboards_publication", "cut_off = cut_off - interval '1 hour' WHERE number = 1"): "6.",
    ("dashboards_publication", "signature = decode(repeat('cd', 64), 'hex') WHERE number = 2"): "4.",
}


def test_the_program_tells_every_change(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    release(day)
    for (table, change), steps in FORGED.items():
        with unguarded(table), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE aside AS SELECT * FROM {table}")
            cursor.execute(f"UPDATE {table} SET {change}")
        done = periksa()
        wrong = {line.split(" ")[0] for line in done.lines if "TIDAK COCOK" in line}
        assert (done.code, wrong) == (1, set(steps.split())), change
        with unguarded(table), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} SELECT * FROM aside")
            cursor.execute("DROP TABLE aside")
    day.settings.PUBLICATION_PUBLIC_KEY = "0b" * 32
    assert [line for line in periksa().lines if "TIDAK" in line] == ["4. Tanda tangan: TIDAK COCOK"]
