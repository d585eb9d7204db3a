from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from hierarchy.lib import formats

COUNTS = st.integers(0, 10**12)
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
TIMES = st.timedeltas(timedelta(0), timedelta(days=400))
AT = datetime(2024, 2, 14, 13, 40, tzinfo=UTC)


@pytest.fixture(autouse=True, params=["id"])
def language(request: pytest.FixtureRequest):
    with translation.override(request.param):
        yield


@given(st.integers(-(10**15), 10**15))
def test_a_number_reads_back_as_itself(value: int) -> None:
    printed = formats.number(value)
    assert int(printed.replace(".", "")) == value
    assert re.fullmatch(r"-?\d{1,3}(\.\d{3})*", printed)


def test_numbers_in_both_languages() -> None:
    assert (formats.number(1208), formats.number(0), formats.number(None)) == ("1.208", "0", "-")
    with translation.override("en"):
        assert formats.number(1208) == "1,208"
        assert formats.percent(954, 1000) == "95.4 %"


@given(COUNTS, COUNTS)
def test_a_percentage_never_reaches_an_end_it_has_not_reached(a: int, b: int) -> None:
    n, total = min(a, b), max(a, b)
    printed = formats.percent(n, total)
    assert (printed == "-") == (total == 0)
    if total:
        assert (printed == "100 %") == (n == total)
        assert (printed == "0 %") == (n == 0)


@given(st.integers(1, 10**9), st.data())
def test_a_percentage_is_near_the_truth_and_grows_with_n(total: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, total))
    assert abs(formats.tenths(n, total) / 1000 - n / total) <= 0.001
    assert formats.tenths(max(n - 1, 0), total) <= formats.tenths(n, total)


@pytest.mark.parametrize(
    ("n", "total", "printed"),
    [(10912, 11441, "95,4 %"), (11440, 11441, "99,9 %"), (1, 11441, "0,1 %"), (1, 2, "50,0 %"), (3, 2, "150,0 %")],
)
def test_percentages(n: int, total: int, printed: str) -> None:
    assert formats.percent(n, total) == printed


def test_a_percentage_stands_with_its_n_and_total() -> None:
    assert formats.n_of_total(10912, 11441, "TPS") == "10.912 dari 11.441 TPS (95,4 %)"
    assert formats.n_of_total(0, 0, "TPS") == "0 dari 0 TPS"
    assert formats.n_of_total(3, 4) == "3 dari 4 (75,0 %)"


@given(MOMENTS)
def test_a_moment_always_shows_its_zone_and_is_the_hour_in_wita(at: datetime) -> None:
    printed = formats.moment(at)
    local = at + timedelta(hours=8)
    assert printed.endswith(" WITA")
    assert f" {local.year} {local.hour:02d}.{local.minute:02d} " in printed
    assert printed.startswith(f"{local.day} ")


def test_moments() -> None:
    assert formats.moment(AT) == "14 Feb 2024 21.40 WITA"
    assert formats.moment(AT + timedelta(hours=3)) == "15 Feb 2024 00.40 WITA"
    assert formats.day(date(2024, 5, 1)) == "1 Mei 2024"
    assert formats.long_day(AT) == "Rabu, 14 Februari 2024"
    with translation.override("en"):
        assert formats.moment(AT) == "14 Feb 2024 21:40 WITA"
        assert formats.day(date(2024, 5, 1)) == "1 May 2024"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        formats.moment(AT.replace(tzinfo=None))


@given(MOMENTS, TIMES)
def test_time_left_has_the_sign_of_the_difference(due: datetime, span: timedelta) -> None:
    assert formats.time_left(due, due - span).startswith("sisa ")
    assert formats.time_left(due, due + span).startswith("lewat " if span else "sisa ")


@given(TIMES)
def test_a_duration_never_promises_more_time_than_there_is(span: timedelta) -> None:
    sizes = {"hari": 24 * 60, "jam": 60, "menit": 1}
    said = sum(
        int(n) * sizes[unit] for n, unit in re.findall(r"(?<!dari )(\d+) (hari|jam|menit)", formats.duration(span))
    )
    real = span.total_seconds() / 60
    assert said <= real
    assert real - said < (60 if real >= 24 * 60 else 1)


@pytest.mark.parametrize(
    ("minutes", "printed"),
    [
        (80, "sisa 1 jam 20 menit"),
        (60, "sisa 1 jam"),
        (0, "sisa kurang dari 1 menit"),
        (-35, "lewat 35 menit"),
        (51 * 60 + 5, "sisa 2 hari 3 jam"),
        (24 * 60 + 5, "sisa 1 hari"),
    ],
)
def test_time_left(minutes: int, printed: str) -> None:
    assert formats.time_left(AT + timedelta(minutes=minutes), AT) == printed


@given(st.sampled_from([2, 4, 6, 10, 13]), st.data())
def test_a_code_keeps_its_digits(length: int, data: st.DataObject) -> None:
    code = data.draw(st.text("0123456789", min_size=length, max_size=length))
    assert formats.unit_code(code).replace(".", "") == code


@given(st.text())
def test_any_other_text_comes_back_as_a_code(text: str) -> None:
    assert formats.unit_code(text).replace(".", "") == text.replace(".", "")


def test_codes() -> None:
    assert formats.unit_code("6401012009001") == "64.01.01.2009.001"
    assert formats.unit_code("640101") == "64.01.01"
    assert formats.unit_code("64010") == "64010"
    assert formats.unit_code("٦٤") == "٦٤"


def test_states_are_told_apart_without_colour() -> None:
    looks = list(formats.STATES.values())
    assert len({str(look.word) for look in looks}) == len({look.icon for look in looks}) == len(looks)
    assert formats.state("owed") is formats.STATES["OWED"]


SPELLED = {
    0: "nol",
    10: "sepuluh",
    11: "sebelas",
    14: "empat belas",
    20: "dua puluh",
    31: "tiga puluh satu",
    100: "seratus",
    1999: "seribu sembilan ratus sembilan puluh sembilan",
    2024: "dua ribu dua puluh empat",
}


@pytest.mark.parametrize(("number", "words"), SPELLED.items())
def test_a_number_is_spelled_as_documents_do(number: int, words: str) -> None:
    assert formats.spelled(number) == words
