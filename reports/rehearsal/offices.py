"""A rehearsal of what offices do around election day, beside the filing of a day (day.py).

By the real verbs, in one line of units: a district, its regency, the province. Most of these verbs know no other moment
than the clock's, so whoever takes the steps sets the clock to each one's moment first.
"""

from __future__ import annotations

from collections.abc import Mapping

from hierarchy.models import Election, User
from reports.rehearsal.bodies import Bodies
from reports.rehearsal.day import Step
from reports.rehearsal.desks import Desks
from reports.rehearsal.line import SupervisionLine


def steps(election: Election, people: Mapping[int, list[User]]) -> list[Step]:
    """Everything, in order; ends in the morning of 15 February with a plenary called at each level of the line."""
    line = SupervisionLine(election, people)
    return sorted([*Bodies(line).steps(), *Desks(line).steps()], key=lambda step: step.at)
