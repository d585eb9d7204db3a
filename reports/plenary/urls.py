"""Routes of the plenary."""

from __future__ import annotations

from django.urls import path

from reports.bodies import views as bodies
from reports.plenary import views

urlpatterns = [
    path("pleno/", views.plenaries, name="plenaries"),
    path("pleno/baru/", views.call, name="call-plenary"),
    path("pleno/kuorum/", bodies.quorums, name="quorums"),
    path("pleno/kuorum/biasa/", bodies.usual_quorum, name="usual-quorum"),
    path("pleno/<int:pk>/", views.meeting, name="plenary"),
    path("pleno/<int:pk>/langkah/", views.act, name="plenary-act"),
    path("pleno/<int:pk>/berita-acara.pdf", views.minutes_pdf, name="minutes"),
    path("berita-acara/<int:pk>/<slug:printed>/", views.check_minutes, name="check-minutes"),
]
