"""The OpenAPI contract, made from the same structs that read and write the bodies."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import msgspec
from django.http import Http404
from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from reports.api.base import Endpoint

PREFIX = "/api/v1/"


class StructSchema(OpenApiSerializerExtension):
    """Lets @extend_schema take a msgspec struct where DRF would have a serializer."""

    target_class = msgspec.Struct
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: str) -> str:
        set_override(self.target, "suppress_collision_warning", True)
        return self.target.__name__

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        _ref, components = msgspec.json.schema_components([self.target], ref_template="#/components/schemas/{name}")
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            nested = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
            auto_schema.registry.register_on_missing(nested)
        return own


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "reports.api.authentication.TokenLogin"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <token>"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "reports.api.authentication.SessionLogin"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sesi"}


_making = threading.Lock()


def contract() -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything under /api/v1/. Made once: it is the same for everybody.

    Under a lock, because drf-spectacular loads its extensions on first use and two threads of it trip over each other.
    """
    with _making:
        return _contract()


@cache
def _contract() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(public=True)
    made["openapi"] = "3.1.0"  # msgspec writes JSON Schema 2020-12, which 3.0 cannot say (null beside a type)
    made["paths"] = {path: item for path, item in made["paths"].items() if path.startswith(PREFIX)}
    return made


class Contract(Endpoint):
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="schema", summary="This contract (OpenAPI 3.1).", auth=[], responses={200: OpenApiTypes.OBJECT}
    )
    def get(self, request: Request) -> Response:
        response = Response(contract())
        response["Cache-Control"] = "public, max-age=300"
        return response


class Nothing(Endpoint):
    """Any other address under the API."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404
