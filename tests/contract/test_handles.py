"""Every step that a person takes has an address, and every verb a handle."""

from __future__ import annotations

import ast

from tests.contract.test_house import TREES


def test_no_view_looks_up_in_the_form_what_it_is_to_do() -> None:
    """A POST view per verb: a field that names the verb hides it from the routes and from the table of who may what."""
    found = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node).startswith("request.POST.get('verb'")
    ]
    assert found == []
