from __future__ import annotations

from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "bawaslu_data"

    def ready(self) -> None:
        # Registers the system checks, and makes every process that may enqueue a task know the broker.
        from bawaslu_data import celery, checks, pooler  # noqa: F401
