"""The agenda of a plenary as pages show it: what could be put on it, and what lies there with its votes. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby

from django.utils.translation import gettext as _

from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports.calendar.labels import title_of
from reports.calendar.models import Window
from reports.calendar.querysets import without_schema
from reports.findings import content, reading
from reports.findings import labels as finding_words
from reports.findings import queries as registered
from reports.findings.models import Finding
from reports.plenary import queries as ratified
from reports.plenary import readiness
from reports.plenary.labels import agenda_title
from reports.plenary.models import AgendaItem, Plenary, Vote
from reports.plenary.readiness import Readiness
from reports.rollup.fold import COUNTS


@dataclass(frozen=True)
class WaitingMatter:
    """What a body could decide: a rollup or a finding, under the name that a form gives it.

    `matter`: coverage and deadline of a rollup.
    """

    key: str
    title: str
    about: Window | Finding
    matter: ratified.WindowMatter | None = None

    @property
    def group(self) -> str:
        """What it is offered under."""
        return str(self.matter.readiness.label) if self.matter else _("Temuan")


def waiting_of(unit: Unit) -> list[WaitingMatter]:
    """All that waits for the body's decision: figures that are ready, those that are not, findings."""
    rows = recaps_of(unit)
    for finding in registered.to_decide(unit):
        item = AgendaItem(unit=unit, finding=finding, matter=registered.matter_of(finding))
        rows.append(WaitingMatter(f"temuan-{finding.pk}", agenda_title(item), finding))
    return rows


def recaps_of(unit: Unit) -> list[WaitingMatter]:
    return [
        WaitingMatter(
            f"rekap-{matter.window.pk}",
            title_of(matter.window) + (" " + _("(berubah sesudah disahkan)") if matter.changed else ""),
            matter.window,
            matter,
        )
        for matter in ratified.matters(unit)
        if matter.to_decide
    ]


def grouped(waiting: list[WaitingMatter]) -> list[tuple[str, list[WaitingMatter]]]:
    return [(group, list(rows)) for group, rows in groupby(waiting, key=lambda each: each.group)]


@dataclass(frozen=True)
class AgendaRow:
    """An agenda item as the page shows it: its figures, the votes, and what moved.

    `moved`: since the figures were laid or ratified, and `compared`: lines whose comparison with what was filed did;
    `against`: from the ratified figure that this one corrects;
    `told`: what lies there of a finding, empty for readers who do not handle it; `stale`: it is another by now.
    `due_at`: when the last report behind its figures is due; `silent`: who is present and has not voted.
    """

    item: AgendaItem
    votes: list[Vote]
    moved: list[ratified.RatifiedChange]
    against: list[ratified.RatifiedChange]
    mine: Vote | None
    newest: bool
    told: list[tuple[str, str]] = field(default_factory=list)
    stale: bool = False
    due_at: datetime | None = None
    silent: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def title(self) -> str:
        return agenda_title(self.item)

    @cached_property
    def readiness(self) -> Readiness | None:
        """How ready its figures were when they were decided, or are now; None of a finding."""
        if self.due_at is None:
            return None
        return readiness.of(self.item.shown["counts"], self.due_at, self.item.decided_at or clock.now())

    @property
    def ready(self) -> bool:
        return self.readiness in (None, Readiness.READY)

    @property
    def wants_reason(self) -> bool:
        """The decision that the votes come to is one that needs a reason nobody has given."""
        agree = sum(vote.choice == Vote.Choice.AGREE for vote in self.votes)
        return not self.ready and not self.item.reason and agree * 2 > len(self.votes)

    @property
    def hash(self) -> str:
        return bytes(self.item.sha256).hex()

    @cached_property
    def tables(self) -> list[tuple[str, list[ratified.FigureRow]]]:
        """(heading, rows) of the tables that are ratified; none of a finding, and none without rows."""
        if self.item.window is None:
            return []
        found = ratified.tables(self.item)
        named = [(_("Masalah (laporan yang menemukan)"), found.problems), (_("Jumlah"), found.sums)]
        return [(heading, rows) for heading, rows in named if rows]


def laid_items(found: Plenary, reader: User, present: list[User]) -> list[AgendaRow]:
    """The agenda in order. Three queries and one per item for the figures as they stand now."""
    items = found.items.select_related("window__instrument", "window__version", "corrects__plenary")
    items = items.select_related("finding__unit", "finding__occurred_in")
    ready = items.defer(*without_schema("window__version")).prefetch_related("votes__user").order_by("pk")
    standing = ratified.standing([found.unit_id])
    granted = readiness.granted_to(found.unit, [item.window for item in ready if item.window])
    laid = []
    for item in ready:
        votes = list(item.votes.all())
        mine = next((vote for vote in votes if vote.user_id == reader.pk), None)
        silent = [user.name for user in present if user.pk not in {vote.user_id for vote in votes}]
        if item.window is None or item.window_id is None:
            laid.append(_laid_finding(item, votes, mine, reader, silent))
            continue
        schema = ratified.schema_of(item)
        newest = standing.get((item.unit_id, item.window_id)) == item
        pending = item.decision == "PENDING"
        now = ratified.figures(found.unit, item.window) if newest or pending else None
        # What can still be laid again is compared in all that lies there; once somebody has voted, in what they bind.
        whole = pending and not votes
        counts = COUNTS if whole else ratified.BOUND
        laid.append(
            AgendaRow(
                item=item,
                votes=votes,
                moved=ratified.differences(item.shown, now, schema, counts=counts) if now else [],
                compared=ratified.compared(item.shown, now, schema) if now and whole else 0,
                against=ratified.differences(item.corrects.shown, item.shown, schema) if item.corrects else [],
                mine=mine,
                newest=newest,
                due_at=readiness.due_at(item.window, granted, item.decided_at),
                silent=silent,
            )
        )
    return laid


def _laid_finding(item: AgendaItem, votes: list[Vote], mine: Vote | None, reader: User, silent: list[str]) -> AgendaRow:
    """Its content only for those who handle it; a member votes on nothing they cannot read."""
    finding = item.finding
    assert finding is not None
    stale = item.decision == "PENDING" and content.laid(finding, item.matter) != item.shown
    told = finding_words.told(item.shown) if reading.handles(reader, finding) else []
    return AgendaRow(item, votes, [], [], mine, newest=False, told=told, stale=stale, silent=silent)
