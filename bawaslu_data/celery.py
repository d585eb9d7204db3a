"""The Celery application and what it runs: `celery -A bawaslu_data.celery:app worker --queues=figures`, or `beat`."""

from __future__ import annotations

import os
from typing import NamedTuple

from celery import Celery
from kombu import Queue

from bawaslu_data import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bawaslu_data.settings")

# By how long their work may take and who waits for it; each needs a worker that fetches from no other.
FIGURES = "figures"  # milliseconds to seconds; everybody who looks at a figure waits
REMINDERS = "reminders"  # as long as other people's mail servers please; due to the minute
SLOW = "slow"  # seconds to minutes of computing; one person waits, or nobody
QUEUES = (FIGURES, REMINDERS, SLOW)


class Task(NamedTuple):
    """`every`: seconds between two messages of beat, None where others ask. `expires`: seconds until one is dropped."""

    queue: str
    every: float | None = None
    expires: float | None = None


TASKS = {
    # The outbox is the truth and a wake-up message only makes it faster, so a dead broker costs seconds, not data.
    "reports.tasks.roll_up": Task(FIGURES, 2.0, 10),
    "reports.tasks.open_due_windows": Task(FIGURES, 60.0, 60),
    "reports.tasks.refresh_vacancies": Task(FIGURES, 300.0, 300),
    # Short, and what no seal covers yet is what nobody could prove: it does not queue behind workbooks.
    "reports.tasks.seal_journal": Task(FIGURES, 60.0, 60),
    # Reminders are to the minute, so beat looks more often than that; a tick that finds nothing costs milliseconds.
    "reports.tasks.remind": Task(REMINDERS, 20.0, 20),
    "reports.tasks.sweep_evidence": Task(SLOW, 86_400.0, 3_600),
    "reports.tasks.check_quality": Task(SLOW, 60.0, 60),
    # A day's last figures stand for that day; every ten minutes is late enough to be them and costs little.
    "dashboards.tasks.take_snapshots": Task(SLOW, 600.0, 600),
    "dashboards.tasks.sweep_exports": Task(SLOW, 60.0, 60),
    "dashboards.tasks.make_recap": Task(SLOW),
}

broker.install()
app = Celery("bawaslu_data")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.conf.task_default_queue = SLOW
app.conf.task_routes = {name: {"queue": task.queue} for name, task in TASKS.items()}
app.conf.beat_schedule = {
    name: {"task": name, "schedule": task.every, "options": {"expires": task.expires}}
    for name, task in TASKS.items()
    if task.every
}
