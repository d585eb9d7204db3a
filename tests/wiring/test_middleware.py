"""What holds for every response."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import Cast


@pytest.mark.django_db
def test_no_cache_keeps_a_page_that_does_not_say_so(cast: Cast) -> None:
    """A 404 page names the person who asked for it."""
    client = Client()
    client.force_login(cast.ptps)
    answer = client.get("/satuan/pemilu2024/6401/")
    assert (answer.status_code, answer["Cache-Control"]) == (404, "private, no-store")
