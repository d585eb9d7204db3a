"""Minutes of a plenary (berita acara) as PDF, set by typst from minutes.typ, and kept as they were made.

They are in Indonesian whoever reads them: an official document of the state is (UU 24/2009 art. 27), and the file that
members signed is one file. The bytes depend on what the minutes say and on nothing else: no system fonts, no clock.
Names and texts travel as data, never as markup: what a person typed cannot become a command of the typesetter.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from hierarchy.lib import clock, qr
from reports.journal import actions as journal
from reports.plenary import queries as ratified
from reports.plenary.models import Minutes, Plenary
from reports.plenary.sheet import data, listed

TEMPLATE = Path(__file__).with_name("minutes.typ")
STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]  # an archive can keep it, a screen reader can read it
PRINTED = 32  # hexadecimal digits of the fingerprint that the QR code carries


# --- keeping --------------------------------------------------------------------------------------------------------


def keep(meeting: Plenary, *, late: bool = False) -> Minutes:
    """Makes the minutes of a meeting that is closed and keeps them, once and for ever, in the caller's transaction."""
    said, fingerprint = _content_and_print(meeting, late=late)
    file = _set(said | _checked(meeting, fingerprint), at=meeting.closed_at)
    kept = Minutes.objects.create(
        plenary=meeting,
        content=said,
        fingerprint=fingerprint,
        members=_members(meeting),
        pdf=file,
        sha256=hashlib.sha256(file).digest(),
        made_at=clock.now(),
        late=late,
    )
    unit, target = meeting.unit, f"pleno-{meeting.pk}"
    journal.write(
        journal.entry(
            "minutes.kept", by=None if late else meeting.presided_by, unit=unit, election=unit.election.code,
            target=target, number=meeting.minutes_number, sha256=kept.sha256.hex(), late=late,
        )
    )  # fmt: skip
    return kept


def kept(plenary: Plenary) -> Minutes:
    """The minutes of a closed plenary. One that was closed before minutes were kept gets them now, marked as late."""
    found = Minutes.objects.filter(plenary=plenary).first()
    if found is not None:
        return found
    with transaction.atomic():
        meeting = Plenary.objects.select_for_update(of=["self"]).select_related("unit__election", "presided_by")
        closed = meeting.get(pk=plenary.pk, state=Plenary.State.CLOSED)
        return Minutes.objects.filter(plenary=closed).first() or keep(closed, late=True)


def draft(plenary: Plenary) -> bytes:
    """The minutes of a meeting that is not closed, as they would be now; every page says that this is a draft."""
    return _set(data(plenary) | {"qr": "", "address": "", "check": ""}, at=plenary.called_at)


def genuine(pk: int, printed: str) -> Minutes | None:
    """The minutes with this number and these first digits of the fingerprint, without their contents."""
    found = Minutes.objects.filter(plenary=pk).select_related("plenary__unit").only(
        "fingerprint", "sha256", "late", "made_at", "plenary__number", "plenary__minutes_number", "plenary__closed_at",
        "plenary__unit__name", "plenary__unit__level", "plenary__unit__kind",
    ).first()  # fmt: skip
    return found if found and bytes(found.fingerprint).hex()[:PRINTED] == printed else None


def _content_and_print(meeting: Plenary, *, late: bool) -> tuple[dict[str, Any], bytes]:
    said = data(meeting, late=late)
    return said, ratified.digest(said)


def _checked(meeting: Plenary, fingerprint: bytes) -> dict[str, str]:
    address = reverse("check-minutes", args=[meeting.pk, fingerprint.hex()[:PRINTED]])
    address = settings.SITE_URL.rstrip("/") + address
    return {"qr": qr.image(address), "address": address, "check": "Periksa keaslian berita acara ini di:"}


def _members(meeting: Plenary) -> list[dict[str, Any]]:
    return [
        {
            "username": row.user.username,
            "name": row.user.name,
            "role": row.role,
            "present": row.arrived_at is not None,
            "presided": row.user_id == meeting.presided_by_id,
        }
        for row in listed(meeting)
    ]


# --- setting --------------------------------------------------------------------------------------------------------


def _set(said: dict[str, Any], *, at: datetime | None) -> bytes:
    """The PDF. About a third of a second. A letter that no font of the sheet has is written as its number: an archive
    refuses a file with holes, and a meeting must not stay open because somebody typed one."""
    import typst

    try:
        return _compile(json.dumps(said), at)
    except typst.TypstError:
        return _compile(json.dumps(_spelled(said)), at)


def _compile(said: str, at: datetime | None) -> bytes:
    import typst

    return typst.compile(
        TEMPLATE,
        sys_inputs={"data": said},
        ignore_system_fonts=True,
        pdf_standards=list(STANDARDS),
        timestamp=int(at.timestamp()) if at else 0,
    )


def _spelled(said: Any) -> Any:
    """The same texts in letters of Latin script and common marks; any other letter as [U+1F642]."""
    if isinstance(said, dict):
        return {name: _spelled(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_spelled(value) for value in said]
    if not isinstance(said, str):
        return said
    return "".join(each if each in "\n–—‘’“”…•" or ord(each) < 0x180 else f"[U+{ord(each):04X}]" for each in said)
