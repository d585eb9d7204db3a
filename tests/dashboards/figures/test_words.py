"""One word, one number: every page, file and answer that prints a word of counting says what reports/counting.py says.

One evening in the small world: of voting (due 18.00) some is past its deadline and one district has more time; of
counting nothing is due yet. Reports were filed on time and late, wait, were returned and approved; posts are vacant and
a village has no signal. What a page prints in an element with `data-word` is read as a person reads it: its text.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from dashboards.board.lists import MEASURES
from dashboards.recaps import queries as recap
from dashboards.recaps.workbook import write_recap
from dashboards.releases.actions import publish
from hierarchy.levels import LEAF
from hierarchy.lib import clock
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit
from reports.counting import PASSING, TALLIED, WORDS
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation, State
from reports.rollup import fold as rollup
from reports.rollup import outbox
from tests.dashboards.recaps.test_workbook import headings, load, total_row
from tests.days import Day

pytestmark = pytest.mark.django_db

EVENING = datetime(2024, 2, 14, 20, 0, tzinfo=WITA)
HOUR = timedelta(hours=1)
EARLY, LATE = -HOUR, HOUR
FATES: list[tuple[State, timedelta | None]] = [
    (State.APPROVED, EARLY),
    (State.FILED, LATE),
    (State.VACANT, None),
    (State.OWED, None),
    (State.RETURNED, EARLY),
    (State.UNREACHABLE, None),
    (State.FILED, EARLY),
    (State.OWED, None),
    (State.APPROVED, LATE),
]
UNITS = ["64", "6472", "640102", "6472012001"]
SECTIONS = ("pemungutan-tps", "penghitungan-tps")


@pytest.fixture
def evening(election_day: Day) -> Day:
    day = election_day
    voting = day.windows["pemungutan-tps"]
    extended = {"due_at": voting.due_at + 4 * HOUR, "closes_at": voting.closes_at + 4 * HOUR}
    obligations.extend(window=voting, area=day.units["640102"], reason="Banjir.", by=day.cast.admin, **extended)
    rows = list(Obligation.objects.order_by("window", "subject__code"))
    for row, (state, gap) in zip(rows, itertools.cycle(FATES), strict=False):
        row.state, row.first_filed_at = state, None if gap is None else row.due_at + gap
        row.attested_by = day.cast.pkd if state == State.UNREACHABLE else None
        row.attested_reason = "Kabar lewat radio." if state == State.UNREACHABLE else ""
    with transaction.atomic():
        Obligation.objects.bulk_update(rows, ["state", "first_filed_at", "attested_by", "attested_reason"])
        for window in day.windows.values():
            outbox.mark_window(window)
    rollup.run_all()
    day.set_clock(EVENING)
    return day


def defined(unit: Unit, instrument: str) -> dict[str, int]:
    """What every word counts, by its definition."""
    rows, now = Obligation.objects.within(unit).filter(window__instrument__code=instrument), clock.now()
    return {key: rows.filter(word.q(now)).count() for key, word in WORDS.items()}


@dataclass(frozen=True)
class Said:
    """A number on a page. `whole` is N where it was said as n of N."""

    unit: str
    instrument: str
    word: str
    n: int
    whole: int | None


class Reader(HTMLParser):
    """Collects what is said in elements with `data-word`, of the `data-unit` and `data-instrument` around it."""

    def __init__(self, instrument: str, unit: str) -> None:
        super().__init__(convert_charrefs=True)
        self.unit = unit
        self.path: list[dict[str, str | None]] = []
        self.instrument, self.texts = instrument, dict[int, str]()
        self.said: list[Said] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"input", "br", "img", "link", "meta", "use", "rect", "path"}:
            self.path.append({"tag": tag, **dict(attrs)})

    def handle_data(self, data: str) -> None:
        """To the innermost element: a cell of one word may hold a small line of another."""
        depths = [depth for depth, element in enumerate(self.path) if "data-word" in element]
        if depths:
            self.texts[depths[-1]] = self.texts.get(depths[-1], "") + data

    def handle_endtag(self, tag: str) -> None:
        if not self.path or self.path[-1]["tag"] != tag:
            return
        element = self.path[-1]
        if "data-word" in element:
            found = re.match(r"([\d.]+)(?: dari ([\d.]+))?", self.texts.pop(len(self.path) - 1).strip())
            assert found is not None, element
            n, whole = (int(each.replace(".", "")) if each else None for each in found.groups())
            assert n is not None
            unit, instrument = self._nearest("data-unit", self.unit), self._nearest("data-instrument", self.instrument)
            self.said.append(Said(unit, instrument, str(element["data-word"]), n, whole))
        self.path.pop()

    def _nearest(self, name: str, unsaid: str) -> str:
        return next((str(each[name]) for each in reversed(self.path) if name in each), unsaid)


def said_on(client: Client, name: str, code: str, instrument: str) -> list[Said]:
    answer = client.get(reverse(name, args=["pemilu2024", code]), {"instrumen": instrument})
    assert answer.status_code == 200
    reader = Reader(instrument, code)
    reader.feed(answer.content.decode())
    return reader.said


def signed_in(day: Day) -> Client:
    client = Client()
    client.force_login(day.cast.province_member)
    return client


def asked() -> Iterator[tuple[str, str, str]]:
    for name in ("board", "unit", "leadership"):
        for code in UNITS:
            for instrument in SECTIONS:
                if name != "leadership" or len(code) <= 6:
                    yield name, code, instrument


def test_every_page_says_the_defined_numbers(evening: Day) -> None:
    client, seen = signed_in(evening), dict[str, set[str]]()
    known = {(code, each): defined(unit, each) for code, unit in evening.units.items() for each in SECTIONS}
    assert all(any(known[code, "pemungutan-tps"][word] for code in UNITS) for word in WORDS if word != "owed")
    assert known["64", "penghitungan-tps"]["past"] == 0 < known["64", "penghitungan-tps"]["not_due"]
    assert known["640102", "pemungutan-tps"]["past"] == 0 < known["640102", "pemungutan-tps"]["not_due"]
    for name, code, instrument in asked():
        for said in said_on(client, name, code, instrument):
            numbers = known[said.unit, said.instrument]
            assert said.n == numbers[said.word], (name, code, said)
            assert said.whole in (None, numbers[WORDS[said.word].of or said.word]), (name, code, said)
            seen.setdefault(name, set()).add(said.word)
    assert seen["board"] == set(WORDS) - {"owed", "due", "missing"}
    assert seen["unit"] == set(WORDS) - {"due", "missing"}
    assert seen["leadership"] == set(WORDS) - {"owed", "due", "missing", "on_time"}


def test_one_unit_is_one_number_on_every_page(evening: Day) -> None:
    """The audit's case: Samarinda at 90.8 % on one page and at 97.5 % on another."""
    client = signed_in(evening)
    for word in ("filed", "approved"):
        shares = {
            (said.n, said.whole)
            for name in ("board", "unit", "leadership")
            for code in ("64", "6472")
            for said in said_on(client, name, code, "pemungutan-tps")
            if (said.unit, said.instrument, said.word) == ("6472", "pemungutan-tps", word) and said.whole is not None
        }
        assert len(shares) == 1, word


def test_what_is_not_due_yet_is_nowhere_a_failing(evening: Day) -> None:
    client = signed_in(evening)
    for name in ("board", "unit", "leadership"):
        text = client.get(reverse(name, args=["pemilu2024", "64"]), {"instrumen": "penghitungan-tps"}).content.decode()
        words = text.partition("<main")[2]
        assert "belum jatuh tempo" in words.lower()
        assert 'class="problem" data-word' not in words
        assert "Lewat tenggat ·" not in words


def test_the_list_and_its_file_are_as_long_as_the_number(evening: Day) -> None:
    client, numbers = signed_in(evening), defined(evening.units["64"], "pemungutan-tps")
    for slug, measure in MEASURES.items():
        query = {"instrumen": "pemungutan-tps", "keadaan": slug, "bentuk": "csv"}
        answer: Any = client.get(reverse("board", args=["pemilu2024", "64"]), query)
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))
        start = next(number for number, row in enumerate(rows) if row[:1] == ["Kode"])
        assert len(rows) - start - 1 == numbers[measure.counts.key], slug
    assert "Lewat tenggat" in {row[5] for row in rows[start + 1 :]} | {str(WORDS["past"].label)}


def test_the_recap_has_the_same_numbers(evening: Day, tmp_path: Any) -> None:
    for code in ("64", "6472", "640102"):
        made = recap.gather(
            unit=evening.units[code], stage_code="PEMUNGUTAN", basis="filed", detail=False, cut_off=clock.now()
        )
        path = tmp_path / f"{code}.xlsx"
        write_recap(path, recap=made)
        sheet = load(path)["KEPATUHAN"]
        words = {str(word.label).upper(): key for key, word in WORDS.items()}
        names = [part for _heading, part in headings(sheet)]
        numbers, checked = defined(evening.units[code], "pemungutan-tps"), set()
        first = names.index("WAJIB LAPOR")
        for name, total in list(zip(names, total_row(sheet), strict=True))[first:]:
            column = [row[total.column - 1].value for row in sheet.iter_rows(min_row=9, max_row=total.row - 1)]
            assert sum(column) == numbers[words[name]], (code, name)
            checked.add(words[name])
        assert checked == set(WORDS) - {"due", "missing"}


def test_the_api_has_the_same_numbers(evening: Day) -> None:
    client = signed_in(evening)
    for code in UNITS:
        path = f"/api/v1/units/pemilu2024/{code}/tallies/"
        for row in client.get(path).json()["results"]:
            numbers = defined(evening.units[code], row["window"]["instrument"])
            counts = dict(row["counts"])
            assert counts.pop("expected") == numbers["owed"]
            assert counts == {key: number for key, number in numbers.items() if key not in ("owed", "due")}


@pytest.mark.django_db(transaction=True)
def test_a_release_has_the_same_numbers(evening: Day) -> None:
    publish(election=evening.election, by=None)
    seen: set[str] = set()
    for code in [*UNITS, "6472012001001"]:
        page = Client().get(reverse("public-json", args=["pemilu2024", code])).json()
        for section in page["sections"].values():
            numbers = defined(evening.units[code], section["instrument"])
            for column, word in (TALLIED | PASSING).items():
                assert section["counts"][column] == numbers[word], (code, column)
            for said in said_on(Client(), "public-unit", code, section["instrument"]):
                numbers = defined(evening.units[said.unit], said.instrument)
                assert (said.n, said.whole) in ((numbers[said.word], None), (numbers[said.word], numbers["owed"])), said
                seen.add(said.word)
    assert seen == set(WORDS) - {"owed", "due", "missing", "on_time"}


def test_home_lists_what_is_past_its_deadline_directly_below(evening: Day) -> None:
    client = Client()
    client.force_login(evening.cast.pkd)
    text = client.get(reverse("tasks")).content.decode().partition('id="belum"')[2]
    below = Obligation.objects.filter(WORDS["past"].q(clock.now()), filer__parent__code="6472012001")
    assert below.count() > 0
    assert text.count("Lewat tenggat ·") == below.count()
    assert evening.units["6472012001"].level == LEAF - 1
