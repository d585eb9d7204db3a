"""Routes of the plenary."""

from __future__ import annotations

from django.urls import path

from reports import views_plenary

urlpatterns = [
    path("pleno/", views_plenary.plenaries, name="plenaries"),
    path("pleno/baru/", views_plenary.call, name="call-plenary"),
    path("pleno/<int:pk>/", views_plenary.meeting, name="plenary"),
    path("pleno/<int:pk>/langkah/", views_plenary.act, name="plenary-act"),
    path("pleno/<int:pk>/berita-acara.pdf", views_plenary.minutes_pdf, name="minutes"),
]
