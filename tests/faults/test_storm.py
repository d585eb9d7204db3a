"""The worst evening at once, on the compose file's own command lines behind Caddy, beside a quiet one on the same day.

200 reports a minute come in. In the storm bodies never end, 32 readers take a kilobyte a second, eight wrong passwords
a second come from addresses nobody has seen, workbooks wait in their queue and the mail server answers nothing.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.faults.crowd import sign_ins, slow_readers, stalled_bodies
from tests.faults.post import Letters
from tests.faults.processes import PATIENCE, wait_for
from tests.faults.test_proxy import MB, READERS, STALLED, door, guests, threads  # noqa: F401  (a fixture)
from tests.faults.test_reminders import DUE
from tests.faults.world import World, WorldObligation

pytestmark = [pytest.mark.full, pytest.mark.proxy]
PER_MINUTE, SECONDS = 200, 60
KNOCKS = 8.0  # wrong passwords a second
RECAPS = 1_000  # more than one worker makes in that time
MOST = 2.0  # times what it is on a quiet evening; and seconds until a report is in the province's figure
TOP = """
    SELECT coalesce(sum(t.filed_count), 0)::int FROM reports_tally t JOIN hierarchy_unit u ON u.id = t.unit_id
    WHERE u.level = 0"""
ASK = f"""
import json
from dashboards.models import ExportJob
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports.calendar.models import Window
window = Window.objects.filter(opened_at__isnull=False).select_related("stage")[0]
province, reader = Unit.objects.get(code="64"), User.objects.get(username="ketua-64")
facts = dict(unit=province, asked_by=reader, stage_code=window.stage.code, basis="filed", detail=True)
jobs = [ExportJob(asked_at=clock.now(), touched_at=clock.now(), **facts) for _ in range({RECAPS})]
ExportJob.objects.bulk_create(jobs)
print(json.dumps([str(job.pk) for job in jobs]))
"""


@dataclass
class Evening:
    """Seconds, ascending: until a phone had its receipt, and from then until the province's figure had the report."""

    waits: list[float]
    ages: list[float]

    def at(self, share: float, figures: str) -> float:
        values: list[float] = getattr(self, figures)
        return values[min(len(values) - 1, int(share * len(values)))]


class Watch(threading.Thread):
    """Reads the province's count as a page would: the k-th report to be accepted has arrived when the count is k."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.connection = psycopg.connect(world.postgres.url(), autocommit=True)
        self.before = self.count()
        self.seen: list[tuple[float, int]] = []
        self.over = threading.Event()

    def count(self) -> int:
        row = self.connection.execute(TOP).fetchone()
        assert row
        return int(row[0])

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.seen.append((time.perf_counter(), self.count() - self.before))

    def ages(self, accepted: list[float]) -> list[float]:
        wait_for("every report is in the figure", lambda: self.seen and self.seen[-1][1] >= len(accepted))
        self.over.set()
        self.join()
        self.connection.close()
        ages, at = [], 0
        for rank, moment in enumerate(sorted(accepted), start=1):
            while self.seen[at][1] < rank:
                at += 1
            ages.append(max(0.0, self.seen[at][0] - moment))
        return sorted(ages)


def evening(world: World, port: int) -> Evening:
    """Reports leave at fixed moments, whatever the answers do; a wait counts from that moment."""
    obligations = world.take(PER_MINUTE * SECONDS // 60)
    watch, begun = Watch(world), time.perf_counter() + 0.5
    waits, accepted = [], []

    def file(number: int, obligation: WorldObligation) -> None:
        due = begun + number * 60 / PER_MINUTE
        time.sleep(max(0.0, due - time.perf_counter()))
        world.file(obligation, port=port)
        accepted.append(time.perf_counter())
        waits.append(accepted[-1] - due)

    watch.start()
    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(file, number, obligation) for number, obligation in enumerate(obligations)]:
            future.result()
    return Evening(sorted(waits), watch.ages(accepted))


@contextlib.contextmanager
def storm(world: World, port: int) -> Iterator[None]:
    """Everything at once, for as long as the block lasts."""
    found = guests(world, 8 * MB)
    paths = (list(found["paths"].values()) * READERS)[:READERS]
    jobs = json.loads(world.manage("shell", "-v", "0", feed=ASK))
    world.ask("UPDATE hierarchy_user SET email = username || '@example.id' RETURNING 1")
    letters = Letters()
    letters.hang.set()
    offset = (DUE - timedelta(minutes=60) - datetime.now(UTC)).total_seconds()
    world.reminders.start(EMAIL_URL=letters.url, CLOCK_OFFSET=str(offset))
    world.slow.start()
    with contextlib.ExitStack() as stack:
        stack.callback(world.ask, "UPDATE hierarchy_user SET email = '' RETURNING 1")  # `verify` sees it
        stack.callback(letters.server_close)
        stack.callback(letters.shutdown)
        stack.callback(letters.hang.clear)
        for service in (world.reminders, world.slow):
            stack.callback(service.kill_all)
            service.await_ready()
        for job in jobs:
            world.send("dashboards.tasks.make_recap", job)
        world.send("remind")
        assert letters.hanging.wait(60), "nothing was sent"
        stack.enter_context(stalled_bodies(port, STALLED * (2 * threads(world) + 1)))
        begun = stack.enter_context(slow_readers(port, found["cookie"], paths))
        stack.enter_context(sign_ins(world.stack.port, KNOCKS))
        wait_for("the readers read", lambda: all(each.is_set() for each in begun), 3 * PATIENCE)
        yield
        waiting = [row[0] for row in world.ask("SELECT state FROM dashboards_exportjob WHERE stage_code <> 'x'")]
        assert "WAITING" in waiting, "the slow queue ran dry: ask for more workbooks"


def test_the_worst_evening_costs_those_who_file_at_most_twice_a_quiet_one(
    world: World,
    door: int,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    evening(world, door)  # whatever is done for the first time is done
    quiet = evening(world, door)
    with storm(world, door):
        rough = evening(world, door)
    lines = []
    for name, figures in (("receipt", "waits"), ("figure of the province", "ages")):
        for share in (0.5, 0.95, 1.0):
            calm, wild = quiet.at(share, figures), rough.at(share, figures)
            lines.append(
                f"{name}, p{share * 100:.0f}: {calm:.3f} s quiet, {wild:.3f} s in the storm, {wild / calm:.2f} x"
            )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    world.check()
    assert rough.at(0.95, "ages") <= MOST
    for figures in ("waits", "ages"):
        assert rough.at(0.95, figures) <= MOST * quiet.at(0.95, figures), "\n".join(lines)
