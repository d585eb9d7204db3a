"""Keeps the structure of the tree in one hand: writes of `Unit` outside hierarchy/units/tree.py are refused.

MPTT offers a dozen ways to write (save, create, update, move_to, delete), and every one of them corrupts edges when two
run at once without the advisory lock. A convention would be broken by the first person in a hurry; this is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_open: ContextVar[bool] = ContextVar("tree_is_open", default=False)

_RELATIONS = ("election", "parent", "province", "regency", "district", "village")
STRUCTURAL = frozenset(
    {"code", "number", "lft", "rght", "level", "tree_id", *_RELATIONS, *(f"{name}_id" for name in _RELATIONS)}
)


class StructureGuarded(RuntimeError):
    """A programmer's mistake, not a user's: the message names the verb to use instead."""


@contextmanager
def opened() -> Iterator[None]:
    """Lets tree.py, which holds the lock, write."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)


def refuse_unless_open(what: str, fields: Iterable[str] = STRUCTURAL) -> None:
    """Raises StructureGuarded when `fields` touch the structure and the tree is not open in this context."""
    if not _open.get() and not STRUCTURAL.isdisjoint(fields):
        raise StructureGuarded(
            f"{what} outside hierarchy.tree: use tree.load, add_child, move, rename, remove or set_tags"
        )
