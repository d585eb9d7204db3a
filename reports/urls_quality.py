"""Routes of doubtful figures."""

from __future__ import annotations

from django.urls import path

from reports import views_quality

urlpatterns = [
    path("mutu/", views_quality.quality_home, name="quality-home"),
    path("mutu/<slug:election>/<slug:code>/", views_quality.doubtful, name="quality"),
]
