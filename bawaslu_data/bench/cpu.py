"""How much processor time the processes of a server have used, as Linux counts it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from bawaslu_data.bench.memory import PROC, below

TICKS = os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Seconds that the processes which `pid` has started and theirs have used so far, in their own code and the
    kernel's; what the database spends on their behalf is not among them."""
    total = 0
    for one in below(pid):
        with suppress(OSError):
            # The name, in brackets, may hold blanks; utime and stime are the 14th and 15th field of the line.
            fields = (PROC / str(one) / "stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def milliseconds(pid: int, work: Callable[[], object], *, times: int) -> float:
    """Processor time of a server for one of the `times` pieces that `work` consists of, in ms."""
    before = used(pid)
    work()
    return 1000 * (used(pid) - before) / times
