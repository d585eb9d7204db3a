"""Routes of the register of findings."""

from __future__ import annotations

from django.urls import path

from reports.findings import views as views_findings

urlpatterns = [
    path("temuan/", views_findings.register, name="findings"),
    path("temuan/baru/", views_findings.record, name="record-finding"),
    path("temuan/<int:pk>/", views_findings.finding, name="finding"),
    path("temuan/<int:pk>/ubah/", views_findings.amend, name="amend-finding"),
    path("temuan/<int:pk>/langkah/", views_findings.act, name="finding-act"),
]
