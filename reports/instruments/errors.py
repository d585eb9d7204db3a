"""The one refusal of an instrument's source: every fault found, each naming sheet, row and column."""

from __future__ import annotations

from hierarchy.lib.errors import Refusal


class InstrumentError(Refusal):
    """An XLSForm that cannot become an instrument, in sentences for the person who wrote it."""

    code = "instrument"
