"""How an agenda is said to people."""

from __future__ import annotations

from django.utils.translation import gettext

from reports.calendar.labels import title_of
from reports.plenary.models import AgendaItem


def agenda_title(item: AgendaItem) -> str:
    """What an agenda item is about; of a finding no more than its number and kind, which are no secret."""
    if item.window is not None:
        return title_of(item.window)
    assert item.finding is not None
    said = {"matter": item.get_matter_display(), "number": item.finding.number, "kind": item.finding.get_kind_display()}
    return gettext("%(matter)s nomor %(number)d: %(kind)s") % said
