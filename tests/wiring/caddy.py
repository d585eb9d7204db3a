"""The proxy as a deployment runs it: deploy/Caddyfile through the system's own Caddy, on loopback. Never downloaded."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.needed import PROGRAMS

PROJECT = Path(__file__).resolve().parents[2]
CADDYFILE = PROJECT / "deploy/Caddyfile"
OPERATIONS = PROJECT / "docs/operations.md"
PATIENCE = 60.0


def rendered(*, port: int, web: int, media: Path) -> str:
    """The Caddyfile with plain HTTP on a port of this machine, no admin and our places; its limits are the file's."""
    text = CADDYFILE.read_text()
    here = {
        "{\n\tservers": "{\n\tadmin off\n\tauto_https off\n\tservers",
        "{$SITE_HOST} {": f"http://:{port} {{\n\tbind 127.0.0.1",
        "web:8000": f"127.0.0.1:{web}",
        "/srv/media": f'"{media}"',
    }
    for theirs, ours in here.items():
        assert text.count(theirs) == 1, f"{theirs} stands in deploy/Caddyfile {text.count(theirs)} times"
        text = text.replace(theirs, ours)
    return text


@functools.cache
def names() -> dict[str, str]:
    """What docs/operations.md has an operator set where Caddy is older than 2.7, as here; {} where it is not."""
    version = subprocess.run([PROGRAMS["proxy"].path(), "version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:2])) >= (2, 7):
        return {}
    [line] = re.findall(r"^(REQUEST_BUFFERS=.*) caddy validate", OPERATIONS.read_text(), flags=re.MULTILINE)
    return dict(word.split("=", 1) for word in shlex.split(line))


def environment(folder: Path) -> dict[str, str]:
    own = {"PATH": os.defpath, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return own | names()


@contextlib.contextmanager
def proxy(folder: Path, *, port: int, web: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Caddy of its own in front of a web server's port; it sends what lies in `folder`/media."""
    (folder / "Caddyfile").write_text(rendered(port=port, web=web, media=folder / "media"))
    command = [PROGRAMS["proxy"].path(), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _listens(port):
            assert process.poll() is None, (folder / "caddy.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "Caddy does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def said(directive: str) -> list[str]:
    """The arguments of a directive wherever it stands in the Caddyfile."""
    return re.findall(rf"^\s*(?:{{\$\w+:)?{directive} ([^\s}}]+)}}?$", CADDYFILE.read_text(), flags=re.MULTILINE)


def bytes_of(size: str) -> int:
    number, unit = re.fullmatch(r"([\d.]+)(MB|MiB|KiB)", size).groups()  # type: ignore[union-attr]
    return int(float(number) * {"MB": 1_000_000, "MiB": 2**20, "KiB": 2**10}[unit])


def largest_body(path: str) -> int:
    """How many bytes of a request to this address the Caddyfile lets in."""
    text = CADDYFILE.read_text()
    matchers = dict(re.findall(r"^\s*@(\w+) ((?:not )?path .+)$", text, flags=re.MULTILINE))
    sizes = re.findall(r"request_body @(\w+) \{\s*max_size (\S+)\s*\}", text)
    [found] = [bytes_of(size) for name, size in sizes if _matches(matchers[name], path)]
    return found


def _matches(matcher: str, path: str) -> bool:
    kind, _path, patterns = matcher.rpartition("path ")
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns.split()) is not kind.startswith("not")
