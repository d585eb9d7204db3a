"""The cases behind rule_vectors.json, which every evaluator of rule trees is held to.

`python -m tests.reports.instruments.rule_vectors` writes the file again after a change of the law in rules.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.instruments import xpath
from reports.instruments.export import vectors

FILE = Path(__file__).with_suffix(".json")
TYPES = {"a": "number", "b": "number", "s": "text", "l": "list", "h": "time", "d": "date"}
VALUES: list[dict[str, Any]] = [
    {},
    {"a": 0, "b": 0, "s": "ya", "l": ["x"], "h": "07:00", "d": "2024-02-14"},
    {"a": 7, "b": 2, "s": "tidak", "l": ["x", "y"], "h": "06:59", "d": "2024-02-15"},
    {"a": 251, "s": "12", "h": "13:00"},
    {"b": 9999999, "l": ["y"], "s": "é😀"},
]
SOURCES = [
    "${a} <= ${b}", "${a} < 7", "${a} >= 7", "${a} > ${b}", "${a} = ${b}", "${a} != ${b}",
    "${a} + ${b} = 9", "${a} - ${b}", "${a} * ${b}", "${a} div ${b}", "${a} mod ${b}", "(0 - ${a}) mod ${b}", "-${a}",
    "ceiling(${a} * 2 div 100)", "floor(${a} div 2)", "round(${a} div 2)", "round(-${a} div 2)", "int(-${a} div 2)",
    "${s} = 'ya'", "${s} != 'ya'", "${s} = ''", "${a} != ''", "not(${s} = 'ya')", "true()", "false()",
    "${a} = 7 and ${b} = 2", "${a} = 7 or ${b} = 2", "${a} = 0 and ${b} = 5", "not(${a} = 7 or ${s} = 'ya')",
    "selected(${l}, 'x')", "selected(${s}, 'ya')", "count-selected(${l}) >= 2", "count-selected(${l})",
    "if(${a} > 5, ${a}, ${b})", "if(${s} = 'ya', 'x', 'y')", "coalesce(${a}, ${b}, 5)", "coalesce(${b}, 0) + 1",
    "number(${s})", "number(${a} = 7)", "string-length(${s})", "regex(${s}, '[a-z]+')", "regex(${s}, '\\d{1,3}')",
    "${h} >= '07:00'", "${h} < '13:00'", "${d} <= '2024-02-14'", "${d} = '2024-02-14'",
    "(${s} = 'ya') = (${a} != ${b})",
]  # fmt: skip


def document() -> list[dict[str, Any]]:
    """Every source with every set of values: `source`, `tree`, `values`, `result`."""
    found = []
    for source in SOURCES:
        tree, _kind = xpath.parse(source, types=TYPES)
        found += [{"source": source, **vector} for vector in vectors((tree, values) for values in VALUES)]
    return found


def text() -> str:
    return "[\n" + ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in document()) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
