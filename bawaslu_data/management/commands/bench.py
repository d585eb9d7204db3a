"""`manage.py bench WHAT --stations N`: our figures beside their baselines, on databases of its own (docs/scale.md)."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bawaslu_data.processes import running
from hierarchy.rehearsal.nation import MOST_STATIONS

WHAT = ["intake", "visit", "rollup", "page", "public", "recap", "freshness", "tree"]
REDIS_DATABASE = 13  # apart from the site's own; emptied before each run


class Command(BaseCommand):
    help = (
        "Mengukur: memasukkan laporan, kunjungan pengisi, rekap, halaman, unduhan, dan pohon satuan, "
        "masing-masing dengan pembandingnya."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=[*WHAT, "all"])
        parser.add_argument("--stations", type=int, default=11_441, metavar="N", help="jumlah TPS negeri rekaan")
        parser.add_argument("--seconds", type=int, default=300, help="lama banjir laporan pada ukuran freshness")
        parser.add_argument("--json", type=Path, metavar="FILE", help="tulis hasilnya sebagai daftar JSON")
        parser.add_argument("--fresh", action="store_true", help="buat negeri rekaan baru")
        parser.add_argument("--drop", action="store_true", help="hapus negeri rekaan sesudahnya")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEPLOYED:
            raise CommandError("Ini server sungguhan (DEPLOYED). Ukur di mesin lain yang setara.")
        if not 1 <= options["stations"] <= MOST_STATIONS:
            raise CommandError(f"--stations harus antara 1 dan {MOST_STATIONS}.")
        if options["seconds"] < 1:
            raise CommandError("--seconds paling sedikit 1.")
        wanted = WHAT if options["what"] == "all" else [options["what"]]
        country = f"bench_{options['stations']}"
        found: list[dict[str, Any]] = []
        if rest := [name for name in wanted if name != "tree"]:
            found += self.run(country, rest, options, fresh=options["fresh"], drop=options["drop"])
        if "tree" in wanted:
            found += self.run("bench_tree", ["tree"], options, fresh=True, drop=True)
        if options["json"]:
            options["json"].write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        missed = [figure for figure in found if figure["holds"] is False]
        self.stdout.write("Belum tercapai:" if missed else "Semua sasaran tercapai.")
        for figure in missed:
            self.stdout.write(f"- {figure['name']}: {figure['why'] or 'sebabnya belum diketahui'}.")

    def run(
        self, database: str, what: list[str], options: dict[str, Any], *, fresh: bool, drop: bool
    ) -> list[dict[str, Any]]:
        """Runs measures in a process of their own on `database`; returns their figures as JSON objects."""
        server = urlsplit(os.environ["DATABASE_URL"])
        with psycopg.connect(urlunsplit(server._replace(path="/postgres")), autocommit=True) as admin:
            if fresh:
                admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                admin.execute(f"CREATE DATABASE {database}")
            try:
                return self._measure(urlunsplit(server._replace(path=f"/{database}")), what, options)
            finally:
                if drop:
                    admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _measure(self, database_url: str, what: list[str], options: dict[str, Any]) -> list[dict[str, Any]]:
        broker = _other_database(os.environ["REDIS_URL"])
        with redis.Redis.from_url(broker) as server:
            server.flushdb()
        with tempfile.TemporaryDirectory() as folder:
            answers = Path(folder) / "figures.json"
            command = [sys.executable, "-m", "bawaslu_data.bench", *what, "--json", str(answers)]
            command += ["--stations", str(options["stations"]), "--seconds", str(options["seconds"])]
            env = os.environ | {
                "DATABASE_URL": database_url,
                "REDIS_URL": broker,
                "DJANGO_SETTINGS_MODULE": "bawaslu_data.bench.settings",
                "MEDIA_ROOT": f"{folder}/media",
                "KEY_DIR": f"{folder}/keys",
                "CLOCK_OFFSET": "0",
                "LOG_LEVEL": "ERROR",
                "DEBUG": "",
            }
            with running(command, env=env) as done:  # which ends with this process, and all that it starts with it
                done.wait()
            if done.returncode:
                raise CommandError("Pengukuran terhenti; sebabnya ada di atas.")
            figures: list[dict[str, Any]] = json.loads(answers.read_text())
            return figures


def _other_database(url: str) -> str:
    """The same Valkey or Redis, another of its databases."""
    address = url.partition("?")[0]
    if address.startswith("unix:"):
        return f"{address}?db={REDIS_DATABASE}"
    scheme, _colon, rest = address.partition("://")
    return f"{scheme}://{rest.split('/')[0]}/{REDIS_DATABASE}"
