"""The main job at full size, as a newcomer runs it: the real tree, 22,882 obligations of election day, a real worker.

Minutes long, so it is marked `full`: `make test-long` and CI run it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

pytestmark = pytest.mark.full
ROOT = Path(__file__).resolve().parent.parent.parent
COUNTS = ["expected", "filed_count", "on_time", "approved_count", "returned", "vacant", "unreachable"]


@pytest.fixture(scope="module")
def demo() -> Iterator[dict[str, str]]:
    """The environment of a database in which `demo --no-serve` has run; made once, dropped at the end."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS demo_full WITH (FORCE)")
        server.execute("CREATE DATABASE demo_full")
    env = {**os.environ, "DATABASE_URL": urlunsplit(parts._replace(path="/demo_full"))}
    env.pop("CLOCK_OFFSET", None)
    done = manage(env, "demo", "--no-serve")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield env
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute("DROP DATABASE demo_full WITH (FORCE)")


def manage(env: dict[str, str], *args: str, feed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(command, cwd=ROOT, env=env, input=feed, capture_output=True, text=True, check=False)


def test_the_real_tree_owes_what_it_owes(demo: dict[str, str]):
    with psycopg.connect(demo["DATABASE_URL"]) as db:
        levels = db.execute(
            "SELECT u.level, count(*) FROM hierarchy_unit u JOIN hierarchy_election e ON e.id = u.election_id "
            "WHERE e.code = 'pemilu2024' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        owed = db.execute(
            "SELECT i.code, count(*), count(*) FILTER (WHERE o.state = 'VACANT'), count(r.id) "
            "FROM reports_obligation o JOIN reports_window w ON w.id = o.window_id "
            "JOIN reports_instrument i ON i.id = w.instrument_id LEFT JOIN reports_report r ON r.obligation_id = o.id "
            "WHERE i.code IN ('pemungutan-tps', 'penghitungan-tps') GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert levels == [(0, 1), (1, 10), (2, 105), (3, 1038), (4, 11441)]
    assert [(code, total, vacant) for code, total, vacant, _filed in owed] == [
        ("pemungutan-tps", 11441, 288),
        ("penghitungan-tps", 11441, 288),
    ]
    assert all(10_000 < filed < 11_153 for _code, _total, _vacant, filed in owed)


def test_verify_finds_no_difference(demo: dict[str, str]):
    done = manage(demo, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 perbedaan" in done.stdout


def test_every_tally_of_election_day_equals_a_plain_fold(demo: dict[str, str]):
    with psycopg.connect(demo["DATABASE_URL"]) as db:
        obligations = db.execute(
            "SELECT w.id, u.code, o.state, o.first_filed_at <= o.due_at, r.vector "
            "FROM reports_obligation o JOIN hierarchy_unit u ON u.id = o.subject_id "
            "JOIN reports_window w ON w.id = o.window_id JOIN reports_instrument i ON i.id = w.instrument_id "
            "LEFT JOIN reports_report r ON r.obligation_id = o.id WHERE i.code LIKE '%-tps'"
        ).fetchall()
        kept = {
            (window, code): (tuple(counts), filed, approved)
            for window, code, filed, approved, *counts in db.execute(
                f"SELECT t.window_id, u.code, t.filed, t.approved, {', '.join(f't.{name}' for name in COUNTS)} "
                "FROM reports_tally t JOIN hierarchy_unit u ON u.id = t.unit_id JOIN reports_window w "
                "ON w.id = t.window_id JOIN reports_instrument i ON i.id = w.instrument_id WHERE i.code LIKE '%-tps'"
            ).fetchall()
        }
    counted: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    sums: dict[tuple[int, str, str], list[int]] = {}
    for window, code, state, on_time, vector in obligations:
        facts = [1, vector is not None, bool(on_time), state == "APPROVED", state == "RETURNED", state == "VACANT"]
        for prefix in (2, 4, 6, 10):
            key = (window, code[:prefix])
            counted[key] = [a + b for a, b in zip(counted[key], [*facts, state == "UNREACHABLE"], strict=True)]
            for basis in ("filed", "approved") if state == "APPROVED" else ("filed",):
                if vector is not None:
                    before = sums.get((*key, basis), [0] * len(vector))
                    sums[*key, basis] = [a + b for a, b in zip(before, vector, strict=True)]
    assert len(kept) == 2 * (1 + 10 + 105 + 1038)
    for (window, code), (counts, filed, approved) in kept.items():
        assert counts == tuple(counted[window, code]), code
        zero = [0] * len(filed)
        assert filed == sums.get((window, code, "filed"), zero), code
        assert approved == sums.get((window, code, "approved"), zero), code


def test_every_level_answers_in_five_queries(demo: dict[str, str]):
    done = manage(demo, "shell", "-v", "0", feed=(ROOT / "tests/full/probe.py").read_text())
    assert done.returncode == 0, done.stderr[-3000:]
    pages = json.loads(done.stdout.strip().splitlines()[-1])
    assert len(pages) == 10
    assert {name: page for name, page in pages.items() if page["status"] != 200 or page["queries"] > 5} == {}


# Why a page is empty for some: why -> page -> for which levels and roles. No other page is, whoever opens it.
COLLEGIAL = ("DISTRICT", "REGENCY", "PROVINCE")
NATURAL: dict[str, dict[str, tuple[str, ...]]] = {
    "nobody stands in for a secretariat, or at a polling station": {
        "acting": (*(f"{level} OPERATOR" for level in COLLEGIAL), "POLLING_STATION SUPERVISOR"),
    },
    "no body sits below districts": {
        **dict.fromkeys(("findings", "plenaries"), ("POLLING_STATION SUPERVISOR", "VILLAGE SUPERVISOR")),
    },
    "only superiors review": {
        "queue": (*(f"{level} OPERATOR" for level in COLLEGIAL), "PROVINCE ADMIN", "POLLING_STATION SUPERVISOR"),
    },
    "neither owes a report in these days nor is told of one": {
        **dict.fromkeys(("tasks", "messages"), ("REGENCY OPERATOR", "PROVINCE OPERATOR", "PROVINCE ADMIN")),
    },
    "no figure of a station need be doubtful, and its own report is no total": {
        **dict.fromkeys(("quality", "quality-home"), ("POLLING_STATION SUPERVISOR",)),
    },
}


def test_no_page_of_it_is_empty_by_neglect(demo: dict[str, str]):
    done = manage(demo, "shell", "-v", "0", feed=(ROOT / "tests/full/walk.py").read_text())
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    natural = {(route, who) for pages in NATURAL.values() for route, people in pages.items() for who in people}
    assert [one for one in seen if one[-1] and (one[1], one[0]) not in natural] == []
    assert {one[3] for one in seen} <= {200, 403, 404}
    # Each page is shown to somebody, so that none is missing from the walk; who may not see which says test_matrix.
    shown = {route for _who, route, _path, status, _titles in seen if status == 200}
    assert {route for _who, route, _path, _status, _titles in seen} == shown
    assert {"plenary", "minutes", "check-minutes", "finding", "compare", "file-report", "export-status"} <= shown


def test_the_plenaries_it_calls_wait_for_those_who_can_sign_in(demo: dict[str, str]):
    with psycopg.connect(demo["DATABASE_URL"]) as db:
        waiting = db.execute(
            "SELECT u.code, count(*) FROM reports_agendaitem i JOIN reports_plenary p ON p.id = i.plenary_id "
            "JOIN hierarchy_unit u ON u.id = p.unit_id WHERE p.state = 'CALLED' AND i.decision = 'PENDING' GROUP BY 1"
        ).fetchall()
        members = db.execute(
            "SELECT u.code, count(*), count(*) FILTER (WHERE a.activation_digest = '') FROM hierarchy_membership m "
            "JOIN hierarchy_unit u ON u.id = m.unit_id JOIN hierarchy_user a ON a.id = m.user_id "
            "WHERE m.role IN ('CHAIR', 'MEMBER') AND u.code = ANY(%s) GROUP BY 1",
            [[code for code, _items in waiting]],
        ).fetchall()
        releases = db.execute("SELECT count(*) FROM dashboards_publication").fetchone()
    assert sorted(code for code, _items in waiting) == ["64", "6472", "647201"]
    assert len(members) == 3
    assert all(there == active for _code, there, active in members)
    assert releases == (2,)


def test_running_it_again_keeps_what_is_there(demo: dict[str, str]):
    done = manage(demo, "demo", "--no-serve")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "sudah ada" in done.stdout
