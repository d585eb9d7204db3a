"""Two people never see each other's session: the real granian process of docker-compose.yml, all its threads busy.

Connections are kept alive and carry one asker after the other, as those of a reverse proxy do.
"""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.cookies import SimpleCookie
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection as database
from django.utils import translation

from dashboards.releases import actions as publish
from hierarchy.models import User
from reports.filing.models import Report
from reports.rollup import fold as rollup
from tests.cast import membership_of
from tests.days import TPS, Day
from tests.services import own_redis_database
from tests.wiring.test_deploy import SERVICES, Stack

HOST = "lapor.example.go.id"
PASSWORD = "rahasia-pengawas-2024"
PEOPLE = ("ptps", "ptps_sibling", "pkd", "panwascam_member", "regency_chair", "province_chair", "admin", "stranger")
SEES_THE_STATION = set(PEOPLE) - {"ptps_sibling", "stranger"}
THREADS, CONNECTIONS, ROUNDS = 16, 3, 40  # 640 requests over 48 connections
WHO = re.compile(r'<div class="who">\s*<strong>(.*?)</strong>\s*<span>(.*?)</span>', re.DOTALL)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        jar: SimpleCookie = SimpleCookie()
        for line in self.headers.get_all("Set-Cookie", []):
            jar.load(line)
        return {name: morsel.value for name, morsel in jar.items()}

    def names(self, header: str) -> set[str]:
        return {part.strip().lower() for part in ",".join(self.headers.get_all(header, [])).split(",")} - {""}


@dataclass
class Asker:
    """A person with a session, a token and a language of their own; `name` "" is a passer-by."""

    name: str = ""
    shown: tuple[str, str] = ("", "")  # the name and the membership in the head of the page
    language: str = "id"
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def cookie(self) -> dict[str, str]:
        sent = {**self.cookies, "django_language": self.language}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in sent.items())}


@dataclass
class Site:
    port: int
    report: Report
    askers: list[Asker]

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)


def call(
    line: http.client.HTTPConnection, path: str, headers: dict[str, str], *, method: str = "GET", body: str = ""
) -> Answer:
    line.request(method, path, body or None, {"Host": HOST, **headers})
    response = line.getresponse()
    return Answer(response.status, response.headers, response.read())


# --- the site -------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(transactional_db: None, election_day: Day, settings: Any, tmp_path: Path) -> Iterator[Site]:
    """The web service of the compose file over this test's own database, with everybody signed in through its pages."""
    day = election_day
    settings.MEDIA_ROOT, settings.KEY_DIR = tmp_path / "media", tmp_path / "keys"
    report = day.file(day.cast.ptps)
    rollup.run_all()
    publish.publish(election=day.election, by=None)
    User.objects.filter(username__in=PEOPLE).update(password=make_password(PASSWORD))
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + database.settings_dict["NAME"]))
    stack = Moved(tmp_path, url, own_redis_database(settings.REDIS_URL, "gw6"), port)
    stack.offset = settings.CLOCK_OFFSET
    with stack.running("web") as process:
        made = Site(port, report, [])
        stack.await_(partial(_lives, made), "web", process)
        askers = [
            Asker(name, _shown(day, name, language), language) for name, language in zip(PEOPLE, cycle(("id", "en")))
        ]
        # One after the other: passwords are hashed in turns, and who would wait long is asked to come again.
        made.askers += [_signed_in(made, asker) for asker in askers]
        yield made


class Moved(Stack):
    """The deployment with its clock on the day of the vote."""

    offset = 0.0

    def environment(self, service: str) -> dict[str, str]:
        return super().environment(service) | {"CLOCK_OFFSET": str(self.offset)}


def _lives(site: Site) -> bool:
    with contextlib.closing(site.open()) as line, contextlib.suppress(OSError):
        return call(line, "/healthz", {}).status == 200
    return False


def _shown(day: Day, name: str, language: str) -> tuple[str, str]:
    user = getattr(day.cast, name)
    membership = membership_of(user)
    with translation.override(language):
        return user.name, f"{membership.get_role_display()} · {membership.unit.title}"


def _signed_in(site: Site, asker: Asker) -> Asker:
    """Signs in through the log-in page, and for a token through the API."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with contextlib.closing(site.open()) as line:
        page = call(line, "/masuk/", {})
        hidden = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
        assert hidden is not None
        typed = urlencode({"username": asker.name, "password": PASSWORD, "csrfmiddlewaretoken": hidden[1]})
        sent = {**form, "Cookie": f"csrftoken={page.cookies['csrftoken']}"}
        inside = call(line, "/masuk/", sent, method="POST", body=typed)
        assert (inside.status, inside.headers["Location"]) == (302, "/tugas/"), inside.body.decode()
        body = json.dumps({"username": asker.name, "password": PASSWORD})
        token = call(line, "/api/v1/token/", {"Content-Type": "application/json"}, method="POST", body=body)
        assert (token.status, token.cookies) == (201, {})
    asker.cookies, asker.token = inside.cookies, json.loads(token.body)["token"]
    return asker


# --- what one may get -----------------------------------------------------------------------------------------------


def check_personal(site: Site, asker: Asker, line: http.client.HTTPConnection, path: str) -> str:
    """ "" when a page is the asker's own and no cache may keep it, else what is wrong."""
    answer = call(line, path, asker.cookie())
    if not asker.name:
        gone = (answer.status, answer.headers.get("Location", ""), answer.cookies)
        return "" if gone == (302, f"/masuk/?next={path}", {}) else f"a passer-by got {gone}"
    text = answer.body.decode()
    found = WHO.search(text)
    shown = tuple(html.unescape(part) for part in found.groups()) if found else ("", "")
    faults = {
        f"status {answer.status}": answer.status != 200,
        f"the head shows {shown}": shown != asker.shown,
        "another language": f'<html lang="{asker.language}">' not in text,
        "a cache may keep it": not answer.names("Cache-Control") & {"private", "no-store"}
        or "public" in answer.names("Cache-Control"),
        "it does not vary by cookie": "cookie" not in answer.names("Vary"),
        # The token of forms may come again, the session must not, and neither may be another's.
        "another's cookie": not answer.cookies.items() <= {("csrftoken", asker.cookies["csrftoken"])},
    }
    return ", ".join(fault for fault, found in faults.items() if found)


def check_scope(site: Site, asker: Asker, line: http.client.HTTPConnection) -> str:
    path = f"/satuan/pemilu2024/{TPS}/"
    if not asker.name or asker.name in SEES_THE_STATION:
        return check_personal(site, asker, line, path)
    answer = call(line, path, asker.cookie())
    return "" if answer.status == 404 and b"TPS 001" not in answer.body else f"a stranger got {answer.status}"


def check_api(site: Site, asker: Asker, line: http.client.HTTPConnection, borrowed: dict[str, str]) -> str:
    """A token says who asks, whatever cookie travels with it; without one nobody is let in."""
    if not asker.name:
        answer = call(line, "/api/v1/me/", {})
        return "" if (answer.status, answer.cookies) == (401, {}) else f"a passer-by got {answer.status}"
    answer = call(line, "/api/v1/me/", {"Authorization": f"Token {asker.token}", **borrowed})
    name = json.loads(answer.body).get("username")
    private = "private" in answer.names("Cache-Control") and "public" not in answer.names("Cache-Control")
    return "" if (name, private, answer.cookies) == (asker.name, True, {}) else f"the API took it for {name}"


def check_public(site: Site, asker: Asker, line: http.client.HTTPConnection, seen: dict[str, bytes], path: str) -> str:
    """The same bytes for everyone, for any cache to keep, and no cookie."""
    answer = call(line, path, asker.cookie())
    faults = {
        f"status {answer.status}": answer.status != 200,
        "it differs from what others get": seen.setdefault(path, answer.body) != answer.body,
        "no cache may keep it": "public" not in answer.names("Cache-Control"),
        "a cookie came with it": bool(answer.cookies),
        "it varies by cookie": "cookie" in answer.names("Vary"),
        "no ETag": "ETag" not in answer.headers,
    }
    return ", ".join(fault for fault, found in faults.items() if found)


PUBLIC = (
    "/",
    "/?bahasa=en",
    "/publik/pemilu2024/6472/",
    "/publik/pemilu2024/6472/?bahasa=en",
    "/publik/pemilu2024/64.json",
)


def wander(site: Site, seen: dict[str, bytes], seed: int) -> list[str]:
    """One thread: ROUNDS requests as ever another person over connections that stay open; what went wrong."""
    rng, faults = Random(seed), []
    passer_by = Asker()
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(contextlib.closing(site.open())) for _ in range(CONNECTIONS)]
        for _round in range(ROUNDS):
            asker, other = rng.choice([*site.askers, passer_by]), rng.choice(site.askers)
            checks: dict[str, Callable[..., str]] = {
                "tasks": partial(check_personal, path="/tugas/"),
                "queue": partial(check_personal, path="/pemeriksaan/"),
                "unit": check_scope,
                "api": partial(check_api, borrowed=other.cookie()),
                "public": partial(check_public, seen=seen, path=rng.choice(PUBLIC)),
            }
            name = rng.choice(list(checks))
            if fault := checks[name](site, asker, rng.choice(lines)):
                faults.append(f"{name} as {asker.name or 'a passer-by'}: {fault}")
    return faults


def check_unchanged(site: Site) -> None:
    """An unchanged public page costs no bytes and brings no cookie."""
    with contextlib.closing(site.open()) as line:
        etag = call(line, "/", {}).headers["ETag"]
        for asker in (Asker(), site.askers[0]):
            answer = call(line, "/", {**asker.cookie(), "If-None-Match": etag})
            assert (answer.status, answer.body, answer.cookies) == (304, b"", {})
            assert "public" in answer.names("Cache-Control")


def check_going_out(site: Site) -> None:
    """Going out ends this session and no other."""
    first, second = site.askers[:2]
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": first.cookies["csrftoken"]}
    with contextlib.closing(site.open()) as line:
        out = call(line, "/keluar/", {**form, **first.cookie()}, method="POST")
        assert (out.status, out.cookies["sesi"]) == (302, "")
        assert call(line, "/tugas/", first.cookie()).status == 302
        assert check_personal(site, second, line, "/tugas/") == ""
        # The token of a device lives on its own; it is revoked where it was made.
        assert check_api(site, first, line, {}) == ""


def test_each_answer_belongs_to_whoever_asked(site: Site) -> None:
    assert {"--workers=${WEB_WORKERS:-4}", "--blocking-threads=${WEB_THREADS:-6}"} <= set(SERVICES["web"]["command"])
    seen: dict[str, bytes] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        faults = [fault for found in pool.map(partial(wander, site, seen), range(THREADS)) for fault in found]
    assert not faults, "\n".join(sorted(set(faults)))
    assert len(seen) == len(PUBLIC)
    for name, person in ((asker.shown[0], asker.name) for asker in site.askers):
        assert not any(name.encode() in body or f'"{person}"'.encode() in body for body in seen.values()), name

    check_unchanged(site)
    check_going_out(site)
