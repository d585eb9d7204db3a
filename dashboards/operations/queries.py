"""Reads the state of the machine, for the operator page and for Prometheus: every reading, or that it failed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from dashboards.operations import probes
from dashboards.operations.probes import Found, ReadingPart
from dashboards.operations.readings import READINGS, Probe, Reading

logger = logging.getLogger(__name__)
PATIENCE = "1s"  # a probe that takes longer is a symptom itself and must not add to the load


@dataclass(frozen=True)
class Measurement:
    """A reading as it stands: `value` None where there is nothing to measure, or where it could not be read."""

    reading: Reading
    value: float | None
    parts: tuple[ReadingPart, ...] = ()
    failed: bool = False

    @property
    def beyond(self) -> bool:
        """Whether somebody must act."""
        limit = self.reading.limit
        if self.value is None or limit is None:
            return False
        return self.value < limit if self.reading.at_least else self.value > limit


def measure(now: datetime) -> list[Measurement]:
    """Every reading, in the order of the table; each place is asked once, and none can fail the rest."""
    connected = _connected()
    asked = dict.fromkeys(reading.probe for reading in READINGS)
    found = {probe: _ask(probe, now) if connected or probe in probes.WITHOUT_DATABASE else None for probe in asked}
    return [_measured(reading, found[reading.probe]) for reading in READINGS]


def _connected() -> bool:
    # Asked once: each try to connect to a database that is away waits for the pool's ten seconds.
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        logger.warning("operations: no database (%s)", error)
        return False
    return True


def _ask(probe: Probe, now: datetime) -> Found | None:
    try:
        if probe in probes.WITHOUT_DATABASE:
            return probe(now)
        with transaction.atomic():  # of its own, so that a refused statement spoils no other probe
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
            return probe(now)
    except Exception as error:  # whatever is wrong with one place, the others are what an operator needs now
        logger.warning("operations: %s cannot be read (%s)", probe.__name__, error)
        return None


def _measured(reading: Reading, found: Found | None) -> Measurement:
    if found is None:
        return Measurement(reading, None, failed=True)
    value = found[reading.key]
    parts = tuple(found[reading.pieces.key]) if reading.pieces else ()
    # What has a limit has a value always; without one its place could not be asked.
    failed = value is None and reading.limit is not None
    return Measurement(reading, None if value is None else float(value), parts, failed)
