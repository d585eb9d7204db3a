"""The words of counting: SQL, Q and Python agree on every obligation at every moment, and the parts make the whole."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.models import Unit
from reports import counting
from reports.counting import PASSING, TALLIED, WORDS
from reports.obligations import actions as obligations
from reports.obligations.models import HAS_REPORT, Obligation, State
from reports.obligations.queries import with_not_due
from reports.rollup import fold as rollup
from reports.rollup.models import Tally
from tests.days import AFTERNOON, Day

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parents[3] / "docs" / "definitions.md"
HOURS = st.integers(-2, 2).map(lambda n: timedelta(hours=n))
# (state, hours from the moment to the deadline, hours from the deadline to the first filing)
FATES = st.lists(st.tuples(st.sampled_from(list(State)), HOURS, HOURS), min_size=48, max_size=48)


def fated(day: Day, fates: list[tuple[State, timedelta, timedelta]], at: datetime) -> list[Obligation]:
    """Every obligation of the day in a state of its own, straight in the table."""
    rows = list(Obligation.objects.order_by("pk"))
    for row, (state, ahead, gap) in zip(rows, fates, strict=True):
        row.state, row.due_at, row.closes_at = state, at + ahead, at + timedelta(days=1)
        row.first_filed_at = row.due_at + gap if state in HAS_REPORT else None
        row.attested_by = day.cast.panwascam_chair if state == State.UNREACHABLE else None
        row.attested_reason = "Bukit." if state == State.UNREACHABLE else ""
    Obligation.objects.bulk_update(
        rows, ["state", "due_at", "closes_at", "first_filed_at", "attested_by", "attested_reason"]
    )
    return rows


def in_sql(at: datetime) -> dict[str, int]:
    columns = ", ".join(counting.counted(key) for key in WORDS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM reports_obligation o", {"at": at})
        return dict(zip(WORDS, cursor.fetchone(), strict=True))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=FATES)
def test_sql_q_and_python_agree(election_day: Day, fates: list[tuple[State, timedelta, timedelta]]):
    """Each example rewrites every row, so nothing is left of the one before."""
    at = AFTERNOON
    rows = fated(election_day, fates, at)
    by_hand = {key: {row.pk for row in rows if word.holds(row, at)} for key, word in WORDS.items()}
    asked = {
        key: set(Obligation.objects.filter(word.q(at)).values_list("pk", flat=True)) for key, word in WORDS.items()
    }
    assert asked == by_hand
    assert in_sql(at) == {key: len(found) for key, found in by_hand.items()}
    # Two partitions: of what is owed, and of what was filed.
    parts = [by_hand[key] for key in ("filed", "past", "not_due", "vacant", "unreachable")]
    assert sorted(pk for part in parts for pk in part) == sorted(by_hand["owed"])
    for parts in (("on_time", "late"), ("waiting", "returned", "approved")):
        assert sorted(pk for key in parts for pk in by_hand[key]) == sorted(by_hand["filed"])
    assert by_hand["missing"] == by_hand["past"] | by_hand["not_due"]
    # What a percentage is a part of, it is a part of.
    assert all(by_hand[key] <= by_hand[word.of] for key, word in WORDS.items() if word.of)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=FATES)
def test_from_reports_the_words_are_the_same(election_day: Day, fates: list[tuple[State, timedelta, timedelta]]):
    """A path leads to the obligation: the units that owe something are found by the same words."""
    rows = fated(election_day, fates, AFTERNOON)
    units = {row.pk: row.subject_id for row in rows}
    for word in WORDS.values():
        found = Unit.objects.filter(word.q(AFTERNOON, "obligations__"), obligations__isnull=False)
        assert set(found.values_list("pk", flat=True)) == {units[row.pk] for row in rows if word.holds(row, AFTERNOON)}


def test_the_moment_of_the_deadline_is_on_time_and_not_past_it():
    class One:
        state, due_at, first_filed_at = "OWED", AFTERNOON, None

    second = timedelta(seconds=1)
    assert [WORDS["past"].holds(One, AFTERNOON + gap) for gap in (-second, 0 * second, second)] == [False, False, True]
    assert [WORDS["not_due"].holds(One, AFTERNOON + gap) for gap in (-second, 0 * second, second)] == [
        True,
        True,
        False,
    ]


def test_a_tally_knows_what_is_not_due_yet_also_where_time_was_granted(election_day: Day):
    """Before the deadline, past it, and past it with an extension for one district that still runs or has ended."""
    voting, later = election_day.windows["pemungutan-tps"], election_day.windows["penghitungan-tps"]
    Obligation.objects.update(state=State.OWED)
    obligations.extend(
        window=voting,
        area=election_day.units["647201"],
        due_at=voting.due_at + timedelta(hours=2),
        closes_at=voting.closes_at + timedelta(hours=2),
        reason="Banjir.",
        by=election_day.cast.admin,
    )
    rollup.run_all()
    moments = [
        voting.due_at - timedelta(hours=1),
        voting.due_at + timedelta(hours=1),
        voting.due_at + timedelta(hours=3),
    ]
    for at in [*moments, later.due_at + timedelta(hours=1)]:
        for tally in with_not_due(Tally.objects.all(), at).select_related("unit", "window"):
            below = Obligation.objects.within(tally.unit).filter(window=tally.window)
            assert tally.not_due == below.filter(WORDS["not_due"].q(at)).count(), (at, tally.unit.code)
    found = {t.unit.code: t.not_due for t in with_not_due(Tally.objects.filter(window=voting), moments[1])}
    assert (found["647201"], found["6472"], found["64"], found["6401"]) == (6, 6, 6, 0)


def test_the_states_are_those_of_the_model_and_the_columns_those_of_a_tally():
    assert {state for word in WORDS.values() for state in word.states} == set(State)
    assert set(counting.REPORTED) == set(HAS_REPORT)
    columns = {field.name for field in Tally._meta.get_fields()}
    assert set(TALLIED) <= columns
    assert not set(PASSING) & columns


def test_the_page_of_docs_says_of_every_word_what_the_code_says():
    """One row each: label, key, meaning in Indonesian, and what its percentage is of."""
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in DOCS.read_text().splitlines()]
    table = {row[1].strip("`"): row for row in rows if len(row) == 5 and re.fullmatch("`[a-z_]+`", row[1])}
    assert set(table) == set(WORDS)
    with translation.override("id"):
        for key, word in WORDS.items():
            whole = str(WORDS[word.of].label) if word.of else "-"
            assert (table[key][0], table[key][2], table[key][4]) == (str(word.label), str(word.meaning), whole), key
