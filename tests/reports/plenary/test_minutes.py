"""Minutes (berita acara): what they say, and that they stay what they were when the meeting was closed."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.models import Membership, User
from hierarchy.people import roster
from reports.journal.models import Event
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import minutes, sheet
from reports.plenary import queries as ratified
from reports.plenary.models import AgendaItem, Minutes, Plenary
from reports.verify import decided as verify_decided
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh
from tests.reports.filing.test_pages import signed_in, text_of
from tests.reports.plenary.test_plenary import DISTRICT, approved, body, called, grow, opened, ratify, vote

pytestmark = pytest.mark.django_db


def closed(day: Day, number: str = "12/BA/II/2024", notes: str = "") -> AgendaItem:
    approved(day)
    item = ratify(day)
    plenary.close(plenary=item.plenary, minutes_number=number, notes=notes, by=body(day.cast)[0])
    return AgendaItem.objects.select_related("plenary__unit__election").get(pk=item.pk)


def file_of(user: User, meeting: Plenary) -> bytes:
    answer = signed_in(fresh(user)).get(reverse("minutes", args=[meeting.pk]))
    assert answer["Content-Type"] == "application/pdf"
    return bytes(answer.content)


def texts(said: Any) -> list[str]:
    """Every text on the sheet."""
    if isinstance(said, str):
        return [said]
    return [text for each in (said.values() if isinstance(said, dict) else said) for text in texts(each)]


def test_the_same_minutes_are_the_same_bytes(election_day: Day) -> None:
    item = closed(election_day)
    kept = minutes.kept(item.plenary)
    said = kept.content | minutes._checked(item.plenary, bytes(kept.fingerprint))
    election_day.set_clock(AFTERNOON + timedelta(days=400))
    again = minutes._set(said, at=item.plenary.closed_at)
    assert again == bytes(kept.pdf)
    for mark in (b"<pdfaid:part>2</pdfaid:part>", b"<pdfaid:conformance>A</pdfaid:conformance>", b"<pdfuaid:part>1"):
        assert mark in again, mark


def test_what_was_closed_is_served_for_ever_whoever_sits_there_later_and_in_whatever_language(
    election_day: Day,
) -> None:
    item = closed(election_day, notes="Musyawarah.")
    cast, meeting = election_day.cast, item.plenary
    first = file_of(cast.regency_member, meeting)
    kept = Minutes.objects.get()
    assert (bytes(kept.pdf), bytes(kept.sha256)) == (first, hashlib.sha256(first).digest())
    members = [row["name"] for row in kept.members]
    assert members == ["Panwascam Chair", "Panwascam Member", "Panwascam Third"]
    assert [row["presided"] for row in kept.members] == [True, False, False]

    Membership.objects.filter(user=cast.panwascam_chair).update(until=date(2024, 2, 13))
    User.objects.filter(pk=cast.panwascam_member.pk).update(name="Nama Baru")
    grow(DISTRICT, by=2)
    election_day.set_clock(AFTERNOON + timedelta(days=30))
    client = signed_in(fresh(cast.panwascam_member))
    client.cookies.load({"django_language": "en"})
    answer = client.get(reverse("minutes", args=[meeting.pk]), headers={"accept-language": "en"})
    assert bytes(answer.content) == first
    with translation.override("en"):
        assert bytes(minutes.kept(Plenary.objects.get(pk=meeting.pk)).pdf) == first
    kept.refresh_from_db()
    assert [row["name"] for row in kept.members] == [signer for _office, signer, _absent in kept.content["signed"]]
    assert [row["name"] for row in kept.members] == members
    assert Minutes.objects.count() == 1


def test_minutes_are_in_indonesian_whoever_closes_the_meeting(election_day: Day) -> None:
    approved(election_day)
    item = ratify(election_day)
    with translation.override("en"):
        plenary.close(plenary=item.plenary, minutes_number="1", notes="", by=body(election_day.cast)[0])
    said = minutes.kept(item.plenary).content
    assert said["heading"] == "BERITA ACARA RAPAT PLENO"
    assert said["items"][0]["decision"].startswith("Keputusan: Disahkan, musyawarah mufakat, versi 1")
    assert "Setuju" in texts(said["items"])


def test_the_database_itself_keeps_the_minutes(election_day: Day) -> None:
    closed(election_day)
    for act in (
        lambda: Minutes.objects.update(pdf=b"%PDF-other"),
        lambda: Minutes.objects.get().delete(),
        lambda: connection.cursor().execute("TRUNCATE reports_minutes"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    assert list(ratified.broken()) == []


def test_closing_that_fails_keeps_no_minutes_and_minutes_that_fail_leave_the_meeting_open(
    election_day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(election_day)
    item = ratify(election_day)

    def broken(*_args: Any, **_more: Any) -> bytes:
        raise OSError("no room")

    monkeypatch.setattr(minutes, "_compile", broken)
    with pytest.raises(OSError, match="no room"):
        plenary.close(plenary=item.plenary, minutes_number="1", notes="", by=body(election_day.cast)[0])
    assert Plenary.objects.get(pk=item.plenary_id).state == "OPEN"
    assert not Minutes.objects.exists()


def tampered(sql: str) -> list[str]:
    """What `broken` says once somebody with the owner's powers has run `sql`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")
        said = list(ratified.broken())
        transaction.set_rollback(True)
    return said


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE reports_minutes SET pdf = 'x'::bytea", "do not recompute"),
        ("UPDATE reports_minutes SET pdf = 'x'::bytea, sha256 = sha256('x'::bytea)", "journal"),
        ('UPDATE reports_minutes SET content = content || \'{"notes": "lain"}\'', "what they say"),
        ("UPDATE reports_minutes SET members = '[]'", "members"),
        ("DELETE FROM reports_minutes", "are gone"),
    ],
)
def test_verify_names_minutes_that_were_changed_behind_the_trigger(election_day: Day, sql: str, sentence: str) -> None:
    closed(election_day)
    assert list(ratified.broken()) == []
    said = tampered(sql)
    assert any(sentence in each for each in said), said


def test_a_meeting_closed_before_minutes_were_kept_gets_them_once_and_they_say_so(election_day: Day) -> None:
    item = closed(election_day)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM reports_minutes")
        cursor.execute("DELETE FROM reports_event WHERE verb = 'minutes.kept'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    Membership.objects.filter(user=body(election_day.cast)[2]).update(until=date(2024, 2, 13))
    first = file_of(election_day.cast.regency_member, item.plenary)
    kept = Minutes.objects.get()
    assert kept.late
    assert kept.content["late"].startswith("Dibuat kemudian, 14 Feb 2024")
    assert "Panwascam Third" in {row["name"] for row in kept.members}, "who sat there on the day"
    election_day.set_clock(AFTERNOON + timedelta(days=9))
    assert file_of(election_day.cast.panwascam_member, item.plenary) == first
    assert list(Event.objects.filter(verb="minutes.kept").values_list("detail__late", flat=True)) == [True]
    assert list(ratified.broken()) == []


def test_the_form_of_a_berita_acara(election_day: Day) -> None:
    said = closed(election_day, notes='"#panic()').plenary.minutes.content
    assert (said["body"], said["region"]) == (
        "Panwaslu Kecamatan Sungai Pinang",
        "Kota Samarinda, Provinsi Kalimantan Timur, Pemilu 2024",
    )
    assert said["opening"].startswith(
        "Pada hari ini, Rabu, tanggal empat belas bulan Februari tahun dua ribu dua puluh empat (14-02-2024), pukul 15"
    )
    assert "dipimpin oleh Panwascam Chair, ketua" in said["opening"]
    assert [law.split(" tentang ")[0] for law in said["basis"]] == [
        "Undang-Undang Nomor 7 Tahun 2017",
        "Peraturan Badan Pengawas Pemilihan Umum Nomor 5 Tahun 2018",
    ]
    assert said["quorum"].startswith("Rapat dihadiri 3 dari 3 anggota. Kuorum 2 anggota terpenuhi")
    assert said["signed_at"] == "Kantor, 14 Februari 2024"
    assert [office for office, _name, _absent in said["signed"]] == ["Ketua", "Anggota", "Anggota"]
    assert (said["draft"], said["notes"], said["number"]) == ("", '"#panic()', "Nomor: 12/BA/II/2024")
    item = AgendaItem.objects.get()
    assert bytes(item.sha256).hex() in said["items"][0]["hash"]
    assert "versi 1" in said["items"][0]["decision"]


def test_minutes_of_an_open_meeting_are_a_draft_that_is_not_kept(election_day: Day) -> None:
    meeting = opened(election_day)
    assert sheet.data(meeting)["draft"] == "KONSEP, rapat belum ditutup"
    answer = signed_in(fresh(election_day.cast.panwascam_chair)).get(reverse("minutes", args=[meeting.pk]))
    assert answer.content.startswith(b"%PDF")
    assert "konsep" in answer["Content-Disposition"]
    assert not Minutes.objects.exists()


def test_a_reason_for_what_was_voted_down_is_not_told_as_one_for_ratifying_it(election_day: Day) -> None:
    approved(election_day)
    meeting = opened(election_day)
    item = meeting.items.get()
    for member in body(election_day.cast):
        vote(item, member, "DISAGREE", dissent="Belum lengkap.")
    chair = body(election_day.cast)[0]
    assert plenary.decide(item=item, by=chair).decision == "REJECTED"
    plenary.close(plenary=meeting, minutes_number="13/BA/II/2024", notes="", by=chair)
    said = texts(minutes.kept(Plenary.objects.get(pk=meeting.pk)).content)
    [told] = [text for text in said if text.startswith("Alasan")]
    assert told.startswith("Alasan mengajukan rekap yang masih dibuka: ")


def test_who_did_not_come_does_not_sign(election_day: Day) -> None:
    said = sheet.data(opened(election_day, present=2))
    assert [row[2] for row in said["signed"]] == ["", "", "tidak hadir"]
    assert "dihadiri 2 dari 3 anggota" in said["quorum"]


WRITTEN = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=30)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WRITTEN)
def test_whatever_somebody_types_the_minutes_can_be_made(kept_content: dict[str, Any], typed: str) -> None:
    said = json.loads(json.dumps(kept_content)) | {"notes": f"#panic() $x$ 😀 {typed}", "body": f"*{typed}* #let"}
    assert minutes._set(said, at=AFTERNOON).startswith(b"%PDF")


@pytest.fixture
def kept_content(election_day: Day) -> dict[str, Any]:
    item = closed(election_day)
    kept = minutes.kept(item.plenary)
    return dict(kept.content) | minutes._checked(item.plenary, bytes(kept.fingerprint))


def test_anybody_can_check_minutes_by_the_code_on_the_sheet_and_learns_nothing_else(election_day: Day) -> None:
    item = closed(election_day, notes="rahasia musyawarah")
    kept, meeting = minutes.kept(item.plenary), item.plenary
    url = minutes._checked(meeting, bytes(kept.fingerprint))["address"].partition("//")[2].partition("/")[2]
    answer = Client().get(f"/{url}")
    text = text_of(answer)
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    for said in ("asli", "Panwaslu Kecamatan Sungai Pinang", "12/BA/II/2024", "14 Feb 2024", kept.sha256.hex()):
        assert said in text, said
    for secret in ("Panwascam Chair", "rahasia musyawarah", bytes(item.sha256).hex(), "Surat suara"):
        assert secret not in text, secret
    printed = bytes(kept.fingerprint).hex()[: minutes.PRINTED]
    far = [(10**18, printed), (10**30, printed), (meeting.pk + 1, printed)]
    for pk, wrong in ((meeting.pk, printed[:-1]), (meeting.pk, "0" * 32), *far):
        refused = Client().get(reverse("check-minutes", args=[pk, wrong]))
        assert refused.status_code == 404
        assert "tidak mengenal" in text_of(refused)
        assert "Panwaslu" not in text_of(refused)


def test_an_attendance_list_names_who_left(election_day: Day) -> None:
    meeting = opened(election_day)
    third = body(election_day.cast)[2]
    sitting.leave(plenary=meeting, member=third, by=third)
    assert sheet.data(meeting)["attendance"][2][3].startswith("hadir, pergi 14 Feb 2024")


# --- whose term ends ------------------------------------------------------------------------------------------------


def names(rows: list[list[str]]) -> list[str]:
    return [row[1] for row in rows]


@pytest.mark.parametrize("noted", ["nothing", "excused", "arrived"])
def test_whose_term_ended_before_the_meeting_stands_nowhere_in_its_minutes(election_day: Day, noted: str) -> None:
    chair, second, third = body(election_day.cast)
    meeting = called(election_day)
    if noted == "excused":
        sitting.excuse(plenary=meeting, member=third, reason="sakit", by=chair)
    elif noted == "arrived":
        sitting.arrive(plenary=meeting, member=third, by=chair)
    roster.end(membership=Membership.objects.get(user=third), by=None)
    assert third.name not in texts(sheet.data(meeting)), "nor in the draft of a meeting that is called"
    for member in (chair, second):
        sitting.arrive(plenary=meeting, member=member, by=member)
    meeting = plenary.open_(plenary=meeting, by=chair)
    said = sheet.data(meeting)
    assert third.name not in texts(said)
    assert names(said["attendance"]) == names(said["signed"]) == [chair.name, second.name]
    assert "dihadiri 2 dari 2 anggota" in said["quorum"]
    assert list(verify_decided.broken_meetings()) == []


def test_whose_term_ends_before_the_day_of_the_meeting_is_not_in_its_draft(election_day: Day) -> None:
    chair, second, third = body(election_day.cast)
    meeting = called(election_day)
    Plenary.objects.filter(pk=meeting.pk).update(meets_at=MORNING_AFTER)
    Membership.objects.filter(user=third).update(until=AFTERNOON.date())
    meeting.refresh_from_db()
    assert names(sheet.data(meeting)["attendance"]) == [chair.name, second.name]
    with pytest.raises(plenary.PlenaryError, match="bukan anggota"):
        sitting.excuse(plenary=meeting, member=third, reason="sakit", by=chair)


def test_who_attended_as_a_member_and_is_none_at_the_end_attended_and_does_not_sign(election_day: Day) -> None:
    """A meeting over midnight: the last day of the third member's term was the one on which it began."""
    chair, second, third = body(election_day.cast)
    approved(election_day)
    meeting = opened(election_day)
    item = meeting.items.get()
    vote(item, third)
    Membership.objects.filter(user=third).update(until=AFTERNOON.date())
    election_day.set_clock(MORNING_AFTER)
    with pytest.raises(plenary.PlenaryError, match="bukan anggota"):
        sitting.leave(plenary=meeting, member=third, by=chair)
    for member in (chair, second):
        vote(item, member)
    assert plenary.decide(item=item, by=chair, reason="Perlu.").present == 2
    plenary.close(plenary=meeting, minutes_number="14/BA/II/2024", notes="", by=chair)
    kept = minutes.kept(Plenary.objects.get(pk=meeting.pk))
    told = {row[1]: row[3] for row in kept.content["attendance"]}
    assert told[third.name].startswith("hadir 14 Feb 2024")
    assert told[third.name].endswith("masa jabatan berakhir 14 Februari 2024")
    assert (told[chair.name], told[second.name]) == ("hadir", "hadir")
    assert names(kept.content["signed"]) == [chair.name, second.name]
    assert "dihadiri 3 dari 3 anggota" in kept.content["quorum"]
    assert {row["name"] for row in kept.members} == set(told), "and the roster of the day is whole"
    assert list(verify_decided.broken_meetings()) == []
    assert list(ratified.broken()) == []


def test_who_was_a_member_at_the_opening_and_did_not_come_is_absent_whatever_comes_later(election_day: Day) -> None:
    meeting = opened(election_day, present=2)
    third = body(election_day.cast)[2]
    Membership.objects.filter(user=third).update(until=AFTERNOON.date())
    election_day.set_clock(MORNING_AFTER)
    said = sheet.data(Plenary.objects.get(pk=meeting.pk))
    assert {row[1]: row[3] for row in said["attendance"]}[third.name] == "tidak hadir"
    assert third.name not in names(said["signed"])
