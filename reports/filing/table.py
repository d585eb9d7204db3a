"""Reports that come as a table from another tool: rows read, matched with what is owed, filed all or none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.lib import tabular
from hierarchy.lib.errors import Fault
from hierarchy.lib.tabular import TableRow
from hierarchy.models import Election, Membership, User
from reports.calendar.models import Window
from reports.filing.bulk import Filing, Outcome, import_filings
from reports.instruments.schema import CHOICE_KINDS, SELECT_MULTIPLE, Question
from reports.obligations.models import Obligation

KEYS = ("nama_pengguna", "instrumen", "periode", "kode_satuan")
NUMBER, REASON = "nomor_laporan", "alasan_"  # alasan_<question>: why a soft rule is broken
# Report ids of rows without one are made in this name space (RFC 9562, version 5): the same row, the same report.
NAMESPACE = uuid.UUID("6f2f3c0e-6a56-5d0b-9d43-5b1a7f3a64c1")
MIDNIGHT = " 00:00:00"  # how a spreadsheet's date arrives
# Under which column a refusal is told, where it is not about a question.
COLUMN = {
    "not-found": "nama_pengguna",
    "forbidden": "nama_pengguna",
    "not-open": "periode",
    "closed": "periode",
    "conflict": "kode_satuan",
    "id-taken": NUMBER,
}


@dataclass
class ImportResult:
    """What became of a table: reports filed now, those that were in before, rows that are wrong."""

    rows: int = 0
    filed: int = 0
    there: int = 0
    faults: list[Fault] = field(default_factory=list)


def import_table(
    *,
    election: Election,
    path: Path,
    skip_faulty: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImportResult:
    """Files the reports of a .csv or .xlsx file, after rehearsing all of them.

    One faulty row and nothing is filed, unless `skip_faulty`; with `dry_run` nothing is, and the result says what would
    have been. Each report is filed in the name of the person its row names, who must be the one who owes it. Rehearsed
    and filed a chunk at a time, so nobody who files on the same night waits for the whole file: what they file between
    the two is a fault of its row then, beside the rows that are in; the same file again files what is missing. Raises
    Refusal when the file is no such table.
    """
    obligations = _Obligations(election)
    lines = tabular.read(path, required=KEYS, optional=[NUMBER, *obligations.columns])
    result = ImportResult(rows=len(lines))
    pairs = sorted(obligations.filings(lines, result.faults), key=lambda pair: pair[1].obligation_id)
    unmatched = list(result.faults)
    for rehearse in [True] if dry_run else [False] if skip_faulty else [True, False]:
        result.faults = list(unmatched)
        outcome = import_filings(
            filings=(filing for _line, filing in pairs),
            rehearse=rehearse,
            tell=lambda told: result.faults.extend(_faults(pairs[told.position][0], told)),
            progress=lambda done: progress(done, len(pairs)),
        )
        result.filed, result.there = outcome.filed, outcome.there
        if rehearse and result.faults:
            break
    result.faults.sort(key=lambda fault: fault.line)
    return result


class _Obligations:
    """What rows are matched with: an election's open windows, their questions, obligations and people."""

    def __init__(self, election: Election) -> None:
        self.election = election
        rows = Window.objects.filter(election=election, opened_at__isnull=False)
        found = rows.select_related("instrument", "version")
        self.windows = {(window.instrument.code, window.period): window for window in found}
        self.questions: dict[int, dict[str, Question]] = {
            window.pk: window.version.parsed.by_name for window in self.windows.values()
        }
        names = {name for questions in self.questions.values() for name in questions} - {*KEYS, NUMBER}
        self.columns = [*sorted(names), *sorted({REASON + name for name in names} - names)]

    def filings(self, lines: Iterable[TableRow], faults: list[Fault]) -> Iterator[tuple[TableRow, Filing]]:
        """The rows that say what is filed by whom; what is wrong with the others is added to `faults`."""
        lines = list(lines)
        taken: dict[uuid.UUID, int] = {}  # the obligation that a report number was first used for
        people = _people({line["nama_pengguna"] for line in lines})
        keys = self._keys({_code(line) for line in lines})
        for line in lines:
            window = self.windows.get((line["instrumen"], line["periode"].removesuffix(MIDNIGHT)))
            by = people.get(line["nama_pengguna"])
            obligation = keys.get((window.pk, _code(line))) if window else None
            number = self._number(line)
            wrong = list(_unmatched(line, window, by, obligation, number))
            if not wrong and number and obligation and taken.setdefault(number, obligation) != obligation:
                wrong = [_fault(line, NUMBER, _("nomor ini sudah dipakai baris lain untuk satuan lain. Kosongkan."))]
            faults += wrong
            if not wrong and window and by and obligation and number:
                answers, reasons = self._content(line, window)
                yield line, Filing(by, obligation, number, answers, reasons)

    def _keys(self, codes: set[str]) -> dict[tuple[int, str], int]:
        """Keys of obligations by window and code of the unit they are about."""
        rows = Obligation.objects.filter(window__in=list(self.questions), subject__code__in=codes, occurrence="")
        found = rows.order_by().values_list("window_id", "subject__code", "pk")
        return {(window, code): pk for window, code, pk in found}

    def _number(self, line: TableRow) -> uuid.UUID | None:
        if not line[NUMBER]:
            parts = [line["instrumen"], line["periode"].removesuffix(MIDNIGHT), _code(line), line["nama_pengguna"]]
            return uuid.uuid5(NAMESPACE, "\n".join([self.election.code, *parts]))
        try:
            return uuid.UUID(line[NUMBER])
        except ValueError:
            return None

    def _content(self, line: TableRow, window: Window) -> tuple[dict[str, object], dict[str, str]]:
        """(answers, reasons) of a row. A cell of another instrument's question stays, and is refused as unknown."""
        questions = self.questions[window.pk]
        answers: dict[str, object] = {}
        reasons: dict[str, str] = {}
        for name, cell in line.cells.items():
            if not cell or name in KEYS or name == NUMBER:
                continue
            if name not in questions and name.startswith(REASON):
                reasons[name.removeprefix(REASON)] = cell
            else:
                answers[name] = _answer(questions.get(name), cell)
        return answers, reasons


def _people(usernames: set[str]) -> dict[str, User]:
    """Accounts by username, their memberships known."""
    people = {user.username: user for user in User.objects.filter(username__in=usernames)}
    memberships: dict[str, list[Membership]] = {username: [] for username in people}
    current = Membership.objects.current().filter(user__in=people.values())
    for membership in current.select_related("user", "unit").order_by():
        memberships[membership.user.username].append(membership)
    for username, user in people.items():
        access.remember(user, memberships[username])
    return people


def _code(line: TableRow) -> str:
    return line["kode_satuan"].replace(".", "")


def _answer(question: Question | None, cell: str) -> object:
    """A cell as an answer: choices by name or by their label, several separated by commas, semicolons or spaces."""
    if question is None or question.kind not in CHOICE_KINDS:
        return cell
    names = {choice.label.id.casefold(): choice.name for choice in question.choices}
    if question.kind != SELECT_MULTIPLE:
        return names.get(cell.casefold(), cell)
    parts = [part.strip() for part in re.split("[,;]", cell)] if re.search("[,;]", cell) else [cell]
    if any(part.casefold() not in names for part in parts):
        parts = re.split(r"[\s,;]+", cell)
    return [names.get(part.casefold(), part) for part in parts]


def _unmatched(
    line: TableRow, window: Window | None, by: User | None, obligation: int | None, number: uuid.UUID | None
) -> Iterator[Fault]:
    if by is None:
        yield _fault(line, "nama_pengguna", _("akun ini tidak ada. Periksa nama penggunanya."))
    if window is None:
        sentence = _("instrumen ini tidak dibuka untuk periode itu. Periksa kolom instrumen dan periode.")
        yield _fault(line, "instrumen", sentence)
    elif obligation is None:
        yield _fault(line, "kode_satuan", _("tidak ada tugas laporan ini untuk satuan itu. Periksa kodenya."))
    if number is None:
        yield _fault(line, NUMBER, _("bukan nomor laporan (UUID). Kosongkan bila alat asal tidak memberi nomor."))


def _faults(line: TableRow, outcome: Outcome) -> Iterator[Fault]:
    """What a refusal says of its row, cell by cell; nothing for a report that is in."""
    if outcome.receipt is not None:
        return
    told: Mapping[str, Iterable[str]] = outcome.errors
    for column, sentences in told.items():
        yield from (_fault(line, column, sentence) for sentence in sentences)
    if not told:
        column = COLUMN.get(outcome.code, "")
        stranger = _("orang ini tidak bertugas mengisi laporan satuan itu. Periksa nama pengguna dan kode satuan.")
        yield _fault(line, column, stranger if column == "nama_pengguna" else outcome.sentence)


def _fault(line: TableRow, column: str, sentence: str) -> Fault:
    return Fault(line.number, column, line[column] if column else "", sentence)
