"""Routes of figures and files."""

from __future__ import annotations

from django.urls import include, path

from dashboards.leadership import views as leadership
from dashboards.operations import views as operations
from dashboards.releases import views as releases
from dashboards.unit import views as unit
from hierarchy.people.views import home_of

urlpatterns = [
    path("", include("dashboards.recaps.urls")),
    path("", include("dashboards.board.urls")),
    path("", releases.public_home, name="public-home"),
    path("cara-memeriksa/", releases.how_to_verify, name="how-to-verify"),
    path("yang-diterbitkan/", releases.what_is_published, name="what-is-published"),
    path("publik/<slug:election>/manifes.txt", releases.public_manifest, name="public-manifest"),
    path("publik/<slug:election>/rilis/<int:number>/manifes.txt", releases.public_manifest, name="public-manifest"),
    path("publik/<slug:election>/<slug:code>/", releases.public_unit, name="public-unit"),
    path("publik/<slug:election>/<slug:code>.json", releases.public_json, name="public-json"),
    path("publik/<slug:election>/rilis/<int:number>/<slug:code>/", releases.public_unit, name="public-unit"),
    path("publik/<slug:election>/rilis/<int:number>/<slug:code>.json", releases.public_json, name="public-json"),
    path("pimpinan/", leadership.leadership_home, name="leadership-home"),
    path("pimpinan/<slug:election>/<slug:code>/", leadership.leadership_page, name="leadership"),
    path("operasi/", operations.operations, name="operations"),
    path("satuan/", home_of("unit", "unit"), name="unit-home"),
    path("satuan/<slug:election>/<slug:code>/", unit.unit, name="unit"),
]
