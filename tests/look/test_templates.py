"""Rules that hold for every template there is, now and later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hierarchy.lib.formats import STATES
from tests.look.markup import TEMPLATES, bare_text, inline_code

STATIC = TEMPLATES.parent / "static"
SOURCES = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt", ".svg"})
NAMES = [str(path.relative_to(TEMPLATES)) for path in SOURCES]


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_word_is_wrapped_for_translation(path: Path) -> None:
    assert bare_text(path.read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_nothing_is_written_that_the_content_security_policy_refuses(path: Path) -> None:
    assert inline_code(path.read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    links = re.findall(r"""(?:src|srcset|<link[^>]*href)=["']?(?:https?:)?//[^"' ]+""", path.read_text())
    assert links == []


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_named_icon_is_drawn(path: Path) -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img" / "icons.svg").read_text()))
    named = set(re.findall(r"""icon=["']([\w-]+)["']""", path.read_text()))
    assert named | {state.icon for state in STATES.values()} <= symbols


COMPONENTS = sorted((TEMPLATES / "components").glob("*.html"))


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.name)
def test_every_component_is_used(path: Path) -> None:
    tags = (TEMPLATES.parent / app / "templatetags" for app in ("reports", "hierarchy"))
    users = [other for other in SOURCES if other != path] + [
        module for folder in tags for module in folder.glob("*.py")
    ]
    assert any(f'"components/{path.name}"' in other.read_text() for other in users)


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_the_markup_of_a_breadcrumb_has_one_home(path: Path) -> None:
    assert ('class="crumbs"' in path.read_text()) == (path.name == "breadcrumb.html")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Belum lapor</p>", ["Belum lapor"]),
        ("<p>{% if late %}Terlambat{% endif %}</p>", ["Terlambat"]),
        ('<a aria-label="Tutup" href="x">{{ n }}</a>', ["aria-label=Tutup"]),
        ('<input type="submit" value="Kirim">', ["value=Kirim"]),
        ('<form data-confirm="Kirim laporan ini?"></form>', ["data-confirm=Kirim laporan ini?"]),
        ('{% include "components/empty.html" with title="Belum ada" %}', ["Belum ada"]),
        ('{% include "components/empty.html" with title=_("Belum ada") %}', []),
        ('<p>{% translate "Belum lapor" %} · {{ n }} (1,5 %)</p>', []),
        ("{% blocktranslate trimmed %}dari {{ n }} laporan{% endblocktranslate %}", []),
        ('<button lang="en">English</button>{# a note #}', []),
        ('<p class="notice {% if x %}done{% endif %}">{{ x }}</p>', []),
        ('<script type="application/json">{"kata": "Ya"}</script>', []),
    ],
)
def test_the_search_for_bare_words_finds_them_and_nothing_else(source: str, found: list[str]) -> None:
    assert bare_text(source) == found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('<p style="color:red">', 1),
        ("<style>p{}</style>", 1),
        ("<script>go()</script>", 1),
        ('<a onclick="go()">', 1),
        ('<a hx-on:click="go()">', 1),
        ('<a href="javascript:go()">', 1),
        ('<script src="/x.js" type="module"></script><script type="application/json">{}</script>', 0),
    ],
)
def test_the_search_for_inline_code_finds_it_and_nothing_else(source: str, count: int) -> None:
    assert len(inline_code(source)) == count
