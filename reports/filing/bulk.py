"""Filing in by the thousand: the rules of `intake.submit`, the writing of COPY.

First filings that nothing speaks against are written together, a chunk in one transaction. Everything else (a report
that stands already, the same obligation twice, a refusal) is handed to `intake.submit` itself, one by one and in
the order it came: so there is one judge, and only the ordinary case has a second way into the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import clock
from hierarchy.models import Unit, User
from reports.calendar.models import InstrumentVersion
from reports.filing import actions as intake
from reports.filing import write_many as copy_filing
from reports.filing import write_one as write_filing
from reports.filing.actions import Receipt, ReportRefused
from reports.filing.models import Channel, Evidence, Report
from reports.filing.receipts import code_of
from reports.filing.write_many import First
from reports.filing.write_one import IntakeObligation
from reports.instruments.codec import InvalidAnswers, decode
from reports.instruments.schema import PHOTO
from reports.rollup import outbox

CHUNK = 2_000  # filings of one transaction: about a second, for which whoever files the same obligation has to wait
FILED, THERE = "filed", "there"


@dataclass(frozen=True, slots=True)
class Filing:
    """What one filing brings: what `intake.submit` takes. `at` is the moment of arrival (None: that of the import).

    `by` costs a query for each person unless their memberships are known already (access.remember).
    """

    by: User
    obligation_id: int
    report_id: UUID
    answers: Mapping[str, object]
    reasons: Mapping[str, str] | None = None
    device_at: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the filing at `position` (from 0).

    `code` is FILED, THERE (the same content had been filed before) or why it was refused: not-found, forbidden,
    invalid, or a code of intake.ReportRefused. `errors` gives the sentences of an invalid one by question, "" for the
    whole.
    """

    position: int
    code: str
    sentence: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    receipt: Receipt | None = None


@dataclass
class Result:
    """How many filings are in now, how many were before, and every one that was refused, in the order they came."""

    filed: int = 0
    there: int = 0
    refused: list[Outcome] = field(default_factory=list)

    def take(self, outcome: Outcome) -> None:
        if outcome.receipt is None:
            self.refused.append(outcome)
        elif outcome.code == FILED:
            self.filed += 1
        else:
            self.there += 1


def import_filings(
    *,
    filings: Iterable[Filing],
    channel: str = Channel.IMPORT,
    at: datetime | None = None,
    rehearse: bool = False,
    tell: Callable[[Outcome], None] = lambda _outcome: None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Result:
    """Files everything that may be filed, with the same outcome for each as `intake.submit` would give it in turn.

    Reads `filings` as it goes and forgets what is in, so memory grows with the refusals only. Each chunk is committed
    by itself: a chunk is in whole or not at all, and running the same import again files nothing twice. To `rehearse`
    is to do the same and take each chunk back. `tell` hears each outcome in turn, `progress` how many are done.
    """
    result, done = Result(), 0
    moment = at or clock.now()
    for chunk in _chunks(filings, whole=rehearse):
        with transaction.atomic() if rehearse else nullcontext():
            outcomes = list(_chunk(chunk, done, str(channel), moment))
            if rehearse:
                transaction.set_rollback(True)
        for outcome in outcomes:
            result.take(outcome)
            tell(outcome)
        done += len(chunk)
        progress(done)
    return result


def _chunks(filings: Iterable[Filing], *, whole: bool) -> Iterator[list[Filing]]:
    """CHUNK at a time; `whole`: and on to the last of those that follow each other about one obligation, because a
    rehearsal does not know in the next chunk what it took back with this one."""
    remaining = iter(filings)
    chunk = list(islice(remaining, CHUNK))
    while chunk:
        ahead: list[Filing] = []
        for filing in remaining if whole else ():
            if filing.obligation_id != chunk[-1].obligation_id:
                ahead.append(filing)
                break
            chunk.append(filing)
        yield chunk
        chunk = [*ahead, *islice(remaining, CHUNK - len(ahead))]


def _chunk(chunk: Sequence[Filing], start: int, channel: str, moment: datetime) -> Iterator[Outcome]:
    firsts = _ordinary(chunk, moment)
    try:
        with transaction.atomic():
            receipts = _write(firsts, channel, moment)
    except IntegrityError:  # somebody has just used one of the ids; which one, the turn of each will tell
        receipts = {}
    for position, filing in enumerate(chunk):
        if receipt := receipts.get(position):
            yield Outcome(start + position, FILED, receipt=receipt)
        else:
            yield _alone(filing, start + position, channel, moment)


def _alone(filing: Filing, position: int, channel: str, moment: datetime) -> Outcome:
    try:
        receipt = intake.submit(
            by=filing.by,
            obligation_id=filing.obligation_id,
            report_id=filing.report_id,
            answers=filing.answers,
            reasons=filing.reasons,
            channel=channel,
            device_at=filing.device_at,
            at=filing.at or moment,
        )
    except Http404 as error:
        return Outcome(position, "not-found", str(error) or _("Satuan tidak ditemukan."))
    except PermissionDenied as error:
        return Outcome(position, "forbidden", str(error))
    except InvalidAnswers as error:
        errors = {**error.errors, **{name: [told] for name, told in error.needs_reason.items()}}
        return Outcome(position, "invalid", _("Ada jawaban yang perlu diperbaiki."), errors)
    except ReportRefused as error:
        return Outcome(position, error.code, str(error))
    return Outcome(position, FILED if receipt.new else THERE, receipt=receipt)


def _ordinary(chunk: Sequence[Filing], moment: datetime) -> dict[int, First]:
    """The first reports of a chunk that nothing speaks against, by position within it."""
    obligations = write_filing.read_many({filing.obligation_id for filing in chunk})
    taken = Report.objects.filter(pk__in=[filing.report_id for filing in chunk])
    used: set[object] = set(taken.values_list("pk", flat=True))  # report ids and obligations that had their turn
    firsts: dict[int, First] = {}
    for position, filing in enumerate(chunk):
        keys = {filing.report_id, filing.obligation_id}
        if used.isdisjoint(keys) and (
            first := _first(filing, obligations.get(filing.obligation_id), filing.at or moment)
        ):
            firsts[position] = first
        used |= keys
    return _with_photos_known(firsts)


def _first(filing: Filing, obligation: IntakeObligation | None, at: datetime) -> First | None:
    """The filing as a first report, None when anything at all speaks against it."""
    if obligation is None or obligation.report_id is not None:
        return None
    schema = InstrumentVersion.schema_of(obligation.version_id)
    try:
        access.require(filing.by, Permission.FILE, obligation.filer)
        intake.check_open(obligation, at)
        content = decode(schema, answers=filing.answers, reasons=filing.reasons or {})
    except (Http404, PermissionDenied, ReportRefused, InvalidAnswers):
        return None
    return First(obligation, filing.report_id, content, filing.by, at, filing.device_at)


def _with_photos_known(firsts: dict[int, First]) -> dict[int, First]:
    """Those whose photos the filing units have handed in, or that name none."""
    wanted = {photo for first in firsts.values() for photo in _photos(first)}
    if not wanted:
        return firsts
    known = set(Evidence.objects.filter(sha256__in=wanted).values_list("unit_id", "sha256"))
    return {
        position: first
        for position, first in firsts.items()
        if all((first.obligation.filer.pk, photo) in known for photo in _photos(first))
    }


def _photos(first: First) -> list[str]:
    questions = InstrumentVersion.schema_of(first.obligation.version_id).questions
    return [first.content.answers[q.name] for q in questions if q.kind == PHOTO and q.name in first.content.answers]


def _write(firsts: dict[int, First], channel: str, moment: datetime) -> dict[int, Receipt]:
    """Writes those whose obligations have not changed meanwhile; their receipts by position."""
    standing = copy_filing.lock(first.obligation for first in firsts.values())
    written = {position: first for position, first in firsts.items() if first.obligation.pk in standing}
    copy_filing.write(list(written.values()), channel)
    _mark([first.obligation for first in written.values()], moment)
    return {position: _receipt(first) for position, first in written.items()}


def _mark(obligations: Iterable[IntakeObligation], moment: datetime) -> None:
    """One mark for each tally, however many reports of the chunk it counts."""
    places = {(obligation.window_id, obligation.counted_in_id): obligation for obligation in obligations}
    outbox.mark(
        (
            (
                obligation.window_id,
                Unit(pk=obligation.counted_in_id, level=obligation.level, regency_id=obligation.regency_id),
            )
            for obligation in places.values()
        ),
        at=moment,
    )


def _receipt(first: First) -> Receipt:
    sha256 = first.content.sha256
    return Receipt(first.report_id, 1, sha256.hex(), code_of(first.report_id, sha256), first.at, True)
