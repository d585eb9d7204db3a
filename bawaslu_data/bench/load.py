"""A client that costs little beside the server it loads: requests made beforehand, plain sockets kept open.

Closed loop (each connection sends its next request when the answer is in) measures what a server can do; an open loop
(requests leave at fixed moments, whatever the answers do) measures how long people wait at a given load.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

TIMEOUT = 60.0


@dataclass
class Outcome:
    """What a round of requests came to; `seconds` is its wall time, `waits` the seconds of each answer."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)  # seconds from the start at which each answer was in

    @property
    def per_second(self) -> float:
        return len(self.waits) / self.seconds

    def wait(self, share: float) -> float:
        """The wait that `share` of the answers kept below (0.95: the 95th percentile)."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))]

    def only(self, *wanted: int) -> Outcome:
        """Itself, when every answer had one of the `wanted` statuses. Raises RuntimeError: then it measured nothing."""
        if wrong := {status: count for status, count in self.statuses.items() if status not in wanted}:
            raise RuntimeError(f"answers other than {wanted}: {wrong}")
        return self


def request(method: str, path: str, *, port: int, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """One connection to a server on this machine, kept open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, sent: bytes) -> int:
        """Sends a request, reads its whole answer, returns the status."""
        return self._exchange(sent)[0]

    def head(self, sent: bytes) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case) of the answer."""
        status, head = self._exchange(sent)
        lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        return status, {name.lower(): value.strip() for name, _colon, value in lines}

    def _exchange(self, sent: bytes) -> tuple[int, bytes]:
        self.socket.sendall(sent)
        got = self._more()
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head = got[:end]
        at = head.lower().find(b"content-length:")
        left = int(head[at + 15 :].split(b"\r\n", 1)[0]) - (len(got) - end - 4) if at >= 0 else 0
        while left > 0:
            left -= len(self._more())
        return int(head[9:12]), head

    def _more(self) -> bytes:
        part = self.socket.recv(65_536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part

    def close(self) -> None:
        self.socket.close()


def closed_loop(port: int, requests: Iterable[bytes], *, connections: int) -> Outcome:
    """Sends all `requests`, each connection one at a time. Iterables are shared: a request is sent once."""
    return _run(port, iter(requests), connections, lambda _number: 0.0)


def open_loop(port: int, requests: Iterable[bytes], *, connections: int, per_second: float) -> Outcome:
    """Request n leaves n / `per_second` seconds after the start. A wait counts from that moment, not from the one when
    a connection was free for it: people do not come slower because the server is slow."""
    return _run(port, iter(requests), connections, lambda number: number / per_second)


def _run(port: int, requests: Iterator[bytes], connections: int, due: Callable[[int], float]) -> Outcome:
    outcome, lock, paced = Outcome(), threading.Lock(), due(1) > 0
    failures: list[Exception] = []
    numbered = enumerate(requests)

    def work() -> None:
        line = Connection(port)
        statuses: dict[int, int] = {}
        waits: list[float] = []
        ends: list[float] = []
        try:
            while True:
                with lock:
                    number, sent = next(numbered, (-1, b""))
                if number < 0:
                    break
                start = begun + due(number)
                if (early := start - time.perf_counter()) > 0:
                    time.sleep(early)
                left = start if paced else time.perf_counter()
                status = line.ask(sent)
                ended = time.perf_counter()
                waits.append(ended - left)
                ends.append(ended - begun)
                statuses[status] = statuses.get(status, 0) + 1
        except Exception as error:  # a thread's exception would end in a print; the caller must see it
            failures.append(error)
        finally:
            line.close()
        with lock:
            outcome.waits.extend(waits)
            outcome.ends.extend(ends)
            for status, count in statuses.items():
                outcome.statuses[status] = outcome.statuses.get(status, 0) + count

    threads = [threading.Thread(target=work, daemon=True) for _ in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - begun
    if failures:
        raise failures[0]
    return outcome
