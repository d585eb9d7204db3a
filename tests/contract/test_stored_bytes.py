"""What is hashed, signed or sealed keeps its bytes: a literal per way of writing JSON, as it came out in November 2026.

A line that no longer comes out makes history unprovable: receipts, votes, signatures and seals of before would be of
something else. Reports and schemas as whole instruments make them are kept in tests/reports/instruments/golden.json.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.test import override_settings

from dashboards.recaps.shapes import Incident, Recap, RecapPart, RecapRow
from dashboards.recaps.workbook import write_recap
from dashboards.releases import proof
from hierarchy.models import Unit, User
from hierarchy.people import activation
from reports.filing.receipts import code_of
from reports.findings import content
from reports.findings.models import Finding, Matter, Party
from reports.instruments.codec import decode
from reports.instruments.schema import INTEGER, TEXT, Group, Question, Schema, Text
from reports.journal import actions as journal
from reports.journal import covered
from reports.journal.models import Event
from reports.plenary import queries as ratified

AT = datetime(2024, 2, 14, 13, 40, 5, 120_000, tzinfo=UTC)
# Whatever ways of writing JSON differ in: order, letters beyond ASCII, quotes, lines, separators, signs of HTML.
ODD = {"z": "Kutai Kartanegara – “é” 😀", "a": [1, -2, None, True], "b": {"é": 'a\tb\n"c"\\', "A": "</b>\u2028\x7f"}}
SCHEMA = Schema(
    code="uji",
    title=Text("Uji – “é”", "Trial"),
    groups=(Group(name="g", title=Text("Bagian")),),
    questions=(
        Question(name="b", kind=INTEGER, group="g", label=Text("Berapa?")),
        Question(name="a", kind=TEXT, group="g", label=Text("Apa?")),
    ),
)
SCHEMA_DIGEST = "543947d7774492f4e445e559d01ed29be02d1a95a5e5f787be66392aa123af3b"
PLAIN = '{"a":[1,-2,null,true],"b":{"A":"</b>\u2028\x7f","é":"a\\tb\\n\\"c\\"\\\\"},"z":"Kutai Kartanegara – “é” 😀"}'


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_report() -> None:
    content = decode(SCHEMA, answers={"b": 7, "a": 'Kutai – “é” 😀 "c"\\ </b>'})
    assert content.canonical.decode() == '{"answers":{"a":"Kutai – “é” 😀 \\"c\\"\\\\ </b>","b":7},"reasons":{}}'
    assert content.sha256 == hashlib.sha256(bytes.fromhex(SCHEMA_DIGEST) + content.canonical).digest()


def test_a_schema_and_what_the_table_holds_of_it() -> None:
    assert (SCHEMA.digest.hex(), covered.schema_sha256(SCHEMA.to_json())) == (SCHEMA_DIGEST, SCHEMA_DIGEST)


def test_what_a_plenary_votes_on() -> None:
    assert ratified.digest(ODD).hex() == sha256(PLAIN)


def test_a_page_of_a_release() -> None:
    assert proof.canonical(ODD).decode() == PLAIN
    assert proof.page_digest(ODD).hex() == sha256(PLAIN)


@pytest.mark.django_db
def test_what_seals_the_journal() -> None:
    rows = [
        Event(
            pk=8_000_001,
            at=AT,
            verb="unit.moved",
            actor="budi",
            election="pemilu2024",
            unit="6472",
            target="é",
            detail=ODD,
        ),
        Event(pk=8_000_002, at=AT.replace(microsecond=0), verb="window.opened"),
    ]
    Event.objects.bulk_create(rows)
    lines = [
        '[8000001, "2024-02-14T13:40:05.120000+00:00", "unit.moved", "budi", "pemilu2024", "6472", "é", {"a": [1, -2, '
        'null, true], "b": {"A": "</b>\u2028\x7f", "é": "a\\tb\\n\\"c\\"\\\\"}, "z": "Kutai Kartanegara – “é” 😀"}]\n',
        '[8000002, "2024-02-14T13:40:05+00:00", "window.opened", "", "", "", "", {}]\n',
    ]
    digest, count, first, last = journal._digest(Event.objects.filter(pk__gte=8_000_001))
    assert (digest.hex(), count, first, last) == (sha256("".join(lines)), 2, 8_000_001, 8_000_002)


def test_the_figures_of_a_recap(tmp_path: Path) -> None:
    given = [
        RecapRow("6472", ("Kalimantan Timur", "Samarinda “é”"), 3, 4, (1, -2, 0)),
        RecapRow("64", (), 0, 1, None),
    ]
    incident = Incident("6472012001001", "Samarinda, TPS 1", "Uji", "", AT, "Diterima", 'kotak <basah> & "rusak"\n😀')
    recap = Recap(
        body="Bawaslu", stage="Pungut", election="Pemilu", basis="filed", cut_off=AT, made_at=AT, place="Samarinda",
        signatories=[], parts=[RecapPart("uji 1", [], ("Provinsi", "Kota"), lambda: iter(given), 2)],
        incidents=lambda: iter([incident]), incident_count=1,
    )  # fmt: skip
    lines = [
        '["uji 1","6472",["Kalimantan Timur","Samarinda “é”"],3,4,[1,-2,0]]\n',
        '["uji 1","64",[],0,1,null]\n',
        '["incident","6472012001001","Samarinda, TPS 1","Uji","","2024-02-14T13:40:05.120000+00:00","Diterima",'
        '"kotak <basah> & \\"rusak\\"\\n😀"]\n',
    ]
    assert write_recap(tmp_path / "recap.xlsx", recap=recap) == sha256("".join(lines))


def finding() -> Finding:
    """With its people and handlers as if they had been read."""
    unit, place = Unit(pk=3, code="6472"), Unit(pk=9, code="6472012001001")
    found = Finding(
        pk=7, unit=unit, number=2, report_id=UUID("018d8f3e-0000-7000-8000-000000000001"), occurred_in=place,
        kind="CRIMINAL", event="Uang dibagikan – “é”\n😀", place="Samarinda", happened_on=date(2024, 2, 13),
        discovered_on=date(2024, 2, 14), evidence="foto", analysis="", recorded_by_id=5, recorded_at=AT,
    )  # fmt: skip
    people = [Party(part="RESPONDENT", name="Ani “é”", address=""), Party(part="WITNESS", name="Budi", address="Jl. 1")]
    found._prefetched_objects_cache = {"parties": people, "handlers": [User(username="tuti"), User(username="asri")]}
    return found


PEOPLE = '[["RESPONDENT", "Ani “é”", ""], ["WITNESS", "Budi", "Jl. 1"]]'


def test_what_the_journal_keeps_of_a_finding() -> None:
    assert content.fingerprint(finding()) == sha256(
        '{"analysis": "", "closed_on": null, "discovered_on": "2024-02-14", "event": "Uang dibagikan – “é”\\n😀", '
        '"evidence": "foto", "extended_reason": "", "handlers": ["asri", "tuti"], "happened_on": "2024-02-13", "id": '
        '7, "kind": "CRIMINAL", "number": 2, "occurred_in_id": 9, "outcome": "", "parties": ' + PEOPLE + ', "place": '
        '"Samarinda", "recorded_at": 1707918005.12, "recorded_by_id": 5, "registered_on": null, '
        '"report_id": "018d8f3e-0000-7000-8000-000000000001", "status": "SUSPECTED", "unit_id": 3}'
    )


def test_the_people_of_a_finding_on_the_table() -> None:
    assert content.laid(finding(), Matter.FINDING)["parties_sha256"] == sha256(PEOPLE)


RECEIPTS = {bytes(32): "MKXR-AWC6", bytes(range(32)): "R2PM-N40D", b"\xff" * 32: "D471-5GYQ"}


@pytest.mark.parametrize(("sha256", "code"), RECEIPTS.items(), ids=["zeros", "range", "ones"])
def test_the_code_of_a_receipt(sha256: bytes, code: str) -> None:
    assert code_of(UUID("018d8f3e-0000-7000-8000-000000000001"), sha256) == code


@override_settings(SECRET_KEY="not the key of any site")
@pytest.mark.parametrize("typed", ["0K1R-9ABC-XYZT", "ok1r 9abcxyzt", "OKIR-9ABC-XYZT", "0klr9abcxyzt"])
def test_what_is_kept_of_an_activation_code(typed: str) -> None:
    assert activation.digest("budi", typed) == "7e9cd09e655263476ac16f6ac3ce1f90c89d3ac5177c0da6b38e6c218cf6ba73"
