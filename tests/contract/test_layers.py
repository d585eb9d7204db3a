"""The laws of the house that no type checker knows: imports point downwards, and every table has one writer."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.apps import apps

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("hierarchy", "reports", "dashboards", "bawaslu_data")
TREE = frozenset({"hierarchy/units/tree.py", "hierarchy/units/integrity.py"})  # it repairs edges under the tree's lock
# The roster and the parts of it that live beside it: activation codes, acting officers, signing out.
ROSTER = frozenset({f"hierarchy/people/{name}.py" for name in ("roster", "activation", "acting", "leaving")})
NATION = frozenset({"reports/rehearsal/nation.py"})  # a made-up election, for measuring
CALENDAR = frozenset({"reports/calendar/actions.py"}) | NATION
OWING = frozenset({"reports/obligations/actions.py"})
PUBLISHING = frozenset({"reports/calendar/publishing.py"})
# write_one is the one statement of actions.py, write_many the same for thousands.
FILING = frozenset(
    {f"reports/{name}.py" for name in ("filing/actions", "filing/write_one", "filing/write_many", "review/actions")}
)
JOURNAL = frozenset({"reports/journal/actions.py"})
PUBLISH = frozenset({"dashboards/releases/actions.py"})
PLENARY = frozenset({"reports/plenary/actions.py"})
# What is to be told; what left, and how.
REMINDERS = frozenset({"reports/reminders/actions.py", "reports/reminders/delivery.py"})

# table -> the modules that may write it. A new model without a line fails; so does a line without a model.
WRITERS: dict[str, frozenset[str]] = {
    "hierarchy.Unit": TREE,
    "hierarchy.User": ROSTER | {"hierarchy/people/presence.py"},
    "hierarchy.Membership": ROSTER,
    "hierarchy.FailureCount": frozenset({"hierarchy/signin/throttle.py"}),
    "hierarchy.Election": CALENDAR,
    "dashboards.Snapshot": frozenset({"dashboards/figures/snapshots.py"}),
    "reports.Stage": CALENDAR,
    "reports.Window": CALENDAR | OWING | {"reports/obligations/pinning.py"},
    "reports.Extension": OWING,
    "reports.Instrument": PUBLISHING,
    "reports.InstrumentVersion": PUBLISHING,
    "reports.Obligation": OWING | NATION | FILING,
    "reports.Report": FILING | OWING,
    "reports.Revision": frozenset({"reports/filing/write_one.py", "reports/filing/write_many.py"}),
    "reports.Conflict": frozenset({"reports/filing/actions.py"}),
    "reports.Evidence": frozenset({"reports/filing/evidence.py"}),
    "reports.Event": JOURNAL | {"reports/filing/write_one.py", "reports/filing/write_many.py"},
    "reports.Seal": JOURNAL,
    "reports.Outbox": frozenset({"reports/rollup/outbox.py", "reports/rollup/fold.py", "reports/filing/write_one.py"}),
    "reports.Tally": frozenset({"reports/rollup/fold.py"}),
    "reports.Wording": frozenset({"reports/reminders/wording.py"}),
    "reports.Message": REMINDERS,
    "reports.Notice": REMINDERS,
    "reports.Device": frozenset({"reports/reminders/push.py"}),
    "reports.Finding": frozenset({"reports/findings/actions.py"}),
    "reports.Party": frozenset({"reports/findings/actions.py"}),
    "reports.Flag": frozenset({"reports/quality/actions.py"}),
    "reports.Reference": frozenset({"reports/quality/references.py"}),
    "reports.Quorum": frozenset({"reports/bodies/actions.py"}),
    "reports.Plenary": PLENARY,
    "reports.Attendance": frozenset({"reports/plenary/attendance.py"}),
    "reports.AgendaItem": PLENARY | {"reports/plenary/table.py"},
    "reports.Vote": PLENARY,
    "reports.Minutes": frozenset({"reports/plenary/minutes.py"}),
    "dashboards.Publication": PUBLISH,
    "dashboards.PublishedPage": PUBLISH,
    "dashboards.ExportJob": frozenset({"dashboards/recaps/actions.py"}),
}
_VERBS = ("create", "bulk_create", "update", "bulk_update", "delete")
QUERYSET_WRITES = frozenset({"get_or_create", "update_or_create", *_VERBS, *(f"a{verb}" for verb in _VERBS)})
ROW_WRITES = frozenset({"save", "delete", "asave", "adelete"})
# What begins `x.save()` or `x.update(...)` without being a row of ours: hashes, bars, sets, files, pictures, tokens.
NOT_TABLES = frozenset({"answers", "bar", "bars", "book", "chosen", "digest", "request", "segno", "upright"})
# Where a variable that is written holds rows of: module -> table. Every other `x.save()` must name its model.
VARIABLES: dict[str, frozenset[str]] = {
    "hierarchy/units/tree.py": frozenset({"hierarchy.Unit"}),
    "hierarchy/people/roster.py": frozenset({"hierarchy.Membership", "hierarchy.User"}),
    "hierarchy/people/activation.py": frozenset({"hierarchy.User"}),
    "hierarchy/people/acting.py": frozenset({"hierarchy.Membership"}),
    "reports/obligations/actions.py": frozenset({"reports.Obligation"}),
    "reports/filing/evidence.py": frozenset({"reports.Evidence"}),
    "reports/review/actions.py": frozenset({"reports.Obligation"}),
    "reports/journal/actions.py": frozenset({"reports.Event"}),
    "reports/reminders/delivery.py": frozenset({"reports.Message"}),
    "reports/plenary/actions.py": frozenset({"reports.Plenary", "reports.AgendaItem"}),
    "reports/plenary/table.py": frozenset({"reports.AgendaItem"}),
    "reports/plenary/attendance.py": frozenset({"reports.Attendance"}),
    "reports/reminders/push.py": frozenset({"reports.Device"}),
    "reports/findings/actions.py": frozenset({"reports.Finding", "reports.Party"}),
    "reports/quality/actions.py": frozenset({"reports.Flag"}),
    "dashboards/recaps/actions.py": frozenset({"dashboards.ExportJob"}),
    "dashboards/releases/actions.py": frozenset({"dashboards.Publication"}),
}
SQL_WRITE = re.compile(
    r"\b(?:INSERT INTO|COPY|UPDATE(?! SET\b| OF\b)|DELETE FROM|TRUNCATE(?: TABLE)?)\s+(?:ONLY\s+)?\"?(\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Write:
    """A place that writes. `table` is "" where the source names no model."""

    module: str
    line: int
    table: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} writes {self.table or 'a table it does not name'}"


def _models() -> dict[str, str]:
    """Class name -> label of our own tables; the names are unique among them."""
    found = {model.__name__: model._meta.label for name in APPS for model in apps.get_app_config(name).get_models()}
    assert len(found) == sum(len(list(apps.get_app_config(name).get_models())) for name in APPS)
    return found


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            # What is measured is measured on a database of its own.
            if not {"migrations", "bench"} & set(path.parts):
                yield str(path.relative_to(PROJECT)), ast.parse(path.read_text())


def _called_on(node: ast.expr) -> tuple[str, bool]:
    """The name an expression of calls and attributes begins with, and whether it went through `.objects`."""
    through = False
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        through |= isinstance(node, ast.Attribute) and node.attr == "objects"
        node = node.func if isinstance(node, ast.Call) else node.value
    return (node.id if isinstance(node, ast.Name) else ""), through


def _written_by_call(call: ast.Call, names: dict[str, str]) -> str | None:
    """The table a call writes: its label, "" when it cannot be told, None when it writes none."""
    if not isinstance(call.func, ast.Attribute):
        return None
    verb, (root, through) = call.func.attr, _called_on(call.func.value)
    if root == "bulk" and verb == "copy":  # hierarchy.lib.bulk.copy(Model, ...)
        return names.get(_called_on(call.args[0])[0], "")
    if verb not in QUERYSET_WRITES | ROW_WRITES or root in NOT_TABLES | {"super", "self"}:
        return None
    if through and verb in QUERYSET_WRITES:
        return names.get(root)  # another package's table, such as tokens, has its own rules
    return None if _harmless(call, verb) else ""


def _harmless(call: ast.Call, verb: str) -> bool:
    """A dict's or hash's update takes one thing to add; a queryset's takes columns by name."""
    return verb == "update" and not call.keywords


def _writes(module: str, tree: ast.Module, names: dict[str, str]) -> Iterator[Write]:
    tables = {apps.get_model(label)._meta.db_table: label for label in names.values()}
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (table := _written_by_call(node, names)) is not None:
            yield Write(module, node.lineno, table)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for match in SQL_WRITE.finditer(node.value):
                if match[1] in tables:
                    yield Write(module, node.lineno, tables[match[1]])


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def _strangers(found: list[Write]) -> list[str]:
    """The writes that are nobody's business where they stand."""
    return [
        str(write)
        for write in found
        if (write.module not in WRITERS[write.table] if write.table else write.module not in VARIABLES)
    ]


def test_imports_point_downwards() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout


def test_every_table_names_its_writer() -> None:
    assert sorted(_models().values()) == sorted(WRITERS)
    for label, writers in WRITERS.items():
        assert writers, label
        for module in writers | VARIABLES.keys():
            assert (PROJECT / module).exists(), f"{label}: {module} is gone"


def test_no_other_module_writes_a_table() -> None:
    names = _models()
    found = [write for module, tree in _modules() for write in _writes(module, tree, names)]
    assert _strangers(found) == []
    for module, labels in VARIABLES.items():  # an unnamed row is one of those its module owns
        assert all(module in WRITERS[label] for label in labels), module


def test_every_writer_in_the_table_does_write() -> None:
    names = _models()
    writing = {write.module for module, tree in _modules() for write in _writes(module, tree, names)}
    listed = {module for writers in WRITERS.values() for module in writers}
    # integrity.py names its table by a constant.
    assert listed - writing <= {"hierarchy/units/integrity.py"}


@pytest.mark.parametrize(
    "source",
    [
        "Report.objects.create(pk=1)",
        "Report.objects.filter(pk=1).update(revision=2)",
        "Tally.objects.within(unit)[:3].delete()",
        "report.save()",
        "rows.update(state='FILED')",
        "bulk.copy(Unit, fields, rows)",
        "Unit.objects.get(pk=1).save()",
        "cursor.execute('UPDATE reports_tally SET filed = 0')",
        "cursor.execute(f'delete from reports_event where id = {x}')",
    ],
)
def test_a_write_in_a_view_would_be_found(source: str) -> None:
    found = list(_writes("reports/filing/views.py", ast.parse(source), _models()))
    assert len(_strangers(found)) == 1


@pytest.mark.parametrize("source", ["digest.update(b'x')", "known.update({1: 2})", "Report.objects.filter(pk=1)"])
def test_what_only_looks_like_a_write_is_let_through(source: str) -> None:
    assert list(_writes("reports/filing/views.py", ast.parse(source), _models())) == []
