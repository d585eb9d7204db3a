"""Journeys: real people in a real browser against the whole site."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from playwright.sync_api import Browser, sync_playwright

from hierarchy.models import User
from tests.days import Day
from tests.journeys.browser import PHONE, Visitor, launch
from tests.needed import pytest_configure  # noqa: F401  (a hook)

PASSWORD = "rahasia-pengawas-2024"
Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; the ORM would take every test for a coroutine.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        opened = launch(playwright)
        yield opened
        opened.close()


@pytest.fixture
def day(transactional_db: None, election_day: Day, settings: Any, tmp_path: Path) -> Day:
    """Election day with people who can sign in."""
    settings.MEDIA_ROOT, settings.KEY_DIR = tmp_path / "media", tmp_path / "keys"
    User.objects.update(password=make_password(PASSWORD))
    cache.clear()  # other tests have tried passwords from this address
    return election_day


@pytest.fixture
def visit(browser: Browser, day: Day, live_server: Any) -> Iterator[Visit]:
    """`visit("ptps", screen, scripts=True)` signs in through the log-in page; "" only passes by."""
    visitors: list[Visitor] = []

    def make(username: str = "", screen: Mapping[str, int] = PHONE, *, scripts: bool = True) -> Visitor:
        visitors.append(Visitor(browser, live_server.url, screen, scripts=scripts))
        if username:
            visitors[-1].sign_in(username, PASSWORD)
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []
