"""Routes of dashboards pages."""

from __future__ import annotations

urlpatterns: list = []
