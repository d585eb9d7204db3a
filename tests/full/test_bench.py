"""`manage.py bench all` runs to its end on a small country; how large the figures are is not asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full
ROOT = Path(__file__).resolve().parent.parent.parent
FIELDS = {"name", "unit", "ours", "baseline", "ratio", "goal", "holds", "why"}


def test_the_whole_bench_on_five_hundred_stations(tmp_path: Path):
    answers = tmp_path / "figures.json"
    command = [sys.executable, "manage.py", "bench", "all", "--stations", "500", "--seconds", "3"]
    command += ["--json", str(answers), "--fresh", "--drop"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    figures = json.loads(answers.read_text())
    assert all(figure.keys() == FIELDS and figure["ours"] >= 0 for figure in figures)
    with_goal = {figure["name"] for figure in figures if figure["goal"] is not None}
    for words in ("satu laporan per permintaan", "rekap penuh", "halaman satuan", "tidak berubah (304)",
                  "papan kepatuhan", "lembar pimpinan", "halaman publik", "rekap Excel",
                  "angka provinsi, p95", "memuat 5"):  # fmt: skip
        assert any(words in name for name in with_goal), words
    held = [figure["ours"] for figure in figures if "memori puncak satu proses" in figure["name"]]
    assert len(held) == 2
    assert all(held)
    assert any("kunjungan pengisi" in figure["name"] and figure["ratio"] for figure in figures)
    missed = [figure for figure in figures if figure["holds"] is False]
    assert all(figure["why"] for figure in missed), "whoever sees a goal missed is told why"
    assert ("Semua sasaran tercapai" in done.stdout) == (not missed)
