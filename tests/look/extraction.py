"""Every message the product can say, found in its sources: Python through Babel, templates through Django's own lexer.

Needs no gettext program. `python -m tests.look.extraction` brings the English catalogue up to date: what is translated
stays, what is new is added without a translation, what nobody says any more goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
CODE = ("bawaslu_data", "dashboards", "hierarchy", "reports")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
# A percent sign before "(", a flag, a width or a letter: what Python's % operator would replace.
PLACEHOLDER = re.compile(r"%\(\w+\)[-+ 0#]*[\d.]*[a-z]|%[\d.]*[a-z]")
_HEADER = """\
# English, the second language. Message ids are the Indonesian sentences (docs/adr/0004).
# `python -m tests.look.extraction` adds new messages and drops those that nobody says any more."""


def as_python(template: str) -> str:
    """A template as lines of calls that Babel reads; Django's own output is indented like HTML, not like Python."""
    from django.utils.translation.template import templatize

    return "\n".join(line.lstrip() for line in templatize(template).splitlines())


def messages(source: str) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """What Python source says: (words, context), the words of a plural as a pair."""
    found = extract("python", BytesIO(source.encode()), KEYWORDS, options={"encoding": "utf-8"})
    for _line, words, _comments, context in found:
        yield words, context


def _sources() -> Iterator[tuple[Path, str]]:
    for app in CODE:
        for path in sorted((ROOT / app).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
    templates = (path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})
    for path in sorted(templates):
        yield path, as_python(path.read_text(encoding="utf-8"))


def wanted() -> Catalog:
    """The catalogue of everything in the sources, without translations; locations are files without line numbers."""
    catalogue = Catalog(locale="en", domain="django", charset="utf-8")
    for path, source in _sources():
        for words, context in messages(source):
            # Without a line: a catalogue that changed with every moved line would be in every commit.
            catalogue.add(words, None, [(str(path.relative_to(ROOT)), 0)], context=context)
    return catalogue


def english() -> Catalog:
    """The English catalogue as it is written."""
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en", domain="django")


def forms(message: Message) -> tuple[str, ...]:
    """The translations of a message, one for each plural form."""
    return tuple(message.string) if isinstance(message.string, (list, tuple)) else (message.string,)


def key(message: Message) -> tuple[str | tuple[str, ...], str | None]:
    """What gettext looks a message up by; a plural is known by its pair."""
    return (tuple(message.id) if isinstance(message.id, (list, tuple)) else message.id, message.context)


def said(catalogue: Catalog) -> dict[tuple[str | tuple[str, ...], str | None], Message]:
    """The messages of a catalogue by key, without its header."""
    return {key(message): message for message in catalogue if message.id}


def updated() -> Catalog:
    """What is wanted, with the translations that are already written."""
    catalogue, known = wanted(), said(english())
    for each, message in said(catalogue).items():
        if each in known:
            message.string = known[each].string
            message.user_comments = known[each].user_comments
    return catalogue


def write(catalogue: Catalog) -> None:
    """Write the English catalogue, its messages in the order of their sources."""
    catalogue.header_comment = _HEADER
    catalogue.project, catalogue.version = "bawaslu-data", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = ""
    # Fixed dates and nobody's name: the history of the file is kept by git, and a stamp would change every line of it.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 11, 1, tzinfo=UTC)
    catalogue.fuzzy = False
    with ENGLISH.open("wb") as file:
        write_po(file, catalogue, width=120, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    write(updated())
    open_ends = [message.id for message in said(english()).values() if not all(forms(message))]
    print(f"{ENGLISH.relative_to(ROOT)}: {len(said(english()))} pesan, {len(open_ends)} belum diterjemahkan")
    for words in open_ends:
        print(f"  {words}")
