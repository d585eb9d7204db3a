"""What a template's source says about itself: words not wrapped for translation, and styles or scripts written inline.

Reads the source, not a rendering, so it also sees the branches that no test renders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

_HIDDEN = re.compile(
    r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|\{%\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%\}", re.DOTALL
)
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
# A literal handed on by a tag: title="Belum ada" is a sentence nobody can translate, title=_("Belum ada") is not.
_LITERAL = re.compile(r"""(?<!_\()(?:"([^"]*)"|'([^']*)')""")
_SENTENCE = re.compile(r"[A-Z][a-z]+|[a-z]+ [a-z]+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SPOKEN = {"alt", "title", "placeholder", "aria-label", "aria-description", "aria-roledescription", "label"}
_SPOKEN |= {"data-confirm", "data-confirm-verb", "content"}
_WRAPPED = ("translate", "trans ", "blocktranslate", "url ", "static ", "load ", "extends ", "csrf_token")
_EXECUTABLE = {None, "", "module", "text/javascript", "application/javascript"}


class _Reader(HTMLParser):
    """Collects bare words and inline styles and scripts. An element with its own `lang` names a language in itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bare: list[str] = []
        self.inline: list[str] = []
        self._quiet: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, dict(attrs))
        if tag in {"script", "style", "code"} or (tag != "html" and "lang" in dict(attrs)):
            self._quiet.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if self._quiet and self._quiet[-1] == tag:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        if not self._quiet and _WORD.search(data):
            self.bare.append(" ".join(data.split()))

    def _attributes(self, tag: str, attrs: dict[str, str | None]) -> None:
        if tag == "style" or (tag == "script" and "src" not in attrs and attrs.get("type") in _EXECUTABLE):
            self.inline.append(f"<{tag}>")
        for name, value in attrs.items():
            if name == "style" or re.match(r"on[a-z]|hx-on", name) or (value or "").startswith(("js:", "javascript:")):
                self.inline.append(f"{tag} {name}")
            pressed = tag == "input" and name == "value" and attrs.get("type") in {"submit", "button", "reset"}
            machine = tag == "meta" and attrs.get("name") != "description"
            if (pressed or name in _SPOKEN) and not machine and _WORD.search(value or ""):
                self.bare.append(f"{name}={value}")


def _read(source: str) -> _Reader:
    reader = _Reader()
    reader.feed(_TAG.sub("", _HIDDEN.sub("", source)))
    reader.close()
    return reader


def _literals(source: str) -> Iterator[str]:
    for tag in _TAG.findall(_HIDDEN.sub("", source)):
        if tag.startswith("{%") and not tag[2:].strip().startswith(_WRAPPED):
            for double, single in _LITERAL.findall(tag):
                text = double or single
                if _SENTENCE.search(text) and not re.fullmatch(r"[\w./-]+\.html(#[\w-]+)?|[a-z]+=\w+", text):
                    yield text


def bare_text(source: str) -> list[str]:
    """Words a reader would see or hear that are not wrapped for translation."""
    return _read(source).bare + list(_literals(source))


def inline_code(source: str) -> list[str]:
    """Styles and scripts that `style-src 'self'` and `script-src 'self'` refuse."""
    return _read(source).inline
