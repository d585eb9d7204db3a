from __future__ import annotations

from tests.cast import cast, election, tree_fixture

__all__ = ["cast", "election", "tree_fixture"]
