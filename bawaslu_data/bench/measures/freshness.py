"""How old the province's figure is while 200 reports a second come in and people read pages.

Reports leave at fixed moments whether or not the server keeps up. Of the n reports accepted and the province's count
that somebody can read, the k-th to be accepted is as fresh as the moment at which the count reached k.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from django.db import connection, connections
from django.db.models import Sum

from bawaslu_data import processes
from bawaslu_data.bench import load, memory
from bawaslu_data.bench.figures import Figure
from bawaslu_data.bench.world import SITE, World
from bawaslu_data.celery import FIGURES
from hierarchy.levels import Level
from reports.rollup.models import Outbox, Tally

PER_SECOND, CONNECTIONS = 200, 16
READS_PER_SECOND = 10
BUSY = "laporan, pembaca, dan rekap berebut inti prosesor yang sama; bandingkan dengan tabel inti di docs/scale.md"
PATIENCE = 60.0  # seconds the last report may take to arrive


def measure(world: World, seconds: int) -> Iterator[Figure]:
    count = PER_SECOND * seconds
    obligations = world.owed(count)
    port = processes.free_port()
    with processes.web(port, **SITE) as web, processes.workers() as workers:
        _warm(world, port, obligations[:1])
        filings = list(world.filings(port, obligations[1:]))
        watch = _Watch(world)
        watch.start()
        readers = threading.Thread(target=_read, args=(world, port, seconds), daemon=True)
        readers.start()
        begun = time.perf_counter()
        outcome = load.open_loop(port, filings, connections=CONNECTIONS, per_second=PER_SECOND).only(201)
        accepted = sorted(begun + moment for moment in outcome.ends)
        watch.expect(len(filings))
        readers.join()
        held = {"web": memory.peak(web.pid), "worker": memory.peak(workers[FIGURES].pid)}
    ages = watch.ages(accepted)
    yield Figure(f"diterima, {seconds} detik", "laporan/s", len(filings) / outcome.seconds, PER_SECOND,
                 goal=0.98, at_least=True, why=BUSY)  # fmt: skip
    yield Figure("jawaban atas laporan, p95", "s", outcome.wait(0.95))
    yield Figure("laporan sampai di angka provinsi, p50", "s", _share(ages, 0.5))
    yield Figure("laporan sampai di angka provinsi, p95", "s", _share(ages, 0.95), goal=2, why=BUSY)
    yield Figure("laporan sampai di angka provinsi, paling lama", "s", ages[-1])
    for name, most in held.items():
        yield Figure(f"memori puncak satu proses {name}", "MB", most)


def _warm(world: World, port: int, obligations: list[tuple[int, str]]) -> None:
    """Files one report and waits until it is rolled up: web server, worker and beat are up then."""
    load.closed_loop(port, world.filings(port, obligations), connections=1).only(201)
    deadline = time.monotonic() + PATIENCE
    while Outbox.objects.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the worker does not roll up")
        time.sleep(0.1)


def _read(world: World, port: int, seconds: int) -> None:
    """People who look at the province: half of them signed in, half the public."""
    session = world.session()
    pages = [
        load.request("GET", f"/satuan/{world.election.code}/{world.province.code}/", port=port, headers=session),
        load.request("GET", "/", port=port),
    ]
    reads = (pages[number % 2] for number in range(READS_PER_SECOND * seconds))
    load.open_loop(port, reads, connections=4, per_second=READS_PER_SECOND)
    connections.close_all()


class _Watch(threading.Thread):
    """Asks for the count of filed reports at the top of the tree, as a page would, every few hundredths of a second."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self.tops = Tally.objects.filter(window__election=world.election, unit__level=Level.PROVINCE)
        self.seen: list[tuple[float, int]] = []  # (moment, reports that have arrived)
        self.before = self._count()
        self.stopped = threading.Event()

    def _count(self) -> int:
        return self.tops.aggregate(total=Sum("filed_count"))["total"] or 0

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            self.seen.append((time.perf_counter(), self._count() - self.before))
        connection.close()

    def expect(self, count: int) -> None:
        """Waits until `count` reports have arrived."""
        deadline = time.monotonic() + PATIENCE
        while not self.seen or self.seen[-1][1] < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.seen[-1:]} of {count} reports have arrived")
            time.sleep(0.05)
        self.stopped.set()
        self.join()

    def ages(self, accepted: list[float]) -> list[float]:
        """Seconds from acceptance to arrival of each report, ascending."""
        ages, at = [], 0
        for rank, moment in enumerate(accepted, start=1):
            while self.seen[at][1] < rank:
                at += 1
            ages.append(max(0.0, self.seen[at][0] - moment))
        return sorted(ages)


def _share(ages: list[float], share: float) -> float:
    return ages[min(len(ages) - 1, int(share * len(ages)))]
