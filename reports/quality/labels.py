"""What a flag says to the person who must look at it: a sentence with the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hierarchy.levels import Level
from hierarchy.lib.formats import number
from reports.filing.models import Report
from reports.instruments import indicator_words
from reports.instruments.schema import Schema
from reports.quality import rules
from reports.quality.models import Flag

Detail = Mapping[str, Any]


def in_a_sentence(flag: Flag, schema: Schema) -> str:
    """In the reader's language; `schema` is that of the report's version."""
    question, language = schema.by_name.get(flag.question), get_language()
    label = question.label.in_language(language) if question else ""
    label = indicator_words.sum_lines(schema, language).get(flag.question, label)
    return SENTENCES[flag.rule](label, flag.detail)


def _soft(label: str, detail: Detail) -> str:
    return _("%(label)s: isian tidak lazim. Alasan pengirim: %(reason)s") % {"label": label, **detail}


def _outlier(label: str, detail: Detail) -> str:
    values = {"label": label, "value": number(detail["value"])}
    values |= {"low": number(round(detail["low"])), "high": number(round(detail["high"]))}
    if detail["level"] == Level.POLLING_STATION:
        return _("%(label)s %(value)s, sedangkan TPS lain di kecamatan ini biasanya %(low)s–%(high)s.") % values
    return _("%(label)s %(value)s, sedangkan satuan lain di wilayah ini biasanya %(low)s–%(high)s.") % values


def _same(_label: str, detail: Detail) -> str:
    values = {"count": number(len(detail["others"]))}
    return _("Semua angkanya sama dengan %(count)s laporan TPS lain di desa/kelurahan ini.") % values


def _round(_label: str, detail: Detail) -> str:
    return _("Semua %(count)s angka dari 10 ke atas adalah kelipatan 10. Apakah ini hasil hitungan?") % {
        "count": number(detail["count"])
    }


def _stages(label: str, detail: Detail) -> str:
    return _("%(label)s %(value)s, sedangkan laporan pemungutan suara menyebut %(other)s.") % {
        "label": label,
        "value": number(detail["value"]),
        "other": number(detail["other"]),
    }


def _reference(label: str, detail: Detail) -> str:
    return _("%(label)s %(value)s, sedangkan angka KPU %(other)s (%(source)s).") % {
        "label": label,
        "value": number(detail["value"]),
        "other": number(detail["other"]),
        "source": detail["source"],
    }


@dataclass(frozen=True)
class FlagLabel:
    """A flag as a page shows it: its rule in words, its sentence."""

    flag: Flag
    name: str
    sentence: str
    serious: bool


def told(flag: Flag, schema: Schema) -> FlagLabel:
    spec = rules.RULES[flag.rule]
    return FlagLabel(flag, str(spec.name), in_a_sentence(flag, schema), spec.serious)


def of_report(report: Report) -> list[FlagLabel]:
    """The flags of the content that stands, settled ones too, open ones first. One query."""
    rows = Flag.objects.filter(report=report, sha256=report.sha256).select_related("resolved_by")
    found = sorted(rows, key=lambda flag: (flag.resolved_at is not None, flag.pk))
    return [told(flag, report.window.version.parsed) for flag in found]


SENTENCES: dict[str, Callable[[str, Detail], str]] = {
    "soft": _soft,
    "outlier": _outlier,
    "same": _same,
    "round": _round,
    "stages": _stages,
    "reference": _reference,
}
