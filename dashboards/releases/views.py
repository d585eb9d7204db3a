"""Pages that show figures: to leadership, live and within one's subtree; to the public, from a release only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from dashboards.edition import edition
from dashboards.models import Fate, Publication, PublishedPage
from dashboards.releases import keys, proof
from dashboards.releases import page as public_page
from dashboards.releases import queries as public
from dashboards.releases.page import Address
from dashboards.releases.recipe import recipe

LISTED = 20  # newest releases on the page that explains verification


# --- for everyone -------------------------------------------------------------------------------------------------


def _in_language(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A public page's language is in its address (`?bahasa=en`), never in a cookie, so that any cache may keep it."""

    @require_safe
    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
        wanted = request.GET.get("bahasa", "")
        language = wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = view(request, **parts)
        patch_cache_control(response, public=True, max_age=30)
        return response

    return answer


def _of_release(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A public page of one release; unchanged, it costs no query: 304, or the bytes it had before."""
    return _in_language(condition(etag_func=_etag)(_kept(view)))


def _kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Keeps in the process what a page looked like: of one address in one release, it can look no other way.

    The address is the path with the parameters that a page knows; whatever else stands in a query makes no page of its
    own, and a made-up value is answered and not kept, so that nobody can empty the shelf.
    """

    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
        etag = _etag(request, **parts)
        if etag is None or settings.CLOCK_OFFSET:  # a rehearsal's banner tells the time
            return view(request, **parts)
        address, pages = (request.path, request.GET.get("instrumen", "")), caches["pages"]
        if kept := pages.get(_key(address, etag)):
            return HttpResponse(kept[0], headers=kept[1])
        response = view(request, **parts)
        found = _release(request, parts.get("election", ""), parts.get("number"))
        if response.status_code == 200 and found is not None:
            # Of the release it was made from: a newer one may have come since the digest was asked for.
            response["ETag"] = _quoted(bytes(found.digest))
            if address[1] in ("", getattr(request, "_instrument", "")):
                pages.set(_key(address, response["ETag"]), (response.content, dict(response.items())))
        return response

    return answer


def _digest(election: str, number: int | None) -> bytes | None:
    """The release's digest, a second old at most: readers' own caches may keep a page for thirty."""
    if settings.CLOCK_OFFSET:
        return public.release_digest(election, number)
    pages, key, last = caches["pages"], _key("digest", election, number), _key("last digest", election, number)
    if found := pages.get(key):
        return bytes(found)
    try:
        found = public.release_digest(election, number)
    except (OperationalError, InterfaceError):  # the database is away: the newest release known is the one in force
        if (found := pages.get(last)) is None:
            raise
    if found:  # what was never released leaves nothing on the shelf, or made-up addresses would empty it
        pages.set(key, found, timeout=1)
        pages.set(last, found)
    return found


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _etag(request: HttpRequest, election: str = "", code: str = "", number: int | None = None) -> str | None:
    """Of the release, the language and the product's own edition: a new template is a new page."""
    if not hasattr(request, "_digest"):
        request._digest = _digest(election, number)  # type: ignore[attr-defined]
    digest: bytes | None = request._digest  # type: ignore[attr-defined]
    return _quoted(digest) if digest else None


def _quoted(digest: bytes) -> str:
    return f'"{digest.hex()[:32]}-{translation.get_language()}-{edition()}"'


def _release(request: HttpRequest, election: str = "", number: int | None = None) -> Publication | None:
    """The release asked for; read once per request."""
    if not hasattr(request, "_release"):
        request._release = public.release(election, number)  # type: ignore[attr-defined]
    found: Publication | None = request._release  # type: ignore[attr-defined]
    return found


@_of_release
def public_home(request: HttpRequest) -> HttpResponse:
    """The newest release of the newest election, from the province down."""
    if _release(request) is None:
        return render(request, "dashboards/releases/empty.html", {"public_page": True, "nav_current": "public"})
    return _page(request)


@_of_release
def public_unit(request: HttpRequest, election: str, code: str, number: int | None = None) -> HttpResponse:
    """The public figures of one unit, in the newest release or in a numbered one."""
    return _page(request, election, code, number)


def _page(request: HttpRequest, election: str = "", code: str = "", number: int | None = None) -> HttpResponse:
    release = _release(request, election, number)
    if release is None:
        raise Http404
    language = "" if request.LANGUAGE_CODE == settings.LANGUAGE_CODE else request.LANGUAGE_CODE
    address = Address(release.election.code, number, language, request.GET.get("instrumen", ""))
    page = public_page.page(release, code, address=address)
    if page is None:
        raise Http404
    request._instrument = page.address.instrument  # type: ignore[attr-defined]
    context = {"page": page, "numbered": number is not None, "public_page": True, "nav_current": "public"}
    if page.stored.fate:
        return render(request, "dashboards/releases/gone.html", context, status=_status(page.stored))
    return render(request, "dashboards/releases/page.html", context)


def _status(page: PublishedPage) -> int:
    """Of a code that vanished: what lives on under another is still told, what does not is gone."""
    return 410 if page.fate and page.fate != Fate.RENUMBERED else 200


@_in_language
def how_to_verify(request: HttpRequest) -> HttpResponse:
    """How anyone recomputes a published figure."""
    newest_first = Publication.objects.select_related("election").order_by("-election__voting_day", "-number")
    releases = list(newest_first[:LISTED])
    program = recipe(releases[0], settings.SITE_URL.rstrip("/")) if releases else ""
    key = keys.to_check(bytes(releases[0].public_key)).hex() if releases else ""
    context = {"public_page": True, "releases": releases, "recipe": program, "public_key": key}
    return render(request, "dashboards/releases/how_to_verify.html", context)


@_in_language
def what_is_published(request: HttpRequest) -> HttpResponse:
    """What is published at which level and what is withheld, in plain words."""
    return render(request, "dashboards/releases/disclosure.html", {"public_page": True, "k": settings.DISCLOSURE_K})


@_of_release
def public_json(request: HttpRequest, election: str, code: str, number: int | None = None) -> HttpResponse:
    """The payload whose SHA-256 the release signs, byte for byte as it was hashed."""
    release = _release(request, election, number)
    found = release and public.stored(release, code)
    if not found:
        raise Http404
    body = proof.canonical(found.payload)
    response = HttpResponse(body, content_type="application/json; charset=utf-8", status=_status(found))
    response["X-Content-SHA256"] = bytes(found.sha256).hex()
    return response


@_of_release
def public_manifest(request: HttpRequest, election: str, number: int | None = None) -> HttpResponse:
    """The lines whose SHA-256 is the release's digest, as text."""
    release = _release(request, election, number)
    if release is None:
        raise Http404
    return HttpResponse(public.manifest_text(release), content_type="text/plain; charset=utf-8")
