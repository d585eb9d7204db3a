"""The site, and the bare views it is measured against. No deployment has them: only bench/settings.py knows them."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from bawaslu_data import urls

TABLE = "CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, body jsonb NOT NULL)"


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """One INSERT of the body as it came: no account, no rule, no receipt."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_bare (body) VALUES (%s)", [request.body.decode()])
    return HttpResponse(status=201)


def select(request: HttpRequest, pk: int) -> HttpResponse:
    """One row by its key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, name FROM hierarchy_unit WHERE id = %s", [pk])
        return HttpResponse(" ".join(cursor.fetchone()))


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("bench/insert/", insert),
    path("bench/select/<int:pk>/", select),
    path("bench/nothing/", nothing),
    *urls.urlpatterns,
]
