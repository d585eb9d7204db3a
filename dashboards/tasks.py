"""Celery tasks: thin, idempotent, ids only."""

from __future__ import annotations

from celery import shared_task

from dashboards.figures import snapshots
from dashboards.operations import heartbeat  # noqa: F401  (a worker signs from its first heartbeat)
from dashboards.recaps import actions as recaps


@shared_task
def make_recap(job_id: str) -> None:
    recaps.make(job_id)


@shared_task
def sweep_exports() -> None:
    """Finds recaps whose message or worker was lost."""
    recaps.sweep()


@shared_task
def take_snapshots() -> None:
    """Keeps today's figures; the last of the day stands."""
    snapshots.take()
