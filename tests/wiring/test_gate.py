"""Slow work never takes the last thread of a web process: pages and filing answer while every place for it is held."""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image

from hierarchy.lib import gate, locks
from hierarchy.lib.gate import Work
from hierarchy.models import User
from hierarchy.signin.hashing import Lane
from reports.filing import evidence
from reports.filing.models import Evidence
from tests.days import TPS, Day, fresh
from tests.reports.filing.test_pages import filled, form_url, signed_in, text_of
from tests.wiring.test_deploy import SERVICES

PASSWORD = "perahu-merah-dua"
MAX_CONNECTIONS = 100  # PostgreSQL's own
LONG = 120.0  # seconds: whoever waits for a turn waits longer than a test looks
SIGN_IN = {"username": "ptps", "password": PASSWORD}


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "JPEG")
    return SimpleUploadedFile("tps.jpg", out.getvalue(), content_type="image/jpeg")


def sign_in(device: str = "") -> Any:
    client = Client()
    if device:
        client.cookies["perangkat"] = device
    return client.post(reverse("login"), SIGN_IN)


def send_photo(day: Day, client: Client) -> Any:
    photo = {"election": day.election.code, "unit": TPS, "file": picture()}
    return client.post(reverse("api-evidence"), photo)


@pytest.fixture
def people(election_day: Day, settings: Any, tmp_path: Any) -> Day:
    """An election day on which everybody has a password."""
    settings.MEDIA_ROOT = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.update(password=make_password(PASSWORD))
    return election_day


@pytest.fixture
def device(people: Day) -> str:
    """What a device shows on which `ptps` has signed in before."""
    return str(sign_in().cookies["perangkat"].value)


@pytest.fixture
def over(people: Day, device: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, nobody of the whole site gets a turn at a password, and a photo is decoded without end."""
    settings.TURN_PATIENCE = {work.name: LONG for work in Work}
    begun, over, decode = threading.Event(), threading.Event(), evidence._decoded_anew

    def endless(raw: bytes) -> bytes:
        over.wait(LONG)
        return decode(raw)

    def hash_for_others() -> None:
        with transaction.atomic():
            locks.take(locks.Lock.HASHING, list(Lane))
            begun.set()
            over.wait(LONG)
        connections.close_all()

    monkeypatch.setattr(evidence, "_decoded_anew", endless)
    other = threading.Thread(target=hash_for_others)
    other.start()
    assert begun.wait(30)
    yield over
    over.set()
    other.join()


@pytest.mark.django_db(transaction=True)
def test_while_every_place_for_slow_work_is_held_a_page_and_a_filing_answer(
    people: Day, device: str, over: threading.Event, settings: Any
) -> None:
    """As many threads as a web process has, and four times as much slow work as they could hold."""
    client = signed_in(fresh(people.cast.ptps))
    sender = signed_in(fresh(people.cast.ptps))
    obligation = people.obligation()
    answers = filled(people, client.get(form_url(obligation)), obligation)
    kinds: list[Callable[[], Any]] = [sign_in, lambda: sign_in(device), lambda: send_photo(people, sender)]

    def served(ask: Callable[[], Any]) -> int:
        try:
            return int(ask().status_code)
        finally:
            connections.close_all()

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(settings.WEB_THREADS))
        stack.callback(over.set)  # first of all, or a failure would wait for the pool for ever
        slow = [pool.submit(served, ask) for ask in kinds * (4 * settings.WEB_THREADS)]
        cheap = [
            pool.submit(served, lambda: client.get(reverse("tasks"))),
            pool.submit(served, lambda: client.post(form_url(obligation), answers)),
        ]
        assert [each.result(timeout=60) for each in cheap] == [200, 302]
        assert not over.is_set()
        assert sum(not each.done() for each in slow) == gate.PLACES, "as many as may be held are held"
        over.set()
        statuses = Counter(each.result(timeout=60) for each in slow)
    assert statuses.keys() <= {201, 302, 503}
    assert statuses[503] == len(slow) - gate.PLACES
    assert sign_in().status_code == 302, "places are given back"
    assert Evidence.objects.count() == bool(statuses[201])


class Full(Exception):
    """What a test has raised where there is no place."""


def hold(work: Work) -> Any:
    return gate.place(work, full=Full())


def test_a_thread_is_left_whatever_comes_in_whatever_order(settings: Any) -> None:
    for order in set(permutations([*Work] * 2)):
        with ExitStack() as inside:
            entered = 0
            for work in order:
                had_room = gate.has_room(work)
                try:
                    inside.enter_context(hold(work))
                except Full:
                    assert not had_room
                else:
                    assert had_room
                    entered += 1
            assert entered == gate.PLACES < settings.WEB_THREADS
    assert all(gate.has_room(work) for work in Work), "places are given back"


def test_photos_and_passwords_never_take_each_others_places() -> None:
    """Whatever is held of one, the other finds as much room as when nobody is there."""
    passwords = gate.PASSWORDS
    with hold(Work.PHOTO), hold(Work.PHOTO):
        assert not gate.has_room(Work.PHOTO)
        assert all(gate.has_room(work) for work in passwords)
    for held in set(permutations(passwords * 2)):
        with ExitStack() as inside:
            for work in filter(gate.has_room, held):
                inside.enter_context(hold(work))
            assert not any(gate.has_room(work) for work in passwords), "no more fits"
            with hold(Work.PHOTO):
                assert gate.has_room(Work.PHOTO)


def test_whoever_else_signs_in_who_is_known_finds_a_place() -> None:
    with hold(Work.STRANGER), hold(Work.HOME):
        assert not gate.has_room(Work.STRANGER)
        assert not gate.has_room(Work.HOME)
        assert gate.has_room(Work.KNOWN)


@pytest.mark.django_db(transaction=True)
def test_a_photo_for_which_there_is_no_place_costs_nothing_that_was_typed(people: Day, settings: Any) -> None:
    client, obligation = signed_in(fresh(people.cast.ptps)), people.obligation()
    typed = filled(people, client.get(form_url(obligation)), obligation)
    with hold(Work.PHOTO), hold(Work.PHOTO):
        refused = client.post(form_url(obligation), typed | {"foto_tps": picture()})
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (503, True)
    assert "Server sedang menerima banyak foto" in text_of(refused)
    kept = {name: value for name, value in typed.items() if f'name="{name}"' in refused.content.decode()}
    assert kept == typed
    assert f'value="{typed["report_id"]}"' in refused.content.decode()
    assert client.post(form_url(obligation), typed | {"foto_tps": picture()}).status_code == 302


def asked_for(name: str) -> int:
    """What docker-compose.yml gives where `.env` names nothing, the same wherever it stands."""
    [given] = set(re.findall(rf"\$\{{{name}:-(\d+)\}}", str(SERVICES)))
    return int(given)


def test_the_deployment_serves_with_as_many_threads_as_it_says_and_has_connections_for_them(settings: Any) -> None:
    workers, threads, pool = (asked_for(name) for name in ("WEB_WORKERS", "WEB_THREADS", "DATABASE_POOL"))
    web = SERVICES["web"]
    assert "--blocking-threads=${WEB_THREADS:-6}" in web["command"]
    assert web["environment"]["WEB_THREADS"] == "${WEB_THREADS:-6}"
    assert threads == settings.WEB_THREADS
    assert gate.PLACES < threads <= settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] == pool
    tasks = sum(asked_for(name) for name in ("WORKERS", "SLOW_WORKERS")) + 1  # and one of reminders
    assert workers * pool + tasks * pool < MAX_CONNECTIONS
