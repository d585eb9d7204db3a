"""Filing over HTTP with every guarantee, against a bare view that does one INSERT of the same bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from bawaslu_data import processes
from bawaslu_data.bench import load
from bawaslu_data.bench.figures import Figure, rounds
from bawaslu_data.bench.world import SITE, World
from hierarchy import access
from hierarchy.models import User
from reports.filing import bulk as bulk_filing
from reports.filing.models import Channel
from reports.obligations.models import Obligation
from reports.rehearsal import nation
from reports.rollup import fold as rollup

CONNECTIONS, ROUNDS, REPORTS, WARM = 8, 7, 400, 150
BATCH, BATCHES, IMPORTED = 50, 40, 2_000
WHY = (
    "tiga pernyataan SQL alih-alih satu, lima tabel, dan bingkai REST; kiriman bersama membayar bagian tetapnya sekali"
)
SPARE = WARM + ROUNDS * REPORTS + BATCH * BATCHES + IMPORTED


def measure(world: World, _seconds: int) -> Iterator[Figure]:
    obligations = world.owed(WARM + ROUNDS * REPORTS)
    port = processes.free_port()
    with processes.web(port, **SITE):
        filings = world.filings(port, obligations)
        bare = [bare_insert(world, port) for _ in range(REPORTS)]
        load.closed_loop(port, [next(filings) for _ in range(WARM)], connections=CONNECTIONS).only(201)
        load.closed_loop(port, bare[:WARM], connections=CONNECTIONS).only(201)
        spent = rounds(
            ROUNDS,
            bare=lambda: load.closed_loop(port, bare, connections=CONNECTIONS).only(201),
            # Made before the clock starts: what a phone spends on its report is not the server's.
            ours=_each(port, [[next(filings) for _ in range(REPORTS)] for _ in range(ROUNDS)]),
        )
        yield Figure("satu laporan per permintaan", "laporan/s", REPORTS / spent["ours"], REPORTS / spent["bare"],
                     goal=0.5, at_least=True, why=WHY)  # fmt: skip
        lists = world.batches(BATCH, BATCHES)
        batches = [_batch(world, port, some) for some in lists]
        done = load.closed_loop(port, batches, connections=CONNECTIONS).only(200)
        together = sum(len(some) for some in lists)
        yield Figure(f"{together // BATCHES} laporan per permintaan", "laporan/s", together / done.seconds,
                     REPORTS / spent["bare"])  # fmt: skip
    yield Figure("impor massal (COPY)", "laporan/s", _imported(world, world.owed(IMPORTED)), REPORTS / spent["bare"])
    rollup.run_all()


def _each(port: int, parts: list[list[bytes]]):
    left = iter(parts)
    return lambda: load.closed_loop(port, next(left), connections=CONNECTIONS).only(201)


def bare_insert(world: World, port: int) -> bytes:
    return load.request("POST", "/bench/insert/", port=port, headers={"Content-Type": "application/json"},
                        body=world.body(1))  # fmt: skip


def _batch(world: World, port: int, obligations: list[tuple[int, str]]) -> bytes:
    """What a village sends after an hour without signal: the reports of its stations in one request."""
    body = msgspec.json.encode({"reports": [msgspec.Raw(world.body(obligation)) for obligation, _token in obligations]})
    headers = {"Content-Type": "application/json", "Authorization": f"Token {obligations[0][1]}"}
    return load.request("POST", "/api/v1/reports/batch/", port=port, headers=headers, body=body)


def _imported(world: World, obligations: list[tuple[int, str]]) -> float:
    """Reports a second through the bulk import, in this process."""
    rows = (
        Obligation.objects.filter(pk__in=[obligation for obligation, _token in obligations])
        .values_list("pk", "filer_id")
        .order_by()
    )
    people = {}
    for user in User.objects.filter(memberships__unit__in={filer for _pk, filer in rows}).distinct():
        for membership in access.memberships(user):
            people[membership.unit_id] = user
    filings = [
        bulk_filing.Filing(
            by=people[filer],
            obligation_id=pk,
            report_id=nation.report_id(world.full.due_at, world.rng),
            answers=nation.answers(world.rng),
        )
        for pk, filer in rows
    ]
    started = time.perf_counter()
    result = bulk_filing.import_filings(filings=filings, channel=Channel.IMPORT)
    if result.filed != len(filings):
        raise RuntimeError(f"not filed: {result.refused[:1]}")
    return len(filings) / (time.perf_counter() - started)
