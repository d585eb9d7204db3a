"""What every endpoint shares: who is asking, one way to read a body or a query, one way to answer."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from hierarchy.levels import CODE_PATTERN
from hierarchy.lib.errors import printable
from hierarchy.models import User
from reports.api.authentication import SessionLogin, TokenLogin
from reports.api.problems import MEDIA_TYPE, BadRequest, Problem

Shape = TypeVar("Shape", bound=msgspec.Struct)

Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
UnitCode = Annotated[str, msgspec.Meta(pattern=f"^{CODE_PATTERN}$", description="Kemendagri code, without dots")]
# What PostgreSQL and a workbook can keep: no control characters but tab and line ends.
Words = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$", max_length=1_000)]


class JSONBody(BaseParser):
    """Hands the bytes on as they are: `read` decodes them straight into the shape the endpoint wants."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read()


class JSONRenderer(BaseRenderer):
    """Structs, datetimes and ids to JSON, in one pass."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else msgspec.json.encode(data)


class Endpoint(APIView):
    """A view of the API: signed in by token or by the site's session, JSON in, JSON out."""

    authentication_classes = [TokenLogin, SessionLogin]
    permission_classes = [IsAuthenticated]
    parser_classes = [JSONBody]
    renderer_classes = [JSONRenderer]
    metadata_class = None
    largest_body = 256 * 1024  # a report is a few kB; the proxy lets no more in (deploy/Caddyfile)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # DRF reads the stream past Django's own limit, so the limit is kept here, before a byte is read.
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > self.largest_body:
            raise RequestDataTooBig
        super().initial(request, *args, **kwargs)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        # Nearly every program asks for JSON or for anything; only who asks for something else is worth reading closely.
        if request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json"):
            return self.renderer_classes[0](), "application/json"
        found: tuple[BaseRenderer, str] = super().perform_content_negotiation(request, force)
        return found

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


def user_of(request: Request) -> User:
    """Who is asking; every endpoint that calls this lets nobody in without signing in."""
    assert isinstance(request.user, User), "IsAuthenticated stands before every endpoint that knows its user"
    return request.user


def read(request: Request, shape: type[Shape]) -> Shape:
    """The JSON body as `shape`. Raises BadRequest with a sentence that names the field."""
    # Without a body DRF answers with an empty form instead of bytes.
    return decode(request.data if isinstance(request.data, bytes) else b"", shape)


def decode(body: bytes | msgspec.Raw, shape: type[Shape]) -> Shape:
    """JSON as `shape`. Raises BadRequest with a sentence that names the field."""
    try:
        return _decoder(shape).decode(body)
    except RecursionError:
        raise BadRequest(_("Isi permintaan bersarang terlalu dalam.")) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _unreadable(error) from None


def read_query(request: Request, shape: type[Shape]) -> Shape:
    """The query string as `shape`; of a repeated parameter the last counts. Raises BadRequest."""
    try:
        return msgspec.convert(request.query_params.dict(), shape, strict=False)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from None


@lru_cache
def _decoder(shape: type[Shape]) -> msgspec.json.Decoder[Shape]:
    return msgspec.json.Decoder(shape)


_AT = re.compile(r"(?P<fault>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)
# What msgspec says -> what we say; the first that matches counts.
_FAULTS = [
    (r"Object missing required field `(?P<name>.*)`", gettext_lazy("Isian “%(name)s” wajib ada.")),
    (
        r"Object contains unknown field `(?P<name>.*)`",
        gettext_lazy("Isian “%(name)s” tidak dikenal. Periksa ejaannya."),
    ),
    (r"Expected `str` of length <= (?P<limit>\d+)", gettext_lazy("Isian “%(name)s” paling panjang %(limit)s huruf.")),
    (r"Expected `str` matching", gettext_lazy("Isian “%(name)s” memuat tanda yang tidak diterima.")),
    (r"Expected `(int|float)` [<>]|.*out of range", gettext_lazy("Angka pada isian “%(name)s” di luar batas.")),
    (r"Invalid enum value", gettext_lazy("Isian “%(name)s” bukan salah satu pilihan yang ada.")),
    (
        r"Invalid RFC3339|Expected `datetime",
        gettext_lazy("Isian “%(name)s” harus waktu dengan zonanya, misalnya 2024-02-14T21:40:00+08:00."),
    ),
    (r"Invalid UUID|Expected `uuid`", gettext_lazy("Isian “%(name)s” harus berupa UUID.")),
    (r"Expected `int", gettext_lazy("Isian “%(name)s” harus bilangan bulat.")),
    (r"Expected `str", gettext_lazy("Isian “%(name)s” harus teks.")),
    (r"Expected `object`", gettext_lazy("Isian “%(name)s” harus objek JSON.")),
    (r"Input data was truncated", gettext_lazy("Isi permintaan kosong atau terpotong.")),
    (r"JSON is malformed.*\(byte (?P<byte>\d+)\)", gettext_lazy("JSON tidak dapat dibaca pada bita ke-%(byte)s.")),
]


def _unreadable(error: Exception) -> BadRequest:
    told = _AT.fullmatch(str(error))
    assert told is not None, "the pattern matches any text"
    place, sentence, found = told["place"] or "", _("Isi permintaan tidak sesuai dengan dokumentasi API."), {}
    for pattern, saying in _FAULTS:
        if match := re.match(pattern, told["fault"]):
            sentence, found = str(saying), match.groupdict()
            break
    name = printable(".".join(part for part in (place, found.get("name", "")) if part))
    sentence = (
        sentence % (found | {"name": name or _("isi permintaan")}) if found or "%(name)s" in sentence else sentence
    )
    return BadRequest(sentence, name)


def operation(
    name: str,
    summary: str,
    *,
    answers: dict[int, Any],
    body: Any = None,
    query: type[msgspec.Struct] | None = None,
    problems: tuple[int, ...] = (),
    parameters: tuple[OpenApiParameter, ...] = (),
    **more: Any,
) -> Any:
    """Documents one method of an endpoint; 401 goes without saying. Keeps contract and code on one line of sight."""
    refusals = {(status, MEDIA_TYPE): Problem for status in sorted({401, 404, *problems})}
    return extend_schema(
        operation_id=name,
        summary=summary,
        request=body,
        responses={**answers, **refusals},
        parameters=[*parameters, *(_parameters(query) if query else [])],
        **more,
    )


def _parameters(query: type[msgspec.Struct]) -> list[OpenApiParameter]:
    _ref, components = msgspec.json.schema_components([query], ref_template="{name}")
    return [
        OpenApiParameter(name, type={key: value for key, value in schema.items() if key != "default"})
        for name, schema in components[query.__name__]["properties"].items()
    ]
