"""Routes of filing and reviewing."""

from __future__ import annotations

from django.urls import include, path

from reports.filing import views as filing
from reports.home import views as home
from reports.review import views as review

urlpatterns = [
    path("", include("reports.plenary.urls")),
    path("", include("reports.reminders.urls")),
    path("", include("reports.quality.urls")),
    path("", include("reports.findings.urls")),
    path("tugas/", home.tasks, name="tasks"),
    path("tugas/<int:pk>/lapor/", filing.file_report, name="file-report"),
    path("tugas/<int:pk>/tanpa-sinyal/", review.attest, name="attest"),
    path("tugas/<int:pk>/ada-sinyal/", review.retract, name="retract"),
    path("lapor/<int:window_pk>/", filing.file_event, name="file-event"),
    path("laporan/<uuid:pk>/", review.report, name="report"),
    path("laporan/<uuid:pk>/foto/<slug:sha256>/", review.photo, name="photo"),
    path("laporan/<uuid:pk>/setujui/", review.approve, name="approve-report"),
    path("laporan/<uuid:pk>/kembalikan/", review.send_back, name="return-report"),
    path("laporan/<uuid:pk>/batalkan/", review.withdraw, name="withdraw-approval"),
    path("laporan/<uuid:pk>/catatan/", review.settle, name="settle"),
    path("laporan/<uuid:pk>/banding/", review.compare, name="compare"),
    path("pemeriksaan/", review.queue, name="queue"),
]
