"""People who cost a server more than they should: bodies that never end, readers with one bar, floods of sign-ins."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.faults.processes import HOST

PATIENCE = 60.0


def _connected(port: int, *, window: int = 0) -> socket.socket:
    line = socket.socket()
    if window:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)  # else this machine's kernel reads it all for us
    line.settimeout(PATIENCE)
    line.connect(("127.0.0.1", port))
    return line


@contextlib.contextmanager
def stalled_bodies(port: int, bodies: list[tuple[str, int, int]]) -> Iterator[list[socket.socket]]:
    """A POST for each (address, announced bytes, sent bytes), which then says nothing more."""
    with contextlib.ExitStack() as stack:
        lines = []
        for path, announced, sent in bodies:
            line = stack.enter_context(_connected(port))
            part = '--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
            head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: csrftoken={'a' * 32}\r\n"
            head += "Content-Type: multipart/form-data; boundary=x\r\n"
            head += f"Content-Length: {announced}\r\n\r\n{part}"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a body too large is refused at once
                line.sendall(head.encode() + b"a" * sent)
            lines.append(line)
        yield lines


@contextlib.contextmanager
def slow_readers(port: int, cookie: str, paths: list[str]) -> Iterator[list[threading.Thread]]:
    """One reader for each address, taking a kilobyte a second; who has begun to get an answer is in `begun`."""
    over = threading.Event()
    begun = [threading.Event() for _path in paths]

    def read(number: int) -> None:
        with contextlib.suppress(OSError), _connected(port, window=4096) as line:
            line.sendall(f"GET {paths[number]} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\n\r\n".encode())
            status = int(line.recv(12)[9:])
            assert status in (200, 302), (paths[number], status)  # 302: another file is being made, come again
            begun[number].set()
            while not over.wait(1.0) and line.recv(1024):
                pass

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(paths))]
    for thread in threads:
        thread.start()
    try:
        yield begun
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def sign_ins(port: int, per_second: float) -> Iterator[None]:
    """Wrong passwords for made-up names, each from an address nobody has seen."""
    over, numbers, lock = threading.Event(), itertools.count(1), threading.Lock()

    def knock() -> None:
        while not over.wait(8 / per_second):
            with lock:
                number = next(numbers)
            address = f"2001:db8:{number // 65_536:x}:{number % 65_536:x}::1"
            headers = {"Host": HOST, "Content-Type": "application/json", "X-Forwarded-For": address}
            body = f'{{"username": "tak-ada-{number}", "password": "salah-{number}"}}'
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            with contextlib.closing(line), contextlib.suppress(OSError, http.client.HTTPException):
                line.request("POST", "/api/v1/token/", body, headers)
                line.getresponse().read()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(knock)
        try:
            yield
        finally:
            over.set()
