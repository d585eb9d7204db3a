"""The Celery application: `celery -A bawaslu_data.celery:app worker|beat`."""

from __future__ import annotations

import os

from bawaslu_data import embedded

embedded.ensure()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bawaslu_data.settings")

from celery import Celery  # noqa: E402  (the embedded services must export their URLs before settings are read)

from bawaslu_data import broker  # noqa: E402

broker.install()
app = Celery("bawaslu_data")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # The outbox is the truth and a wake-up message only makes it faster, so a dead broker costs seconds, not data.
    "sweep-outbox": {"task": "reports.tasks.roll_up", "schedule": 2.0, "options": {"expires": 10}},
    "sweep-exports": {"task": "dashboards.tasks.sweep_exports", "schedule": 60.0, "options": {"expires": 60}},
    "seal-journal": {"task": "reports.tasks.seal_journal", "schedule": 60.0, "options": {"expires": 60}},
    "open-windows": {"task": "reports.tasks.open_due_windows", "schedule": 60.0, "options": {"expires": 60}},
    # Reminders are to the minute, so beat looks more often than that; a tick that finds nothing costs milliseconds.
    "remind": {"task": "reports.tasks.remind", "schedule": 20.0, "options": {"expires": 20}},
    "refresh-vacancies": {"task": "reports.tasks.refresh_vacancies", "schedule": 300.0, "options": {"expires": 300}},
    # A day's last figures stand for that day; every ten minutes is late enough to be them and costs little.
    "take-snapshots": {"task": "dashboards.tasks.take_snapshots", "schedule": 600.0, "options": {"expires": 600}},
    "sweep-evidence": {"task": "reports.tasks.sweep_evidence", "schedule": 86_400.0, "options": {"expires": 3_600}},
    "check-quality": {"task": "reports.tasks.check_quality", "schedule": 60.0, "options": {"expires": 60}},
}
