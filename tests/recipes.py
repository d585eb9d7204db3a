"""The recipes of CONTRIBUTING.md as steps that a test can carry out: edits of files, and commands.

```LANGUAGE PATH (PLACE)   an edit: `new`, or `after`, `before`, `instead of` an anchor; `+ 1`: the line below it
```sh                      commands, run in the checkout
```LANGUAGE                a sketch, to read only
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
FENCED = re.compile(r"(?ms)^```(\w+)(?: ([^\n]+))?\n(.*?)^```$")
EDIT = re.compile(
    r'(?P<path>\S+) \((?:new|(?P<place>after|before|instead of): "(?P<anchor>.+)"(?: (?P<shift>[+-] \d+))?)\)'
)


class Step(NamedTuple):
    """`path` is empty for commands; `place` is empty for a new file."""

    text: str
    path: str = ""
    place: str = ""
    anchor: str = ""
    shift: int = 0

    def applied(self, before: str) -> str:
        """The file with this edit. Raises ValueError where the anchor is not on exactly one line."""
        if not self.place:
            return self.text
        lines = before.splitlines(keepends=True)
        found = [number for number, line in enumerate(lines) if self.anchor in line]
        if len(found) != 1:
            raise ValueError(f"{self.path}: {len(found)} lines hold {self.anchor!r}")
        at = found[0] + self.shift
        start, end = {"after": (at + 1, at + 1), "before": (at, at), "instead of": (at, at + 1)}[self.place]
        return "".join([*lines[:start], self.text, *lines[end:]])

    def apply(self, root: Path) -> None:
        target = root / self.path
        if self.place == "" and target.exists():
            raise ValueError(f"{self.path} is there already")
        target.write_text(self.applied(target.read_text() if self.place else ""))


def recipes() -> dict[str, list[Step]]:
    """The steps of each recipe, by its heading."""
    chapter = CONTRIBUTING.read_text().split("\n## Recipes\n")[1].split("\n## ")[0]
    parts = [part.split("\n", 1) for part in re.split(r"(?m)^### ", chapter)[1:]]
    return {title: list(_steps(text)) for title, text in parts}


def _steps(text: str) -> Iterator[Step]:
    for language, where, body in FENCED.findall(text):
        if language == "sh":
            yield Step(body)
        elif where:
            edit = EDIT.fullmatch(where)
            if edit is None:
                raise ValueError(f"not an edit: {where}")
            shift = int((edit["shift"] or "0").replace(" ", ""))
            yield Step(body, edit["path"], edit["place"] or "", edit["anchor"] or "", shift)
