"""Routes of the plenary."""

from __future__ import annotations

from django.urls import path

from reports.bodies import views as bodies
from reports.plenary import views
from reports.plenary import views_steps as steps

urlpatterns = [
    path("pleno/", views.plenaries, name="plenaries"),
    path("pleno/baru/", views.call, name="call-plenary"),
    path("pleno/kuorum/", bodies.quorums, name="quorums"),
    path("pleno/kuorum/biasa/", bodies.usual_quorum, name="usual-quorum"),
    path("pleno/<int:pk>/", views.meeting, name="plenary"),
    path("pleno/<int:pk>/hadir/", steps.arrive, name="plenary-arrive"),
    path("pleno/<int:pk>/pergi/", steps.leave, name="plenary-leave"),
    path("pleno/<int:pk>/izin/", steps.excuse, name="plenary-excuse"),
    path("pleno/<int:pk>/buka/", steps.open_, name="plenary-open"),
    path("pleno/<int:pk>/pimpin/", steps.preside, name="plenary-preside"),
    path("pleno/<int:pk>/tambah/", steps.add, name="plenary-add"),
    path("pleno/<int:pk>/perbarui/", steps.refresh, name="plenary-refresh"),
    path("pleno/<int:pk>/cabut/", steps.take_off, name="plenary-take-off"),
    path("pleno/<int:pk>/suara/", steps.vote, name="plenary-vote"),
    path("pleno/<int:pk>/putuskan/", steps.decide, name="plenary-decide"),
    path("pleno/<int:pk>/tunda/", steps.postpone, name="plenary-postpone"),
    path("pleno/<int:pk>/tutup/", steps.close, name="plenary-close"),
    path("pleno/<int:pk>/batalkan/", steps.cancel, name="plenary-cancel"),
    path("pleno/<int:pk>/langkah/", views.outdated, name="plenary-act"),
    path("pleno/<int:pk>/berita-acara.pdf", views.minutes_pdf, name="minutes"),
    path("berita-acara/<int:pk>/<slug:printed>/", views.check_minutes, name="check-minutes"),
]
