"""The only writer of flags: what is doubtful about the reports of a window, and the words that settle a draft.

A check looks at a whole window again and makes its open flags equal to what it finds: idempotent, and right whatever
came in since (a median moves, the other stage is corrected). A flag binds to the content it speaks of, so one of a
superseded revision no longer counts. A flag that somebody resolved stays resolved for that content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.db.models import Case, Count, F, Max, Sum, When
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.lib.formats import tidy
from hierarchy.models import User
from reports import locks
from reports.calendar.models import Cadence, InstrumentVersion, Window
from reports.filing.models import Report
from reports.instruments.schema import INTEGER, Schema
from reports.journal import actions as journal
from reports.quality import statistics
from reports.quality.models import Flag, Reference

BATCH = 2_000
STILL_LOOKED_AT = timedelta(days=30)  # after a window closes; the command checks older ones
KEPT_FOR = 7 * 24 * 3600  # seconds that a window's fingerprint is remembered


class FlagError(Refusal):
    """A step about a flag cannot be taken."""

    code = "flag"


@dataclass(frozen=True)
class RuleSpec:
    """A kind of flag in words; `serious` ones contradict another figure, the others only ask to be looked at."""

    name: Promise
    meaning: Promise
    serious: bool


RULES: dict[str, RuleSpec] = {
    "soft": RuleSpec(
        gettext_lazy("Beralasan"),
        gettext_lazy("Isian tidak lazim dan pengirim menuliskan alasannya."),
        False,
    ),
    "outlier": RuleSpec(
        gettext_lazy("Jauh dari sekitarnya"),
        gettext_lazy("Angkanya jauh berbeda dari satuan lain di wilayah yang sama."),
        False,
    ),
    "same": RuleSpec(
        gettext_lazy("Kembar"),
        gettext_lazy("Semua angkanya sama dengan laporan lain di desa/kelurahan yang sama."),
        True,
    ),
    "round": RuleSpec(gettext_lazy("Serba bulat"), gettext_lazy("Semua angkanya kelipatan 10."), False),
    "stages": RuleSpec(
        gettext_lazy("Berbeda antar-tahapan"),
        gettext_lazy("Angkanya berbeda dari laporan tahapan lain untuk satuan yang sama."),
        True,
    ),
    "reference": RuleSpec(
        gettext_lazy("Berbeda dari KPU"),
        gettext_lazy("Angkanya berbeda dari angka KPU yang diimpor."),
        True,
    ),
}


class Cross(NamedTuple):
    """Two questions of two stages that must agree for one unit; the flag is raised on the first."""

    instrument: str
    question: str
    other: str
    other_question: str


COUNTING, VOTING = "penghitungan-tps", "pemungutan-tps"
CROSS = [
    Cross(COUNTING, "pengguna", VOTING, "pengguna"),  # voters counted = voters who came
    Cross(COUNTING, "surat_digunakan", VOTING, "pengguna"),  # each voter uses one ballot paper
    Cross(COUNTING, "surat_diterima", VOTING, "surat_diterima"),
    Cross(COUNTING, "surat_rusak", VOTING, "surat_rusak"),
]


class ReportFacts(NamedTuple):
    """A report as far as flags go. `area` is what siblings share: a station's district, any other unit's parent."""

    pk: UUID
    sha256: bytes
    answers: dict[str, Any]
    reasons: dict[str, str]
    subject_id: int
    village_id: int | None
    level: int
    area: int | None


class FlagDraft(NamedTuple):
    """A flag before it is written: `line` is the report it speaks of."""

    line: ReportFacts
    rule: str
    question: str
    detail: dict[str, Any]


@dataclass
class Comparisons:
    """What reports of a window are held against: figures by (unit, question)."""

    references: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)  # value, source
    stages: dict[Cross, dict[int, int]] = field(default_factory=dict)  # by unit


def open_flags(report_ids: Iterable[UUID]) -> dict[UUID, list[Flag]]:
    """Open flags by report, only those of the content that stands; reports without any are absent. One query."""
    found: dict[UUID, list[Flag]] = {}
    for flag in Flag.objects.filter(report__in=list(report_ids), resolved_at=None, sha256=F("report__sha256")):
        found.setdefault(flag.report_id, []).append(flag)
    return found


def names(flags: Iterable[Flag]) -> list[str]:
    """What a list says beside a report: its flags by name, each once, without the reasons its filer wrote."""
    found = {flag.rule for flag in flags} - {"soft"}
    return [str(spec.name) for rule, spec in RULES.items() if rule in found]


def check(window: Window) -> int:
    """Makes the open flags of a window's reports equal to what is doubtful now; returns how many are new.

    Four queries and as many writes as flags change; memory for the flags and for one area's reports.
    """
    schema = InstrumentVersion.schema_of(window.version_id)
    with transaction.atomic():
        locks.hold(locks.Lock.QUALITY, window.pk)  # two checks would lock the same flags in different orders
        beside = _beside(window)
        standing = {
            (flag.report_id, flag.rule, flag.question): flag
            for flag in Flag.objects.filter(report__window=window, sha256=F("report__sha256")).select_for_update(
                of=("self",)
            )
        }
        found = {
            (draft.line.pk, draft.rule, draft.question): draft
            for _area, lines in groupby(_lines(window), key=lambda line: line.area)
            for draft in _drafts(list(lines), schema, window, beside)
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


def _lines(window: Window) -> Iterator[ReportFacts]:
    """The window's reports area by area, streamed."""
    area = Case(
        When(obligation__subject__level=Level.POLLING_STATION, then=F("obligation__subject__district_id")),
        default=F("obligation__subject__parent_id"),
    )
    subject = [f"obligation__subject_{column}" for column in ("id", "_village_id", "_level")]
    rows = Report.objects.filter(window=window).annotate(area=area).order_by("area", "pk")
    values = rows.values_list("pk", "sha256", "answers", "reasons", *subject, "area")
    for pk, sha256, *rest in values.iterator(BATCH):
        yield ReportFacts(pk, bytes(sha256), *rest)


def _beside(window: Window) -> Comparisons:
    code, election = window.instrument.code, window.election_id
    found = Comparisons()
    for row in Reference.objects.filter(election=election, instrument=code):
        found.references[row.unit_id, row.question] = row.value, row.source
    for cross in CROSS:
        if cross.instrument == code:
            others = Report.objects.filter(window__election=election, window__instrument__code=cross.other)
            values = others.order_by("window__opens_at").values_list(
                "obligation__subject_id", f"answers__{cross.other_question}"
            )
            found.stages[cross] = {unit: value for unit, value in values if isinstance(value, int)}
    return found


def _drafts(lines: list[ReportFacts], schema: Schema, window: Window, beside: Comparisons) -> Iterator[FlagDraft]:
    """Everything doubtful about the reports of one area."""
    asked = [question.name for question in schema.questions if question.kind == INTEGER]
    for line in lines:
        for name in line.reasons:
            yield FlagDraft(line, "soft", name, {"reason": line.reasons[name]})
        if statistics.is_round(_numbers(line, asked)):
            yield FlagDraft(line, "round", "", {"count": sum((n or 0) >= 10 for n in _numbers(line, asked))})
        yield from _against(line, beside)
    if window.instrument.cadence != Cadence.EVENT:  # two incidents need not resemble each other
        yield from _outliers(lines, asked)
        yield from _copies(lines, asked)


def _against(line: ReportFacts, beside: Comparisons) -> Iterator[FlagDraft]:
    for cross, values in beside.stages.items():
        ours, theirs = line.answers.get(cross.question), values.get(line.subject_id)
        if isinstance(ours, int) and theirs is not None and ours != theirs:
            detail = {"value": ours, "other": theirs, "instrument": cross.other, "question": cross.other_question}
            yield FlagDraft(line, "stages", cross.question, detail)
    for name, ours in line.answers.items() if beside.references else ():
        reference = beside.references.get((line.subject_id, name))
        if reference and isinstance(ours, int) and ours != reference[0]:
            yield FlagDraft(line, "reference", name, {"value": ours, "other": reference[0], "source": reference[1]})


def _outliers(lines: list[ReportFacts], asked: list[str]) -> Iterator[FlagDraft]:
    by_pk = {line.pk: line for line in lines}
    for name in asked:
        verdict = statistics.outliers({line.pk: line.answers[name] for line in lines if name in line.answers})
        for pk, score in verdict[1].items() if verdict else ():
            assert verdict
            usual = verdict[0]
            detail = {"value": by_pk[pk].answers[name], "low": usual.low, "high": usual.high, "size": usual.size}
            detail |= {"median": usual.median, "score": round(score, 2), "level": by_pk[pk].level}
            yield FlagDraft(by_pk[pk], "outlier", name, detail)


def _copies(lines: list[ReportFacts], asked: list[str]) -> Iterator[FlagDraft]:
    by_village: dict[int, dict[UUID, ReportFacts]] = {}
    for line in lines:
        if line.level == Level.POLLING_STATION and line.village_id:
            by_village.setdefault(line.village_id, {})[line.pk] = line
    for village in by_village.values():
        for pk, others in statistics.copies({pk: _numbers(line, asked) for pk, line in village.items()}).items():
            yield FlagDraft(village[pk], "same", "", {"others": sorted(str(other) for other in others)})


def _numbers(line: ReportFacts, asked: list[str]) -> list[int | None]:
    return [line.answers.get(name) for name in asked]


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
