"""Routes of filing and reviewing."""

from __future__ import annotations

from django.urls import include, path

from reports.filing import views
from reports.review import views as views_review

urlpatterns = [
    path("", include("reports.plenary.urls")),
    path("", include("reports.reminders.urls")),
    path("", include("reports.quality.urls")),
    path("", include("reports.findings.urls")),
    path("tugas/", views.tasks, name="tasks"),
    path("tugas/<int:pk>/lapor/", views.file_report, name="file-report"),
    path("tugas/<int:pk>/tanpa-sinyal/", views_review.attest, name="attest"),
    path("lapor/<int:window_pk>/", views.file_event, name="file-event"),
    path("laporan/<uuid:pk>/", views_review.report, name="report"),
    path("laporan/<uuid:pk>/foto/<slug:sha256>/", views_review.photo, name="photo"),
    path("laporan/<uuid:pk>/periksa/", views_review.judge, name="judge"),
    path("laporan/<uuid:pk>/catatan/", views_review.settle, name="settle"),
    path("laporan/<uuid:pk>/banding/", views_review.compare, name="compare"),
    path("pemeriksaan/", views_review.queue, name="queue"),
]
