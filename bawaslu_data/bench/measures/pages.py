"""Pages under many readers: a unit's page for those who are signed in, the public page for everybody."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bawaslu_data import processes
from bawaslu_data.bench import load
from bawaslu_data.bench.figures import Figure, rounds
from bawaslu_data.bench.world import CHAIR, SITE, World
from dashboards.releases import actions as publish
from hierarchy.levels import Level
from hierarchy.models import Unit, User

CONNECTIONS, ROUNDS, REQUESTS = 8, 5, 200
MOST_QUERIES = 5


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    units = _line(world)
    port = processes.free_port()
    session = world.session()
    with processes.web(port, **SITE):
        bare = load.request("GET", f"/bench/select/{units[0].pk}/", port=port)
        for unit in units:
            ours = load.request("GET", f"/satuan/{world.election.code}/{unit.code}/", port=port, headers=session)
            spent = _side_by_side(port, bare, ours)
            yield Figure(f"halaman satuan, {unit.title}", "halaman/s", REQUESTS / spent["ours"],
                         REQUESTS / spent["bare"], goal=0.3, at_least=True)  # fmt: skip
    for unit in units:
        queries = _queries(f"/satuan/{world.election.code}/{unit.code}/")
        yield Figure(f"kueri halaman satuan, {unit.title}", "kueri", queries, goal=MOST_QUERIES)


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
            spent = _side_by_side(port, bare, ours, status)
            yield Figure(name, "halaman/s", REQUESTS / spent["ours"], REQUESTS / spent["bare"],
                         goal=0.7 if status == 304 else None, at_least=True)  # fmt: skip


def _side_by_side(port: int, bare: bytes, ours: bytes, status: int = 200):
    for sent, expected in ((bare, 200), (ours, status)):
        load.closed_loop(port, [sent] * 40, connections=CONNECTIONS).only(expected)
    return rounds(
        ROUNDS,
        bare=lambda: load.closed_loop(port, [bare] * REQUESTS, connections=CONNECTIONS).only(200),
        ours=lambda: load.closed_loop(port, [ours] * REQUESTS, connections=CONNECTIONS).only(status),
    )


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


def _etag(port: int, path: str) -> str:
    line = load.Line(port)
    try:
        status, head = line.head(load.request("GET", path, port=port))
    finally:
        line.close()
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")
    return head["etag"]
