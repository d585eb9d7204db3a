from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        from hierarchy.signals import roster_changed, tree_changed

        tree_changed.connect(_tree_changed)
        roster_changed.connect(_roster_changed)


def _tree_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    """The layer below cannot import this one, so it says what it did: the journal keeps it, obligations follow it."""
    from reports import calendar, journal

    journal.write(journal.entry(f"tree.{verb}", by=by, election=election.code, **detail))
    if verb not in ("rename", "set_tags"):
        calendar.follow_tree(election=election)


def _roster_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    from reports import journal

    journal.write(journal.entry(f"roster.{verb}", by=by, election=election.code if election else "", **detail))
