"""The compliance board: every number is the length of its list, children add up to their unit, five queries at most."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.board import files as board_files
from dashboards.board import lists as board_list
from dashboards.board import queries as board
from dashboards.board.shapes import BoardChoice, Heat, Index
from dashboards.board.trend import HEIGHT, TOP, WIDTH, trend
from hierarchy.levels import LEAF
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports.calendar.models import Window
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.obligations.models import Extension, Obligation, State
from reports.reminders import actions as reminders
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.rollup import outbox
from reports.rollup.fold import COUNTS
from tests.cast import Cast
from tests.days import AFTERNOON, MORNING_AFTER, OPENED, Day, fresh
from tests.reports.filing.test_pages import text_of

LEVELS = ["64", "6472", "647201", "6472012001", "6472012001001"]
BUDGET = 5
HOUR = timedelta(hours=1)
# What may have become of an obligation: its state, and when it was first filed, counted from its deadline.
FATES = [(State.OWED, None), (State.VACANT, None), (State.UNREACHABLE, None)] + [
    (state, gap) for state in (State.FILED, State.RETURNED, State.APPROVED) for gap in (-HOUR, 0 * HOUR, HOUR)
]


def url(code: str, **query: str) -> str:
    address = reverse("board", args=["pemilu2024", code])
    return address + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.get(url("64"))  # the first request of a day notes the presence
    return client


def heat_at(day: Day, code: str, **chosen: str) -> tuple[Unit, Heat]:
    choice, now = BoardChoice(**{"instrument": "pemungutan-tps", **chosen}), clock.now()
    units = board.with_heat(Unit.objects.with_ancestors(), choice=choice, now=now)
    unit = units.get(election=day.election, code=code)
    return unit, board.heat_of(unit, choice=choice, now=now)


def scan_at(day: Day, code: str, **chosen: str) -> tuple[board_list.Scan, Any]:
    """The numbers of a unit, and the list behind what was chosen."""
    unit, heat = heat_at(day, code, **chosen)
    choice, now = BoardChoice(**{"instrument": "pemungutan-tps", **chosen}), clock.now()
    narrowed = board_list.narrowed_to(unit, heat, choice)
    obligations = board.obligations_of(unit, heat)
    found = board_list.scan(obligations, choice=choice, narrowed=narrowed, now=now)
    return found, board_list.behind(obligations, state=found.state, narrowed=narrowed, now=now)


def befall(day: Day, fates: list[tuple[State, timedelta | None]], extended: timedelta) -> None:
    """Lets every window be due at 18.00 and `extended`, every fifth obligation later by an extension, and every
    obligation meet its fate; then rolls up."""
    rows = list(Obligation.objects.select_related("window").order_by("pk"))
    longer = []
    for number, (row, (state, gap)) in enumerate(zip(rows, itertools.cycle(fates), strict=False)):
        window = row.window
        row.due_at = min(max(AFTERNOON + 3 * HOUR + extended, window.opens_at + HOUR), window.closes_at)
        Window.objects.filter(pk=window.pk).exclude(due_at=row.due_at).update(due_at=row.due_at)
        if number % 5 == 4 and row.due_at < window.closes_at - 2 * HOUR:
            row.due_at = window.closes_at - 2 * HOUR
            longer.append(
                Extension(
                    window=window,
                    unit_id=row.subject_id,
                    due_at=row.due_at,
                    closes_at=window.closes_at,
                    reason="Banjir.",
                    granted_by=day.cast.province_chair,
                    granted_at=AFTERNOON,
                )
            )
        row.state, row.first_filed_at = state, None if gap is None else row.due_at + gap
        row.attested_by = day.cast.pkd if state == State.UNREACHABLE else None
        row.attested_reason = "Kabar lewat radio." if state == State.UNREACHABLE else ""
    fields = ["state", "first_filed_at", "due_at", "attested_by", "attested_reason"]
    with transaction.atomic():
        Extension.objects.all().delete()
        Extension.objects.bulk_create(longer)
        Obligation.objects.bulk_update(rows, fields)
        for window in day.windows.values():
            outbox.mark_window(window)
    rollup.run_all()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(FATES), min_size=7, max_size=48), st.integers(-6, 24))
def test_every_number_is_its_list_and_children_add_up(
    election_day: Day, fates: list[tuple[State, timedelta | None]], hours: int
) -> None:
    befall(election_day, fates, hours * HOUR)
    for code in LEVELS:
        found, _rows = scan_at(election_day, code)
        for slug, value in found.numbers.items():
            assert scan_at(election_day, code, state=slug)[1].count() == value, (code, slug)
        numbers = found.numbers
        owed = numbers["masuk"] + numbers["belum"] + numbers["kosong"] + numbers["tanpa-sinyal"]
        assert owed == numbers["wajib"] == Obligation.objects.within(election_day.units[code]).count() // 2
        assert numbers["belum"] == numbers["lewat"] + numbers["nanti"]
        assert numbers["masuk"] == numbers["tepat"] + numbers["terlambat"] == sum(n for _at, n in found.filed)
        assert numbers["masuk"] == numbers["menunggu"] + numbers["dikembalikan"] + numbers["disetujui"]
        unit, heat = heat_at(election_day, code)
        if unit.level < LEAF:
            assert heat.total is not None
            assert heat.total.counts == found.counts
            for name in COUNTS:
                assert sum(getattr(row.counts, name) for row in heat.rows) == getattr(found.counts, name)
            for place, cell in enumerate(heat.total.cells):
                assert sum(row.cells[place].counts.filed_count for row in heat.rows) == cell.counts.filed_count
            for row in heat.rows:
                assert (
                    scan_at(election_day, code, child=row.unit.code, state="masuk")[0].listed == row.counts.filed_count
                )
                assert scan_at(election_day, row.unit.code)[0].counts == row.counts


def test_the_index_is_the_formula_of_the_page(election_day: Day) -> None:
    fates = [(State.FILED, -HOUR), (State.FILED, HOUR), (State.OWED, None), (State.VACANT, None)]
    befall(election_day, [*fates, (State.UNREACHABLE, None), (State.APPROVED, -HOUR)], 0 * HOUR)
    found, _rows = scan_at(election_day, "64")
    n = found.numbers
    index = Index.of(found.counts)
    assert min(n["kosong"], n["tanpa-sinyal"], n["terlambat"]) > 0
    assert n["nanti"] > 0  # due in three hours: nobody is behind with them
    assert index.base == n["wajib"] - n["kosong"] - n["tanpa-sinyal"] - n["nanti"]
    assert index.value == (n["tepat"] + 0.5 * n["terlambat"]) / (n["masuk"] + n["lewat"])
    assert Index(5, 0).value is None


def test_a_vacancy_and_a_lost_signal_are_never_late(election_day: Day) -> None:
    election_day.set_clock(MORNING_AFTER)
    befall(election_day, [(State.VACANT, None), (State.UNREACHABLE, None)], 0 * HOUR)
    found, _rows = scan_at(election_day, "64")
    assert (found.numbers["lewat"], found.numbers["terlambat"], found.numbers["belum"]) == (0, 0, 0)
    client = signed_in(election_day.cast.province_member)
    text = client.get(url("64", instrumen="pemungutan-tps", keadaan="tanpa-sinyal")).content.decode()
    assert "Kabar lewat radio." in text
    assert 'class="state problem"' not in text.partition('id="daftar"')[2]


def test_at_most_five_queries_however_many_reports(election_day: Day, django_assert_max_num_queries: Any) -> None:
    rollup.run_all()
    client = signed_in(election_day.cast.province_member)

    def cost(code: str, **query: str) -> int:
        with django_assert_max_num_queries(BUDGET) as queries:
            assert client.get(url(code, **query)).status_code == 200
        return len(queries)

    asked = [{}, {"cari": "harapan+ptps"}, {"keadaan": "wajib", "urut": "nama"}, {"periode": "semua"}]
    few = [cost(code, **query) for code in LEVELS for query in asked]
    befall(election_day, FATES, 0 * HOUR)
    assert [cost(code, **query) for code in LEVELS for query in asked] == few


def test_the_deadline_that_is_nearest_is_in_front(election_day: Day) -> None:
    rollup.run_all()
    _unit, heat = heat_at(election_day, "6472", instrument="")
    assert heat.current is not None
    assert heat.current.code == "pemungutan-tps"  # due in three hours
    election_day.set_clock(MORNING_AFTER)
    _unit, heat = heat_at(election_day, "6472", instrument="bukan-instrumen")
    assert heat.current is not None
    assert heat.current.code == "penghitungan-tps"  # was due an hour ago
    assert {tab.code for tab in heat.tabs} == {"pemungutan-tps", "penghitungan-tps"}


def test_what_the_unit_itself_owes_has_a_row_of_its_own(election_day: Day) -> None:
    election_day.open("masa-tenang-desa")
    rollup.run_all()
    _unit, heat = heat_at(election_day, "6472012001", instrument="masa-tenang-desa")
    own = [row for row in heat.rows if row.own]
    assert [row.counts.expected for row in own] == [1]
    found, rows = scan_at(election_day, "6472012001", instrument="masa-tenang-desa", child="6472012001", state="wajib")
    assert (found.listed, [obligation.subject.code for obligation in rows]) == (1, ["6472012001"])


def test_periods_one_by_one_or_all_together(election_day: Day) -> None:
    first = election_day.open("masa-tenang-desa")
    later = type(first).objects.filter(instrument=first.instrument, election=first.election).order_by("opens_at")[1]
    obligations.open_window(window=later, at=OPENED)
    rollup.run_all()
    chosen = {"instrument": "masa-tenang-desa"}
    one, _rows = scan_at(election_day, "6472", **chosen, period=first.period)
    both, _rows = scan_at(election_day, "6472", **chosen, period="semua")
    assert (one.numbers["wajib"], both.numbers["wajib"]) == (4, 8)
    assert heat_at(election_day, "6472", **chosen, period="semua")[1].total.counts == both.counts  # type: ignore[union-attr]
    assert heat_at(election_day, "6472", **chosen)[1].period == later.period


def test_rows_in_order(election_day: Day) -> None:
    election_day.set_clock(MORNING_AFTER)  # before the deadline nobody is behind, and all are equals
    befall(election_day, [(State.OWED, None)], 0 * HOUR)
    filed = {"6401": 3, "6472": 6}
    for code, number in filed.items():
        rows = Obligation.objects.within(election_day.units[code]).filter(window__instrument__code="pemungutan-tps")
        rows = rows.filter(pk__in=rows.values("pk")[:number])
        for row in rows:
            Obligation.objects.filter(pk=row.pk).update(state=State.FILED, first_filed_at=row.due_at)
    with transaction.atomic():
        outbox.mark_window(election_day.windows["pemungutan-tps"])
    rollup.run_all()
    orders = {"": ["6472", "6401"], "indeks": ["6401", "6472"], "-nama": ["6472", "6401"], "kode": ["6401", "6472"]}
    for sort, expected in {**orders, "-belum": ["6401", "6472"], "x": ["6472", "6401"]}.items():
        rows_shown = heat_at(election_day, "64", sort=sort)[1].rows
        assert [row.unit.code for row in rows_shown] == expected, sort
        assert {row.unit.code: row.rank for row in rows_shown} == {"6472": 1, "6401": 2}


def test_the_list_tells_whom_to_call_and_lets_only_the_direct_superior_attest(election_day: Day) -> None:
    day, cast = election_day, election_day.cast
    rollup.run_all()
    day.set_clock(MORNING_AFTER)
    asked = {"instrumen": "pemungutan-tps", "cari": "6472012001001"}
    village = signed_in(cast.pkd).get(url("6472012001", **asked)).content.decode()
    assert f"tel:{cast.ptps.phone}" in village
    assert f"https://wa.me/62{cast.ptps.phone[1:]}" in village
    assert reverse("attest", args=[day.obligation().pk]) in village
    assert "13 jam" in village
    above = signed_in(cast.regency_member).get(url("6472", **asked)).content.decode()
    assert f"tel:{cast.ptps.phone}" in above
    assert reverse("attest", args=[day.obligation().pk]) not in above


def test_nobody_is_given_the_number_of_somebody_above(election_day: Day) -> None:
    """A village may have to file about its stations; the station sees that, but not how to reach the village."""
    day, cast = election_day, election_day.cast
    Obligation.objects.filter(pk=day.obligation().pk).update(filer=day.units["6472012001"])
    rollup.run_all()
    for form in ("", "csv"):
        answer: Any = signed_in(cast.ptps).get(url("6472012001001", instrumen="pemungutan-tps", bentuk=form))
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert cast.pkd.name in text
        assert cast.pkd.phone not in text


def test_the_search_finds_places_codes_and_people(election_day: Day) -> None:
    def found(words: str) -> set[str]:
        return {obligation.subject.code for obligation in scan_at(election_day, "6472", search=words, state="wajib")[1]}

    rollup.run_all()
    assert found("64.72.01.2001.002") == {"6472012001002"}
    assert found("harapan TPS sungai") == {"6472012001001", "6472012001002", "6472012001901"}
    assert found("Ptps Sibling") == {"6472012001002"}
    assert found("tidak ada") == set()
    assert scan_at(election_day, "6472", search="harapan")[0].listed == 6


def test_files_hold_the_whole_list_and_no_formula(election_day: Day) -> None:
    from openpyxl import load_workbook

    day, cast = election_day, election_day.cast
    obligation = day.obligation()
    review.attest_unreachable(obligation=obligation, reason="=HYPERLINK(1)", by=fresh(cast.pkd))
    rollup.run_all()
    client = signed_in(cast.province_member)
    asked = {"instrumen": "pemungutan-tps", "keadaan": "wajib", "halaman": "2", "satuan": "6472"}
    answer: Any = client.get(url("64", **asked, bentuk="csv"))
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    start = next(number for number, row in enumerate(rows) if row[:1] == ["Kode"])
    assert "WITA" in text.partition("Kode;")[0]
    assert len(rows) - start - 1 == 12
    assert "'=HYPERLINK(1)" in rows[start + 1]
    book: Any = client.get(url("64", **asked, bentuk="xlsx"))
    sheet = load_workbook(io.BytesIO(b"".join(book.streaming_content))).active
    cells = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert [row[0] for row in cells[-12:]] == [row[0] for row in rows[-12:]]
    assert any("'=HYPERLINK(1)" in row for row in cells)
    assert Event.objects.filter(verb="board.downloaded", actor=cast.province_member.username).count() == 2


def test_files_are_made_one_at_a_time_and_who_comes_too_early_is_told_so(election_day: Day) -> None:
    client = signed_in(election_day.cast.province_member)
    rollup.run_all()
    other = connection.copy()
    with contextlib.closing(other), other.cursor() as busy:
        busy.execute("SELECT pg_advisory_lock(%s, 0)", [int(board_files.Lock.BOARD_FILE)])
        for form in ("csv", "xlsx"):
            answer: Any = client.get(url("64", keadaan="wajib", bentuk=form), follow=True)
            assert answer.redirect_chain == [(url("64", keadaan="wajib"), 302)]
            assert "Berkas lain sedang dibuat. Tunggu beberapa detik" in answer.content.decode()
        busy.execute("SELECT pg_advisory_unlock(%s, 0)", [int(board_files.Lock.BOARD_FILE)])
    assert not Event.objects.filter(verb="board.downloaded").exists()
    assert b"Kode;Satuan" in client.get(url("64", bentuk="csv")).getvalue()


def test_outside_ones_subtree_there_is_nothing(cast: Cast, client: Client) -> None:
    for stranger in (cast.stranger, cast.stranger_member, cast.nobody):
        client.force_login(stranger)
        for form in ("", "csv", "xlsx"):
            assert [client.get(url(code, bentuk=form)).status_code for code in LEVELS] == [404] * len(LEVELS)


def test_senseless_addresses_break_nothing(election_day: Day) -> None:
    rollup.run_all()
    client = signed_in(election_day.cast.province_member)
    names = ("instrumen", "periode", "keadaan", "satuan", "cari", "urut", "halaman", "bentuk")
    for value in ("%00", "%27;--", "-1", "semua", "x" * 300, "...", "%25_"):
        assert client.get(url("64", **dict.fromkeys(names, value))).status_code == 200, value


def test_before_anything_is_opened_the_page_says_so(cast: Cast, client: Client) -> None:
    client.force_login(cast.province_member)
    assert "Belum ada pelaporan yang dibuka" in client.get(url("64")).content.decode()
    assert client.get(url("64", bentuk="csv")).getvalue()


def test_the_menu_leads_there_who_has_somebody_below(election_day: Day, client: Client) -> None:
    for user, shown in ((election_day.cast.pkd, True), (election_day.cast.ptps, False)):
        client.force_login(user)
        assert (f'href="{reverse("board-home")}"' in client.get(reverse("tasks")).content.decode()) is shown
    client.force_login(election_day.cast.regency_member)
    assert client.get(reverse("board-home")).url == url("6472")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20)), min_size=1, max_size=40, unique_by=lambda p: p[0]))
def test_the_line_rises_to_what_was_filed_and_stays_in_its_frame(quarters: list[tuple[int, int]]) -> None:
    filed = [(OPENED + number * timedelta(minutes=15), count) for number, count in sorted(quarters)]
    whole = sum(count for _at, count in filed)
    made = trend(filed, expected=whole, due_at=OPENED + 5 * HOUR, now=OPENED + 200 * HOUR)
    assert made is not None
    assert [point.total for point in made.points] == list(itertools.accumulate(point.new for point in made.points))
    assert made.points[-1].total == whole
    places = [step.split() for step in made.path.partition("H")[0][1:].split("L")]
    assert all(0 <= int(x) <= WIDTH and TOP <= int(y) <= HEIGHT for x, y in places)
    assert [int(y) for _x, y in places] == sorted((int(y) for _x, y in places), reverse=True)
    assert trend([], expected=3, due_at=None, now=OPENED) is None


def test_the_board_says_what_reminders_did(election_day: Day) -> None:
    day, due = election_day, election_day.obligation().due_at
    reminders.tick(due - timedelta(minutes=60))
    day.file(day.cast.ptps, at=due - timedelta(minutes=50))
    day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"), at=due - timedelta(minutes=10))
    rollup.run_pending()
    client = Client()
    client.force_login(day.cast.pkd)
    page = client.get(reverse("board", args=["pemilu2024", "6472012001"]), {"instrumen": "pemungutan-tps"})
    assert "1 dari 2 laporan yang diingatkan (50,0 %)" in text_of(page)


def test_a_row_names_whom_to_call_next_and_leads_to_its_own_report(election_day: Day) -> None:
    """What waits for a review is its reviewer's, a vacant post its superior's; the filer has done what there is."""
    day, cast = election_day, election_day.cast
    day.file(cast.ptps)
    rollup.run_all()
    client = signed_in(cast.regency_member)
    asked = {"instrumen": "pemungutan-tps", "cari": "6472012001"}
    waiting = client.get(url("6472", **asked, keadaan="menunggu")).content.decode().partition('id="daftar"')[2]
    assert f"tel:{cast.pkd.phone}" in waiting
    assert f"tel:{cast.ptps.phone}" not in waiting
    assert "Yang memeriksa" in waiting
    link = reverse("unit", args=["pemilu2024", "6472012001001"])
    assert f'href="{link}?instrumen=pemungutan-tps"' in waiting
    vacant = client.get(url("6472", **asked, keadaan="kosong")).content.decode().partition('id="daftar"')[2]
    assert f"tel:{cast.pkd.phone}" in vacant
    owed = client.get(url("6472", **asked, keadaan="belum")).content.decode().partition('id="daftar"')[2]
    assert f"tel:{cast.ptps_sibling.phone}" in owed
    own = signed_in(cast.ptps).get(url("6472012001001", **asked, keadaan="menunggu")).content.decode()
    assert cast.pkd.name in own
    assert cast.pkd.phone not in own, "nobody is given the number of somebody above"


def test_no_number_of_the_board_is_nothing_or_all_of_itself(election_day: Day) -> None:
    """ "340 dari 340 (100 %)" and "0 dari 340" stood among twelve numbers."""
    election_day.set_clock(MORNING_AFTER)
    befall(election_day, [(State.OWED, None), (State.VACANT, None)], 0 * HOUR)
    found, _rows = scan_at(election_day, "64")
    tiles = {number.measure.slug: (number.value, number.whole) for number in found.tiles}
    owed = found.numbers["wajib"]
    assert set(tiles) == {"masuk", "lewat", "kosong"} | ({"nanti"} if found.numbers["nanti"] else set())
    assert tiles["masuk"] == (0, owed)
    assert all(0 < value < whole == owed for slug, (value, whole) in tiles.items() if slug != "masuk")
