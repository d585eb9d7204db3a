"""Which sums are stale, and the sums: rows of the outbox are written only by outbox.py, tallies only by fold.py."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.rollup.querysets import TallyQuerySet


class Outbox(models.Model):
    """The tally of `unit` for `window` is stale. Written with the change, deleted with the recomputed tally."""

    # No database foreign keys: the row lives for a second, and each key would cost the filer two look-ups and a lock.
    window = models.ForeignKey(Window, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    unit = models.ForeignKey(Unit, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    level = models.PositiveSmallIntegerField()
    regency_id = models.BigIntegerField(null=True, help_text="the subtree one worker rolls up; None for a province")
    marked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["regency_id", "level"], name="outbox_by_subtree")]


class Tally(models.Model):
    """The sum of a unit's subtree for one window; kept for every level above the polling station.

    Two bases stand side by side: `filed` sums every current report beneath, `approved` only the approved ones. Counts
    are of obligations. Always equal to the fold of what lies beneath (manage.py verify).
    """

    # No database foreign keys: tallies are written by the ten thousand and made only of keys that were just joined.
    # PROTECT still refuses to delete a unit or a window that has tallies (hierarchy/units/tree.py asks for it).
    unit = models.ForeignKey(Unit, models.PROTECT, db_constraint=False, related_name="tallies")
    window = models.ForeignKey(Window, models.PROTECT, db_constraint=False, db_index=False, related_name="tallies")
    filed = ArrayField(models.BigIntegerField())
    approved = ArrayField(models.BigIntegerField())
    expected = models.IntegerField()
    filed_count = models.IntegerField()
    on_time = models.IntegerField()
    approved_count = models.IntegerField()
    returned = models.IntegerField()
    vacant = models.IntegerField()
    unreachable = models.IntegerField()
    last_filed_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()

    objects = TallyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "unit"], name="tally_once"),
            models.CheckConstraint(
                condition=Q(
                    filed_count__gte=F("approved_count") + F("returned"),
                    on_time__lte=F("filed_count"),
                    expected__gte=F("filed_count") + F("vacant") + F("unreachable"),
                    approved_count__gte=0,
                    returned__gte=0,
                    vacant__gte=0,
                    unreachable__gte=0,
                    on_time__gte=0,
                ),
                name="tally_counts_add_up",
            ),
        ]

    @property
    def missing(self) -> int:
        """Owed and not filed: neither vacant nor attested unreachable."""
        return self.expected - self.filed_count - self.vacant - self.unreachable

    @property
    def late(self) -> int:
        """Filed after the deadline."""
        return self.filed_count - self.on_time
