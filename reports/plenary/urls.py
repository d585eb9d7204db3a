"""Routes of the plenary."""

from __future__ import annotations

from django.urls import path

from reports.plenary import views as views_plenary
from reports.quality import views_references as views_settings

urlpatterns = [
    path("pleno/", views_plenary.plenaries, name="plenaries"),
    path("pleno/baru/", views_plenary.call, name="call-plenary"),
    path("pleno/kuorum/", views_settings.quorums, name="quorums"),
    path("pleno/kuorum/biasa/", views_settings.usual_quorum, name="usual-quorum"),
    path("pleno/<int:pk>/", views_plenary.meeting, name="plenary"),
    path("pleno/<int:pk>/langkah/", views_plenary.act, name="plenary-act"),
    path("pleno/<int:pk>/berita-acara.pdf", views_plenary.minutes_pdf, name="minutes"),
    path("berita-acara/<int:pk>/<slug:printed>/", views_plenary.check_minutes, name="check-minutes"),
]
