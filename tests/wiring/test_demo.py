"""`manage.py demo --fresh` begins again; the demo itself is tests/full/test_demo.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import CommandError, call_command

from bawaslu_data.management.commands.demo import empty_database
from dashboards.releases import actions as publish
from hierarchy.models import Election, User
from reports.journal.models import Event
from tests.cast import Cast


@pytest.mark.django_db(transaction=True)
def test_beginning_again_forgets_history_too(cast: Cast) -> None:
    """The database refuses to empty history to everybody who does not say that they mean it."""
    assert Event.objects.exists()
    cache.set("quality:1", "what was seen of rows with the same numbers")
    empty_database()
    assert cache.get("quality:1") is None
    assert not any(model.objects.exists() for model in (Event, Election, User))
    assert ContentType.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_stopped_half_way_is_not_taken_for_done(cast: Cast, settings: Any) -> None:
    """Its first release is out long before anybody can sign in."""
    settings.PUBLICATION_KEY, settings.PUBLICATION_PUBLIC_KEY = "11" * 32, ""
    publish.publish(election=Election.objects.get(), by=None)
    with pytest.raises(CommandError, match="--fresh"):
        call_command("demo", "--no-serve")
