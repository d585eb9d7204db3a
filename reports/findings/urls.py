"""Routes of the register of findings."""

from __future__ import annotations

from django.urls import path

from reports.findings import views

urlpatterns = [
    path("temuan/", views.register, name="findings"),
    path("temuan/baru/", views.record, name="record-finding"),
    path("temuan/<int:pk>/", views.finding, name="finding"),
    path("temuan/<int:pk>/ubah/", views.amend, name="amend-finding"),
    path("temuan/<int:pk>/langkah/", views.act, name="finding-act"),
]
