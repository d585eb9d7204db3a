from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from hierarchy.signals import roster_changed, signed_out, tree_changed

        tree_changed.connect(_tree_changed)
        roster_changed.connect(_roster_changed)
        signed_out.connect(_signed_out)
        user_logged_out.connect(_logged_out)


def _tree_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    """The layer below cannot import this one, so it says what it did: the journal keeps it, obligations follow it."""
    from reports import calendar, journal

    journal.write(journal.entry(f"tree.{verb}", by=by, election=election.code, **detail))
    if verb not in ("rename", "set_tags"):
        calendar.follow_tree(election=election)


def _roster_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    from reports import journal

    journal.write(journal.entry(f"roster.{verb}", by=by, election=election.code if election else "", **detail))


def _signed_out(users: list[int], **_kwargs: Any) -> None:
    from reports import push
    from reports.api import authentication

    authentication.revoke(users)
    push.forget(users)


def _logged_out(request: Any, user: Any, **_kwargs: Any) -> None:
    """Whoever goes out leaves the device to others, so it is told nothing more in their name."""
    from reports import push

    if user is not None and (endpoint := request.session.get(push.SESSION_KEY)):
        push.forget([user.pk], endpoint=endpoint)
