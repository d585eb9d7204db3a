"""The tables of reporting, in the order data flows: asked, filed, kept, told, doubted, handled, decided."""

from reports.calendar.models import Cadence, Extension, Instrument, InstrumentVersion, Stage, Window
from reports.filing.models import Conflict, Evidence, Obligation, Report, Revision, State
from reports.findings.models import Finding, Party
from reports.plenary.models import AgendaItem, Attendance, Minutes, Plenary, Quorum, Vote
from reports.quality.models import Flag, Reference
from reports.reminders.models import Carrier, Device, Message, Notice, Wording
from reports.rollup.models import Event, Outbox, Seal, Tally

__all__ = [
    "AgendaItem",
    "Attendance",
    "Cadence",
    "Carrier",
    "Conflict",
    "Device",
    "Event",
    "Evidence",
    "Extension",
    "Finding",
    "Flag",
    "Instrument",
    "InstrumentVersion",
    "Message",
    "Minutes",
    "Notice",
    "Obligation",
    "Outbox",
    "Party",
    "Plenary",
    "Quorum",
    "Reference",
    "Report",
    "Revision",
    "Seal",
    "Stage",
    "State",
    "Tally",
    "Vote",
    "Window",
    "Wording",
]
