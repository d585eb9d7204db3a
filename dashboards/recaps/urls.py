"""Routes of recap workbooks."""

from __future__ import annotations

from django.urls import path

from dashboards.recaps import views

urlpatterns = [
    path("unduhan/", views.recaps_page, name="exports"),
    path("unduhan/<uuid:pk>/", views.status, name="export-status"),
    path("unduhan/<uuid:pk>/berkas", views.file, name="export-file"),
]
