"""What the API says: units, versions, obligations, reports. Every time carries WITA's offset (+08:00)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from django.urls import reverse

from hierarchy.lib.clock import WITA
from hierarchy.models import Unit
from reports.calendar.models import Window
from reports.filing.actions import Receipt
from reports.filing.models import Conflict, Report, Revision
from reports.filing.receipts import code_of
from reports.obligations.models import Obligation


def local(moment: datetime | None) -> Any:
    """The same moment with the offset of WITA; None stays None."""
    return moment and moment.astimezone(WITA)


class UnitRef(msgspec.Struct, kw_only=True):
    """A unit by its key: election and Kemendagri code. `level`: 0 province .. 4 polling station."""

    election: str
    code: str
    title: str
    level: int

    @classmethod
    def of(cls, unit: Unit, election: str) -> UnitRef:
        return cls(election=election, code=unit.code, title=unit.title, level=unit.level)


class WindowShape(msgspec.Struct, kw_only=True):
    """An instrument open for filing in a stage, for one period ("" once, a date, an ISO week)."""

    id: int
    election: str
    stage: str
    instrument: str
    title: str
    period: str
    version: int
    version_url: str
    opens_at: datetime
    due_at: datetime
    closes_at: datetime

    @classmethod
    def of(cls, window: Window) -> WindowShape:
        code, number = window.instrument.code, window.version.number
        return cls(
            id=window.pk,
            election=window.election.code,
            stage=window.stage.code,
            instrument=code,
            title=window.instrument.title,
            period=window.period,
            version=number,
            version_url=reverse("api-version", args=[code, number]),
            opens_at=local(window.opens_at),
            due_at=local(window.due_at),
            closes_at=local(window.closes_at),
        )


class ObligationShape(msgspec.Struct, kw_only=True):
    """Who owes which report by when. `due_at` and `closes_at` include extensions; `on_time` is null until filed."""

    id: int
    window: WindowShape
    subject: UnitRef
    filer: UnitRef
    state: str
    due_at: datetime
    closes_at: datetime
    first_filed_at: datetime | None
    on_time: bool | None
    report: UUID | None
    report_url: str | None

    @classmethod
    def of(cls, row: Obligation, report: UUID | None) -> ObligationShape:
        election = row.window.election.code
        return cls(
            id=row.pk,
            window=WindowShape.of(row.window),
            subject=UnitRef.of(row.subject, election),
            filer=UnitRef.of(row.filer, election),
            state=row.state,
            due_at=local(row.due_at),
            closes_at=local(row.closes_at),
            first_filed_at=local(row.first_filed_at),
            on_time=row.on_time,
            report=report,
            report_url=reverse("api-report", args=[report]) if report else None,
        )


class ObligationPage(msgspec.Struct, kw_only=True):
    """`next` is the address of the page that follows, null on the last."""

    results: list[ObligationShape]
    next: str | None


class ReceiptShape(msgspec.Struct, kw_only=True):
    """Proof of filing. `sha256` is of the canonical content; `code` is short enough to read out over a bad line."""

    report: UUID
    revision: int
    sha256: str
    code: str
    filed_at: datetime

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptShape:
        return cls(
            report=receipt.report_id,
            revision=receipt.revision,
            sha256=receipt.sha256,
            code=receipt.code,
            filed_at=local(receipt.filed_at),
        )


class ReportShape(msgspec.Struct, kw_only=True):
    """The current report. `sha256` is what a review must name as `seen`; `remarks` are a reviewer's, by question, and
    `correct_by` is when a returned report is wanted back."""

    id: UUID
    obligation: ObligationShape
    revision: int
    answers: dict[str, Any]
    reasons: dict[str, str]
    sha256: str
    code: str
    filed_by: str
    filed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    remarks: dict[str, str]
    correct_by: datetime | None

    @classmethod
    def of(cls, report: Report) -> ReportShape:
        return cls(
            id=report.pk,
            obligation=ObligationShape.of(report.obligation, report.pk),
            revision=report.revision,
            answers=report.answers,
            reasons=report.reasons,
            sha256=bytes(report.sha256).hex(),
            code=report.receipt_code,
            filed_by=report.filed_by.name,
            filed_at=local(report.filed_at),
            approved_by=report.approved_by.name if report.approved_by else None,
            approved_at=local(report.approved_at),
            remarks=report.remarks,
            correct_by=local(report.correct_by),
        )


class ContentShape(msgspec.Struct, kw_only=True):
    """Answers and reasons exactly as they were hashed."""

    answers: dict[str, Any]
    reasons: dict[str, str]


def verbatim(canonical: bytes | memoryview) -> ContentShape:
    """Content that is kept as JSON, to go out byte for byte as it was hashed."""
    return cast(ContentShape, msgspec.Raw(canonical))


class RevisionShape(msgspec.Struct, kw_only=True):
    """A version ever filed. `device_at` is what the device's clock said; lateness is judged by `filed_at`."""

    number: int
    based_on: int | None
    content: ContentShape
    sha256: str
    code: str
    channel: str
    filed_by: str
    filed_at: datetime
    device_at: datetime | None

    @classmethod
    def of(cls, row: Revision) -> RevisionShape:
        return cls(
            number=row.number,
            based_on=row.based_on,
            content=verbatim(row.canonical),
            sha256=bytes(row.sha256).hex(),
            code=code_of(row.report_id, bytes(row.sha256)),
            channel=row.channel,
            filed_by=row.filed_by.name,
            filed_at=local(row.filed_at),
            device_at=local(row.device_at),
        )


class ConflictShape(msgspec.Struct, kw_only=True):
    """A filing that was refused because another version stood; kept, so that nothing sent is lost."""

    report: UUID
    based_on: int | None
    content: ContentShape
    sha256: str
    filed_by: str
    filed_at: datetime

    @classmethod
    def of(cls, row: Conflict) -> ConflictShape:
        return cls(
            report=row.report_id,
            based_on=row.based_on,
            content=verbatim(row.canonical),
            sha256=bytes(row.sha256).hex(),
            filed_by=row.filed_by.name,
            filed_at=local(row.filed_at),
        )


class History(msgspec.Struct, kw_only=True):
    """Every version of a report, oldest first, and the filings it refused."""

    revisions: list[RevisionShape]
    conflicts: list[ConflictShape]
