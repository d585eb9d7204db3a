"""Where a body stands with ratifying its figures, in words: for the leaders' sheet and for recaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from hierarchy.lib import formats
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.plenary import queries as ratified
from reports.plenary import readiness
from reports.plenary.models import AgendaItem
from reports.rollup.models import Tally

Standing = Mapping[tuple[int, int], AgendaItem]  # (unit id, window id) -> the ratified figure that stands


@dataclass(frozen=True)
class BodyProgress:
    """What a body has ratified of `matters` windows: `items` stand, `changed` of them are other figures by now."""

    unit: Unit
    matters: int
    items: tuple[AgendaItem, ...]
    changed: int

    @property
    def ratified(self) -> int:
        return len(self.items)

    @property
    def newest(self) -> AgendaItem | None:
        """The latest of its decisions."""
        return max(self.items, key=lambda item: (item.decided_at, item.pk), default=None)

    @property
    def whole(self) -> bool:
        """Whether every figure stands as it was ratified."""
        return bool(self.items) and self.ratified == self.matters and not self.changed

    @property
    def words(self) -> str:
        """How its figures stand: sementara, or ratified when, by which minutes, and in which version."""
        if self.newest is None:
            return _("sementara")
        told = _("disahkan pleno %(at)s") % {"at": self.decided}
        if self.changed:
            return _("berubah sesudah %(told)s") % {"told": told}
        if self.ratified < self.matters:
            share = {"n": formats.number(self.ratified), "total": formats.number(self.matters)}
            return _("%(n)s dari %(total)s masa laporan %(told)s") % (share | {"told": told})
        return told

    @property
    def decided(self) -> str:
        """Dates, numbers of minutes and, after a correction, the version."""
        assert self.newest is not None
        days = dict.fromkeys(formats.day(item.decided_at) for item in self.items if item.decided_at)
        numbers = dict.fromkeys(item.plenary.minutes_number for item in self.items if item.plenary.minutes_number)
        parts = ["; ".join(days)]
        if numbers:
            parts.append(_("berita acara %(numbers)s") % {"numbers": "; ".join(numbers)})
        if (version := self.newest.version or 1) > 1:
            parts.append(_("versi %(number)s") % {"number": formats.number(version)})
        return ", ".join(parts)


def body(unit: Unit, tallies: Sequence[Tally], standing: Standing) -> BodyProgress:
    """`tallies` are the unit's own, each with its window and version."""
    found = [(tally, standing[key]) for tally in tallies if (key := (unit.pk, tally.window_id)) in standing]
    return BodyProgress(
        unit=unit,
        matters=len(tallies),
        items=tuple(item for _tally, item in found),
        changed=sum(ratified.tally_moved(item, tally, tally.window) for tally, item in found),
    )


def bodies(units: Iterable[Unit], windows: Iterable[Window]) -> dict[str, BodyProgress]:
    """Code -> the body of each unit that has something to ratify in the windows; two queries. `windows` have
    their instrument and version; Form A is no recap (docs/adr/0010)."""
    by_pk = {unit.pk: unit for unit in units}
    by_window = {window.pk: window for window in windows if readiness.recapped(window)}
    standing = ratified.standing(by_pk)
    held: dict[int, list[Tally]] = defaultdict(list)
    for tally in Tally.objects.filter(unit__in=by_pk, window__in=by_window, expected__gt=0).order_by("window_id"):
        tally.window = by_window[tally.window_id]
        held[tally.unit_id].append(tally)
    return {by_pk[pk].code: body(by_pk[pk], tallies, standing) for pk, tallies in held.items()}
