"""The world the API's tests act in, and a client that holds every answer to the contract."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import jsonschema
from django.http import HttpResponse
from django.test import Client

from hierarchy.lib import clock
from hierarchy.models import Election, Unit, User
from reports.api.contract import contract
from reports.calendar.models import Cadence, Instrument, InstrumentVersion, Stage, Window
from reports.filing.models import Report
from reports.instruments import xlsform
from reports.obligations import actions as obligations
from reports.obligations.models import Obligation
from tests.reports.instruments.forge import ask, markdown

API = "/api/v1/"
STATION, OTHER_STATION, STRANGE_STATION = "6472012001001", "6472012001002", "6401012001001"
VILLAGE = "6472012001"
HARD = {
    "type": "integer",
    "name": "hadir",
    "required": "yes",
    "constraint": ". <= 300",
    "constraint_message": "Terlalu banyak.",
}
SOFT = {
    "type": "integer",
    "name": "sisa",
    "constraint": ". <= ${hadir}",
    "constraint_message": "Sisa lebih banyak daripada yang hadir.",
    "bind::bawaslu:severity": "soft",
}


@dataclass
class World:
    """`window` is about each polling station and filed by its village; `event` is filed by anyone about any unit."""

    election: Election
    tree: dict[str, Unit]
    version: InstrumentVersion
    window: Window
    event: Window

    def obligation(self, code: str = STATION) -> Obligation:
        return Obligation.objects.get(window=self.window, subject__code=code, subject__election=self.election)

    def filing(self, code: str = STATION, **changes: Any) -> dict[str, Any]:
        """The body of a valid filing, with changes; a change of None drops the field."""
        body = {"id": str(uuid4()), "obligation": self.obligation(code).pk, "answers": {"hadir": 210, "sisa": 3}}
        return {name: value for name, value in (body | changes).items() if value is not None}


def make_world(election: Election, tree: dict[str, Unit]) -> World:
    stage = Stage.objects.create(election=election, code="UJI", sequence=1, name_id="Tahap uji", name_en="Test stage")
    questions = (HARD, SOFT, ask("image", "foto"), ask("text", "catatan"))
    version = _publish("uji-tps", 4, 3, Cadence.ONCE, *questions)
    event = _publish("form-uji", None, None, Cadence.EVENT, ask("text", "uraian", required="yes"))
    return World(election, tree, version, _open(stage, version), _open(stage, event))


def _publish(code: str, subject: int | None, filer: int | None, cadence: str, *questions: Any) -> InstrumentVersion:
    source = markdown(*questions, code=code)
    schema = xlsform.read(source, suffix=".md")
    return InstrumentVersion.objects.create(
        instrument=Instrument.objects.create(
            code=code,
            title_id=f"Instrumen {code}",
            title_en=f"Instrument {code}",
            stage_code="UJI",
            subject_level=subject,
            filer_level=filer,
            cadence=cadence,
        ),
        number=1,
        schema=schema.to_json(),
        digest=schema.digest,
        width=len(schema.layout),
        source=source,
        source_suffix=".md",
        source_sha256=schema.digest.hex(),
        published_at=clock.now(),
    )


def _open(stage: Stage, version: InstrumentVersion) -> Window:
    hour = timedelta(hours=1)
    window = Window.objects.create(
        election=stage.election,
        stage=stage,
        instrument=version.instrument,
        version=version,
        opens_at=clock.now() - hour,
        due_at=clock.now() + 24 * hour,
        closes_at=clock.now() + 48 * hour,
    )
    obligations.open_window(window=window)
    return window


@cache
def _operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    # An address spelled out comes before one with a part to fill in.
    paths = dict(sorted(contract()["paths"].items(), key=lambda each: "{" in each[0]))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item) for path, item in paths.items()]


class Caller:
    """Calls the API as somebody and asserts of every answer that the contract documents it, body and all."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, **extra: Any) -> HttpResponse:
        return self.keep_to_contract("get", path, self.client.get(API + path, **extra))

    def delete(self, path: str, **extra: Any) -> HttpResponse:
        return self.keep_to_contract("delete", path, self.client.delete(API + path, **extra))

    def post(self, path: str, body: Any = None, **extra: Any) -> HttpResponse:
        """`body` goes out as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        sent = self.client.post(API + path, data, **{"content_type": "application/json", **extra})
        return self.keep_to_contract("post", path, sent)

    @staticmethod
    def keep_to_contract(method: str, path: str, response: HttpResponse) -> HttpResponse:
        bare = (API + path).partition("?")[0]
        operation = next((item[method] for route, item in _operations() if route.fullmatch(bare)), None)
        assert operation is not None, f"{method} {bare} is not in the contract"
        documented = operation["responses"].get(str(response.status_code))
        assert documented is not None, f"{method} {bare} answered {response.status_code}: {response.content[:300]!r}"
        if content := documented.get("content"):
            media_type = response.headers["Content-Type"].partition(";")[0]
            schema = content[media_type]["schema"] | {"components": contract()["components"]}
            jsonschema.validate(response.json(), schema)
        return response


def problem(response: HttpResponse, status: int, code: str = "") -> dict[str, Any]:
    """The body of a problem, after asserting its status, media type and code."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == (f"urn:bawaslu-kaltim:problem:{code}" if code else "about:blank")
    return body


def filed(world: World, user: User, **changes: Any) -> Report:
    """A report that `user` has filed through the API."""
    response = Caller(user).post("reports/", world.filing(**changes))
    assert response.status_code == 201, response.content
    return Report.objects.get(pk=UUID(response.json()["report"]))
