"""/metrics: what Prometheus reads is what the operator sees, and nobody outside reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from dashboards.operations.readings import READINGS
from reports.rollup.models import Outbox
from tests.days import Day

CADDYFILE = Path(__file__).resolve().parents[2] / "deploy" / "Caddyfile"
TOKEN = "0a" * 24


def scraped(**headers: str) -> dict[tuple[str, str], float]:
    """(metric, value of its label) -> value, read by Prometheus' own parser."""
    response = Client().get("/metrics", headers=headers)
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {(s.name, "".join(s.labels.values())): s.value for family in families for s in family.samples}


def test_every_reading_is_a_metric_with_its_value(election_day: Day) -> None:
    election_day.file(election_day.cast.ptps)
    found = scraped()
    assert found["bawaslu_outbox_marks", ""] == Outbox.objects.count()
    assert found["bawaslu_outbox_marks_by_regency", "6472"] >= 1
    assert found["bawaslu_connections", "max"] > found["bawaslu_connections", "used"] > 0
    for reading in READINGS:
        assert found["bawaslu_reading_up", reading.name] == 1
        value = found.get((f"bawaslu_{reading.name}", ""))
        beyond = found["bawaslu_reading_beyond_limit", reading.name]
        if value is None or reading.limit is None:
            assert beyond == 0
        else:
            assert beyond == (value < reading.limit if reading.at_least else value > reading.limit)


@pytest.mark.django_db
def test_what_cannot_be_read_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "ensure_connection", away)
    found = scraped()
    assert ("bawaslu_outbox_marks", "") not in found
    assert found["bawaslu_reading_up", "outbox_marks"] == 0
    assert found["bawaslu_reading_up", "disk_free_share"] == 1


@pytest.mark.django_db
def test_who_asks_for_openmetrics_gets_it_and_no_cache_keeps_either() -> None:
    response = Client().get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert {family.name for family in read_openmetrics(response.content.decode())} >= {"bawaslu_reading_up"}
    for answer in (response, Client().get("/metrics")):
        assert {"private", "no-store"} <= set(re.split(", *", answer.headers["Cache-Control"]))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("", {}, 200),
        ("", {"x-forwarded-for": "203.0.113.7"}, 404),
        ("", {"forwarded": "for=203.0.113.7"}, 404),
        ("", {"x-forwarded-for": "203.0.113.7", "authorization": "Bearer "}, 404),
        (TOKEN, {}, 404),
        (TOKEN, {"authorization": "Bearer "}, 404),
        (TOKEN, {"authorization": f"Bearer {TOKEN}x"}, 404),
        (TOKEN, {"authorization": f"Token {TOKEN}"}, 404),
        (TOKEN, {"authorization": "Bearer é"}, 404),
        (TOKEN, {"authorization": f"Bearer {TOKEN}"}, 200),
        (TOKEN, {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "203.0.113.7"}, 200),
    ],
)
def test_who_may_read_it(token: str, headers: dict[str, str], status: int, settings: Any) -> None:
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", headers=headers).status_code == status


def test_the_proxy_keeps_it_inside() -> None:
    (inside,) = re.findall(r"@inside path (.+)", CADDYFILE.read_text())
    assert set(inside.split()) == {"/readyz", "/metrics"}
    assert "respond @inside 404" in CADDYFILE.read_text()
