from __future__ import annotations

from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "bawaslu_data"

    def ready(self) -> None:
        from bawaslu_data import checks  # noqa: F401  (registers the system checks)
