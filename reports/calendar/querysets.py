"""Reads of reporting. A page's data is one named method; scope is always `visible_to`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from hierarchy.models import Election


def without_schema(prefix: str = "") -> list[str]:
    """Columns of a version, read through `prefix`, to defer: kilobytes a row, read once per process by `parsed`."""
    return [f"{prefix}__{column}" if prefix else column for column in ("schema", "source")]


class WindowQuerySet(models.QuerySet):
    def due_to_open(self, at: datetime) -> WindowQuerySet:
        """Windows whose time has come and whose obligations are not made yet; a closed window never opens."""
        return self.filter(opened_at=None, opens_at__lte=at, closes_at__gt=at)

    def for_pages(self, election: Election) -> WindowQuerySet:
        """Opened windows with what a tab needs, newest deadline last."""
        return (
            self.filter(election=election, opened_at__isnull=False)
            .select_related("stage", "instrument", "version")
            .defer(*without_schema("version"))
            .order_by("stage__sequence", "opens_at", "instrument__code", "period")
        )
