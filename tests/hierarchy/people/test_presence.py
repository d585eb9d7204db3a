"""Being seen: written once in a while, and only for whoever a page asked about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client

from hierarchy.lib import clock
from hierarchy.models import User
from hierarchy.people import presence
from tests.cast import Cast


def unseen(user: User) -> User:
    user.last_seen_at = None
    user.save(update_fields=["last_seen_at"])
    return user


def test_seen_is_written_once_in_a_while(cast: Cast, django_assert_num_queries: Any) -> None:
    user = unseen(cast.ptps)
    assert presence.seen(user)
    assert not presence.seen(user), "the row was written by another request meanwhile"
    user.refresh_from_db()
    with django_assert_num_queries(0):
        assert not presence.seen(user)
    user.last_seen_at = clock.now() - presence.COARSENESS - timedelta(seconds=1)
    user.save(update_fields=["last_seen_at"])
    assert presence.seen(user)


def test_a_page_that_knows_its_reader_notes_it(cast: Cast, client: Client) -> None:
    client.force_login(unseen(cast.ptps))
    client.get("/tugas/")
    cast.ptps.refresh_from_db()
    assert cast.ptps.last_seen_at is not None
