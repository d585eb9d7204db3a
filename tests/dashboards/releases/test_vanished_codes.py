"""Units that get new codes, close and come back between releases, and releases from before that was known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from dashboards.models import Fate, Publication, PublishedPage
from dashboards.releases import actions as publish
from dashboards.releases import proof
from dashboards.releases import sections as published_sections
from hierarchy.models import Unit
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from tests.days import Day
from tests.released import VILLAGE, approve_one, contradictions, fate, release, renumber, told, unit, village

pytestmark = pytest.mark.django_db(transaction=True)


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
