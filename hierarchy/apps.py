from __future__ import annotations

from django.apps import AppConfig


class HierarchyConfig(AppConfig):
    name = "hierarchy"
