"""Indonesian is complete because it is the source; English is complete because these tests say so."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import gettext, ngettext, override

from dashboards.releases import actions as publish
from reports.rollup import fold as rollup
from tests.days import Day, fresh
from tests.look.extraction import (
    CODE,
    ENGLISH,
    KEYWORDS,
    PLACEHOLDER,
    ROOT,
    as_python,
    english,
    forms,
    messages,
    said,
    updated,
    wanted,
)

# Words that are read the same in both languages, or that are names.
SAME = {"WhatsApp", "TOTAL", "Abstain", "KPU"}
# Frequent words of one language that are no words of the other.
ENGLISH_WORDS = re.compile(
    r"the|of|and|to|is|are|was|not|for|with|this|that|your|you|please|from|has|have|can|cannot|must|reports?|files?|user"
    r"|username|password|click|save|submit|send|back|next|previous|error|invalid|pages?|date|time|name|update|delete"
    r"|edit|view|download|upload|login|logout|home|search|dashboard|loading|choose|select|required|unknown|missing"
    r"|success|failed|cancel|confirm|close|open|more|less|empty|field|value"
)
INDONESIAN_WORDS = re.compile(
    r"yang|dan|di|ke|dari|tidak|belum|untuk|dengan|pada|ini|itu|sudah|akan|atau|laporan|satuan|pengawas|kirim|berkas"
    r"|halaman|anda|bila|lalu|kode|nama|tulis|isi|pilih|periksa|tenggat|tahapan|disetujui|terlambat|rekap|unduh"
)
_ASIDE = re.compile(r"“[^”]*”|\([^)]*\)|<[^>]+>|--\w+|\$?\{\w+\}|'[^']*'|\w*[_.]\w+|\b\w+-selected\b|[\w-]+\(")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A locale folder with the catalogue compiled by the command of `make setup`; the tree itself may have none."""
    folder = tmp_path_factory.mktemp("locale")
    target = folder / ENGLISH.relative_to(ROOT / "locale").with_suffix(".mo")
    target.parent.mkdir(parents=True)
    CommandLineInterface().run(["pybabel", "-q", "compile", "-i", str(ENGLISH), "-o", str(target)])
    return folder


@pytest.fixture
def translated(compiled: Path, settings: Any) -> None:
    settings.LOCALE_PATHS = [compiled]


@pytest.fixture
def no_catalogue(tmp_path: Path, settings: Any) -> None:
    settings.LOCALE_PATHS = [tmp_path]


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return wanted()


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return english()


def words_of(text: str) -> set[str]:
    """The words of a sentence in lower case, without placeholders, markup, and what is quoted, bracketed or code."""
    return {word.lower() for word in re.findall(r"[A-Za-z-]+", _ASIDE.sub(" ", PLACEHOLDER.sub(" ", text)))}


def ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else (message.id,)


def marks(text: str) -> tuple[Counter[str], Counter[str]]:
    """What a translation must keep: placeholders (a percent sign is one) and HTML tags, in any order."""
    return Counter(re.findall(rf"%%|{PLACEHOLDER.pattern}", text)), Counter(re.findall(r"</?\w+[^>]*>", text))


# --- the catalogue ------------------------------------------------------------------------------------------------


def test_every_message_of_the_sources_is_in_the_english_catalogue(sources: Catalog, catalogue: Catalog) -> None:
    assert sorted(map(str, said(sources).keys() - said(catalogue).keys())) == []


def test_the_english_catalogue_holds_nothing_that_nobody_says(sources: Catalog, catalogue: Catalog) -> None:
    assert sorted(map(str, said(catalogue).keys() - said(sources).keys())) == []
    assert list(catalogue.obsolete) == []


def test_every_message_has_all_its_english_forms_and_none_is_a_guess(catalogue: Catalog) -> None:
    for message in said(catalogue).values():
        wanted_forms = catalogue.num_plurals if len(ids(message)) == 2 else 1
        assert len(forms(message)) == wanted_forms, message.id
        assert all(text.strip() for text in forms(message)), message.id
        assert not message.fuzzy, message.id


def test_placeholders_and_tags_stay_and_a_sentence_ends_as_it_does(catalogue: Catalog) -> None:
    for message in said(catalogue).values():
        for text in forms(message):
            assert marks(text) == marks(ids(message)[0]), message.id
            assert (text[-1] in ".?:") == (ids(message)[0][-1] in ".?:"), message.id
            assert text == text.strip(), message.id


def test_no_english_is_left_in_the_indonesian_and_no_indonesian_in_the_english(catalogue: Catalog) -> None:
    for message in said(catalogue).values():
        for text in ids(message):
            assert list(filter(ENGLISH_WORDS.fullmatch, words_of(text))) == [], text
            assert "!" not in text
        for text in forms(message):
            assert list(filter(INDONESIAN_WORDS.fullmatch, words_of(text))) == [], text
            assert text not in ids(message) or text in SAME


def test_an_update_keeps_what_is_translated(sources: Catalog, catalogue: Catalog) -> None:
    assert {each: forms(message) for each, message in said(updated()).items()} == {
        each: forms(message) for each, message in said(catalogue).items() if each in said(sources)
    }


# --- the extraction -----------------------------------------------------------------------------------------------


def calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            yield node


def test_every_call_in_the_code_names_its_sentence_so_that_it_can_be_extracted(sources: Catalog) -> None:
    known = {text for message in said(sources).values() for text in ids(message)}
    found = 0
    for path in (path for app in CODE for path in sorted((ROOT / app).rglob("*.py"))):
        for call in calls(path.read_text()):
            first = call.args[0]
            assert isinstance(first, ast.Constant), f"{path.name}:{call.lineno}"
            assert first.value in known, f"{path.name}:{call.lineno}"
            found += 1
    assert found > 300


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ('  <p>{% translate "Belum lapor" %}</p>\n<b>x</b>', ["Belum lapor"]),
        ("  <p>\n {% blocktranslate trimmed %}\n  dari\n  {{ n }}\n{% endblocktranslate %}", ["dari %(n)s"]),
        ("{% blocktranslate %}{{ n }} % saja{% endblocktranslate %}", ["%(n)s %% saja"]),
        ('{% include "x.html" with title=_("Kosong") %}', ["Kosong"]),
        ("{% blocktranslate count k=n %}satu{% plural %}{{ k }}{% endblocktranslate %}", [("satu", "%(k)s")]),
        ('{% comment %}{% translate "Lama" %}{% endcomment %}{# _("Lama") #}<p>_("bukan")</p>', []),
    ],
)
def test_the_words_of_a_template_are_found(template: str, words: list[str | tuple[str, str]]) -> None:
    assert [found for found, _context in messages(as_python(template))] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Kirim %(file)s", {"kirim"}),
        ("Lembar “choices” (unit)", {"lembar"}),
        ("<strong>Rilis.</strong> manifes.txt", {"rilis"}),
        ("Pakai --codes BERKAS", {"pakai", "berkas"}),
        ("Please wait", {"please", "wait"}),
    ],
)
def test_the_search_for_words_leaves_out_what_is_quoted(text: str, words: set[str]) -> None:
    assert words_of(text) == words


# --- what Django makes of it --------------------------------------------------------------------------------------


def test_django_gives_each_language_its_own_words(translated: None, catalogue: Catalog) -> None:
    for message in said(catalogue).values():
        first, last = ids(message)[0], ids(message)[-1]
        for language, expected in (("id", ids(message)), ("en", forms(message))):
            with override(language):
                # gettext() of a message with a plural is left alone: older Pythons do not look there.
                if len(expected) == 1:
                    assert gettext(first) == expected[0]
                else:
                    assert (ngettext(first, last, 1), ngettext(first, last, 2)) == expected


def test_indonesian_is_indonesian_even_for_a_browser_that_prefers_other_languages(translated: None) -> None:
    assert django_settings.LANGUAGE_CODE == "id"
    for accepted in ("id", "fr", "", "id-ID,en;q=0.5"):
        page = Client(headers={"accept-language": accepted}).get(reverse("login"))
        assert page["Content-Language"] == "id"
        assert "Kata sandi" in page.content.decode()


def test_the_words_of_django_itself_are_indonesian(translated: None) -> None:
    with override("id"), pytest.raises(ValidationError) as refused:
        validate_email("siti@")
    assert "Masukkan" in refused.value.messages[0]


@pytest.mark.django_db
def test_a_browser_that_prefers_english_logs_in_in_english(translated: None) -> None:
    page = Client(headers={"accept-language": "en-GB,en;q=0.9,id;q=0.5"}).get(reverse("login"))
    text = page.content.decode()
    assert page["Content-Language"] == "en"
    assert '<html lang="en"' in text
    assert "Logging in for the first time?" in text
    assert "Kata sandi" not in text


@pytest.mark.django_db
def test_without_a_compiled_catalogue_pages_still_open_in_indonesian(no_catalogue: None) -> None:
    page = Client(headers={"accept-language": "en"}).get(reverse("login"))
    assert page.status_code == 200
    assert "Baru pertama kali masuk?" in page.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("translated")
def test_public_unit_and_task_pages_are_english_from_top_to_bottom(election_day: Day, settings: Any) -> None:
    settings.PUBLICATION_KEY = "11" * 32
    election_day.file(election_day.cast.ptps, election_day.obligation("penghitungan-tps"))
    rollup.run_all()
    publish.publish(election=election_day.election, by=None)
    leader = Client(headers={"accept-language": "en"})
    leader.force_login(fresh(election_day.cast.pkd))
    there = {"election": "pemilu2024", "code": "6472012001"}
    public = Client().get(reverse("public-unit", kwargs=there), {"bahasa": "en"})
    assert "Set-Cookie" not in public.headers
    pages = [public, leader.get(reverse("unit", kwargs=there)), leader.get(reverse("tasks"))]
    for page, words in zip(pages, ["Verify and download", "Polling stations in this village", "review"], strict=True):
        text = page.content.decode()
        assert words in text
        seen = set(re.findall(r">([^<>{}]+)<", re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", "", text)))
        assert [line for line in seen if any(map(INDONESIAN_WORDS.fullmatch, words_of(line)))] == []


def test_a_page_without_a_session_offers_both_languages(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    text = render_to_string("base.html", {}, request)
    assert 'lang="en"' in text
