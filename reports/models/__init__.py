"""The tables of reporting, in the order data flows: asked, filed, kept."""

from reports.models.asked import Cadence, Extension, Instrument, InstrumentVersion, Stage, Window
from reports.models.filed import Conflict, Evidence, Obligation, Report, Revision, State
from reports.models.kept import Event, Outbox, Seal, Tally

__all__ = [
    "Cadence",
    "Conflict",
    "Event",
    "Evidence",
    "Extension",
    "Instrument",
    "InstrumentVersion",
    "Obligation",
    "Outbox",
    "Report",
    "Revision",
    "Seal",
    "Stage",
    "State",
    "Tally",
    "Window",
]
