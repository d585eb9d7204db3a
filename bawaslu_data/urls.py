"""Every route of the product. tests/contract walks this table, so a route without a rule fails."""

from __future__ import annotations

from django.urls import include, path
from django.views.i18n import set_language

from bawaslu_data import health, metrics

handler500 = "bawaslu_data.away.server_error"
urlpatterns = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("bahasa/", set_language, name="set_language"),
    path("api/v1/", include("reports.api.urls")),
    path("", include("hierarchy.urls")),
    path("", include("reports.urls")),
    path("", include("dashboards.urls")),
]
