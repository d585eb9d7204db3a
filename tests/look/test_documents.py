"""What the documents name is there: files, headings, words of the glossary, and a word for every table."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest
from django.apps import apps

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("hierarchy", "reports", "dashboards", "bawaslu_data")
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
GLOSSARY = (PROJECT / "docs" / "glossary.md").read_text()
QUOTED = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(rf"(?:{'|'.join(APPS)})(?:\.\w+)+")
PLACE = re.compile(
    r"(?:hierarchy|reports|dashboards|bawaslu_data|tests|templates|static|locale|docs|deploy)/(?:[\w./-]*\.\w+|[\w./-]+/)"
)


def in_text(path: Path) -> str:
    """A document without its fenced code, which is tried elsewhere or shows a shell."""
    return re.sub(r"(?ms)^```.*?^```$", "", path.read_text())


def headings(path: Path) -> set[str]:
    """The anchors of a document, as they are made from its headings."""
    found = re.findall(r"(?m)^#+ (.+)$", in_text(path))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def columns(title: str) -> list[list[str]]:
    """The rows of the table under a heading of the glossary."""
    section = re.split(r"(?m)^## ", GLOSSARY.split(f"## {title}\n", 1)[1])[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"][
        2:
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_and_every_named_file_leads_somewhere(path: Path) -> None:
    text, lost = in_text(path), []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https://", "http://", "mailto:")):
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.exists() or (anchor and anchor not in headings(there)):
                lost.append(target)
    lost += [name for name in QUOTED.findall(text) if PLACE.fullmatch(name) and not (PROJECT / name).exists()]
    assert lost == []


@pytest.mark.parametrize("title", ["Words of this product", "Words of the field"])
def test_what_the_glossary_names_in_code_is_defined_there(title: str) -> None:
    with (PROJECT / "reports/instruments/catalogue/index.csv").open() as file:
        instruments = {row["code"] for row in csv.DictReader(file)}
    lost = []
    for *_words, code in columns(title):
        for name in QUOTED.findall(code):
            if not DOTTED.fullmatch(name):
                lost += [] if name in instruments else [name]
                continue
            try:
                found = resolve_name(name)
            except (ImportError, AttributeError):
                lost.append(name)
                continue
            # A module may be asked for what it only imports; the glossary names the one that defines it.
            home = getattr(found, "__module__", name)  # a table of data does not say
            lost += [] if name.startswith(home) else [f"{name} is defined in {home}"]
    assert columns(title)
    assert lost == []


def test_every_table_has_a_word() -> None:
    named = {name for row in columns("Words of this product") for name in QUOTED.findall(row[-1])}
    tables = [
        f"{model.__module__}.{model.__name__}"
        for label in APPS[:3]
        for model in apps.get_app_config(label).get_models()
    ]
    assert tables
    assert [table for table in tables if table not in named] == []


def test_no_word_is_explained_twice() -> None:
    words = [row[0] for title in ("Words of this product", "Words of the field") for row in columns(title)]
    assert [word for word in set(words) if words.count(word) > 1] == []
