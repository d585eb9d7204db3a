"""Messages to background workers by a task's name: who sends one need not import the tasks, which import everybody."""

from __future__ import annotations

from typing import Any


def send(name: str, *args: str | int, **options: Any) -> None:
    """Hands the task `name` (as in bawaslu_data/celery.py) to the broker once, without trying again.

    `options` are Celery's: countdown and expires in seconds. Raises whatever the broker raises.
    """
    from celery import current_app

    current_app.send_task(name, list(args), retry=False, **options)
