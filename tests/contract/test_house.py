"""The shape of the house: no circle, no registry, few loose modules, none too long to be read at one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("hierarchy", "reports", "dashboards", "bawaslu_data")
LONGEST = 350  # lines; a module beyond says in its docstring why it is one ("One module, because ...")
LOOSE = {"hierarchy": 9, "reports": 12, "dashboards": 8}  # modules beside the packages, __init__ not counted


def _sources() -> dict[str, Path]:
    """Dotted name -> file, of every module of the product but migrations, which are history."""
    found = {}
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SOURCES = _sources()
TREES = {name: ast.parse(path.read_text()) for name, path in SOURCES.items()}


def _imports(tree: ast.AST) -> Iterator[ast.ImportFrom | ast.Import]:
    """Every import, late ones in functions and those for type checkers alone included."""
    return (node for node in ast.walk(tree) if isinstance(node, (ast.ImportFrom, ast.Import)))


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".")
    if SOURCES[module].name != "__init__.py":
        package = package[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _named(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a module imports of our own: (module, name in it), name "" for the module itself."""
    for node in _imports(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in SOURCES)
            continue
        origin = _absolute(module, node)
        for alias in node.names:
            if f"{origin}.{alias.name}" in SOURCES:
                yield f"{origin}.{alias.name}", ""
            elif origin in SOURCES:
                yield origin, alias.name


def _needs(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Module -> the modules that define what it uses, through every module that only hands a name on."""
    named = {module: list(_named(module, tree)) for module, tree in trees.items()}
    handed_on = {module: {name: origin for origin, name in uses if name} for module, uses in named.items()}

    def home(module: str, name: str) -> str:
        for _step in trees:
            if name not in handed_on[module]:
                return module
            module = handed_on[module][name]
        raise AssertionError(f"{name} is handed on in a circle")

    return {module: {home(*use) for use in uses} - {module} for module, uses in named.items()}


@cache
def needs() -> dict[str, set[str]]:
    """Module -> the modules of ours that it needs, of the product as it stands."""
    return _needs(TREES)


def test_there_is_no_circle() -> None:
    try:
        TopologicalSorter(needs()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_would_be_found() -> None:
    clock = ast.parse("def now():\n    from reports.tasks import remind")
    with pytest.raises(CycleError):
        TopologicalSorter(_needs(TREES | {"hierarchy.lib.clock": clock})).prepare()


def test_nobody_imports_the_registry_of_tables() -> None:
    registries = {"reports.models"}
    found = [module for module, tree in TREES.items() for origin, _name in _named(module, tree) if origin in registries]
    assert found == []
    for path in sorted((PROJECT / "tests").rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text()))
        assert not [n for n in nodes if isinstance(n, ast.ImportFrom) and n.module in registries], path


@pytest.mark.parametrize(("app", "most"), LOOSE.items())
def test_few_modules_lie_beside_the_rooms(app: str, most: int) -> None:
    loose = [path.name for path in (PROJECT / app).glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= most, loose


def test_a_module_is_read_at_one_sitting_or_says_why_not() -> None:
    long = [name for name, path in SOURCES.items() if len(path.read_text().splitlines()) > LONGEST]
    assert [name for name in long if "One module, because" not in (ast.get_docstring(TREES[name]) or "")] == []
