"""`manage.py demo --fresh` begins again; the demo itself is tests/full/test_demo.py."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType

from bawaslu_data.management.commands.demo import empty_database
from hierarchy.models import Election, User
from reports.journal.models import Event
from tests.cast import Cast


@pytest.mark.django_db(transaction=True)
def test_beginning_again_forgets_history_too(cast: Cast) -> None:
    """The database refuses to empty history to everybody who does not say that they mean it."""
    assert Event.objects.exists()
    empty_database()
    assert not any(model.objects.exists() for model in (Event, Election, User))
    assert ContentType.objects.exists()
