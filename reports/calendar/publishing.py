"""Publishing: the only writer of Instrument and InstrumentVersion.

A published version never changes; a correction is the next number, and a version that must not be used is withdrawn.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.models import User
from reports.calendar.actions import stage_codes
from reports.calendar.models import Cadence, Instrument, InstrumentVersion
from reports.instruments.errors import InstrumentError
from reports.instruments.schema import Schema, Text
from reports.instruments.xlsform import contents_of, read
from reports.journal import actions as journal

CATALOGUE = Path(__file__).parents[1] / "instruments" / "catalogue"
ANY_LEVEL = "ANY"


@dataclass(frozen=True)
class CatalogueEntry:
    """One row of a catalogue's index: who is asked, about whom, how often.

    A level of None is ANY: the unit files about itself, whatever its level (Form A).
    """

    code: str
    stage: str
    subject_level: Level | None
    filer_level: Level | None
    cadence: Cadence
    title_id: str
    title_en: str
    file: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> CatalogueEntry:
        """Raises InstrumentError naming the column that is missing or not one of its words."""
        try:
            return cls(
                code=row["code"],
                stage=row["stage"],
                subject_level=_level(row["subject_level"]),
                filer_level=_level(row["filer_level"]),
                cadence=Cadence(row["cadence"]),
                title_id=row["title_id"],
                title_en=row["title_en"],
                file=row.get("file", ""),
            )
        except (KeyError, ValueError) as error:
            raise InstrumentError(
                _("Daftar instrumen, “%(code)s”: kolom atau isi tidak dikenal: %(detail)s")
                % {"code": row.get("code", "-"), "detail": error}
            ) from error

    @classmethod
    def of(cls, instrument: Instrument) -> CatalogueEntry:
        """The entry of an instrument that exists, for its next version."""
        return cls(
            code=instrument.code,
            stage=instrument.stage_code,
            subject_level=None if instrument.subject_level is None else Level(instrument.subject_level),
            filer_level=None if instrument.filer_level is None else Level(instrument.filer_level),
            cadence=Cadence(instrument.cadence),
            title_id=instrument.title_id,
            title_en=instrument.title_en,
        )


def _level(name: str) -> Level | None:
    return None if name == ANY_LEVEL else Level[name]


def catalogue(folder: Path = CATALOGUE) -> list[CatalogueEntry]:
    """The entries of a folder's index.csv. Raises InstrumentError for a row that is not one."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return [CatalogueEntry.from_row(row) for row in csv.DictReader(file)]


def publish(*, source: Path | bytes, entry: CatalogueEntry, by: User | None, suffix: str = "") -> InstrumentVersion:
    """The version that has this very source, made now if there is none; `by` None is the system itself.

    Windows that open from now on ask it; open ones keep theirs (obligations/pinning.py). Raises InstrumentError for a
    source that is no instrument, an unknown stage, or an entry that moves a published instrument to another level or
    cadence: obligations and tallies already stand on the old ones.
    """
    suffix = suffix or (source.suffix if isinstance(source, Path) else "")
    content = contents_of(source)
    digest = hashlib.sha256(content).hexdigest()
    if known := InstrumentVersion.objects.filter(instrument__code=entry.code, source_sha256=digest).first():
        return known
    schema = read(content, suffix=suffix)
    if schema.code != entry.code:
        raise InstrumentError(
            _("Lembar “settings”, baris 2, kolom “form_id”: berisi “%(found)s”, seharusnya “%(wanted)s”.")
            % {"found": schema.code, "wanted": entry.code}
        )
    schema = msgspec.structs.replace(schema, title=Text(entry.title_id, entry.title_en))
    return _store(schema, content, suffix, digest, entry, by)


@transaction.atomic
def _store(
    schema: Schema, content: bytes, suffix: str, digest: str, entry: CatalogueEntry, by: User | None
) -> InstrumentVersion:
    instrument = _instrument(entry)
    if known := instrument.versions.filter(source_sha256=digest).first():
        return known  # another process published the same file while this one was reading it
    newest = instrument.versions.order_by("-number").first()
    version = InstrumentVersion.objects.create(
        instrument=instrument,
        number=newest.number + 1 if newest else 1,
        schema=schema.to_json(),
        digest=schema.digest,
        width=len(schema.layout),
        source=content,
        source_suffix=suffix,
        source_sha256=digest,
        published_at=clock.now(),
        published_by=by,
    )
    journal.write(
        journal.entry(
            "instrument.published", by=by, target=_name(version), source_sha256=digest, digest=schema.digest.hex()
        )
    )
    return version


def _instrument(entry: CatalogueEntry) -> Instrument:
    """The instrument of an entry, locked; two publishers of one instrument queue up here.

    Raises InstrumentError for a new one of a stage that no calendar knows, or an entry that moves an old one.
    """
    facts = {
        "title_id": entry.title_id,
        "title_en": entry.title_en,
        "stage_code": entry.stage,
        "subject_level": entry.subject_level,
        "filer_level": entry.filer_level,
        "cadence": entry.cadence,
    }
    if not Instrument.objects.filter(code=entry.code).exists() and entry.stage not in (stages := stage_codes()):
        raise InstrumentError(
            _("Tahapan “%(stage)s” tidak dikenal. Pilih salah satu: %(known)s.")
            % {"stage": entry.stage, "known": ", ".join(stages)}
        )
    Instrument.objects.bulk_create([Instrument(code=entry.code, **facts)], ignore_conflicts=True)
    instrument = Instrument.objects.select_for_update().get(code=entry.code)
    fixed = ("stage_code", "subject_level", "filer_level", "cadence")
    if moved := [name for name in fixed if getattr(instrument, name) != facts[name]]:
        raise InstrumentError(
            _("Instrumen “%(code)s” sudah terbit; %(what)s tidak dapat diubah. Gunakan kode baru.")
            % {"code": entry.code, "what": ", ".join(moved)}
        )
    return instrument


def withdraw(*, version: InstrumentVersion, by: User | None, reason: str) -> InstrumentVersion:
    """Lets no further window open with a version, keeping it and every report that answers it; it stays so.

    A window that is open already goes on with it and takes reports: its supervisors cannot wait for a new form. One
    that opens later takes the newest version left, and does not open while there is none (`calendar.open_due` tells).
    Raises InstrumentError without a reason, or where it has been withdrawn before.
    """
    if not reason.strip():
        raise InstrumentError(_("Tulis alasan penarikan versi instrumen."))
    with transaction.atomic():
        version.instrument.hold()  # a window that is opening has chosen its version, or will not choose this one
        changed = InstrumentVersion.objects.filter(pk=version.pk, withdrawn_at=None).update(
            withdrawn_at=clock.now(), withdrawn_reason=reason.strip()
        )
        if not changed:
            raise InstrumentError(_("Versi %s sudah ditarik sebelumnya.") % _name(version))
        journal.write(journal.entry("instrument.withdrawn", by=by, target=_name(version), reason=reason.strip()))
    version.refresh_from_db()
    return version


def _name(version: InstrumentVersion) -> str:
    return f"{version.instrument.code} v{version.number}"


def load_catalogue(
    *,
    by: User | None = None,
    folder: Path = CATALOGUE,
    track: Callable[[list[CatalogueEntry]], Iterable[CatalogueEntry]] = iter,
) -> list[InstrumentVersion]:
    """Publishes every instrument of a folder; what is published already is left as it is. Not atomic as a whole.

    `track` wraps the walk over the entries, for a progress bar. Raises InstrumentError for the first bad file.
    """
    versions = []
    for entry in track(catalogue(folder)):
        try:
            versions.append(publish(source=folder / entry.file, entry=entry, by=by))
        except InstrumentError as error:
            raise InstrumentError([f"{entry.file}: {message}" for message in error.messages]) from error
        except FileNotFoundError as error:
            raise InstrumentError(_("Berkas %s tidak ada.") % entry.file) from error
    return versions
