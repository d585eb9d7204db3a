"""How much memory the processes of a site have held at most, as Linux counts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def peak(pid: int) -> float:
    """The greatest peak among the processes that `pid` has started and theirs, in MB; 0 where nobody counts it.

    Resident memory, pages shared with other processes included: the sum over processes is less than their number of it.
    """
    return max((_peak(one) for one in below(pid)), default=0.0)


def below(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for status in PROC.glob("[0-9]*/status"):
        with suppress(OSError):
            parents.setdefault(_number(status, "PPid"), []).append(int(status.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
        yield from parents.get(one, [])


def _peak(pid: int) -> float:
    with suppress(OSError):
        return _number(PROC / str(pid) / "status", "VmHWM") / 1_000  # kB
    return 0.0


def _number(status: Path, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status.read_text(), flags=re.MULTILINE)
    return int(found[1]) if found else 0
