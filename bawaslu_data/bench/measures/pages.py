"""Pages under many readers: a unit's page for those who are signed in, the public page for everybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bawaslu_data import processes
from bawaslu_data.bench import cpu, load
from bawaslu_data.bench.figures import Clock, Figure
from bawaslu_data.bench.world import CHAIR, SITE, World
from dashboards.releases import actions as publish
from hierarchy.levels import Level
from hierarchy.models import Unit, User

CONNECTIONS, ROUNDS, REQUESTS, FEW = 8, 5, 200, 60
CALM = 8  # seconds of a minute that a round may take: leaders' pages are others in the next one
MOST_QUERIES = 5
MADE = "Django menyusun SQL dan membuat objek dari barisnya (setengah), lalu templat (sepertiga)"
ASKED = "sesi dan akun dibaca lebih dulu; papan juga mencap semua orang yang bertugas di wilayahnya"
ROWS = "setiap baris memuat alamat, orang yang dihubungi, dan keadaannya; tidak dimampatkan di sini"
KEPT = "bahasa, ETag, dan kepala tembolok, sekitar 0,15 ms"


FIRST, BOARD, BOARD_KB = 12.0, 25.0, 40.0  # goals: ms of CPU of a first view, of the board's; its size with 50 rows


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    port = processes.free_port()
    session = {"Cookie": f"{world.session()['Cookie']}; {settings.CSRF_COOKIE_NAME}={'a' * 32}"}
    units = _line(world)
    with processes.web(port, **SITE) as web:
        bare = load.request("GET", f"/bench/select/{units[0].pk}/", port=port)
        for name, path, goal in _pages(world, units):
            ours = load.request("GET", path, port=port, headers=session)
            spent = _side_by_side(port, bare, partial(bytes, ours), many=FEW)
            yield Figure(f"{name}, utuh", "halaman/s", FEW / spent["ours"], FEW / spent["bare"])
            yield Figure(f"{name}, utuh", "ms CPU", _spent(web.pid, port, ours), goal=goal, why=MADE)
            spent = _side_by_side(port, bare, partial(_again, port, path, session), status=304)
            yield Figure(f"{name}, tidak berubah (304)", "halaman/s", REQUESTS / spent["ours"],
                         REQUESTS / spent["bare"], goal=0.3, at_least=True, why=ASKED)  # fmt: skip
        yield Figure(
            "papan kepatuhan provinsi, 50 baris", "kB", _size(port, path, session) / 1000, goal=BOARD_KB, why=ROWS
        )
    for unit in units:
        queries = _queries(f"/satuan/{world.election.code}/{unit.code}/")
        yield Figure(f"kueri halaman satuan, {unit.title}", "kueri", queries, goal=MOST_QUERIES,
                     why="halaman ini membaca lebih dari yang direncanakan")  # fmt: skip


def measure_public(world: World, _seconds: int) -> Iterator[Figure]:
    if not world.election.publications.exists():
        publish.publish(election=world.election, by=None, note="Uji beban")
    port = processes.free_port()
    with processes.web(port, **SITE):
        bare = load.request("GET", "/bench/nothing/", port=port)
        path = f"/publik/{world.election.code}/{world.province.code}/"
        etag = _etag(port, path)
        for name, headers, status in (
            ("halaman publik, tidak berubah (304)", {"If-None-Match": etag}, 304),
            ("halaman publik, utuh", {}, 200),
        ):
            ours = load.request("GET", path, port=port, headers=headers)
            spent = _side_by_side(port, bare, partial(bytes, ours), status)
            yield Figure(name, "halaman/s", REQUESTS / spent["ours"], REQUESTS / spent["bare"],
                         goal=0.7 if status == 304 else None, at_least=True, why=KEPT)  # fmt: skip


def _side_by_side(port: int, bare: bytes, made: Callable[[], bytes], status: int = 200, many: int = REQUESTS) -> Clock:
    """Rounds of the bare view and of the request that `made` gives for each round."""
    clock = Clock()
    for number in range(ROUNDS + 1):
        if status == 304 and (left := 60 - time.time() % 60) < CALM:
            time.sleep(left)
        ours = made()
        for name, sent, expected in (("bare", bare, 200), ("ours", ours, status)):
            with clock.time(name if number else "warm"):
                load.closed_loop(port, [sent] * many, connections=CONNECTIONS).only(expected)
    return clock


def _pages(world: World, units: list[Unit]) -> Iterator[tuple[str, str, float]]:
    """(name, address, goal of a first view in ms of CPU) of what leaders look at; the province's board comes last."""
    code, province = world.election.code, units[0]
    for unit in units:
        yield f"halaman satuan, {unit.title}", f"/satuan/{code}/{unit.code}/", FIRST
    yield f"lembar pimpinan, {province.title}", f"/pimpinan/{code}/{province.code}/", FIRST
    for unit in reversed(units[:3]):
        query = "?keadaan=wajib"  # a list of 50 rows, whatever has come in
        yield f"papan kepatuhan, {unit.title}", f"/kepatuhan/{code}/{unit.code}/{query}", BOARD


def _spent(pid: int, port: int, sent: bytes) -> float:
    """ms of processor time in the web server."""
    return cpu.milliseconds(pid, lambda: load.closed_loop(port, [sent] * FEW, connections=2).only(200), times=FEW)


def _again(port: int, path: str, session: dict[str, str]) -> bytes:
    """The request of a browser that has the page. Asked for twice: the first look of some minutes is noted."""
    _etag(port, path, session)
    return load.request("GET", path, port=port, headers=session | {"If-None-Match": _etag(port, path, session)})


def _size(port: int, path: str, session: dict[str, str]) -> int:
    """Bytes of the page as it is sent, uncompressed."""
    return int(_head(port, path, session)["content-length"])


def _line(world: World) -> list[Unit]:
    """The province, and in it the first regency, district and village."""
    units = Unit.objects.filter(province=world.province).order_by("code").with_ancestors()
    return [units.filter(level=level)[0] for level in Level if level != Level.POLLING_STATION]


def _queries(path: str) -> int:
    client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
    client.force_login(User.objects.get(username=CHAIR))
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return len(queries)


def _etag(port: int, path: str, headers: dict[str, str] | None = None) -> str:
    return _head(port, path, headers)["etag"]


def _head(port: int, path: str, headers: dict[str, str] | None = None) -> dict[str, str]:
    line = load.Connection(port)
    try:
        status, head = line.head(load.request("GET", path, port=port, headers=headers))
    finally:
        line.close()
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")
    return head
