"""Celery tasks: thin, idempotent, ids only. The work is in plain functions."""

from __future__ import annotations

from celery import shared_task

from hierarchy.people import leaving
from reports.filing import evidence
from reports.journal import actions as journal
from reports.obligations import actions as obligations
from reports.quality import actions as quality
from reports.reminders import actions as reminders
from reports.reminders import delivery
from reports.rollup import fold as rollup


@shared_task
def roll_up() -> None:
    """Folds whatever has marks; beat sends it too, so a mark whose wake-up was lost waits for two seconds."""
    rollup.run_pending()


@shared_task
def seal_journal() -> None:
    journal.seal()


@shared_task
def open_due_windows() -> None:
    obligations.open_due()


@shared_task
def refresh_vacancies() -> None:
    obligations.refresh_vacancies()
    leaving.sign_out_ended()


@shared_task
def remind() -> None:
    """Fires what has come due and hands it on; beat sends this more often than once a minute."""
    reminders.tick()
    delivery.deliver()


@shared_task
def check_quality() -> None:
    quality.check_pending()


@shared_task
def sweep_evidence() -> None:
    """Photos whose report never came."""
    evidence.sweep()
