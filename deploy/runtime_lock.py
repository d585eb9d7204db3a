"""Print the part of requirements.lock that a deployment runs: no tests, no linters, no embedded services.

    python deploy/runtime_lock.py > runtime.lock && pip install --require-hashes --no-deps -r runtime.lock

One lock stays the only place where versions are fixed. Each of its entries names its parents ("# via"), so what the
project's own dependencies lead to can be followed without asking anybody.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def entries(lock: str) -> dict[str, tuple[str, set[str]]]:
    """Package -> (its lines, the packages that ask for it)."""
    found: dict[str, tuple[str, set[str]]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        if match := re.match(r"([a-z0-9._-]+)==", block):
            # A package may have several entries, one for each range of Python versions.
            text, parents = found.get(match[1], ("", set()))
            parents = parents | set(re.findall(r"#\s+(?:via )?([a-z0-9][a-z0-9._-]*)", block))
            found[match[1]] = (f"{text}\n{block.rstrip()}".lstrip(), parents)
    return found


def runtime(lock: str, dependencies: list[str]) -> list[str]:
    """The entries that the project's dependencies lead to, in the order of the lock. Raises KeyError on an old lock."""
    packages = entries(lock)
    wanted = {re.split(r"[^a-z0-9._-]", name.lower(), maxsplit=1)[0] for name in dependencies}
    if missing := wanted - packages.keys():
        raise KeyError(f"requirements.lock lacks {', '.join(sorted(missing))}: run `make lock`")
    grown = True
    while grown:
        more = {name for name, (_, parents) in packages.items() if parents & wanted}
        grown = not more <= wanted
        wanted |= more
    return [text for name, (text, _) in packages.items() if name in wanted]


if __name__ == "__main__":
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    sys.stdout.write("\n".join(runtime((PROJECT / "requirements.lock").read_text(), project["dependencies"])) + "\n")
