"""Routes of recap workbooks."""

from __future__ import annotations

from django.urls import path

from dashboards.recaps import views as views_exports

urlpatterns = [
    path("unduhan/", views_exports.exports_page, name="exports"),
    path("unduhan/<uuid:pk>/", views_exports.status, name="export-status"),
    path("unduhan/<uuid:pk>/berkas", views_exports.file, name="export-file"),
]
