"""The one refusal of an instrument's source: every fault found, each naming sheet, row and column."""

from __future__ import annotations

from collections.abc import Iterable


class InstrumentError(ValueError):
    """An XLSForm that cannot become an instrument. `messages` are sentences for the person who wrote the form."""

    def __init__(self, messages: str | Iterable[str]) -> None:
        self.messages: list[str] = [messages] if isinstance(messages, str) else list(messages)
        super().__init__("\n".join(self.messages))
