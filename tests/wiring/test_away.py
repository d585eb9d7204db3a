"""What is said while the database is away, request by request; tests/faults/test_away.py stops a real one."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client

from bawaslu_data.postgres import base

SENTENCE = "Sistem sedang tidak dapat melayani Anda"


def _lost(*_args: object, **_options: object) -> None:
    raise OperationalError("the connection is lost") from psycopg.OperationalError("server closed the connection")


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement fails as on a lost connection."""
    monkeypatch.setattr(connection, "cursor", _lost)
    monkeypatch.setattr(connection, "chunked_cursor", _lost)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def form(client: Client) -> str:
    """The token of a page with a form, as a browser got it before."""
    client.get("/masuk/")
    return str(client.cookies["csrftoken"].value)


@pytest.mark.django_db
def test_a_page_is_503_with_a_sentence_and_a_time_to_come_again(client: Client, gone: None) -> None:
    answer = client.get("/cara-memeriksa/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert SENTENCE in answer.content.decode()
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
def test_the_api_says_so_as_a_problem(client: Client, gone: None) -> None:
    answer = client.post("/api/v1/token/", '{"username": "64-1", "password": "x"}', "application/json")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    told = json.loads(answer.content)
    assert (told["status"], told["title"]) == (503, "Belum dapat dilayani")


@pytest.mark.django_db
def test_what_was_typed_is_on_the_page_but_no_secret_and_no_file(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = form(client)
    monkeypatch.setattr(connection, "cursor", _lost)
    typed = {
        "csrfmiddlewaretoken": token,
        "username": "64-1",
        "catatan": 'baris satu\nbaris <dua> & "tiga"',
        "pilihan": ["a", "b"],
        "kosong": "",
        "password": "rahasia-sekali",
        "foto": SimpleUploadedFile("c-hasil.jpg", b"x"),
    }
    answer = client.post("/masuk/?next=/tugas/", typed)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert 'action="/masuk/?next=/tugas/"' in page
    assert ">\n64-1</textarea>" in page
    assert "baris satu\nbaris &lt;dua&gt; &amp; &quot;tiga&quot;</textarea>" in page
    assert page.count('name="pilihan"') == 2
    assert 'name="kosong" value=""' in page
    assert "rahasia-sekali" not in page
    assert 'type="password" id="rahasia-1" name="password"' in page
    assert "c-hasil.jpg" in page
    assert 'name="csrfmiddlewaretoken"' in page


@pytest.mark.django_db
def test_what_another_site_made_up_does_not_come_back_with_our_token(client: Client, gone: None) -> None:
    page = client.post("/masuk/", {"username": "disusupkan"}).content.decode()
    assert "disusupkan" not in page


@pytest.mark.django_db
def test_other_errors_are_still_errors(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_options: object) -> None:
        raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected("deadlock detected")

    monkeypatch.setattr(connection, "cursor", refused)
    assert client.get("/cara-memeriksa/").status_code == 500


def test_only_one_request_in_a_while_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []
    moment = 100.0
    there = False

    class Connection: ...

    def connect(*_args: object) -> Connection:
        tried.append(moment)
        if not there:
            raise psycopg.OperationalError("refused")
        return Connection()

    monkeypatch.setattr(base.base.DatabaseWrapper, "get_new_connection", connect)
    monkeypatch.setattr(base.DatabaseWrapper, "known", base.Away())
    monkeypatch.setattr(base.time, "monotonic", lambda: moment)
    wrapper = base.DatabaseWrapper(connection.settings_dict)
    for _request in range(3):
        for _same_moment in range(4):
            with pytest.raises((psycopg.OperationalError, OperationalError)):
                wrapper.get_new_connection({})
        moment += base.REST_SECONDS
    assert tried == [100.0, 101.0, 102.0]
    there = True
    assert all(isinstance(wrapper.get_new_connection({}), Connection) for _request in range(3))


@pytest.mark.django_db(transaction=True)
def test_a_database_that_comes_back_fails_one_request_and_not_one_for_each_connection() -> None:
    """A server that was restarted, as seen by a process that holds idle connections to it."""

    def ask(_number: int = 0) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            return False
        finally:
            connection.close()
        return True

    together = threading.Barrier(4)

    def ask_together(number: int) -> bool:
        connection.ensure_connection()
        together.wait(10)
        return ask(number)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask_together, range(4)))
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
    assert [ask() for _ in range(6)] == [False, *[True] * 5]


@pytest.mark.django_db(transaction=True)
def test_a_full_pool_is_not_a_database_that_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds no connection free is asked to come again; whoever comes when one is free again is served."""
    monkeypatch.setattr(connection.pool, "timeout", 0.3)
    room = connection.pool.max_size
    connection.close()
    held, free = threading.Barrier(room + 1), [threading.Event() for _ in range(room)]

    def hold(done: threading.Event) -> None:
        connection.ensure_connection()
        try:
            held.wait(10)
            done.wait(60)
        finally:
            connection.close()

    with ThreadPoolExecutor(room) as threads:
        holding = [threads.submit(hold, done) for done in free]
        try:
            held.wait(10)
            refused = client.get("/cara-memeriksa/")
            assert (refused.status_code, refused["Retry-After"]) == (503, "5")
            free[0].set()
            holding[0].result(10)
            assert client.get("/cara-memeriksa/").status_code == 200
        finally:
            for done in free:
                done.set()


@pytest.mark.django_db
def test_a_pool_that_has_room_and_gets_no_connection_tells_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(base.DatabaseWrapper, "known", base.Away())
    options = connection.settings_dict["OPTIONS"]
    options = options | {"pool": options["pool"] | {"timeout": 0.1}}
    nowhere = connection.settings_dict | {"HOST": str(tmp_path), "OPTIONS": options}
    wrapper = base.DatabaseWrapper(nowhere, alias="nowhere")
    try:
        with pytest.raises(OperationalError):
            wrapper.ensure_connection()
        assert not base.DatabaseWrapper.known.allows_look()
    finally:
        wrapper.close_pool()
