"""Instruments become numbered versions, once; what is published stays."""

from __future__ import annotations

import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from reports.calendar.models import Instrument, InstrumentVersion
from reports.calendar.publishing import CATALOGUE, CatalogueEntry, catalogue, load_catalogue, publish, withdraw
from reports.instruments.errors import InstrumentError
from reports.journal.models import Event
from tests.reports.instruments.forge import ask, markdown

pytestmark = pytest.mark.django_db

ROW = {
    "code": "uji", "stage": "PEMUNGUTAN", "subject_level": "POLLING_STATION", "filer_level": "POLLING_STATION",
    "cadence": "ONCE", "title_id": "Uji coba", "title_en": "Trial",
}  # fmt: skip
ENTRY = CatalogueEntry.from_row(ROW)
FIRST, SECOND = markdown(ask("integer", "a")), markdown(ask("integer", "a"), ask("integer", "b"))


def published(source: bytes = FIRST, entry: CatalogueEntry = ENTRY) -> InstrumentVersion:
    return publish(source=source, suffix=".md", entry=entry, by=None)


def verbs() -> list[str]:
    return list(Event.objects.order_by("id").values_list("verb", flat=True))


def test_a_version_keeps_its_source_and_its_layout() -> None:
    version = published()
    assert (version.number, version.width, bytes(version.source)) == (1, 2, FIRST)
    assert version.parsed.title.en == "Trial"
    assert version.instrument.title_id == "Uji coba"
    assert verbs() == ["instrument.published"]


def test_the_same_source_is_the_same_version() -> None:
    assert published().pk == published().pk
    assert verbs() == ["instrument.published"]


def test_another_source_is_the_next_version() -> None:
    assert (published().number, published(SECOND).number, published().number) == (1, 2, 1)


def test_a_withdrawn_version_stays_withdrawn() -> None:
    version = withdraw(version=published(), by=None, reason=" Rumus keliru. ")
    assert version.withdrawn_at is not None
    assert version.withdrawn_reason == "Rumus keliru."
    with pytest.raises(InstrumentError, match="sudah ditarik"):
        withdraw(version=version, by=None, reason="Lagi.")
    assert published().pk == version.pk
    assert verbs() == ["instrument.published", "instrument.withdrawn"]


def test_a_withdrawal_needs_a_reason() -> None:
    with pytest.raises(InstrumentError, match="alasan"):
        withdraw(version=published(), by=None, reason="  ")


def test_the_database_refuses_to_change_a_version() -> None:
    version = published()
    with pytest.raises(DatabaseError), transaction.atomic():
        InstrumentVersion.objects.filter(pk=version.pk).update(width=99)


def test_a_form_of_another_code_is_refused() -> None:
    with pytest.raises(InstrumentError, match="form_id"):
        published(markdown(ask("integer", "a"), code="lain"))
    assert not Instrument.objects.exists()


def test_a_published_instrument_does_not_move() -> None:
    published()
    with pytest.raises(InstrumentError, match="subject_level"):
        published(SECOND, CatalogueEntry.from_row({**ROW, "subject_level": "VILLAGE", "filer_level": "VILLAGE"}))


@pytest.mark.parametrize("change", [{"cadence": "SOMETIMES"}, {"subject_level": "KECAMATAN"}])
def test_an_index_row_in_other_words_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(InstrumentError, match="uji"):
        CatalogueEntry.from_row({**ROW, **change})


def test_the_catalogue_loads_once_and_again_without_change() -> None:
    first = load_catalogue()
    assert len(first) == len(catalogue())
    assert [version.pk for version in load_catalogue()] == [version.pk for version in first]
    assert len(verbs()) == len(first)
    form_a = Instrument.objects.get(code="form-a")
    assert (form_a.subject_level, form_a.filer_level, form_a.cadence) == (None, None, "EVENT")


def test_a_bad_file_of_a_catalogue_is_named(tmp_path: Path) -> None:
    shutil.copytree(CATALOGUE, tmp_path / "c")
    (tmp_path / "c" / "logistik-desa.md").write_text("bukan formulir", encoding="utf-8")
    with pytest.raises(InstrumentError, match=r"logistik-desa\.md: "):
        load_catalogue(folder=tmp_path / "c")


def run(*args: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def test_load_instruments_says_what_it_did() -> None:
    assert f"{len(catalogue())} instruments" in run("load_instruments", verbosity=0)
    assert "0 versions new" in run("load_instruments", verbosity=0)


def test_publish_instrument_makes_a_new_one_and_then_its_next_version(tmp_path: Path) -> None:
    file = tmp_path / "uji.md"
    file.write_bytes(FIRST)
    with pytest.raises(CommandError, match="--stage"):
        run("publish_instrument", file, code="uji")
    facts = {name: value for name, value in ROW.items() if name != "code"}
    assert run("publish_instrument", file, code="uji", **facts).startswith("uji v1, 2 cells")
    file.write_bytes(SECOND)
    assert run("publish_instrument", file, code="uji").startswith("uji v2, 4 cells")


@pytest.mark.parametrize(("content", "part"), [(b"", "0 byte"), (b"apa ini", "XLSForm")])
def test_publish_instrument_says_what_is_wrong(tmp_path: Path, content: bytes, part: str) -> None:
    published()
    file = tmp_path / "uji.md"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=part):
        run("publish_instrument", file, code="uji")


def test_publish_instrument_without_the_file(tmp_path: Path) -> None:
    published()
    with pytest.raises(CommandError, match="No such file"):
        run("publish_instrument", tmp_path / "tidak-ada.md", code="uji")
