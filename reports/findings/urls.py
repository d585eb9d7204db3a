"""Routes of the register of findings."""

from __future__ import annotations

from django.urls import path

from reports.findings import views, views_record

urlpatterns = [
    path("temuan/", views.register, name="findings"),
    path("temuan/baru/", views_record.record, name="record-finding"),
    path("temuan/<int:pk>/", views.finding, name="finding"),
    path("temuan/<int:pk>/ubah/", views_record.amend, name="amend-finding"),
    path("temuan/<int:pk>/pihak/", views.read_parties, name="finding-parties"),
    path("temuan/<int:pk>/penangan/", views.assign, name="finding-handlers"),
    path("temuan/<int:pk>/keterangan/", views.extend, name="finding-extend"),
    path("temuan/<int:pk>/tindak-lanjut/", views.propose, name="finding-outcome"),
]
