"""The recipes of CONTRIBUTING.md, carried out word for word in a copy of the checkout with servers of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recipes import PROJECT, recipes

ASIDE = shutil.ignore_patterns(".git", ".venv", ".data", ".*_cache", ".hypothesis", "__pycache__")
RECIPES = recipes()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the servers of all copies keep their data; whatever still runs there is waited for, then it is gone."""
    place = tmp_path_factory.mktemp("servers")
    yield place
    for keeper in place.glob("*.keeper"):
        with keeper.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # its holder stops the server once nobody uses it
    for link in place.iterdir():
        if link.is_symlink():  # to where the account of the servers may write
            shutil.rmtree(link.readlink())


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "checkout"
    shutil.copytree(PROJECT, root, ignore=ASIDE)
    (root / ".venv").symlink_to(sys.prefix)
    yield root
    shutil.rmtree(root)


def test_the_exercises_of_a_newcomer_are_among_them() -> None:
    assert {"Add a question", "Add a permission", "Add a page to the desk"} <= RECIPES.keys()
    assert all(steps and not steps[-1].path for steps in RECIPES.values()), (
        "each ends with a command that shows it works"
    )


@pytest.mark.parametrize("title", RECIPES)
def test_its_edits_fit_the_files_as_they_are(title: str) -> None:
    """Without running anything; what a command has to make first (the catalogue of translations) is left out."""
    files: dict[str, str] = {}
    for step in RECIPES[title]:
        if step.path and not step.path.endswith(".po"):
            there = PROJECT / step.path
            assert there.exists() == bool(step.place), step.path
            files[step.path] = step.applied(files.get(step.path) or (there.read_text() if step.place else ""))
            if step.path.endswith(".py"):
                compile(files[step.path], step.path, "exec")


@pytest.mark.full
@pytest.mark.parametrize("title", RECIPES)
def test_it_works_word_for_word(title: str, copy: Path, servers: Path) -> None:
    ours = ("PYTEST_", "BAWASLU_", "DATABASE_", "REDIS_", "DJANGO_")
    its = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    its["BAWASLU_DATA_DIR"] = str(servers)
    for step in RECIPES[title]:
        if step.path:
            step.apply(copy)
            continue
        command = ["sh", "-eu", "-c", step.text]
        done = subprocess.run(command, cwd=copy, env=its, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{step.text}\n{done.stdout[-5000:]}\n{done.stderr[-2000:]}"
