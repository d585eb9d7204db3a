"""Slow work and other people's servers stand in queues of their own: figures move whatever these do."""

from __future__ import annotations

import uuid
from datetime import timedelta

from tests.faults.processes import Service, wait_for
from tests.faults.test_reminders import DUE, PostedWorld, posted, voting  # noqa: F401  (a fixture)

RECAPS = 5
FIGURE = """
    SELECT t.filed_count FROM reports_tally t JOIN hierarchy_unit u ON u.id = t.unit_id
    WHERE u.level = 0 AND t.window_id = %s"""


def test_figures_move_while_workbooks_and_a_mail_server_that_hangs_hold_their_workers(
    posted: PostedWorld,  # noqa: F811
) -> None:
    obligation = voting(posted)[0]
    figures = Service(posted.stack, "worker-figures", "figures")
    posted.letters.hang.set()
    try:
        posted.at(DUE - timedelta(minutes=60))  # the reminders of the hour: their worker waits for the mail server
        assert posted.letters.hanging.wait(60), "nothing was sent"
        posted.slow.start()
        posted.slow.await_ready()
        with posted.hold("LOCK TABLE dashboards_exportjob IN ACCESS EXCLUSIVE MODE") as held:
            for _ in range(RECAPS):
                posted.send("dashboards.tasks.make_recap", str(uuid.uuid4()))
            held.await_waiting()
            figures.start()
            posted.file_at(obligation, DUE - timedelta(minutes=50))
            wait_for("the province has the report", lambda: posted.ask(FIGURE, obligation.window) == [(1,)])
            held.await_waiting()  # all the while
        assert posted.ask("SELECT 1 FROM reports_message WHERE state = 'SENDING'"), "all the while"
    finally:
        posted.letters.hang.clear()
        figures.kill_all()
