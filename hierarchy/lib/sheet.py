"""The first sheet of a workbook as text, read in a process of its own with bounds: `python -m hierarchy.lib.sheet`.

A workbook of 2 kB may have a cell in its last row and column, and a reader lays out every cell between: 17 billion. One
of 18 kB may name a text of 1 MB three thousand times. Neither shows in the size of the file, and the reader's own
answer to too little memory is to abort the process, which must not be the web server's.

Standard input: the workbook. Standard output: one JSON array of texts per row, blank rows included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MEMORY = 768 * 1024 * 1024  # bytes beyond what the reader itself takes; 11,441 rows of 60 columns take a third of it
CPU_SECONDS = 30
MOST_CELLS, MOST_TEXT = 4_000_000, 16 * 1024 * 1024  # characters, which the caller holds twice for a moment
TOO_LARGE = 3  # exit status
ROOT = Path(__file__).resolve().parents[2]


class Unreadable(Exception):
    """No workbook, or a damaged one."""


class TooLarge(Exception):
    """A table that does not fit into the bounds, or a file made to look like one."""


def rows(content: bytes) -> Iterator[list[str]]:
    """The rows of a workbook's first sheet. Raises Unreadable or TooLarge before the first of them."""
    command = [sys.executable, "-m", "hierarchy.lib.sheet"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, cwd=ROOT, timeout=2 * CPU_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise TooLarge from error
    if done.returncode < 0 or done.returncode == TOO_LARGE:  # below 0: the signal that a limit ended it with
        raise TooLarge
    if done.returncode:
        raise Unreadable(done.stderr.decode(errors="replace"))
    return map(json.loads, done.stdout.splitlines())


def main() -> None:
    import io

    import pandas as pd
    import python_calamine  # noqa: F401  (what pandas reads with: loaded before the bound is set)

    _bound()
    try:
        frame = pd.read_excel(
            io.BytesIO(sys.stdin.buffer.read()),
            engine="calamine",
            header=None,
            dtype=str,
            na_filter=False,
            keep_default_na=False,
        )
        if frame.size > MOST_CELLS:
            sys.exit(TOO_LARGE)
        left = MOST_TEXT
        for row in frame.itertuples(index=False, name=None):
            cells = [str(cell) for cell in row]
            left -= sum(map(len, cells))
            if left < 0:
                sys.exit(TOO_LARGE)
            print(json.dumps(cells, ensure_ascii=False))
    except MemoryError:
        sys.exit(TOO_LARGE)


def _bound() -> None:
    """Limits of this process; a system that knows no such limit keeps only those on cells and text."""
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
