"""Reads of reports; scope is always visible_to."""

from __future__ import annotations

from django.db import models

from hierarchy.models import User
from hierarchy.querysets import visible_q
from reports.calendar.querysets import without_schema

CONTENT = ("answers", "reasons", "vector", "remarks")


def without_content(prefix: str = "", *, but: str = "") -> list[str]:
    """Columns of a report, read through `prefix`, to defer where a list needs none of its content, `but` one column.

    Together they weigh more than all the others.
    """
    return [f"{prefix}__{column}" if prefix else column for column in CONTENT if column != but]


class ReportQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ReportQuerySet:
        return self.filter(visible_q(user, "obligation__subject__"))

    def for_page(self) -> ReportQuerySet:
        return self.select_related(
            "window__version",
            "obligation__window__version",
            "obligation__window__instrument",
            "obligation__window__stage",
            "obligation__window__election",
            "obligation__filer",
            "obligation__counted_in",
            "obligation__subject__province",
            "obligation__subject__regency",
            "obligation__subject__district",
            "obligation__subject__village",
            "filed_by",
            "approved_by",
        ).defer(*without_schema("window__version"), *without_schema("obligation__window__version"))

    def for_review(self) -> ReportQuerySet:
        """Joins what review's verbs need, and no more."""
        return self.select_related(
            "obligation__window__election", "obligation__subject", "obligation__filer", "obligation__counted_in"
        )
