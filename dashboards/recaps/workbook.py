"""The recap workbook, in the form offices know ("REKAPITULASI"), from figures that others have read.

Pure: no query, no clock. One sheet per topic, a row per unit, live SUM formulas, a signature block of all
commissioners because their leadership is collegial (Perbawaslu 5/2018).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboards.recaps.columns import Column, Topic
from dashboards.recaps.shapes import Incident, Recap, RecapPart, RecapRow
from dashboards.spreadsheet import Book, Formula, Sheet, Style, Value, letters
from hierarchy.lib import formats
from hierarchy.lib.canonical import RECAP, Lines

AGENCY = "BADAN PENGAWAS PEMILIHAN UMUM"
HEADING_ROWS = (7, 8)
FILL, SOFT_FILL = "E7E6E6", "F5F5F5"
NUMBER = "#,##0"
LINE_HEIGHT, TALLEST_ROW = 15, 409  # points; more Excel does not allow
COLUMNS_A_PAGE = 16  # more would print too small to read on A4

HEAD = Style(bold=True, size=12, align="center")
TITLE = Style(bold=True, size=16, align="center")
NOTE = Style(align="center")
HEADING = Style(bold=True, size=9, align="center", border=True, fill=FILL, wrap=True)
TEXT = Style(border=True)
WRAPPED = Style(border=True, wrap=True)
CODE = Style(border=True, pattern="@")  # text: a number would lose leading zeros and show 6.4E+12
FIGURE = Style(border=True, align="right", pattern=NUMBER)
NUMBERED = Style(border=True, align="center")  # at the right it would run into the code: "1" "64.01" as "164.01"
TOTAL = Style(border=True, bold=True, fill=SOFT_FILL, align="right", pattern=NUMBER)
TOTAL_WORD = Style(border=True, bold=True, fill=SOFT_FILL, align="center")
FOOT = Style(size=8, italic=True)
PLAIN = Style()


def write_recap(path: Path, *, recap: Recap, progress: Callable[[int, int], None] = lambda done, total: None) -> str:
    """Writes the workbook at `path`, over what may be there; memory does not grow with the rows.

    `progress` is called with rows done and rows in all. Returns the SHA-256 of the figures (hex), the same for the
    same figures whenever the file is made; it stands in every footnote.
    """
    with Book() as book:
        figures = Lines(RECAP)
        done = 0
        tables: list[_Table] = []
        for part in recap.parts:
            own = [_Table(book, recap, part, topic) for topic in part.topics]
            tables += own
            for line in part.lines():
                figures.add(_values(part.source, line))
                for table in own:
                    table.add(line)
                done += 1
                progress(done, recap.size)
        incidents = _Incidents(book, recap) if recap.incidents else None
        for incident in recap.incidents() if recap.incidents else ():
            figures.add(_values("incident", incident))
            assert incidents is not None
            incidents.add(incident)
            done += 1
            progress(done, recap.size)
        digest = figures.sha256().hex()
        for table in tables:
            table.finish(digest)
        if incidents is not None:
            incidents.finish(digest)
        book.save(path)
    return digest


def _values(source: str, row: RecapRow | Incident) -> list[Any]:
    return [source, *(getattr(row, name) for name in row.__dataclass_fields__)]


_COVERED = {
    "filed": gettext_lazy("LAPORAN MASUK"),
    "approved": gettext_lazy("LAPORAN DISETUJUI"),
    "ratified": gettext_lazy("LAPORAN DISAHKAN"),
}
_BASIS_NOTES = {
    "filed": gettext_lazy("Angka dilaporkan bersifat sementara: yang disahkan pleno adalah angka yang disetujui."),
    "approved": gettext_lazy(
        "Pengesahan tiap lembaga tertulis di barisnya; baris tanpa pengesahan bersifat sementara."
    ),
    "undecided": gettext_lazy(
        "Baris di lembar ini tidak disahkan satu per satu; pengesahan rekap lembaga ini tertulis di atas."
    ),
    "ratified": gettext_lazy("Angka sebagaimana disahkan pleno tiap lembaga; yang belum disahkan dikosongkan."),
}
_BASES = {
    "filed": gettext_lazy("dilaporkan"),
    "approved": gettext_lazy("disetujui"),
    "ratified": gettext_lazy("disahkan"),
}


def basis_words(basis: str) -> str:
    """What a basis is called: dilaporkan, disetujui or disahkan."""
    return str(_BASES[basis])


class _Page:
    """What every sheet has: agency and title on top, signatures and footnote below, print set-up."""

    decided = False  # whether each row says what its body has ratified

    def __init__(self, book: Book, recap: Recap, name: str, title: str, columns: int) -> None:
        self.recap, self.columns = recap, max(columns, 6)
        self.sheet: Sheet = book.sheet(name.upper())
        self.style = book.style
        title = _("REKAPITULASI %(topic)s") % {"topic": title}
        lines = [(AGENCY, HEAD), (recap.body.upper(), HEAD), (title.upper(), TITLE)]
        lines += [(f"{recap.election} · {recap.stage}", NOTE), (self._as_of(), NOTE)]
        # Centred over what a screen shows; a title in the middle of forty columns is never seen.
        across = min(self.columns, 10)
        for words, style in lines:
            row = self.sheet.row([(self.style(style), words)], height=24 if style is TITLE else None)
            self.sheet.merge(row, 1, row, across)
        self.sheet.skip(HEADING_ROWS[0] - 1 - len(lines))

    def _as_of(self) -> str:
        when = formats.long_day(self.recap.cut_off).partition(", ")[2]
        return _("Keadaan data per %(day)s pukul %(hour)s · %(basis)s · %(status)s") % {
            "day": when,
            "hour": formats.hour(self.recap.cut_off),
            "basis": basis_words(self.recap.basis),
            "status": self.recap.status or _("sementara"),
        }

    def headings(self, pairs: Sequence[tuple[str, str]], height: float) -> None:
        """Two heading rows: neighbours with the same first word share it, an empty second word joins both rows."""
        style, (top, below) = self.style(HEADING), HEADING_ROWS
        self.sheet.row([(style, heading.upper()) for heading, _part in pairs], height=height)
        self.sheet.row([(style, part.upper() or None) for _heading, part in pairs], height=28)
        column = 1
        for (_heading, split), run in groupby(pairs, key=lambda pair: (pair[0], bool(pair[1]))):
            width = len(list(run))
            if split:
                self.sheet.merge(top, column, top, column + width - 1)
            else:
                for single in range(column, column + width):
                    self.sheet.merge(top, single, below, single)
            column += width

    def prepare(self, frozen: int, widths: Sequence[float]) -> None:
        """Widths of the columns, the frozen head, A4 landscape with repeated headings and page numbers."""
        paper: Any = self.sheet.paper
        for column, width in enumerate(widths, 1):
            paper.column_dimensions[letters(column)].width = width
        paper.freeze_panes = f"{letters(frozen + 1)}{HEADING_ROWS[-1] + 1}"
        paper.page_setup.orientation, paper.page_setup.paperSize = "landscape", paper.PAPERSIZE_A4
        paper.sheet_properties.pageSetUpPr.fitToPage = True
        paper.page_setup.fitToWidth, paper.page_setup.fitToHeight = -(-len(widths) // COLUMNS_A_PAGE), 0
        paper.print_title_rows = f"{HEADING_ROWS[0]}:{HEADING_ROWS[-1]}"
        paper.print_title_cols = f"A:{letters(frozen)}"
        paper.oddFooter.center.text = _("Halaman %(page)s dari %(pages)s") % {"page": "&P", "pages": "&N"}
        paper.page_margins.left = paper.page_margins.right = 0.4

    def close(self, digest: str) -> None:
        """The signature block at the right, then the footnote."""
        self.sheet.skip()
        first = max(self.columns - 3, 1)
        plain, head = self.style(PLAIN), self.style(HEAD)
        when = formats.long_day(self.recap.made_at).partition(", ")[2]
        self._right(first, f"{self.recap.place}, {when}", plain)
        self._right(first, self.recap.body.upper(), head)
        for number, (name, position) in enumerate(self.recap.signatories, 1):
            self.sheet.skip()
            cells: list[tuple[int, Value]] = [(plain, f"{number}. {name}"), (plain, None), (plain, position)]
            row = self.sheet.row([*cells, (plain, f"{number}. ....................")], at=first)
            self.sheet.merge(row, first, row, first + 1)
        if not self.recap.signatories:
            self._right(first, _("(belum ada anggota yang tercatat)"), plain)
        self.sheet.skip()
        for words in self._footnote(digest):
            self.sheet.row([(self.style(FOOT), words)])

    def _right(self, first: int, words: str, style: int) -> None:
        row = self.sheet.row([(style, words)], at=first)
        self.sheet.merge(row, first, row, first + 3)

    def _footnote(self, digest: str) -> list[str]:
        made = formats.moment(self.recap.made_at)
        note = "undecided" if self.recap.basis == "approved" and not self.decided else self.recap.basis
        return [
            _("Sel kosong: belum ada laporan. Angka 0: dilaporkan nol. %(basis)s") % {"basis": _BASIS_NOTES[note]},
            _("Dibuat %(made)s. Instrumen: %(versions)s.") % {"made": made, "versions": self.recap.versions or "-"},
            _("Sidik data (SHA-256): %(digest)s") % {"digest": digest},
        ]


class _Table(_Page):
    """A sheet of figures: a row per unit, filled as the lines come."""

    def __init__(self, book: Book, recap: Recap, part: RecapPart, topic: Topic) -> None:
        self.topic, self.part, self.decided = topic, part, part.decided
        leads = [("NO", ""), (_("KODE"), ""), *((name, "") for name in part.names)]
        covered = str(_COVERED[recap.basis])
        coverage = [(covered, _("JUMLAH")), (covered, _("DARI"))] if part.coverage else []
        pairs = [*leads, *coverage, *((column.heading, column.part) for column in topic.columns)]
        super().__init__(book, recap, topic.title, f"{recap.stage} – {topic.title}", len(pairs))
        longest = max((len(heading) for heading, _part in pairs), default=0)
        self.headings(pairs, height=min(30 + longest, 110))
        widths = [6, 17, *[28 if len(part.names) == 1 else 22] * len(part.names)]
        self.prepare(len(leads), [*widths, *[12] * (len(pairs) - len(leads))])
        self.styles = {name: book.style(style) for name, style in _TABLE_STYLES.items()}
        self.count, self.leads = 0, len(leads)
        self.sums = [0] * (len(pairs) - len(leads))

    def add(self, line: RecapRow) -> None:
        self.count += 1
        figure, figures = self.styles["figure"], self._figures(line, self.sheet.last_row + 1)
        for index, value in enumerate(figures):
            self.sums[index] += _number(value)
        text = self.styles["text"]
        number, code = self.styles["number"], self.styles["code"]
        cells: list[tuple[int, Value]] = [(number, self.count), (code, formats.unit_code(line.code))]
        cells += [(text, name) for name in line.names]
        self.sheet.row([*cells, *((figure, value) for value in figures)])

    def _figure(self, column: Column, line: RecapRow, before: list[Value], row: int) -> Value:
        if line.values is None:
            return None
        if column.position is not None:
            return line.values[column.position]
        place = self.leads + len(before)
        men, women = before[-2:]
        return Formula(f"SUM({letters(place - 1)}{row}:{letters(place)}{row})", _number(men) + _number(women))

    def finish(self, digest: str) -> None:
        first, last = HEADING_ROWS[-1] + 1, self.sheet.last_row
        word, total = self.styles["total_word"], self.styles["total"]
        cells: list[tuple[int, Value]] = [(word, _("TOTAL")), *[(word, None)] * (self.leads - 1)]
        for column, value in enumerate(self.sums, self.leads + 1):
            name = letters(column)
            live = Formula(f"SUM({name}{first}:{name}{last})", value) if self.count else 0
            cells.append((total, live))
        row = self.sheet.row(cells)
        self.sheet.merge(row, 1, row, self.leads)
        if self.part.ratified is not None:
            self._ratified(self.part.ratified)
        self.close(digest)

    def _ratified(self, line: RecapRow) -> None:
        """What the body itself ratified, under the total of the rows."""
        word, total = self.styles["total_word"], self.styles["total"]
        figures = self._figures(line, self.sheet.last_row + 1)
        words = _("DISAHKAN PLENO %(body)s") % {"body": self.recap.body.upper()}
        row = self.sheet.row(
            [(word, words), *[(word, None)] * (self.leads - 1), *((total, value) for value in figures)]
        )
        self.sheet.merge(row, 1, row, self.leads)

    def _figures(self, line: RecapRow, row: int) -> list[Value]:
        figures: list[Value] = [line.reports, line.expected] if self.part.coverage else []
        for column in self.topic.columns:
            figures.append(self._figure(column, line, figures, row))
        return figures


def _lines(words: str, width: int) -> int:
    """How many lines of `width` letters a text takes; not every program makes a row as high as its text."""
    return sum(len(textwrap.wrap(line, width)) or 1 for line in words.splitlines()) or 1


def _number(value: Value) -> int:
    return value.value if isinstance(value, Formula) else value if isinstance(value, int) else 0


_TABLE_STYLES = {
    "number": NUMBERED,
    "figure": FIGURE,
    "text": TEXT,
    "code": CODE,
    "total": TOTAL,
    "total_word": TOTAL_WORD,
}


class _Incidents(_Page):
    """The sheet of narratives: what the numbers cannot say."""

    def __init__(self, book: Book, recap: Recap) -> None:
        words = [_("KODE"), _("SATUAN"), _("INSTRUMEN"), _("PERIODE"), _("DITERIMA"), _("KEADAAN"), _("URAIAN")]
        name = _("URAIAN KEJADIAN KHUSUS")
        super().__init__(book, recap, name, f"{recap.stage} – {name}", len(words) + 1)
        self.headings([("NO", ""), *((word, "") for word in words)], height=30)
        self.prepare(3, [6, 17, 40, 28, 12, 22, 14, 60])
        self.count = 0

    def add(self, incident: Incident) -> None:
        self.count += 1
        words = [incident.place, incident.instrument, incident.period or "-", formats.moment(incident.filed_at)]
        cells: list[tuple[int, Value]] = [
            (self.style(NUMBERED), self.count),
            (self.style(CODE), formats.unit_code(incident.code)),
            *((self.style(WRAPPED), word) for word in [*words, incident.state, incident.text]),
        ]
        lines = max(_lines(incident.place, 40), _lines(incident.instrument, 28), _lines(incident.text, 60))
        self.sheet.row(cells, height=min(LINE_HEIGHT * lines, TALLEST_ROW))

    def finish(self, digest: str) -> None:
        if not self.count:
            self.sheet.row([(self.style(PLAIN), _("Tidak ada uraian kejadian khusus."))])
        self.close(digest)
