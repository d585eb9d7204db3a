"""Reads an XLSForm (.xlsx, or pyxform's Markdown) into a Schema, or says what to mend in which cell.

pyxform does the reading and the judging: whatever it refuses, ODK and Kobo would refuse. No Java is run.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from .builder import build
from .errors import InstrumentError
from .schema import Schema

SUFFIXES = (".md", ".xlsx")
MOST_BYTES = 2_000_000  # the largest national form seen is under 300 kB
MOST_UNPACKED = 40_000_000
MOST_ROWS = 1_000
OLD_EXCEL = b"\xd0\xcf\x11\xe0"  # OLE: a real .xls, or a workbook locked with a password


def read(source: Path | bytes, *, suffix: str = "") -> Schema:
    """The schema an XLSForm describes. `suffix` (".md" or ".xlsx") is needed for bytes only.

    Raises InstrumentError with one Indonesian sentence per fault, naming sheet, row and column where it can.
    """
    suffix = (suffix or (source.suffix if isinstance(source, Path) else "")).lower()
    if suffix not in SUFFIXES:
        raise InstrumentError(_("Instrumen harus berupa berkas .xlsx atau .md, bukan “%s”.") % (suffix or "-"))
    content = contents_of(source)
    if suffix == ".xlsx":
        _check_workbook(content)
    definition = _definition(content, suffix)
    schema = build(definition)  # before pyxform's judgement: our messages name the row and the column
    _judge(definition)
    return schema


def contents_of(source: Path | bytes) -> bytes:
    """The bytes of a source. Raises InstrumentError where it is empty or over the limit, before reading it."""
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size == 0:
        raise InstrumentError(_("Berkas kosong (0 byte). Pilih berkas instrumen yang benar."))
    if size > MOST_BYTES:
        raise InstrumentError(
            _("Berkas terlalu besar: %(size).1f MB. Paling besar %(limit).0f MB; hapus gambar dan lembar lain.")
            % {"size": size / 1e6, "limit": MOST_BYTES / 1e6}
        )
    return source.read_bytes() if isinstance(source, Path) else source


def _check_workbook(content: bytes) -> None:
    """Refuses what only looks like a workbook, before any parser unpacks it."""
    if content.startswith(OLD_EXCEL):
        raise InstrumentError(
            _("Berkas ini format Excel lama (.xls) atau terkunci kata sandi. Simpan ulang sebagai .xlsx tanpa sandi.")
        )
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InstrumentError(_("Berkas ini bukan .xlsx yang utuh. Buka di Excel lalu simpan ulang.")) from error
    if "xl/workbook.xml" not in names:
        raise InstrumentError(_("Berkas ini bukan buku kerja Excel. Simpan sebagai .xlsx."))
    if unpacked > MOST_UNPACKED:
        raise InstrumentError(_("Isi berkas terlalu besar setelah dibuka. Hapus baris dan lembar yang tidak dipakai."))


def _definition(content: bytes, suffix: str) -> Any:
    from pyxform.errors import PyXFormError
    from pyxform.xls2json_backends import get_xlsform

    source: str | bytes = content
    if suffix == ".md":
        try:
            source = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InstrumentError(_("Berkas .md harus berupa teks UTF-8.")) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's remarks on styles and validations it does not read
            definition = get_xlsform(xlsform=source, file_type=suffix)
    except (PyXFormError, ValueError, TypeError, KeyError, AttributeError, IndexError, zipfile.BadZipFile) as error:
        raise InstrumentError(_refusal(str(error))) from error
    for sheet in ("survey", "choices", "settings"):
        if not getattr(definition, sheet):
            raise InstrumentError(_("Lembar “%s” tidak ada atau kosong.") % sheet)
        if len(getattr(definition, sheet)) > MOST_ROWS:
            raise InstrumentError(
                _("Lembar “%(sheet)s” lebih dari %(limit)d baris.") % {"sheet": sheet, "limit": MOST_ROWS}
            )
    return definition


def _judge(definition: Any) -> None:
    """Lets pyxform make the whole XForm, in memory, so that a form we accept opens in ODK and Kobo too."""
    from pyxform.builder import create_survey_element_from_dict
    from pyxform.errors import PyXFormError
    from pyxform.xls2json import workbook_to_json

    try:
        plain = workbook_to_json(definition, form_name="data", fallback_form_name="data", warnings=[])
        create_survey_element_from_dict(plain).to_xml(validate=False, warnings=[])
    except (PyXFormError, ValueError, KeyError, TypeError) as error:
        raise InstrumentError(_refusal(str(error))) from error


def _refusal(detail: str) -> str:
    row, sheet = re.search(r"\[row : (\d+)\]", detail), re.search(r"'(survey|choices|settings)'", detail)
    if row:
        return _("Lembar “%(sheet)s”, baris %(row)s: tidak sah menurut XLSForm. Rincian: %(detail)s") % {
            "sheet": sheet[1] if sheet else "survey",
            "row": row[1],
            "detail": detail[:300],
        }
    return _("Berkas tidak dapat dibaca sebagai XLSForm. Rincian: %s") % detail[:300]
