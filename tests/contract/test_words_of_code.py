"""One concept, one name (docs/glossary.md): words that were dropped do not come back into code.

Only names count: of classes, functions, arguments, variables, attributes and modules. Prose may say "asked" or "seat".
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A word as it stands between underscores or capitals of a name -> what to say instead, names that may keep it and why.
DROPPED: dict[str, tuple[str, dict[str, str]]] = {
    "duty": ("obligation", {}),
    "duties": ("obligations", {}),
    "doubt": ("flag", {}),
    "doubts": ("flags", {}),
    "clocks": ("deadlines", {}),
    "exports": ("recaps", {"sweep_exports": "a task that an older beat still sends"}),
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


TREES = {path: ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in modules()}


@pytest.mark.parametrize("word", DROPPED)
def test_a_dropped_word_names_nothing(word: str) -> None:
    instead, kept = DROPPED[word]
    found = [
        f"{path}:{line} {name}: say {instead}"
        for path, tree in TREES.items()
        for name, line in [(path.stem, 1), *names(tree)]
        if word in words(name) and name not in kept
    ]
    assert not found


@pytest.mark.parametrize("word", DROPPED)
def test_what_may_keep_a_word_is_still_there(word: str) -> None:
    said = {name for tree in TREES.values() for name, _line in names(tree)}
    assert set(DROPPED[word][1]) <= said


def test_figures_count_problems_and_no_findings() -> None:
    found = [
        f"{path}:{line} {name}"
        for path, tree in TREES.items()
        if str(path).startswith(FIGURES)
        for name, line in names(tree)
        if words(name) & {"finding", "findings", "temuan"}
    ]
    assert not found


def test_a_class_says_whose_it_is() -> None:
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in TREES.items()
        if path.parts[0] != "tests"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.lstrip("_") in NAMELESS
    ]
    assert not found
