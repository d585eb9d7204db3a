"""One concept, one name (docs/glossary.md): words that were dropped do not come back into code.

Only names count: of classes, functions, arguments, variables, attributes and modules. Prose may say "asked" or "sit".
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A word as it stands between underscores or capitals of a name -> what to say instead, and where a name may keep it.
DROPPED: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "duty": ("obligation", set()),
    "duties": ("obligations", set()),
    "doubt": ("flag", set()),
    "doubts": ("flags", set()),
    "clocks": ("deadlines", set()),
    # The API's first version keeps the names it gave.
    "seat": ("membership", {("reports/api/account.py", "Seat")}),
    "seats": ("memberships", {("reports/api/account.py", "seats")}),
    # A task goes by its name through the queue, where an older beat may still send it.
    "exports": ("recaps", {("dashboards/tasks.py", "sweep_exports")}),
}
# Words that stand for a problem in a report in these places, and for a registered violation everywhere else.
FIGURES = ("dashboards/board", "dashboards/figures", "dashboards/recaps", "dashboards/unit", "reports/instruments")
# Names of classes that say what happened to a thing, or what many things are, instead of whose they are.
NAMELESS = {
    *("Asked", "Beside", "Counted", "Happened", "Imported", "Laid", "Line", "Listed", "Loaded", "Measured", "Moved"),
    *("Owed", "Refused", "Row", "Shown", "Taken", "Told"),
}


def modules() -> list[Path]:
    """The Python files that git knows, without migrations: those are history."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split() if "/migrations/" not in name and (ROOT / name).exists()]


def words(name: str) -> set[str]:
    """`duties_of`, `_DutyRow` -> {"duties", "of"}, {"duty", "row"}."""
    spaced = "".join(f"_{char}" if char.isupper() and not name.isupper() else char for char in name)
    return set(spaced.lower().split("_"))


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that code gives or calls, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name) | ast.Attribute(attr=name) | ast.Name(id=name):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.lineno
            case ast.alias(name=name, asname=other):
                yield other or name.rpartition(".")[2], node.lineno


TREES = {str(path): ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in modules()}
NAMES = [(path, line, name) for path, tree in TREES.items() for name, line in [(Path(path).stem, 1), *names(tree)]]
WORDS = {name: words(name) for _path, _line, name in NAMES}


@pytest.mark.parametrize("word", DROPPED)
def test_a_dropped_word_names_nothing(word: str) -> None:
    instead, kept = DROPPED[word]
    found = {(path, name): line for path, line, name in NAMES if word in WORDS[name]}
    assert kept <= set(found), "what keeps the word is gone: take it off the table"
    assert not [f"{path}:{found[path, name]} {name}: say {instead}" for path, name in set(found) - kept]


def test_figures_count_problems_and_no_findings() -> None:
    wrong = {"finding", "findings", "temuan"}
    assert not [
        f"{path}:{line} {name}" for path, line, name in NAMES if path.startswith(FIGURES) and WORDS[name] & wrong
    ]


def test_a_class_says_whose_it_is() -> None:
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in TREES.items()
        if not path.startswith("tests/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.lstrip("_") in NAMELESS
    ]
    assert not found
