"""Where Django finds the tables of reporting. Nobody imports this: each table is asked for in its own package."""

from reports.bodies import models as bodies
from reports.calendar import models as calendar
from reports.filing import models as filing
from reports.findings import models as findings
from reports.journal import models as journal
from reports.obligations import models as obligations
from reports.plenary import models as plenary
from reports.quality import models as quality
from reports.reminders import models as reminders
from reports.rollup import models as rollup

__all__ = [
    "bodies",
    "calendar",
    "filing",
    "findings",
    "journal",
    "obligations",
    "plenary",
    "quality",
    "reminders",
    "rollup",
]
