"""Whatever is sent, the API answers in the words of its contract; a server error is never among them."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.filing.models import Report
from tests.contract.api_world import VILLAGE, Caller, filed, make_world

# One world serves every example: what an earlier one filed only makes the next more interesting.
fuzz = settings(
    max_examples=120,
    deadline=None,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 2**31, 2**63, 10**30])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(), max_size=20)
    | st.sampled_from(["\x00", "\ud800", "ya", "2024-02-14", "٣٤", "=1+1", "0" * 64])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["hadir", "sisa", "foto", "catatan", "uraian", "asing", "", "\x00"])
WORDS = st.text(max_size=30) | st.sampled_from(["", "\x00", "Hitung lagi.", " "])


@pytest.fixture
def world(election, tree, cast):
    return make_world(election, tree)


def filings(world):
    """Bodies from nearly right to nothing like a filing; a good share is accepted, so the deeper layers are reached."""
    numbers, texts = st.integers(0, 320) | st.integers(0, 9).map(str), WORDS | st.text(min_size=1, max_size=9)
    answers = st.fixed_dictionaries({"hadir": numbers}, optional={"sisa": numbers, "catatan": texts})
    targets = [
        {"obligation": world.obligation().pk},
        {"window": world.event.pk, "unit": VILLAGE},
        {"window": world.event.pk, "unit": "6401012001"},
        {"window": world.window.pk, "unit": VILLAGE},
        {"obligation": 1, "unit": None},
    ]
    moments = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
    shaped = st.builds(
        lambda target, body: target | body,
        st.sampled_from([*targets[:2] * 3, *targets[2:]]),
        st.fixed_dictionaries(
            {
                "id": st.uuids().map(str) | st.just("0190b5c4-0000-7000-8000-000000000001"),
                "answers": answers
                | st.fixed_dictionaries({"uraian": texts})
                | st.dictionaries(NAMES, SCALARS, max_size=5),
            },
            optional={
                "reasons": st.just({"sisa": "Rusak."}) | st.dictionaries(NAMES, WORDS | SCALARS, max_size=3),
                "based_on": st.integers(1, 3),
                "device_at": st.just("2024-02-14T21:40:00+08:00") | moments,
            },
        ),
    )
    fields = st.sampled_from(
        ["id", "answers", "reasons", "obligation", "window", "unit", "based_on", "device_at", "lain"]
    )
    spoilt = st.builds(lambda body, field, value: body | {field: value}, shaped, fields, JSON)
    return shaped | shaped | shaped | shaped | spoilt | JSON


def test_filing_never_fails(world, cast):
    caller = Caller(cast.pkd)

    @fuzz
    @given(filings(world))
    def check(body):
        response = caller.post("reports/", json.dumps(body).encode())
        kept = isinstance(body, dict) and Report.objects.filter(pk=response.json().get("report")).exists()
        assert (response.status_code in (200, 201)) == kept

    check()


def test_bytes_that_may_not_be_json(world, cast):
    caller = Caller(cast.pkd)

    @fuzz
    @given(st.binary(max_size=60))
    def check(body):
        assert caller.post("reports/", body).status_code == 400

    check()


def test_reviewing_never_fails(world, cast):
    report = filed(world, cast.pkd)
    right = bytes(report.sha256).hex()
    more = {"remarks": st.dictionaries(NAMES, WORDS, max_size=3) | JSON, "reason": WORDS | JSON}
    bodies = st.fixed_dictionaries({"seen": st.just(right) | JSON}, optional=more) | JSON
    caller = Caller(cast.panwascam_chair)

    @fuzz
    @given(st.sampled_from(["approve", "return", "withdraw"]), bodies)
    def check(step, body):
        response = caller.post(f"reports/{report.pk}/{step}/", json.dumps(body).encode())
        assert response.status_code in (200, 400, 409)

    check()


def test_queries_never_fail(world, cast):
    caller = Caller(cast.regency_chair)
    names = st.sampled_from(["task", "state", "election", "stage", "instrument", "cursor", "window", "lain"])
    texts = st.text(max_size=12, alphabet=st.characters(exclude_categories=["Cs"]))

    @fuzz
    @given(st.dictionaries(names, texts | st.sampled_from(["all", "OWED", "1", "1e9"]), max_size=3))
    def check(query):
        for path in ("obligations/", "units/pemilu2024/6472/tallies/"):
            assert caller.get(f"{path}?{urlencode(query)}").status_code in (200, 400)

    check()
