"""Runs a command that must not outlive the process that asked for it, whatever ends that process.

    python launcher.py DESCRIPTOR COMMAND...

DESCRIPTOR reads from a pipe whose other end the asking process alone holds. It closes when that process closes it or
dies, by SIGKILL too; then the command and everything it has started are ended, after GRACE_SECONDS the hard way. A
pipe, because it works on every system that has one; Linux's "signal on the parent's death" does not.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys

GRACE_SECONDS = 5.0
POLL_SECONDS = 0.1


def main(descriptor: int, command: list[str]) -> int:
    """Returns the command's exit status, as a shell tells it."""
    os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # runs the `finally`
    process = subprocess.Popen(command, process_group=0)
    try:
        while process.poll() is None:
            if select.select([descriptor], [], [], POLL_SECONDS)[0]:
                break
    finally:
        end(process)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends the leader of a process group in peace, then whatever is left of the group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies may not be signalled
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
