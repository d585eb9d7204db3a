"""Each idea has one home: what is known or decided in one place is written in no second one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("hierarchy", "reports", "dashboards", "bawaslu_data")

# idea -> (the modules that may write it, what tells that it is written). Each home must still write it.
HOMES: dict[str, tuple[frozenset[str], str]] = {
    "how a person names a unit": (
        frozenset({"hierarchy/units/queries.py"}),
        r"\b(?!user__)\w*name__i(contains|exact)|code__startswith=(?!province\.code)|cleaned_data\[.*\]\.replace\(\"\.\"",
    ),
    # DRF has a request class of its own, so the API asks its own once.
    "who is signed in": (
        frozenset({"hierarchy/web.py", "reports/api/base.py"}),
        r"class SignedIn\b|request\.user\s+assert isinstance|assert isinstance\(request\.user"
        r"|request\.user\b.*# type: ignore",
    ),
    # What goes wrong between machines is no refusal: it ends in one, or in a log.
    "a refusal for a person": (
        frozenset({"hierarchy/lib/errors.py"}),
        r"class Refusal\b"
        r"|class (?!Push|Message)\w*(Error|Refused|Refusal|Rejected|Confirmed|NotNow)\((Exception|ValueError)\)",
    ),
    "a refusal said by a command": (
        frozenset({"hierarchy/management/command.py"}),
        r"except Refusal as \w+:\n\s+raise CommandError",
    ),
    "a refusal as a problem of the API": (frozenset({"reports/api/problems.py"}), r"exc\.status, exc\.code"),
    "what the head of a page says of its reader": (
        frozenset({"bawaslu_data/context.py"}),
        r"own_unit|own_role|own_seat",
    ),
}

# Counted anew on purpose in verify: a check that shared the rules would agree with their mistakes.
HOMES |= {
    "JSON that is hashed": (
        frozenset({"hierarchy/lib/canonical.py"}),
        r'sort_keys|order="sorted"|(sha256|update)\((json|msgspec\.json)\.',
    ),
    "codes to read out": (
        frozenset({"hierarchy/lib/base32.py"}),
        r"23456789ABC|MISREAD|>> 5 \*",
    ),
    "QR codes": (
        frozenset({"hierarchy/lib/qr.py"}),
        r"\bsegno\b",
    ),
    "arrays as SQL writes them": (
        frozenset({"hierarchy/lib/prepared.py"}),
        r"\{','\.join\(",
    ),
    "how long codes are": (
        frozenset({"hierarchy/levels.py"}),
        r"[\[(]2, 4, 6, 10[,\])]|code\[:\s*\d|max_length=13\b|\^\[0-9\]\{\d|\[0-9\]\{2,1"
        r'|left\((\w+\.)?code, \d|len\((\w+\.)*code\) [=!]= \d|LevelSpec\("',
    ),
    "how a period is said": (
        frozenset({"reports/calendar/labels.py"}),
        r"\bfromisocalendar\b",
    ),
    "heavy columns of a list": (
        frozenset({"reports/calendar/querysets.py", "reports/filing/querysets.py"}),
        r'"answers", "reasons", "vector"|"schema", "source"'
        r'|defer\([^()]*"(\w+__)?(schema|answers|reasons|vector)"|"\w+__(schema|source)"',
    ),
    "the columns of a filing": (
        frozenset({"reports/filing/columns.py"}),
        r"reports_report \(id|reports_revision \(report_id|reports_event \(at|correct_by = NULL"
        r"|attested_by_id = NULL",
    ),
    "how obligations are counted": (
        frozenset({"reports/counting.py", "reports/verify/queries.py"}),
        r"first_filed_at\s*(<=?|>=?)\s*(\w+\.)*due_at|first_filed_at__[gl]te?=F\(.(\w+__)?due_at"
        r"|TALLIED\b.* = \{",
    ),
    "when an obligation is late": (
        frozenset({"reports/counting.py"}),
        r"\bdue_at\s*[<>]=?\s*(now|at|moment|clock|self\.now|\{at\}|%\(at\)s|%\(now\)s)\b"
        r"|\bdue_at__lte?=(now|at|clock|moment)\b|def shown_state",
    ),
    "what a release signs": (
        frozenset({"dashboards/releases/proof.py"}),
        r'rilis/\d|join\(release_lines|\.distinct\("code"\)|TABLED\.sha256\(pa',
    ),
}
# idea -> a second home as it was written before; a row that no longer finds it guards nothing.
SECOND = {
    "JSON that is hashed": "hashlib.sha256(json.dumps(laid).encode())",
    "codes to read out": 'ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"',
    "QR codes": 'segno.make(text, error="m")',
    "arrays as SQL writes them": "f\"{{{','.join(map(str, vector))}}}\" ",
    "how long codes are": "province = unit.code[:2]",
    "how a period is said": "date.fromisocalendar(year, week, 1)",
    "heavy columns of a list": 'rows.defer("window__version__schema", "window__version__source")',
    "the columns of a filing": "COPY reports_report (id, obligation_id) FROM STDIN",
    "how obligations are counted": "late = obligation.first_filed_at > obligation.due_at",
    "when an obligation is late": "Obligation.objects.filter(state='OWED', due_at__lt=now)",
    "what a release signs": '"\\n".join(release_lines(release, pages))',
}


def places(pattern: str) -> set[str]:
    """The modules in which the pattern occurs."""
    wanted = re.compile(pattern)
    return {
        path.relative_to(PROJECT).as_posix()
        for app in APPS
        for path in (PROJECT / app).rglob("*.py")
        if "migrations" not in path.parts and wanted.search(path.read_text())
    }


@pytest.mark.parametrize("idea", HOMES)
def test_an_idea_has_one_home(idea: str) -> None:
    home, pattern = HOMES[idea]
    assert places(pattern) == home


@pytest.mark.parametrize("idea", SECOND)
def test_a_second_home_would_be_found(idea: str) -> None:
    assert re.search(HOMES[idea][1], SECOND[idea])
