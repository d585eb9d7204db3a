"""Refusals that a person can act on: every message is a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

MAX_SHOWN = 50  # a file with one wrong column has a fault on every row; fifty teach as much as ten thousand


class Refusal(Exception):
    """An action refused before anything was written, in sentences that say to the person what to do.

    `messages` holds one sentence per reason. `code` is for programs: the API publishes it, so it stays as it is.
    `field` names the one field of a form or a request that is to be mended; `status` is HTTP's; after `retry_after`
    seconds the very same may be tried again. A kind that has a code or a status of its own, or that somebody tells from
    the others, is a subclass with these and nothing else.
    """

    code = "refused"
    status = 409
    retry_after: int | None = None

    def __init__(
        self,
        text: str | Iterable[str],
        field: str | None = None,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.messages: list[str] = [text] if isinstance(text, str) else list(text)
        super().__init__("\n".join(self.messages))
        self.field = field
        self.code, self.status = code or self.code, status or self.status
        self.retry_after = retry_after or self.retry_after

    @property
    def text(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Fault:
    """One wrong cell: `line` is the row as a spreadsheet numbers it (heading = 1), 0 when the whole file is meant."""

    line: int
    column: str
    value: str
    sentence: str

    def text(self, source: str) -> str:
        """The fault as a sentence: file, row, column, value, what to do."""
        place = [source] if source else []
        if self.line:
            place.append(_("baris %(line)d") % {"line": self.line})
        if self.column:
            place.append(_("kolom %(column)s") % {"column": self.column})
        if self.value:
            place.append(_("isi “%(value)s”") % {"value": printable(self.value)})
        return f"{', '.join(place)}: {self.sentence}" if place else self.sentence


def sentences(faults: Sequence[Fault], source: str = "") -> list[str]:
    """At most MAX_SHOWN sentences; a last one counts the rest."""
    shown = [fault.text(source) for fault in faults[:MAX_SHOWN]]
    if len(faults) > MAX_SHOWN:
        shown.append(_("… dan %(count)d kesalahan lain.") % {"count": len(faults) - MAX_SHOWN})
    return shown


def reason(error: OSError) -> str:
    """Why a file could not be opened or written, in the reader's language; the system's own words are English."""
    match error:
        case FileNotFoundError():
            return _("tidak ditemukan")
        case PermissionError():
            return _("tidak diizinkan")
        case IsADirectoryError() | NotADirectoryError():
            return _("ini map, bukan berkas")
        case _:
            return _("kesalahan sistem nomor %(number)s") % {"number": error.errno}


def printable(value: str, limit: int = 60) -> str:
    """`value` without control characters and cut short, so that a hostile cell cannot spoil a terminal or a log."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
    return clean if len(clean) <= limit else clean[:limit] + "…"
