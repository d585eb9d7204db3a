"""The only writer of flags: what is doubtful about the reports of a window, and the words that settle a draft.

A check looks at a whole window again and makes its open flags equal to what it finds: idempotent, and right whatever
came in since (a median moves, the other stage is corrected). A flag binds to the content it speaks of, so one of a
superseded revision no longer counts. A flag that somebody resolved stays resolved for that content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, F, Max, Sum
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.models import User
from reports import locks
from reports.calendar.models import InstrumentVersion, Window
from reports.filing.models import Report
from reports.journal import actions as journal
from reports.quality.drafts import BATCH, CROSS, comparisons_of, drafts_in, facts_of
from reports.quality.models import Flag, Reference

STILL_LOOKED_AT = timedelta(days=30)  # after a window closes; the command checks older ones
KEPT_FOR = 7 * 24 * 3600  # seconds that a window's fingerprint is remembered


class FlagError(Refusal):
    """A step about a flag cannot be taken."""

    code = "flag"


def open_flags(report_ids: Iterable[UUID]) -> dict[UUID, list[Flag]]:
    """Open flags by report, only those of the content that stands; reports without any are absent. One query."""
    found: dict[UUID, list[Flag]] = {}
    for flag in Flag.objects.filter(report__in=list(report_ids), resolved_at=None, sha256=F("report__sha256")):
        found.setdefault(flag.report_id, []).append(flag)
    return found


def check(window: Window) -> int:
    """Makes the open flags of a window's reports equal to what is doubtful now; returns how many are new.

    Four queries and as many writes as flags change; memory for the flags and for one area's reports.
    """
    schema = InstrumentVersion.schema_of(window.version_id)
    with transaction.atomic():
        locks.hold(locks.Lock.QUALITY, window.pk)  # two checks would lock the same flags in different orders
        beside = comparisons_of(window)
        standing = {
            (flag.report_id, flag.rule, flag.question): flag
            for flag in Flag.objects.filter(report__window=window, sha256=F("report__sha256")).select_for_update(
                of=("self",)
            )
        }
        found = {
            (draft.line.pk, draft.rule, draft.question): draft
            for _area, lines in groupby(facts_of(window), key=lambda line: line.area)
            for draft in drafts_in(list(lines), schema, window, beside)
        }
        gone = [flag.pk for key, flag in standing.items() if key not in found and flag.resolved_at is None]
        Flag.objects.filter(pk__in=gone).delete()
        moved = []
        for key in sorted(found.keys() & standing.keys()):
            flag, detail = standing[key], found[key].detail
            if flag.resolved_at is None and flag.detail != detail:
                flag.detail = detail
                moved.append(flag)
        Flag.objects.bulk_update(moved, ["detail"], batch_size=BATCH)
        new = [found[key] for key in sorted(found.keys() - standing.keys())]
        moment = clock.now()
        Flag.objects.bulk_create(
            [
                Flag(
                    report_id=draft.line.pk,
                    sha256=draft.line.sha256,
                    rule=draft.rule,
                    question=draft.question,
                    detail=draft.detail,
                    raised_at=moment,
                )
                for draft in new
            ],
            batch_size=BATCH,
            ignore_conflicts=True,  # content that came back between the two reads has its flags already
        )
    return len(new)


def check_pending() -> int:
    """Checks the windows in which something was filed, corrected or imported since they were last checked.

    The fingerprints of what was seen are kept in the cache: losing them costs one more check, never a flag.
    """
    windows = list(
        Window.objects.filter(opened_at__isnull=False, closes_at__gt=clock.now() - STILL_LOOKED_AT).select_related(
            "instrument"
        )
    )
    prints = _fingerprints(windows)
    known = cache.get_many([_key(window) for window in windows])
    new = 0
    for window in windows:
        if window.pk in prints and known.get(_key(window)) != prints[window.pk]:
            new += check(window)
            cache.set(_key(window), prints[window.pk], KEPT_FOR)
    return new


def resolve(*, flag: Flag, resolution: str, by: User) -> None:
    """Settles a flag in words, by the direct superior of who filed.

    Raises FlagError without words, for a flag of content that no longer stands, one already settled, or when `by`
    took part in the filing; Http404 and PermissionDenied as access.require does. `flag` comes with for_page's joins.
    """
    obligation = flag.report.obligation
    access.require(by, Permission.REVIEW, obligation.filer)
    words = tidy(resolution)
    if not words:
        raise FlagError(_("Tuliskan mengapa angkanya benar, atau apa yang sudah Anda periksa."))
    with transaction.atomic():
        # Not against foreign keys: a check holds flags first and gives this very report another one.
        report = Report.objects.select_for_update(no_key=True).get(pk=flag.report_id)
        if report.revisions.filter(filed_by=by).exists():
            raise FlagError(_("Anda ikut mengisi laporan ini, jadi orang lain yang harus memeriksanya."))
        if bytes(report.sha256) != bytes(flag.sha256):
            raise FlagError(_("Catatan ini tentang isi yang lama. Muat ulang halaman, lalu periksa isi terbaru."))
        open_still = Flag.objects.filter(pk=flag.pk, resolved_at=None)
        moment = clock.now()
        if not open_still.select_for_update().exists():
            raise FlagError(_("Catatan ini sudah diselesaikan orang lain. Muat ulang halaman."))
        Flag.objects.filter(pk=flag.pk).update(resolved_at=moment, resolved_by=by, resolution=words)
        journal.write(
            journal.entry(
                "flag.resolved",
                by=by,
                unit=obligation.subject,
                election=obligation.window.election.code,
                target=report.pk,
                at=moment,
                rule=flag.rule,
                question=flag.question,
                sha256=bytes(flag.sha256).hex(),
                reason=words,
            )
        )


def _key(window: Window) -> str:
    return f"quality:{window.pk}"


def _fingerprints(windows: list[Window]) -> Mapping[int, str]:
    """Of windows with reports: changes with every filing in it or in a window it is held against, and every import."""
    counted = Report.objects.filter(window__in=windows).order_by().values("window_id")
    filed = {
        row["window_id"]: f"{row['reports']}.{row['changes']}.{row['last']}"
        for row in counted.annotate(reports=Count("pk"), changes=Sum("revision"), last=Max("filed_at"))
    }
    imported = {
        (row["election_id"], row["instrument"]): f"{row['rows']}.{row['last']}"
        for row in Reference.objects.order_by()
        .values("election_id", "instrument")
        .annotate(rows=Count("pk"), last=Max("imported_at"))
    }
    partners: dict[tuple[int, str], str] = {}
    for window in windows:
        key = (window.election_id, window.instrument.code)
        partners[key] = f"{partners.get(key, '')}/{filed.get(window.pk, '')}"
    prints = {}
    for window in windows:
        if window.pk in filed:
            code = window.instrument.code
            others = sorted({cross.other for cross in CROSS if cross.instrument == code})
            beside = [partners.get((window.election_id, other), "") for other in others]
            prints[window.pk] = "|".join([filed[window.pk], imported.get((window.election_id, code), ""), *beside])
    return prints
