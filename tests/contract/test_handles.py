"""Every step that a person takes has an address, and every verb has a handle.

A verb that no route, task or command reaches is there for nobody. What reaches what is read from the syntax tree, from
definition to definition: names, attributes of modules, and names that a module only hands on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.contract.test_house import SOURCES, TREES
from tests.contract.test_layers import WRITERS

# Verbs that wait for the pages of the office; until then there is `manage.py shell`. It may only become shorter.
WAITING_FOR_THE_OFFICE = {
    *("hierarchy.people.activation.renew_code", "hierarchy.people.roster.appoint", "hierarchy.people.roster.end"),
    *("hierarchy.units.tree.add_child", "hierarchy.units.tree.move", "hierarchy.units.tree.remove"),
    *("hierarchy.units.tree.rename", "hierarchy.units.tree.set_tags", "reports.obligations.actions.extend"),
}
NOT_FOR_PEOPLE = frozenset({"rehearsal", "bench"})  # packages: what only these call is called by no person
Definition = tuple[str, str]  # module, name at its top level; "" for the module itself
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_view_looks_up_in_the_form_what_it_is_to_do() -> None:
    """A POST view per verb: a field that names the verb hides it from the routes and from the table of who may what."""
    found = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node).startswith("request.POST.get('verb'")
    ]
    assert found == []


def test_every_verb_has_a_handle() -> None:
    without = {".".join(verb) for verb in verbs() - reached(handles())}
    assert sorted(without - WAITING_FOR_THE_OFFICE) == [], "nobody can call these"
    assert sorted(WAITING_FOR_THE_OFFICE - without) == [], "these wait no longer: strike them out"


def test_a_verb_without_a_handle_would_be_found() -> None:
    verb = ("reports.plenary.actions", "call")
    assert verb in verbs()
    assert verb in reached(handles())
    assert verb not in reached(handles() - {("reports.plenary.urls", "urlpatterns")})


def verbs() -> frozenset[Definition]:
    """Public functions with a `by`, of the modules of actions and of every other writer of a table."""
    writers = {module.removesuffix(".py").replace("/", ".") for modules in WRITERS.values() for module in modules}
    return frozenset(
        (module, name)
        for module in SOURCES
        if (module in writers or module.endswith(".actions")) and not NOT_FOR_PEOPLE & set(module.split("."))
        for name, node in defined(module).items()
        if isinstance(node, FUNCTIONS) and not name.startswith("_")
        if "by" in {arg.arg for arg in node.args.args + node.args.kwonlyargs}
    )


def handles() -> frozenset[Definition]:
    """Where people, programs, beat and operators come in: routes, tasks, commands."""
    found: set[Definition] = set()
    for module in SOURCES:
        parts = module.split(".")
        if NOT_FOR_PEOPLE & set(parts):
            continue
        if parts[-1] == "tasks":
            found |= {(module, name) for name, node in defined(module).items() if isinstance(node, FUNCTIONS)}
        else:
            entries = {"urlpatterns"} | ({"Command"} if "commands" in parts else set())
            found |= {(module, name) for name in entries & defined(module).keys()}
    return frozenset(found)


def reached(entries: frozenset[Definition]) -> frozenset[Definition]:
    """All that is used by these, and by what they use, outside of rehearsals."""
    seen: set[Definition] = set()
    waiting = list(entries)
    while waiting:
        here = waiting.pop()
        if here not in seen and not NOT_FOR_PEOPLE & set(here[0].split(".")):
            seen.add(here)
            waiting.extend(uses(here))
    return frozenset(seen)


@cache
def uses(definition: Definition) -> frozenset[Definition]:
    module, name = definition
    node = defined(module).get(name)
    return frozenset(filter(None, (resolved(module, words) for words in _words(node)))) if node else frozenset()


@cache
def defined(module: str) -> dict[str, ast.stmt]:
    """Name -> the statement at the top level of a module that makes it."""
    found: dict[str, ast.stmt] = {}
    for node in TREES[module].body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id: node for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return found


@cache
def imported(module: str) -> dict[str, Definition]:
    """Local name -> what of ours it stands for, wherever in the module it is imported."""
    found: dict[str, Definition] = {}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                target = (inner, "") if inner in SOURCES else (node.module, alias.name)
                if target[0] in SOURCES:
                    found[alias.asname or alias.name] = target
    return found


def resolved(module: str, words: tuple[str, ...]) -> Definition | None:
    """What a dotted name stands for in a module: `plenary.call` the verb, `Report.objects` the class, `step` itself."""
    first, *rest = words
    here = (module, first) if first in defined(module) else imported(module).get(first)
    while here is not None and here[0] in SOURCES:
        origin, name = here
        if name and name in imported(origin) and name not in defined(origin):  # only handed on
            here = imported(origin)[name]
        elif name or not rest:
            return here
        else:
            word = rest.pop(0)
            here = (f"{origin}.{word}", "") if f"{origin}.{word}" in SOURCES else (origin, word)
    return None


def _words(node: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[tuple[str, ...]]:
    """Every dotted name in a definition but those that begin with a parameter or a variable of a function."""
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        hidden |= {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
        hidden |= {each.id for each in stored if isinstance(each.ctx, ast.Store)}
    words, root = [], node
    while isinstance(root, ast.Attribute):
        words.append(root.attr)
        root = root.value
    if isinstance(root, ast.Name):
        if root.id not in hidden:
            yield (root.id, *reversed(words))
        return
    for child in ast.iter_child_nodes(root):
        yield from _words(child, hidden)
