"""Routes of doubtful figures."""

from __future__ import annotations

from django.urls import path

from hierarchy.people.views import home_of
from reports.quality import views, views_references

urlpatterns = [
    path("mutu/", home_of("quality", "unit"), name="quality-home"),
    path("mutu/angka-kpu/", views_references.references, name="references"),
    path("mutu/<slug:election>/<slug:code>/", views.doubtful, name="quality"),
]
