"""Where an embedded server's files lie and whose they are: facts of this machine, the same for every server.

Started by root, the files lie in a state directory and ``.data/<name>`` points there: PostgreSQL refuses to run as
root, and the account it runs under may be unable to reach the project (a clone under /root), whose permissions are not
ours to open.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOCKET_DIR_BYTES = 85  # a unix socket's whole path must stay under 108 bytes
STATE_ROOTS = (Path("/var/lib/bawaslu-data"), Path("/var/tmp/bawaslu-data"))  # noqa: S108 - checked in _state_root

# What the servers' own (English) last words mean to the person who started them.
ADVICE = (
    (r"No space left|ENOSPC", "Disk penuh: kosongkan ruang, lalu jalankan lagi."),
    (
        r"not compatible with|incompatible with server",
        "Data lama dibuat versi PostgreSQL lain: pasang versi itu (PG_BINDIR), atau pindahkan folder .data.",
    ),
    (r"Address already in use|could not bind", "Alamat soket sedang dipakai: hentikan proses lama, lalu ulangi."),
    (r"shared memory|semaphore", "Memori bersama kurang: tutup program lain atau perbesar batas memori mesin ini."),
    (
        r"Permission denied|Operation not permitted|Invalid argument",
        "Izin kurang: pastikan folder .data milik pengguna yang menjalankan perintah ini.",
    ),
    (r"Read-only file system", "Folder proyek hanya bisa dibaca: salin ke tempat yang bisa ditulisi."),
    (r"Not a directory|File exists", "Ada berkas dengan nama folder itu: pindahkan berkasnya, lalu ulangi."),
)
DEFAULT_ADVICE = "Baca catatan berikut, lalu jalankan lagi."


class EmbeddedError(RuntimeError):
    """A server could not be started; the message is one Indonesian sentence of what to do and the tail of its log."""


def explain(what: str, log: str) -> str:
    """``what`` failed, what to do about it as far as ``log`` tells, and the log itself."""
    advice = next((text for pattern, text in ADVICE if re.search(pattern, log)), DEFAULT_ADVICE)
    return f"{what} {advice}\n{log.strip()}"


@dataclass(frozen=True)
class Place:
    """The files of one server: ``base`` is the ``.data`` that holds it, ``name`` the server's own."""

    base: Path
    name: str

    @property
    def home(self) -> Path:
        """``.data/<name>``, or, made by root, the state directory that symlink points to."""
        link = self.base / self.name
        return Path(os.readlink(link)) if link.is_symlink() else link

    @property
    def run_dir(self) -> Path:
        """The directory of its socket, mode 0700: the only guard of a server that trusts who reaches it."""
        link = self.home / "run"
        return Path(os.readlink(link)) if link.is_symlink() else link

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def lock(self, kind: str) -> Path:
        return self.base / f"{self.name}.{kind}"

    @property
    def owner(self) -> tuple[int, int] | None:
        """The uid and gid that root must take on to run the server; None when we are not root."""
        if os.geteuid() != 0:
            return None
        facts = self.run_dir.stat()
        return facts.st_uid, facts.st_gid

    def make(self) -> None:
        """Make home and run_dir where they are missing. Raises EmbeddedError, OSError."""
        if os.geteuid() == 0 and not self.home.is_dir():
            link = self.base / self.name
            link.unlink(missing_ok=True)
            link.symlink_to(self._make_state_dir())
        self.home.mkdir(mode=0o755, exist_ok=True)
        if not self.run_dir.is_dir():
            self._make_run_dir()

    def _make_run_dir(self) -> None:
        owner = self.home.stat()
        uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else _account()
        link = self.home / "run"
        link.unlink(missing_ok=True)  # it pointed into /tmp, which a reboot emptied
        if len(os.fsencode(link)) <= SOCKET_DIR_BYTES:
            own_dir(link, (uid, gid))
        else:
            place = tempfile.mkdtemp(prefix="bawaslu-", dir="/tmp")
            if os.geteuid() == 0:
                os.chown(place, uid, gid)
            link.symlink_to(place)

    def _make_state_dir(self) -> Path:
        """A new directory for this base; removes what a deleted ``.data`` of the same base left behind."""
        key = hashlib.sha256(str(self.base).encode()).hexdigest()[:10]
        root = _state_root()
        for old in root.glob(f"{self.name}-{key}-*"):
            if not any(is_process_of(int(entry.name), old) for entry in Path("/proc").glob("[0-9]*")):
                shutil.rmtree(old)
        home = root / f"{self.name}-{key}-{secrets.token_hex(3)}"
        home.mkdir()
        home.chmod(0o755)  # whatever the umask
        return home

    def copy_of(self, binary: Path) -> Path:
        """The same program inside home, for an account that cannot reach the original."""
        source, folders = _installation(binary)
        facts = binary.stat()
        target = self.home / f"dist-{facts.st_size}-{facts.st_mtime_ns}"
        if not target.exists():
            for stale in self.home.glob("dist-*"):
                shutil.rmtree(stale)
            fresh = self.home / "dist-new"
            ignored = shutil.ignore_patterns("include", "__pycache__")
            for folder in folders:
                shutil.copytree(folder, fresh / folder.relative_to(source), symlinks=True, ignore=ignored)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            fresh.rename(target)
        return target / binary.relative_to(source)


def _installation(binary: Path) -> tuple[Path, list[Path]]:
    """The folders a program does not run without, and their parent: it finds its libraries relative to itself.

    A wheel's shared libraries lie beside its package, in ``<package>.libs``.
    """
    for folder in list(binary.parents)[:-1]:
        libraries = folder.with_name(f"{folder.name}.libs")
        if libraries.is_dir():
            return folder.parent, [folder, libraries]
    folder = binary.parent.parent if binary.parent.name == "bin" else binary.parent
    return folder.parent, [folder]


def own_dir(path: Path, owner: tuple[int, int] | None) -> None:
    """Make a directory of mode 0700, as root for its owner."""
    path.mkdir(mode=0o700)
    if owner and os.geteuid() == 0:
        os.chown(path, *owner)


def wheel_dir(package: str) -> Path | None:
    """The directory of an installed package; None when it is not installed. Does not import it."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders))) if folders else None


def is_process_of(pid: int, home: Path) -> bool:
    """Whether that pid is a live server of this home. A bare pid proves nothing: a reboot gives it to someone else."""
    if not pid:
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():
            return False
        listing = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        command = listing.stdout
    return os.fsencode(home) + b"/" in command  # a zombie's is empty


def _state_root() -> Path:
    for root in STATE_ROOTS:
        with contextlib.suppress(OSError):
            root.mkdir(exist_ok=True)
            facts = root.lstat()
            if facts.st_uid == 0 and root.is_dir() and not root.is_symlink():
                root.chmod(0o755)
                return root
    raise EmbeddedError(
        f"Tidak ada tempat untuk data: buat folder {STATE_ROOTS[0]} milik root, atau jalankan sebagai pengguna biasa."
    )


def _account() -> tuple[int, int]:
    """The unprivileged account for servers that root starts: (uid, gid)."""
    import pwd  # absent on Windows, where both variables must be set

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise EmbeddedError("Mesin ini tidak punya akun postgres atau nobody: jalankan sebagai pengguna biasa.")
