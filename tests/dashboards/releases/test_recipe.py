"""The program on the page that explains verification, run as it is shown, against the site it came from."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from dashboards.releases import actions as publish
from tests.days import Day
from tests.released import VILLAGE, approve_one, release, renumber, unguarded

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Checked:
    code: int
    lines: list[str]


@pytest.fixture
def periksa(day: Day, live_server: Any, client: Client, tmp_path: Path) -> Callable[..., Checked]:
    """Runs the program as the page shows it, by default with asserts switched off."""
    day.settings.SITE_URL = live_server.url

    def run(*options: str, **changes: str) -> Checked:
        program = client.get(reverse("how-to-verify")).context["recipe"]
        for old, new in changes.items():
            program = re.sub(f'^{old} = ".*?"', f'{old} = "{new}"', program, flags=re.MULTILINE)
        (tmp_path / "periksa.py").write_text(program)
        command = [sys.executable, *(options or ("-O",)), str(tmp_path / "periksa.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return Checked(done.returncode, done.stdout.splitlines())

    return run


def test_the_program_on_the_page_proves_a_release(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    approve_one(day)
    second = release(day)
    done = periksa()
    assert (done.code, done.lines[-1]) == (0, f"Semua cocok: {bytes(second.digest).hex()}")
    assert all(line.endswith(": cocok") for line in done.lines[:-1])
    said = [line.split(": ")[0] for line in done.lines[:-1]]
    assert {line.split(".")[0] for line in said} == {"1-2", "3", "4", "5", "6"}
    assert "6. Sambungan ke rilis 1" in said
    assert periksa(KODE="6472012001001").code == 0
    renumber(VILLAGE, "6472012005")
    release(day)
    assert periksa(KODE=VILLAGE).code == 0, "a tombstone is proved like any page"


def test_the_program_adds_up_what_was_signed(day: Day, periksa: Callable[..., Checked], monkeypatch: Any) -> None:
    """Whoever holds the key can sign a page that its children's pages do not bear out."""
    build = publish.build_pages

    def forged(*args: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for code, payload in build(*args):
            if code == "64":
                next(iter(payload["sections"].values()))["counts"]["filed_count"] += 1
            yield code, payload

    monkeypatch.setattr(publish, "build_pages", forged)
    release(day)
    done = periksa()
    (line,) = [line for line in done.lines if "TIDAK COCOK" in line]
    assert (done.code, line.split(" ")[0]) == (1, "5.")


def test_without_its_package_the_program_still_checks_what_it_can(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    done = periksa("-S", "-E")
    assert done.code == 1
    (line,) = [line for line in done.lines if line.startswith("4.")]
    assert "pip install cryptography" in line
    assert all(other.endswith(": cocok") for other in done.lines[:-1] if other != line)


# What somebody with the database's password, or the site's own owner, could change; and the steps that tell.
FORGED = {
    ("dashboards_publishedpage", "payload = jsonb_set(payload, '{registered_voters}', '1') WHERE code = '64'"): "1-2.",
    (
        "dashboards_publishedpage",
        "payload = jsonb_set(payload, '{registered_voters}', '1') WHERE code = '6472'",
    ): "1-2.",
    ("dashboards_publishedpage", "sha256 = decode(repeat('ab', 32), 'hex') WHERE code = '6401012001'"): "3. 4. 6.",
    ("dashboards_publication", "cut_off = cut_off - interval '1 hour' WHERE number = 1"): "6.",
    ("dashboards_publication", "signature = decode(repeat('cd', 64), 'hex') WHERE number = 2"): "4.",
}


def test_the_program_tells_every_change(day: Day, periksa: Callable[..., Checked]) -> None:
    release(day)
    release(day)
    for (table, change), steps in FORGED.items():
        with unguarded(table), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE aside AS SELECT * FROM {table}")
            cursor.execute(f"UPDATE {table} SET {change}")
        done = periksa()
        wrong = {line.split(" ")[0] for line in done.lines if "TIDAK COCOK" in line}
        assert (done.code, wrong) == (1, set(steps.split())), change
        with unguarded(table), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} SELECT * FROM aside")
            cursor.execute("DROP TABLE aside")
    day.settings.PUBLICATION_PUBLIC_KEY = "0b" * 32
    assert [line for line in periksa().lines if "TIDAK" in line] == ["4. Tanda tangan: TIDAK COCOK"]
