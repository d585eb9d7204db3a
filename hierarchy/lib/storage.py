"""Where files are kept: whole or not at all, and on the disk before a row names them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class WholeFiles(FileSystemStorage):
    """Writes a file beside its place, waits for the disk, then gives it its name.

    Django's own storage writes under the final name and leaves that to the operating system's leisure: a full disk
    leaves the first half of a photo behind, and a power loss a committed row that points at an empty file.
    """

    def _save(self, name: str, content: File) -> str:
        aside = f"{name}.{secrets.token_hex(6)}.part"
        try:
            super()._save(aside, content)  # type: ignore[misc]  # the stubs leave it out
            _settle(Path(self.path(aside)))
            while True:
                try:
                    os.link(self.path(aside), self.path(name))  # unlike a rename, never over another file
                    break
                except FileExistsError:
                    name = self.get_available_name(name)
            _settle(Path(self.path(name)).parent)
        finally:
            Path(self.path(aside)).unlink(missing_ok=True)
        return name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (f"{type(self).__module__}.{type(self).__qualname__}", [], {})


def _settle(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
