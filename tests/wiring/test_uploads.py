"""Only addresses that take files take large bodies: derived from the routes, so that no page is forgotten."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import FormView
from rest_framework.parsers import FileUploadParser, MultiPartParser

from reports.api import filing
from reports.filing import evidence
from reports.quality import views_references as views_settings
from tests.wiring import caddy
from tests.wiring.test_deploy import OPERATIONS, SERVICES, memory_of

SMALL = 256 * 1024  # bytes of a form or a report without files
FILES = {"api-evidence", "file-report", "file-event", "references"}


def walk(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, str, Any]]:
    """(name, an address, view) of every route."""
    for entry in resolver.url_patterns:
        here = before + re.sub(r"<[^>]+>", "7", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from walk(entry, here)
        elif isinstance(entry, URLPattern):
            yield entry.name or here, here, entry.callback


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def takes_files(view: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a view, or what it calls in its own module, looks at files that came with the request."""
    if kind := getattr(view, "cls", None) or getattr(view, "view_class", None):
        parsers = getattr(kind, "parser_classes", [])
        form = getattr(kind, "authentication_form", None) or getattr(kind, "form_class", None)
        return any(issubclass(each, (MultiPartParser, FileUploadParser)) for each in parsers) or has_files(form)
    function = inspect.unwrap(view)
    if function in seen or not isinstance(function, FunctionType):
        return False
    names = set(names_in(function.__code__))
    known = [function.__globals__[name] for name in names if name in function.__globals__]
    called = [each for each in known if getattr(each, "__module__", "") == function.__module__]
    closed = [cell.cell_contents for cell in function.__closure__ or ()]
    return (
        "FILES" in names
        or any(has_files(each) for each in known)
        or any(takes_files(each, seen | {function}) for each in [*called, *closed] if inspect.isfunction(each))
    )


def has_files(form: Any) -> bool:
    fields = getattr(form, "base_fields", {}) if inspect.isclass(form) else {}
    return any(isinstance(field, forms.FileField) for field in fields.values())


def needed(name: str, view: Any) -> int:
    """Bytes that an address must let in."""
    if largest := getattr(getattr(view, "cls", None), "largest_body", None):
        return int(largest)
    return {"references": views_settings.MOST}.get(name, evidence.MAX_BYTES) if takes_files(view) else SMALL


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str, Any]]:
    return list(walk(get_resolver()))


def test_files_are_taken_by_these_pages_alone(routes: list[tuple[str, str, Any]]) -> None:
    assert {name for name, _path, view in routes if takes_files(view)} == FILES


def test_each_address_lets_in_what_it_takes_and_only_files_are_large(routes: list[tuple[str, str, Any]]) -> None:
    for name, path, view in routes:
        limit = caddy.largest_body(path)
        assert limit >= needed(name, view), f"{path} refuses what {name} takes"
        if not takes_files(view):
            assert limit <= needed(name, view) * 1.05, f"{path} takes {limit} bytes, and no file"
    assert len(routes) > 50
    assert filing.Evidence.largest_body > evidence.MAX_BYTES


def test_the_proxy_has_memory_for_the_open_uploads_that_operators_are_told_of() -> None:
    """A buffer doubles until a body fits: of 20 and of 100 bodies of 12.9 MB, each took 1.45 times its size."""
    [told, each] = map(
        int, re.findall(r"hold \*\*(\d+) open uploads\*\* of the largest kind \((\d+) MB", OPERATIONS.read_text())[0]
    )
    largest = max(map(caddy.bytes_of, caddy.said("max_size")))
    assert largest * 1.45 <= each * 2**20
    tidied_up = int(SERVICES["proxy"]["environment"]["GOMEMLIMIT"].removesuffix("MiB"))
    assert told * each < tidied_up * 0.95 < memory_of("proxy") * 0.9


class Upload(forms.Form):
    berkas = forms.ImageField()


def looks(request: HttpRequest) -> Any:
    return request.FILES


def asks(request: HttpRequest) -> Any:
    return [looks(each) for each in [request]]


def fills(request: HttpRequest) -> Any:
    return Upload(request.POST)


def reads(request: HttpRequest) -> Any:
    return request.POST


class Page(FormView):
    form_class = Upload


@pytest.mark.parametrize(
    ("view", "expected"), [(looks, True), (asks, True), (fills, True), (Page.as_view(), True), (reads, False)]
)
def test_a_page_that_takes_files_is_known_by_its_code(view: Callable[..., Any], expected: bool) -> None:
    assert takes_files(view) is expected
