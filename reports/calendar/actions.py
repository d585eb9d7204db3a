"""The only writer of elections, stages and windows: which forms are open when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext_lazy

from hierarchy.lib.errors import Refusal
from hierarchy.models import Election, User
from reports.calendar import periods
from reports.calendar.models import Instrument, InstrumentVersion, Stage, Window
from reports.calendar.querysets import without_schema
from reports.journal import actions as journal

# Voting days fix the rest (PKPU 3/2022, PKPU 2/2024).
ELECTIONS = [
    ("pemilu2024", "Pemilu 2024", Election.Kind.PEMILU, date(2024, 2, 14)),
    ("pilkada2024", "Pemilihan 2024", Election.Kind.PILKADA, date(2024, 11, 27)),
]
OUTSIDE_STAGES = ("NON_TAHAPAN", "Di luar tahapan", "Outside the stages")
STAGE_FACTS = ["sequence", "name_id", "name_en", "starts", "ends"]
PUBLISH_NEXT = gettext_lazy("Terbitkan versi yang benar: manage.py publish_instrument BERKAS --code KODE.")


class CalendarError(Refusal):
    """What was asked of the calendar cannot be."""

    code = "calendar"


def load(*, by: User | None = None) -> None:
    """Elections, stages and windows of both 2024 elections from the data files; safe to run again."""
    rows = periods.rows("stages.csv")
    with transaction.atomic():
        for code, name, kind, voting_day in ELECTIONS:
            election, _made = Election.objects.update_or_create(
                code=code, defaults={"name": name, "kind": kind, "voting_day": voting_day}
            )
            changed = _store_stages(election, [row for row in rows if row["election"] == code])
            if changed:
                journal.write(journal.entry("calendar.loaded", by=by, election=code, target=code, stages=changed))
            plan(election=election, by=by)


def _store_stages(election: Election, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Makes the stages of an election as the rows say; returns the codes of those that are new or changed."""
    known = {stage.code: stage for stage in election.stages.all()}
    changed = []
    for row in rows:
        stage = Stage(
            election=election,
            code=row["code"],
            sequence=int(row["seq"]),
            name_id=row["name_id"],
            name_en=row["name_en"],
            starts=date.fromisoformat(row["start"]) if row["start"] else None,
            ends=date.fromisoformat(row["end"]) if row["end"] else None,
        )
        was = known.get(stage.code)
        if was is None or any(getattr(was, name) != getattr(stage, name) for name in STAGE_FACTS):
            changed.append(stage)
    Stage.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["election", "code"], update_fields=STAGE_FACTS
    )
    return [stage.code for stage in changed]


def stage_codes() -> list[str]:
    """Every stage that an instrument may be of: those of the data files and of the elections there are."""
    known = {row["code"]: None for row in periods.rows("stages.csv")} | {OUTSIDE_STAGES[0]: None}
    return list(known | dict.fromkeys(Stage.objects.order_by("code").values_list("code", flat=True)))


def plan(*, election: Election, by: User | None = None) -> int:
    """Makes the windows of every instrument whose stage the election has; returns how many are new.

    Windows that exist are left as they are. Which version a window asks is decided when it opens (`open_window`); until
    then it names the newest of the day it was planned.
    """
    stages = {stage.code: stage for stage in election.stages.all()}
    stages.setdefault(OUTSIDE_STAGES[0], _outside(election, stages.values()))
    hours = periods.hours()
    windows = []
    light = Prefetch("versions", InstrumentVersion.objects.defer(*without_schema()))
    for instrument in Instrument.objects.prefetch_related(light):
        versions = list(instrument.versions.all())  # newest first
        stage = stages.get(instrument.stage_code)
        if not versions or stage is None or stage.starts is None or stage.ends is None:
            continue
        version = next((v for v in versions if v.withdrawn_at is None), versions[0])
        around = (hours.get(instrument.code) or hours[instrument.cadence]).around
        for period, first, last in periods.of(instrument.cadence, stage.starts, stage.ends):
            opens, due, closes = around(first, last)
            windows.append(
                Window(
                    election=election,
                    stage=stage,
                    instrument=instrument,
                    version=version,
                    period=period,
                    opens_at=opens,
                    due_at=due,
                    closes_at=closes,
                )
            )
    with transaction.atomic():
        before = Window.objects.filter(election=election).count()
        Window.objects.bulk_create(windows, ignore_conflicts=True, batch_size=1_000)
        made = Window.objects.filter(election=election).count() - before
        if made:
            code = election.code
            journal.write(journal.entry("calendar.planned", by=by, election=code, target=code, windows=made))
    return made


def _outside(election: Election, stages: Iterable[Stage]) -> Stage:
    """The stage that holds supervision outside the stages: from the campaign to the end of tabulation."""
    code, name_id, name_en = OUTSIDE_STAGES
    dated = {stage.code: stage for stage in stages if stage.starts and stage.ends}
    campaign, tabulation = dated.get("KAMPANYE"), dated.get("REKAP")
    return Stage.objects.update_or_create(
        election=election,
        code=code,
        defaults={
            "sequence": 99,
            "name_id": name_id,
            "name_en": name_en,
            "starts": campaign.starts if campaign else None,
            "ends": tabulation.ends if tabulation else None,
        },
    )[0]
