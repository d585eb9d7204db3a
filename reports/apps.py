from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_save


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from hierarchy.models import User
        from hierarchy.signals import roster_changed, signed_out, tree_changed

        tree_changed.connect(_tree_changed)
        roster_changed.connect(_roster_changed)
        signed_out.connect(_signed_out)
        user_logged_out.connect(_logged_out)
        post_save.connect(_password_hashed_anew, sender=User)


def _tree_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    """The layer below cannot import this one, so it says what it did: the journal keeps it, obligations follow it."""
    from hierarchy.lib import locks
    from reports.journal import actions as journal
    from reports.journal import covered
    from reports.obligations import actions as obligations

    provinces = _provinces(detail)
    state = covered.of_units(election.code, provinces)
    if len(provinces) > 1:  # whoever serves in a unit that goes to another province goes with it
        locks.take(locks.Lock.ROSTER, [election.pk])
        state |= covered.of_terms(election.code, provinces)
    journal.write(journal.entry(f"tree.{verb}", by=by, election=election.code, state=state, **detail))
    if verb not in ("rename", "set_tags"):
        obligations.follow_tree(election=election)


def _provinces(detail: dict[str, Any]) -> list[str]:
    """The two-digit codes of those a verb has touched."""
    from hierarchy.levels import province_code

    codes = detail.get("provinces") or [detail.get("code"), detail.get("was")]
    return sorted({province_code(code) for code in codes if code})


TERMS = ("appoint", "end", "let_act", "stop_acting")  # verbs of the roster that change who serves where, and no account
# Verbs that change no more of an account than its password or code, or when it was signed out.
CODES = ("activate", "renew_code", "sign_out_everywhere", "sign_out_ended")


def _roster_changed(verb: str, election: Any, by: Any, detail: dict[str, Any], **_kwargs: Any) -> None:
    from reports import locks
    from reports.journal import actions as journal
    from reports.journal import covered

    code = election.code if election else ""
    covers: dict[str, Any] = {"state": {}}
    if election:
        covers["state"] |= covered.of_terms(code, _provinces(detail))
    if verb not in (*TERMS, *CODES):
        locks.hold(locks.Lock.PEOPLE)
        covers["state"] |= covered.digests(covered.PEOPLE)
    if verb not in TERMS and (username := detail.get("username")):
        covers["secret"] = covered.secrets(username).get(username, "")
    journal.write(journal.entry(f"roster.{verb}", by=by, election=code, **detail, **covers))


def _password_hashed_anew(instance: Any, update_fields: Any, **_kwargs: Any) -> None:
    """Django hashes a password anew at sign-in, once its own parameters have grown; every other change has a verb."""
    from reports.journal import actions as journal
    from reports.journal import covered

    if update_fields == frozenset({"password"}):
        with transaction.atomic():
            name = instance.username
            secret = covered.secrets(name)[name]
            journal.write(journal.entry("roster.rehash", by=None, username=name, secret=secret))


def _signed_out(users: list[int], **_kwargs: Any) -> None:
    from reports.api import authentication
    from reports.reminders import push

    authentication.revoke(users)
    push.forget(users)


def _logged_out(request: Any, user: Any, **_kwargs: Any) -> None:
    """Whoever goes out leaves the device to others, so it is told nothing more in their name."""
    from reports.reminders import push

    if user is not None and (endpoint := request.session.get(push.SESSION_KEY)):
        push.forget([user.pk], endpoint=endpoint)
