"""The contract is valid OpenAPI 3, complete, and served."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

from reports.api.contract import contract

OUTSIDE = {"/api/v1/"}  # the catch-all that tells of a mistyped address; it has no path to document


def routes(resolver: URLResolver | None = None, prefix: str = "/") -> list[str]:
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        found += routes(entry, path) if isinstance(entry, URLResolver) else [path]
        assert isinstance(entry, URLPattern | URLResolver)
    return found


def test_the_served_contract_is_valid_openapi(db):
    response = Client().get("/api/v1/schema/")
    assert response.status_code == 200
    served = response.json()
    assert served["openapi"].startswith("3.1")
    validate_schema(served)


def test_every_route_under_api_is_in_the_contract():
    documented = {re.sub(r"\{(\w+)\}", "*", path) for path in contract()["paths"]}
    routed = {re.sub(r"<[^>]*>", "*", path) for path in routes() if path.startswith("/api/")} - OUTSIDE
    assert routed == documented
    assert len(routed) >= 15


def test_every_operation_has_a_name_of_its_own_and_a_summary():
    operations = [item for path in contract()["paths"].values() for item in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_every_reference_resolves():
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                yield from references(part)

    named = {reference.removeprefix("#/components/schemas/") for reference in references(contract())}
    assert named
    assert named <= contract()["components"]["schemas"].keys()


def test_who_need_not_sign_in():
    open_to_all = {
        (path, method)
        for path, item in contract()["paths"].items()
        for method, operation in item.items()
        if not operation.get("security")
    }
    assert open_to_all == {("/api/v1/schema/", "get"), ("/api/v1/token/", "post")}
