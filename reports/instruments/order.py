"""In which order the questions of a form must be worked out, so that every rule finds its operands ready."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _

from .errors import InstrumentError
from .rules import references
from .schema import Question, Schema


def in_order(schema: Schema) -> tuple[Question, ...]:
    """Questions so sorted that relevance and calculation come after what they depend on.

    Raises InstrumentError where they depend on each other in a circle.
    """
    groups = {group.name: group for group in schema.groups}
    graph: dict[str, set[str]] = {}
    for question in schema.questions:
        rules = (groups[question.group].relevant, question.relevant, question.calculation)
        graph[question.name] = set().union(*(references(rule.tree) for rule in rules if rule is not None), set())
    try:
        names = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise InstrumentError(_("Lembar “survey”: rumus saling bergantung: %s.") % circle) from error
    return tuple(schema.by_name[name] for name in names)
