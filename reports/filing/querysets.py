"""Reads of reports; scope is always visible_to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from hierarchy.models import User
from hierarchy.querysets import visible_q

if TYPE_CHECKING:
    pass
from reports.calendar.querysets import without_schema


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
