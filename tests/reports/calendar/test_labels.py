"""How windows are said: one text for a day and one for a week, on every page, in a workbook and in a message."""

from __future__ import annotations

import pytest

from dashboards.board.shapes import BoardWindow
from hierarchy.lib import clock
from reports.calendar.labels import period_words, title_of
from reports.calendar.models import Instrument, Window

WORDS = {"": "", "2024-02-11": "11 Feb 2024", "2024-W07": "minggu mulai 12 Feb 2024"}


@pytest.mark.parametrize(("period", "words"), WORDS.items())
def test_a_period_is_said_alike_wherever_it_stands(period: str, words: str) -> None:
    window = Window(period=period, instrument=Instrument(title_id="Masa tenang"))
    whole = f"Masa tenang, {words}" if words else "Masa tenang"
    assert (period_words(period), title_of(window)) == (words, whole)
    assert BoardWindow(1, 1, "tenang", "Masa tenang", "TENANG", 1, period, clock.now()).label == whole
