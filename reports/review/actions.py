"""Review by the direct superior: approve, return, withdraw an approval, attest that a unit has no signal.

Every change of state is one row of TRANSITIONS and one compare-and-swap; who files never approves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import moment as in_wita
from hierarchy.lib.formats import tidy
from hierarchy.models import User
from reports.filing.models import Report, Revision
from reports.journal import actions as journal
from reports.obligations.models import Obligation, State
from reports.rollup import outbox

CORRECTION = timedelta(hours=24)  # to correct a returned report, where the reviewer names no other deadline
LONGEST_CORRECTION = timedelta(days=7)  # purbalingga.bawaslu.go.id: what is returned is wanted back within 7 days


class ReviewError(Refusal):
    """A step of review cannot be taken."""

    code = "review"


@dataclass(frozen=True)
class Transition:
    """A step of review: from which states, to which, by whom, and whether it must be explained."""

    verb: str
    start: frozenset[str]
    end: str
    permission: Permission
    needs_reason: bool


TRANSITIONS = {
    "approve": Transition("report.approved", frozenset({State.FILED}), State.APPROVED, Permission.REVIEW, False),
    "send_back": Transition(
        "report.returned", frozenset({State.FILED, State.APPROVED}), State.RETURNED, Permission.REVIEW, True
    ),
    "withdraw": Transition("approval.withdrawn", frozenset({State.APPROVED}), State.FILED, Permission.REVIEW, True),
    "attest": Transition("unit.unreachable", frozenset({State.OWED}), State.UNREACHABLE, Permission.ATTEST, True),
    "retract": Transition("unit.reachable", frozenset({State.UNREACHABLE}), State.OWED, Permission.ATTEST, False),
}


class ReviewStep(NamedTuple):
    """An obligation a step was taken on: where it stood before, and the report that was decided about, if any."""

    obligation: Obligation
    was: str
    report: Report | None = None


def approve(*, report: Report, seen: bytes, by: User, at: datetime | None = None) -> None:
    """Approves exactly the content whose SHA-256 (32 bytes) the reviewer saw.

    Raises ReviewError when the report has changed since, is not waiting, or the reviewer filed a revision of it.
    """
    if approve_many(seen={report.pk: seen}, reports=[report], by=by, at=at) != 1:
        _explain(report, seen, by)


def approve_many(
    *, reports: Iterable[Report], seen: Mapping[object, bytes], by: User, at: datetime | None = None
) -> int:
    """Approves the reports that still are as seen (report id -> SHA-256); returns how many.

    A report that changed, was taken by another reviewer or was filed by `by` is left alone, not an error: of 150
    clean ones 149 go through. `reports` come with obligation__window__election, __filer, __subject, __counted_in.
    """
    step, moment = TRANSITIONS["approve"], at or clock.now()
    wanted = []
    for report in reports:
        access.require(by, step.permission, report.obligation.filer)
        wanted.append(report)
    with transaction.atomic():
        own = set(Revision.objects.filter(report__in=wanted, filed_by=by).values_list("report_id", flat=True))
        # Obligations are locked before reports are read, in the order intake locks them.
        obligations = Obligation.objects.filter(pk__in=[r.obligation_id for r in wanted], state__in=step.start)
        waiting = list(obligations.select_for_update().order_by("pk").values_list("pk", flat=True))
        standing = dict(Report.objects.filter(obligation_id__in=waiting).values_list("pk", "sha256"))
        passed = [r for r in wanted if r.pk in standing and r.pk not in own and bytes(standing[r.pk]) == seen[r.pk]]
        # Locked and compared above, so "as it stands" is as it was seen.
        Report.objects.filter(pk__in=[r.pk for r in passed]).update(
            approved_sha256=F("sha256"), approved_by=by, approved_at=moment, remarks={}, correct_by=None
        )
        Obligation.objects.filter(pk__in=[r.obligation_id for r in passed]).update(state=step.end)
        taken = [ReviewStep(r.obligation, State.FILED, r) for r in passed]
        _record(step, taken, by, moment)
    return len(passed)


def send_back(
    *,
    report: Report,
    seen: bytes,
    remarks: Mapping[str, str],
    by: User,
    correct_by: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """Returns a report for correction with reasons by question ("" for the whole report) and a deadline.

    Until `correct_by` (default: CORRECTION from now) the filer may correct it even where the window closes before:
    a report that is returned after the deadline could never be mended otherwise. Whether it was on time stays.
    """
    kept = {name: clean for name, text in remarks.items() if (clean := tidy(text))}
    if not kept:
        raise ReviewError(_("Tuliskan apa yang perlu diperbaiki."))
    moment = at or clock.now()
    wanted = correct_by or moment + CORRECTION
    if not moment < wanted <= moment + LONGEST_CORRECTION:
        raise ReviewError(
            _("Batas perbaikan harus sesudah sekarang dan paling lambat %(last)s.")
            % {"last": in_wita(moment + LONGEST_CORRECTION)}
        )
    _step(
        "send_back",
        report,
        seen,
        by,
        moment,
        reason="; ".join(kept.values()),
        report_values={"remarks": kept, "correct_by": wanted},
        values={"closes_at": Greatest(F("closes_at"), wanted)},
    )


def withdraw(*, report: Report, seen: bytes, reason: str, by: User, at: datetime | None = None) -> None:
    """Takes an approval back; the report waits for review again."""
    _step("withdraw", report, seen, by, at, reason=reason)


def attest_unreachable(*, obligation: Obligation, reason: str, by: User, at: datetime | None = None) -> None:
    """A superior attests that the filer has no signal: counted apart, never late, until a report arrives."""
    _attest("attest", obligation, by, at, reason, {"attested_by": by, "attested_reason": tidy(reason)})


def retract_unreachable(*, obligation: Obligation, by: User, at: datetime | None = None) -> None:
    _attest("retract", obligation, by, at, "", {"attested_by": None, "attested_reason": ""})


def _attest(name: str, obligation: Obligation, by: User, at: datetime | None, reason: str, values: dict) -> None:
    step = TRANSITIONS[name]
    access.require(by, step.permission, obligation.filer)
    _need_reason(step, reason)
    with transaction.atomic():
        was = _advance(step, obligation.pk, values)
        if was is None:
            raise ReviewError(_("Keadaan tugas ini sudah berubah. Muat ulang halaman."))
        _record(step, [ReviewStep(obligation, was)], by, at or clock.now(), reason=tidy(reason))


def _step(
    name: str,
    report: Report,
    seen: bytes,
    by: User,
    at: datetime | None,
    *,
    reason: str,
    report_values: Mapping[str, Any] = MappingProxyType({}),
    values: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    step, moment = TRANSITIONS[name], at or clock.now()
    access.require(by, step.permission, report.obligation.filer)
    _need_reason(step, reason)
    with transaction.atomic():
        was = _advance(step, report.obligation_id, values)
        if was is None:
            _explain(report, seen, by)
        cleared: dict[str, Any] = {
            "approved_sha256": None,
            "approved_by": None,
            "approved_at": None,
            "remarks": {},
            "correct_by": None,
        }
        if Report.objects.filter(pk=report.pk, sha256=seen).update(**{**cleared, **report_values}) != 1:
            _explain(report, seen, by)
        wanted = report_values.get("correct_by")
        until = {"correct_by": wanted.isoformat()} if wanted else {}
        _record(step, [ReviewStep(report.obligation, was, report)], by, moment, reason=tidy(reason), **until)


def _advance(step: Transition, obligation: int, values: Mapping[str, Any]) -> str | None:
    """Moves an obligation on if the step may begin where it stands; returns where it stood, None when it may not."""
    rows = Obligation.objects.filter(pk=obligation)
    was = rows.select_for_update().order_by("pk").values_list("state", flat=True).first()
    if was not in step.start:
        return None
    rows.update(state=step.end, **values)
    return was


def _need_reason(step: Transition, reason: str) -> None:
    if step.needs_reason and not tidy(reason):
        raise ReviewError(_("Tuliskan alasannya."))


def _explain(report: Report, seen: bytes, by: User) -> NoReturn:
    fresh = Report.objects.select_related("obligation").get(pk=report.pk)
    if bytes(fresh.sha256) != seen:
        raise ReviewError(_("Laporan ini berubah sejak Anda membukanya. Periksa versi terbaru, lalu putuskan lagi."))
    if fresh.revisions.filter(filed_by=by).exists():
        raise ReviewError(_("Anda ikut mengisi laporan ini, jadi orang lain yang harus memeriksanya."))
    raise ReviewError(
        _("Laporan ini sekarang berstatus %(state)s. Muat ulang halaman.")
        % {"state": fresh.obligation.get_state_display()}
    )


def _record(step: Transition, taken: list[ReviewStep], by: User, at: datetime, **words: str) -> None:
    """The journal says who, in which office, from which state, and why."""
    events, stale = [], {}
    for obligation, was, report in taken:
        membership = access.held_role_for(by, step.permission, obligation.filer)
        events.append(
            journal.entry(
                step.verb,
                by=by,
                unit=obligation.subject,
                election=obligation.window.election.code,
                target=report.pk if report else obligation.pk,
                at=at,
                was=was,
                role=membership.role if membership else "",
                **({"revision": report.revision, "sha256": bytes(report.sha256).hex()} if report else {}),
                **{name: text for name, text in words.items() if text},
            )
        )
        stale[obligation.window_id, obligation.counted_in_id] = (obligation.window_id, obligation.counted_in)
    journal.write(events)
    outbox.mark(stale.values(), at=at)
