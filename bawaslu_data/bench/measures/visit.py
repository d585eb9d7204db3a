"""A filer's whole visit (what waits, the form, sending it, the receipt) in processor time of the web server, beside a
bare view's INSERT: the part of a visit that filing itself cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from django.urls import reverse

from bawaslu_data import processes
from bawaslu_data.bench import cpu, load
from bawaslu_data.bench.figures import Figure
from bawaslu_data.bench.measures.intake import bare_insert
from bawaslu_data.bench.world import SITE, World
from hierarchy.models import User
from reports.obligations.models import Obligation
from reports.rehearsal import nation

VISITS, WARM, CONNECTIONS = 100, 20, 4
SPARE = VISITS + WARM
SECRET = "a" * 32  # of the cookie against forged forms, as Django makes it: letters and digits
Step = tuple[str, list[bytes], int]


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    port = processes.free_port()
    visits = _visits(world, port, WARM + VISITS)
    bare = [bare_insert(world, port)] * VISITS * 4
    with processes.web(port, **SITE) as web:
        for _name, requests, status in visits:
            load.closed_loop(port, requests[:WARM], connections=CONNECTIONS).only(status)
        load.closed_loop(port, bare, connections=CONNECTIONS).only(201)
        insert = _spent(web.pid, port, bare, 201)
        steps = {name: _spent(web.pid, port, requests[WARM:], status) for name, requests, status in visits}
    for name, spent in steps.items():
        yield Figure(f"kunjungan pengisi: {name}", "ms CPU", spent)
    yield Figure("kunjungan pengisi / INSERT telanjang", "ms CPU", sum(steps.values()), insert)
    yield Figure("bagian INSERT dalam kunjungan pengisi", "%", 100 * insert / sum(steps.values()))


def _spent(pid: int, port: int, requests: list[bytes], status: int) -> float:
    def work() -> None:
        load.closed_loop(port, requests, connections=CONNECTIONS).only(status)

    return cpu.milliseconds(pid, work, times=len(requests))


def _visits(world: World, port: int, count: int) -> list[Step]:
    """(what, a request for each of `count` filers, the status that answers it), in the order of a visit."""
    obligations = Obligation.objects.filter(pk__in=[pk for pk, _token in world.owed(count)]).order_by()
    found: list[Step] = [(name, [], status) for name, status in
                         (("beranda", 200), ("formulir", 200), ("kirim", 302), ("tanda terima", 200))]  # fmt: skip
    for pk, filer in obligations.values_list("pk", "filer_id"):
        head, number = _session(filer), nation.report_id(world.full.due_at, world.rng)
        typed = {name: str(value) for name, value in nation.answers(world.rng).items()}
        body = urlencode(typed | {"report_id": str(number), "based_on": "", "csrfmiddlewaretoken": SECRET}).encode()
        form = reverse("file-report", args=[pk])
        sent = head | {"Content-Type": "application/x-www-form-urlencoded"}
        for step, request in zip(found, (
            load.request("GET", reverse("tasks"), port=port, headers=head),
            load.request("GET", form, port=port, headers=head),
            load.request("POST", form, port=port, headers=sent, body=body),
            load.request("GET", reverse("report", args=[number]), port=port, headers=head),
        ), strict=True):  # fmt: skip
            step[1].append(request)
    return found


def _session(filer: int) -> dict[str, str]:
    client = Client()
    client.force_login(User.objects.filter(memberships__unit=filer).order_by("pk")[0])
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={SECRET}"}
