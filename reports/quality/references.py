"""The only writer of references: figures of the election commission (KPU), and how ours compare with them.

A reference never changes a figure of ours: it raises a flag on a report (quality.py) and stands beside a total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hierarchy.levels import LEAF
from hierarchy.lib import clock, tabular
from hierarchy.lib.errors import Fault, Refusal, sentences
from hierarchy.lib.tabular import TableRow
from hierarchy.models import Election, Unit, User
from reports import locks
from reports.calendar.models import InstrumentVersion, Window
from reports.instruments import indicator_words
from reports.instruments.schema import INTEGER, sum_cells
from reports.journal import actions as journal
from reports.journal import covered
from reports.quality.models import Reference
from reports.rollup.models import Tally

COLUMNS = ("kode", "instrumen", "pertanyaan", "nilai", "sumber")
LARGEST = 2**53  # a spreadsheet keeps no larger whole number exactly
LONGEST_SOURCE = 200
BATCH = 2_000

Key = tuple[int, str, str]  # unit, instrument, question


@dataclass(frozen=True)
class LoadResult:
    """How many figures of a file are new, other than before, and known already."""

    new: int
    changed: int
    same: int


def load(
    *,
    path: Path,
    election: Election,
    by: User | None = None,
    within: Unit | None = None,
    dry_run: bool = False,
) -> LoadResult:
    """Imports a CSV or XLSX with COLUMNS, all of it or nothing; units outside `within` are not known.

    Raises Refusal naming row and column: an unknown unit or question, a value that is no whole number, no source, a
    figure given twice.
    """
    lines = tabular.read(path, required=COLUMNS)
    known = Unit.objects.filter(election=election, code__in={_code(line) for line in lines})
    units = dict((known.within(within) if within else known).values_list("code", "pk"))
    asked = _asked(election)
    rows: dict[Key, Reference] = {}
    faults: list[Fault] = []
    moment = clock.now()
    for line in lines:
        key = (units.get(_code(line), 0), line["instrumen"], line["pertanyaan"])
        wrong = list(_wrong(line, key, asked)) or ([_twice(line)] if key in rows else [])
        faults += wrong
        if not wrong:
            rows[key] = Reference(
                election=election,
                unit_id=key[0],
                instrument=key[1],
                question=key[2],
                value=int(line["nilai"]),
                source=line["sumber"],
                imported_by=by,
                imported_at=moment,
            )
    if faults:
        raise Refusal(sentences(faults, path.name))
    return _keep(election, rows, by=by, name=path.name, dry_run=dry_run)


def _keep(election: Election, rows: dict[Key, Reference], *, by: User | None, name: str, dry_run: bool) -> LoadResult:
    with transaction.atomic():
        locks.hold(locks.Lock.REFERENCES, election.pk)
        known = {
            (row.unit_id, row.instrument, row.question): (row.value, row.source)
            for row in Reference.objects.filter(election=election).select_for_update()
        }
        changed = [row for key, row in rows.items() if known.get(key) != (row.value, row.source)]
        new = sum(key not in known for key in rows)
        loaded = LoadResult(new, len(changed) - new, len(rows) - len(changed))
        if changed and not dry_run:
            Reference.objects.bulk_create(
                changed,
                batch_size=BATCH,
                update_conflicts=True,
                unique_fields=["unit", "instrument", "question"],
                update_fields=["value", "source", "imported_by", "imported_at"],
            )
            journal.write(
                journal.entry(
                    "references.loaded",
                    by=by,
                    election=election.code,
                    target=name[:60],
                    new=loaded.new,
                    changed=loaded.changed,
                    state=covered.digests(covered.REFERENCES, election=election.code),
                )
            )
    return loaded


def _code(line: TableRow) -> str:
    return line["kode"].replace(".", "")


def _asked(election: Election) -> dict[str, set[str]]:
    """Whole-number questions by instrument, of every version that the election's windows use."""
    asked: dict[str, set[str]] = defaultdict(set)
    for version in InstrumentVersion.objects.filter(windows__election=election).distinct().select_related("instrument"):
        asked[version.instrument.code] |= {q.name for q in version.parsed.questions if q.kind == INTEGER}
    return asked


def _wrong(line: TableRow, key: Key, asked: dict[str, set[str]]) -> Iterator[Fault]:
    unit, instrument, question = key
    if not unit:
        yield _fault(line, "kode", _("satuan ini tidak ada di pemilu ini. Periksa kodenya."))
    if instrument not in asked:
        yield _fault(line, "instrumen", _("instrumen ini tidak dipakai di pemilu ini. Periksa namanya."))
    elif question not in asked[instrument]:
        yield _fault(line, "pertanyaan", _("pertanyaan angka ini tidak ada di instrumen itu. Periksa namanya."))
    if not line["nilai"].isascii() or not line["nilai"].isdigit() or int(line["nilai"][:20]) > LARGEST:
        yield _fault(line, "nilai", _("bukan bilangan bulat. Tulis angka saja, tanpa titik atau koma."))
    if not line["sumber"] or len(line["sumber"]) > LONGEST_SOURCE:
        yield _fault(line, "sumber", _("tuliskan dokumen dan tanggalnya, paling panjang 200 huruf."))


def _twice(line: TableRow) -> Fault:
    return _fault(line, "pertanyaan", _("angka satuan ini sudah ada di baris lain. Hapus salah satunya."))


def _fault(line: TableRow, column: str, sentence: str) -> Fault:
    return Fault(line.number, column, line[column], sentence)


@dataclass(frozen=True)
class ReferenceComparison:
    """A total of ours beside the commission's. `filed` of `expected` reports stand behind ours, which is None before
    the first."""

    unit: Unit
    label: str
    ours: int | None
    theirs: int
    filed: int
    expected: int
    source: str

    @property
    def difference(self) -> int | None:
        return None if self.ours is None else self.ours - self.theirs


def beside(unit: Unit) -> list[ReferenceComparison]:
    """The totals of a unit and of those directly below it that have a reference, in the order of units. Three queries.

    A polling station has no total: its report is held against the reference itself, and flagged.
    A total is that of the reports filed so far, in the newest window of the instrument.
    """
    rows = Reference.objects.filter(Q(unit=unit) | Q(unit__parent=unit)).select_related("unit", "unit__village")
    rows = rows.exclude(unit__level=LEAF)
    found = list(rows.order_by("unit__level", "unit__code", "instrument", "question"))
    windows = Window.objects.filter(election=unit.election_id, opened_at__isnull=False).select_related(
        "instrument", "version"
    )
    newest = {
        window.instrument.code: window
        for window in windows.filter(instrument__code__in={row.instrument for row in found}).order_by("opens_at", "pk")
    }
    tallies = {
        (tally.unit_id, tally.window_id): tally
        for tally in Tally.objects.filter(unit__in={row.unit_id for row in found}, window__in=newest.values())
    }
    cells = {code: _cells(window) for code, window in newest.items()}
    return [
        _compared(row, tallies.get((row.unit_id, newest[row.instrument].pk)), *cells[row.instrument][row.question])
        for row in found
        if row.question in cells.get(row.instrument, {})
    ]


def _cells(window: Window) -> dict[str, tuple[str, int]]:
    """Question -> the line and the position of its sum."""
    schema = window.version.parsed
    told = indicator_words.lines(schema, get_language())
    return {question.name: (told[position], position) for question, position in sum_cells(schema)}


def _compared(row: Reference, tally: Tally | None, label: str, position: int) -> ReferenceComparison:
    known = tally is not None and tally.filed_count > 0
    return ReferenceComparison(
        unit=row.unit,
        label=label,
        ours=tally.filed[position] if known and tally else None,
        theirs=row.value,
        filed=tally.filed_count if tally else 0,
        expected=tally.expected if tally else 0,
        source=row.source,
    )
