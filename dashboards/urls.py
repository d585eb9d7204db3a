"""Routes of figures and files."""

from __future__ import annotations

from django.urls import include, path

from dashboards.leadership import views as views_leadership
from dashboards.operations import views as views_operations
from dashboards.releases import views
from hierarchy.people.views import home_of

urlpatterns = [
    path("", include("dashboards.recaps.urls")),
    path("", include("dashboards.board.urls")),
    path("", views.public_home, name="public-home"),
    path("cara-memeriksa/", views.how_to_verify, name="how-to-verify"),
    path("yang-diterbitkan/", views.what_is_published, name="what-is-published"),
    path("publik/<slug:election>/manifes.txt", views.public_manifest, name="public-manifest"),
    path("publik/<slug:election>/rilis/<int:number>/manifes.txt", views.public_manifest, name="public-manifest"),
    path("publik/<slug:election>/<slug:code>/", views.public_unit, name="public-unit"),
    path("publik/<slug:election>/<slug:code>.json", views.public_json, name="public-json"),
    path("publik/<slug:election>/rilis/<int:number>/<slug:code>/", views.public_unit, name="public-unit"),
    path("publik/<slug:election>/rilis/<int:number>/<slug:code>.json", views.public_json, name="public-json"),
    path("pimpinan/", views_leadership.leadership_home, name="leadership-home"),
    path("pimpinan/<slug:election>/<slug:code>/", views_leadership.leadership_page, name="leadership"),
    path("operasi/", views_operations.operations, name="operations"),
    path("satuan/", home_of("unit", "unit"), name="unit-home"),
    path("satuan/<slug:election>/<slug:code>/", views.unit, name="unit"),
]
