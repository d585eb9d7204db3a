"""Celery tasks: thin, idempotent, ids only. The work is in plain functions."""

from __future__ import annotations

from celery import shared_task

from reports import calendar, journal, outbox, rollup


@shared_task
def roll_up(regency_id: int | None) -> None:
    """Folds one regency's subtree (None: the provinces), then wakes the province."""
    if rollup.run_subtree(regency_id) and regency_id is not None:
        outbox.wake(None)


@shared_task
def sweep_outbox() -> None:
    """Finds marks whose wake-up was lost."""
    for regency_id in rollup.pending():
        outbox.wake(regency_id)


@shared_task
def seal_journal() -> None:
    journal.seal()


@shared_task
def open_due_windows() -> None:
    calendar.open_due()


@shared_task
def refresh_vacancies() -> None:
    calendar.refresh_vacancies()
