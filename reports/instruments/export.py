"""A schema's rules for evaluators outside the server: one JSON document, and test vectors for whoever writes one.

No page asks for the document yet: it is there for a client that judges answers while they are typed. The API hands the
same trees out as part of a version's schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .order import in_order
from .rules import Tree, evaluate
from .schema import Expression, Question, Schema


def rules_of(schema: Schema) -> dict[str, Any]:
    """Everything a client needs to judge answers as codec.decode does.

    `order` is the order in which relevance and calculation are worked out; every tree follows the table in rules.py.
    Absent keys mean: always relevant, not required, no constraint, not calculated.
    """
    relevant = {group.name: group.relevant for group in schema.groups}
    return {
        "code": schema.code,
        "order": [question.name for question in in_order(schema)],
        "questions": {q.name: _exported(q, relevant[q.group]) for q in schema.questions},
    }


def _exported(question: Question, of_group: Expression | None) -> dict[str, Any]:
    conditions = [rule.tree for rule in (of_group, question.relevant) if rule]
    facts: dict[str, Any] = {
        "kind": question.kind,
        "options": list(question.options),
        "relevant": conditions[0] if len(conditions) == 1 else (["and", *conditions] if conditions else None),
        "required": ["true"] if question.required else _tree(question.required_if),
        "calculation": _tree(question.calculation),
        "constraint": _tree(question.constraint),
        "severity": question.severity if question.constraint else None,
        "message": {"id": question.message.id, "en": question.message.en} if question.message else None,
    }
    return {key: value for key, value in facts.items() if value not in (None, [])}


def _tree(expression: Expression | None) -> list[Any] | None:
    return expression.tree if expression else None


def vectors(cases: Iterable[tuple[Tree, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Cases with the verdict an evaluator must reach: `tree`, `values` (unanswered ones absent), `result`."""
    return [{"tree": tree, "values": dict(values), "result": evaluate(tree, values)} for tree, values in cases]
