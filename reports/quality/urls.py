"""Routes of doubtful figures."""

from __future__ import annotations

from django.urls import path

from hierarchy.people.views import home_of
from reports.quality import views as views_quality
from reports.quality import views_references as views_settings

urlpatterns = [
    path("mutu/", home_of("quality", "unit"), name="quality-home"),
    path("mutu/angka-kpu/", views_settings.references, name="references"),
    path("mutu/<slug:election>/<slug:code>/", views_quality.doubtful, name="quality"),
]
