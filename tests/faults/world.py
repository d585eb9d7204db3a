"""A world of its own for faults: two servers, web, worker and beat, phones that file, the proof that all is well."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from bawaslu_data import celery
from tests.days import AFTERNOON
from tests.faults.processes import HOST, PATIENCE, OwnPostgres, OwnValkey, Service, children_of, free_port, wait_for
from tests.wiring.test_deploy import PROJECT, Stack

FILL = Path(__file__).with_name("fill.py")
PAIRS = 4  # of obligations in two regencies, one for each test that wants one
PHONES = 8  # that file at once in a surge
RETRY_SECONDS = 0.2  # a phone waits so long before it tries again
ENOUGH = 40  # answers in a row that leave no web process out, but once in 100,000 times


@dataclass(frozen=True)
class WorldObligation:
    """An obligation with the token of who owes it and two contents it accepts; ids are those of the database."""

    obligation: int
    window: int
    unit: str
    village: int
    regency: int
    token: str
    contents: list[dict[str, Any]]


@dataclass(frozen=True)
class Receipt:
    """What a phone was told, beside what it had sent. `status` is 201 for new, 200 for known already."""

    status: int
    report: str
    revision: int
    sha256: str
    filed_at: str
    sent: dict[str, Any]


class Clocked(Stack):
    """The deployment with its clock on the day of the vote."""

    offset = 0.0

    def environment(self, service: str) -> dict[str, str]:
        return super().environment(service) | {"CLOCK_OFFSET": str(self.offset)}


class Hold:
    """A lock the test holds, so that others certainly stand in the middle of their work; let go by `release`."""

    def __init__(self, world: World, statement: str) -> None:
        self.world = world
        self.connection = psycopg.connect(world.postgres.url())
        self.connection.execute(statement)

    def await_waiting(self, count: int = 1) -> None:
        """Returns once somebody waits for this lock, and `count` wait for it or behind each other."""
        sql = (
            "SELECT count(*) FILTER (WHERE %s = ANY(pg_blocking_pids(pid))), count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock'"
        )

        def met() -> bool:
            [(here, anywhere)] = self.world.ask(sql, self.connection.info.backend_pid)
            return bool(here >= 1 and anywhere >= count)

        wait_for(f"{count} wait for the lock", met)

    def release(self) -> None:
        with contextlib.suppress(psycopg.Error):  # PostgreSQL itself may have been killed
            self.connection.rollback()
        self.connection.close()


class World:
    def __init__(self, folder: Path, stations: int) -> None:
        """Makes nothing yet: `begin` does, so that `close` can end what a failed beginning left."""
        data = folder / "data"
        data.mkdir()
        self.stations = stations
        self.postgres, self.valkey = OwnPostgres(data), OwnValkey(data)
        self.stack = Clocked(folder, "", self.valkey.url(), free_port())
        self.web, self.worker, self.beat = (Service(self.stack, kind) for kind in ("web", "worker-figures", "beat"))
        self.second = Service(self.stack, "worker-figures", "worker2")
        self.slow, self.reminders = (Service(self.stack, f"worker-{queue}") for queue in ("slow", "reminders"))
        self.sender = Celery(broker=self.valkey.url(), set_as_current=False)
        self.sender.conf.task_routes = celery.app.conf.task_routes
        self.obligations: list[WorldObligation] = []
        self.pairs: list[tuple[WorldObligation, WorldObligation]] = []
        self.receipts: list[Receipt] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Starts the servers, fills the database and starts the services."""
        self.postgres.start()
        self.valkey.start()
        (self.stack.folder / "database_url").write_text(self.postgres.url())  # its socket's place is known only now
        self.stack.offset = (AFTERNOON - datetime.now(UTC)).total_seconds()
        told = self.manage("shell", "-v", "0", feed=FILL.read_text(), FAULT_STATIONS=str(self.stations))
        self.obligations = [WorldObligation(**row) for row in json.loads(told)]
        # Set aside at once: what is left when other tests have taken theirs may lie in one regency.
        self.pairs = [self._split() for _ in range(PAIRS)]
        self.supervise()

    # --- life ---

    @property
    def services(self) -> list[Service]:
        return [self.web, self.worker, self.beat]

    @property
    def others(self) -> list[Service]:
        """What only some tests start."""
        return [self.second, self.slow, self.reminders]

    def supervise(self) -> None:
        """Starts what has ended, as the machine's process manager does, and waits until it serves."""
        for server in (self.postgres, self.valkey):
            if not server.alive():
                server.start()
        for service in self.services:
            service.supervise()
        for service in self.services:
            service.await_ready()

    def settle(self) -> None:
        """Waits until web has found out about a database that an earlier test restarted: in each of its processes one
        request fails for it, and which process answers is chance."""
        in_a_row, deadline = 0, time.monotonic() + PATIENCE
        while in_a_row < ENOUGH:
            assert time.monotonic() < deadline, "web does not come to rest"
            with contextlib.closing(self.line()) as line:
                line.request("GET", "/readyz", headers={"Host": HOST})
                in_a_row = in_a_row + 1 if line.getresponse().status == 200 else 0

    def processes(self) -> list[int]:
        """Everything that serves: a process that died and was replaced shows as another number."""
        return [pid for service in self.services for pid in (service.pid, *children_of(service.pid))]

    def close(self) -> None:
        with contextlib.ExitStack() as stack:  # each is ended, whatever happens to the others
            for server in (self.postgres, self.valkey):
                stack.callback(shutil.rmtree, server.home, ignore_errors=True)
                stack.callback(server.end)
            for service in (*self.services, *self.others):
                stack.callback(service.kill_all)
            stack.callback(self.sender.close)

    def logs(self) -> Iterator[tuple[str, str]]:
        """(name, last lines) of everything that runs here, for the report of a failure."""
        paths = {service.name: service.log for service in (*self.services, *self.others)}
        paths |= {server.name: server.place.log for server in (self.postgres, self.valkey)}
        for name, path in paths.items():
            if path.exists():
                yield name, "\n".join(path.read_text(errors="replace").splitlines()[-60:])

    # --- asking ---

    def manage(self, *words: str, feed: str = "", **environment: str) -> str:
        """What a management command says, on this world's database. Raises AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self.stack.environment("migrate") | {"LOG_LEVEL": "WARNING"} | environment,
            input=feed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            return connection.execute(sql, values or None).fetchall()

    def _connected(self) -> psycopg.Connection:
        """A connection as soon as there can be one: after a kill the server refuses until it has recovered."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return psycopg.connect(self.postgres.url(), autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    @contextlib.contextmanager
    def hold(self, statement: str) -> Iterator[Hold]:
        """Runs `statement`, which takes a lock, and keeps it until `release` or the end of the block."""
        held = Hold(self, statement)
        try:
            yield held
        finally:
            held.release()

    def send(self, task: str, *args: Any, times: int = 1) -> None:
        for _ in range(times):
            self.sender.send_task(task if "." in task else f"reports.tasks.{task}", args)

    def count(self, table: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM reports_{table}")[0][0])

    def take(self, count: int) -> list[WorldObligation]:
        """Duties nobody has taken yet, next to each other: they share villages as far as they can."""
        assert len(self.obligations) >= count, "this world has no such number of obligations left"
        taken, self.obligations = self.obligations[:count], self.obligations[count:]
        return taken

    def take_apart(self) -> tuple[WorldObligation, WorldObligation]:
        """Two obligations of one window in two regencies: only the province has both in it."""
        return self.pairs.pop()

    def _split(self) -> tuple[WorldObligation, WorldObligation]:
        first, second = next(
            (one, other)
            for one in self.obligations
            for other in self.obligations
            if one.window == other.window and one.regency != other.regency
        )
        self.obligations = [obligation for obligation in self.obligations if obligation not in (first, second)]
        return first, second

    # --- filing ---

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def file(
        self,
        obligation: WorldObligation,
        content: int = 0,
        *,
        port: int = 0,
        report: str = "",
        based_on: int | None = None,
    ):
        """Files as a phone does on a bad link: the same id and content again and again until there is a receipt."""
        report = report or self.new_id()
        deadline = time.monotonic() + PATIENCE
        while not (receipt := self.try_once(obligation, content, port=port, report=report, based_on=based_on)):
            assert time.monotonic() < deadline, f"no receipt for {obligation.unit}"
            time.sleep(RETRY_SECONDS)
        return receipt

    def line(self, port: int = 0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", port or self.stack.port, timeout=PATIENCE)

    def post(
        self, line: http.client.HTTPConnection, obligation: WorldObligation, content: int = 0, **more: Any
    ) -> None:
        """Sends a report, and does not wait for its answer."""
        headers = {"Host": HOST, "Authorization": f"Token {obligation.token}", "Content-Type": "application/json"}
        sent = {
            "id": more.pop("report"),
            "obligation": obligation.obligation,
            "answers": obligation.contents[content],
            **more,
        }
        line.request("POST", "/api/v1/reports/", json.dumps(sent), headers)

    def try_once(
        self, obligation: WorldObligation, content: int = 0, *, report: str, port: int = 0, based_on: int | None = None
    ) -> Receipt | None:
        """One attempt; None where the server was away or failed. Raises AssertionError when it refused the report."""
        with contextlib.closing(self.line(port)) as line:
            try:
                self.post(line, obligation, content, report=report, based_on=based_on)
                answer = line.getresponse()
                told = answer.read()
            except (OSError, http.client.HTTPException):
                return None
        if answer.status >= 500:
            return None
        assert answer.status in (200, 201), f"{answer.status}: {told.decode()}"
        receipt = Receipt(status=answer.status, sent=obligation.contents[content], **_known(json.loads(told)))
        with self._lock:
            self.receipts.append(receipt)
        return receipt

    @contextlib.contextmanager
    def surge(self, obligations: Sequence[WorldObligation]) -> Iterator[Surge]:
        """Phones that file all of `obligations` while the block does its harm; at its end each has its receipt."""
        with ThreadPoolExecutor(PHONES) as pool:
            started = Surge(self, len(obligations))
            futures = [pool.submit(started.file, obligation) for obligation in obligations]
            try:
                yield started
            finally:
                started.told = [future.result() for future in futures]

    # --- proof ---

    def check(self) -> None:
        """Nothing lost, nothing doubled, figures at rest and right, with nobody's help but the running processes'."""
        wait_for("the outbox is empty", lambda: not self.count("outbox"))
        self._check_receipts()
        self._check_doubles()
        self.manage("verify")

    def _check_receipts(self) -> None:
        kept = {
            (str(report), number): (bytes(sha256).hex(), bytes(canonical))
            for report, number, sha256, canonical in self.ask(
                "SELECT report_id, number, sha256, canonical FROM reports_revision"
            )
        }
        for receipt in self.receipts:
            found = kept.get((receipt.report, receipt.revision))
            assert found, f"lost: {receipt}"
            sha256, canonical = found
            assert sha256 == receipt.sha256, f"another content: {receipt}"
            assert json.loads(canonical)["answers"] == receipt.sent, f"another content: {receipt}"

    def _check_doubles(self) -> None:
        twice = self.ask("SELECT obligation_id FROM reports_report GROUP BY 1 HAVING count(*) > 1")
        owed = self.ask(
            "SELECT subject_id FROM reports_obligation GROUP BY window_id, subject_id, occurrence HAVING count(*) > 1"
        )
        assert (twice, owed) == ([], [])
        told = {(receipt.report, receipt.revision) for receipt in self.receipts}
        revisions = Counter(
            (str(key), number) for key, number in self.ask("SELECT report_id, number FROM reports_revision")
        )
        assert set(revisions.values()) <= {1}
        assert set(revisions) == told, "a revision nobody has a receipt for"
        events = self.ask(
            "SELECT target, detail->>'revision' FROM reports_event WHERE verb IN ('report.filed', 'report.revised')"
        )
        assert Counter((target, int(number)) for target, number in events) == revisions
        assert self.count("conflict") == 0


@dataclass
class Surge:
    """`told`: the receipts, in the order of the obligations, once the surge is over."""

    world: World
    size: int
    done: int = 0
    told: list[Receipt] = field(default_factory=list)

    def file(self, obligation: WorldObligation) -> Receipt:
        receipt = self.world.file(obligation)
        with self.world._lock:
            self.done += 1
        return receipt

    def await_share(self, share: float) -> None:
        """Returns once that share of the reports has its receipt."""
        wait_for(f"{share:.0%} are filed", lambda: self.done >= share * self.size, PATIENCE + self.size / 10)


def _known(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("report", "revision", "sha256", "filed_at")}


def folding(*units: int) -> str:
    """Holds the tallies of units, so that whoever folds them waits with its marks claimed and nothing committed."""
    return f"SELECT id FROM reports_tally WHERE unit_id IN ({', '.join(map(str, units))}) FOR UPDATE"
