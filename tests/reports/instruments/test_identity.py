"""What a report's hash is made of stays what it was: golden.json holds schemas and reports with their hashes, as they
came out on 24 November 2026. A line that no longer comes out would turn every retry across an upgrade into a conflict.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import DatabaseError, transaction

from reports.calendar import models as asked
from reports.calendar.models import InstrumentVersion
from reports.calendar.publishing import CatalogueEntry, publish
from reports.instruments import plan
from reports.instruments.codec import decode
from reports.instruments.schema import Question, Schema
from tests.reports.instruments.forge import ask, markdown

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
MIGRATION = importlib.import_module("reports.migrations.0012_version_digest")


class Wordier(Question, frozen=True):
    """A question as a later release may have it."""

    help_url: str = ""
    weight: int = 1


class Later(Schema, frozen=True, dict=True):
    """A schema of that later release."""

    questions: tuple[Wordier, ...]
    revision: str = "3.0"


@pytest.mark.parametrize("kind", [Schema, Later])
@pytest.mark.parametrize("report", GOLDEN["reports"], ids=lambda report: report["sha256"][:8])
def test_a_report_keeps_its_hash_whatever_fields_the_classes_grow(report: dict[str, Any], kind: type[Schema]) -> None:
    plan._plans.clear()  # kept by digest, whatever class made it
    schema = kind.from_json(GOLDEN["schemas"][report["digest"]], bytes.fromhex(report["digest"]))
    content = decode(schema, answers=report["answers"], reasons=report["reasons"])
    assert (content.sha256.hex(), content.canonical.decode()) == (report["sha256"], report["canonical"])


@pytest.mark.parametrize("digest", GOLDEN["schemas"])
def test_versions_published_before_the_column_keep_the_digest_they_had(digest: str) -> None:
    stored = GOLDEN["schemas"][digest]
    assert MIGRATION.digest_of(stored).hex() == digest
    assert msgspec.convert(stored, Later).digest.hex() != digest, "the class alone would give another one"


@pytest.mark.django_db
def test_a_version_keeps_the_digest_of_its_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next release reads what this one published: same identity, for one row and for a row read by its key."""
    row = {"code": "uji", "stage": "PEMUNGUTAN", "subject_level": "VILLAGE", "filer_level": "VILLAGE",
           "cadence": "ONCE", "title_id": "Uji", "title_en": "Trial"}  # fmt: skip
    source = markdown(ask("integer", "a"))
    version = publish(source=source, suffix=".md", entry=CatalogueEntry.from_row(row), by=None)
    before = decode(version.parsed, answers={"a": 1}).sha256
    asked._schemas.clear()
    plan._plans.clear()
    monkeypatch.setattr("reports.instruments.schema.Schema", Later)
    assert isinstance(InstrumentVersion.schema_of(version.pk), Later)
    assert decode(InstrumentVersion.schema_of(version.pk), answers={"a": 1}).sha256 == before
    asked._schemas.clear()
    assert decode(InstrumentVersion.objects.get(pk=version.pk).parsed, answers={"a": 1}).sha256 == before
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        InstrumentVersion.objects.filter(pk=version.pk).update(digest=bytes(32))
    asked._schemas.clear()
