"""The pages of the plenary: what is asked before a vote counts, what stays when a step is refused, the minutes."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from hierarchy.models import Membership, User
from hierarchy.people import roster
from hierarchy.signin import actions as signin
from hierarchy.signin import stepup
from hierarchy.signin.throttle import NotNow
from reports.obligations import pinning
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import minutes, sheet, table
from reports.plenary.models import Plenary, Vote
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.cast import membership_of
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh
from tests.reports.calendar import test_versions
from tests.reports.filing import test_pages
from tests.reports.filing.test_pages import text_of
from tests.reports.plenary.test_plenary import WHY, approved, body, called, opened, ratify, vote

pytestmark = pytest.mark.django_db
PASSWORD = "rahasia-pengawas-2024"


@pytest.fixture
def day(election_day: Day, settings: Any) -> Day:
    # Here nothing depends on how slow a password is to guess.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.update(password=make_password(PASSWORD))
    return election_day


def signed_in(user: User) -> Client:
    """With the password of the day: a session belongs to the one it was opened with."""
    return test_pages.signed_in(fresh(user))


def step(client: Client, meeting: Plenary, verb: str, **data: Any) -> Any:
    return client.post(f"{reverse('plenary', args=[meeting.pk])}{verb}/", data)


def ballot(meeting: Plenary, **more: Any) -> dict[str, Any]:
    item = meeting.items.get()
    return {"agenda": item.pk, "seen": bytes(item.sha256).hex(), "pilihan": "AGREE", **more}


def test_a_vote_asks_for_the_password_once_in_ten_minutes(day: Day) -> None:
    meeting = opened(day)
    client = signed_in(day.cast.panwascam_chair)
    for wrong in ({}, {"password": "salah"}):
        refused = step(client, meeting, "suara", **ballot(meeting, pendapat="belum lengkap", **wrong))
        assert refused.status_code == 409
        assert "Kata sandi tidak cocok" in text_of(refused)
        assert "belum lengkap" in refused.content.decode(), "what was typed stays"
    assert not Vote.objects.exists()
    assert step(client, meeting, "suara", **ballot(meeting, password=PASSWORD)).status_code == 302
    assert Vote.objects.get().user == day.cast.panwascam_chair
    page = client.get(reverse("plenary", args=[meeting.pk]))
    assert 'name="password"' not in page.content.decode()
    for member in body(day.cast)[1:]:
        vote(meeting.items.get(), member)
    day.set_clock(AFTERNOON + stepup.LASTS + timedelta(minutes=1))
    assert 'name="password"' in client.get(reverse("plenary", args=[meeting.pk])).content.decode()


def test_strangers_who_guess_at_the_chair_do_not_keep_the_chair_from_voting(day: Day) -> None:
    meeting = opened(day)
    chair = signed_in(day.cast.panwascam_chair)
    for number in range(100):
        stranger = HttpRequest()
        stranger.META["REMOTE_ADDR"] = f"2001:db8:{number:x}::1"
        with suppress(NotNow):
            signin.check(stranger, username="panwascam_chair", password="salah")
    assert step(chair, meeting, "suara", **ballot(meeting, password=PASSWORD)).status_code == 302
    assert Vote.objects.get().user == day.cast.panwascam_chair


def test_whoever_finds_the_phone_on_the_table_may_not_guess_for_long(day: Day) -> None:
    meeting = opened(day)
    found, elsewhere = signed_in(day.cast.panwascam_chair), signed_in(day.cast.panwascam_chair)
    for _ in range(signin.SESSION.burst):
        assert "Kata sandi tidak cocok" in text_of(step(found, meeting, "suara", **ballot(meeting, password="salah")))
    refused = step(found, meeting, "suara", **ballot(meeting, password=PASSWORD))
    assert "Terlalu banyak percobaan" in text_of(refused)
    assert step(elsewhere, meeting, "suara", **ballot(meeting, password=PASSWORD)).status_code == 302


def test_a_meeting_from_the_invitation_to_the_minutes(day: Day) -> None:
    approved(day)
    meeting = called(day)
    clients = [signed_in(member) for member in day.cast.district_members]
    chair = clients[0]
    text = text_of(chair.get(reverse("plenaries")))
    assert "Rekap yang perlu diputuskan" in text
    assert "Rapat pleno ke-1" in text
    assert "Belum kuorum" in text_of(step(chair, meeting, "buka"))
    for client, member in zip(clients, day.cast.district_members, strict=True):
        assert step(client, meeting, "hadir", anggota=member.pk).status_code == 302
    assert step(chair, meeting, "buka").status_code == 302
    for client in clients[:2]:
        assert step(client, meeting, "suara", **ballot(meeting, password=PASSWORD)).status_code == 302
    against = ballot(meeting, password=PASSWORD, pilihan="DISAGREE")
    assert "pendapat berbeda" in text_of(step(clients[2], meeting, "suara", **against))
    assert step(clients[2], meeting, "suara", **against, pendapat="TPS 901 belum dihitung").status_code == 302
    assert step(chair, meeting, "putuskan", agenda=meeting.items.get().pk).status_code == 302
    assert "Isi nomor berita acara" in text_of(step(chair, meeting, "tutup", nomor=" ", catatan="Musyawarah"))
    assert step(chair, meeting, "tutup", nomor="12/BA/II/2024", catatan="Musyawarah").status_code == 302
    text = text_of(chair.get(reverse("plenary", args=[meeting.pk])))
    for said in ("Selesai", "12/BA/II/2024", "Suara terbanyak", "versi 1", "TPS 901 belum dihitung"):
        assert said in text, said


def test_a_change_after_ratification_is_shown_and_a_correction_proposed(day: Day) -> None:
    approved(day)
    first = ratify(day)
    plenary.close(plenary=first.plenary, minutes_number="1", notes="", by=body(day.cast)[0])
    client = signed_in(day.cast.panwascam_chair)
    assert "Berubah sesudah disahkan" not in text_of(client.get(reverse("plenary", args=[first.plenary_id])))
    late = day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"))
    rollup.run_all()
    text = text_of(client.get(reverse("plenary", args=[first.plenary_id])))
    assert "Usulkan pleno koreksi" not in text, "nobody has approved it"
    review.approve(report=late, seen=bytes(late.sha256), by=fresh(day.cast.pkd))
    called(day)
    text = text_of(client.get(reverse("plenary", args=[first.plenary_id])))
    assert "Berubah sesudah disahkan" in text
    assert "Usulkan pleno koreksi" in text
    assert "berubah sesudah disahkan (versi 1)" in text_of(client.get(reverse("plenaries")))


def test_the_invitation_names_what_is_missing_and_keeps_what_was_typed(day: Day) -> None:
    client = signed_in(day.cast.panwascam_operator)
    called(day)
    refused = client.post(reverse("call-plenary"), {"place": "Balai desa", "meets_at": "besok"})
    assert refused.status_code == 422
    assert "Balai desa" in refused.content.decode()
    assert "Pilih paling sedikit satu yang akan diputuskan." in text_of(refused)
    window = day.windows["penghitungan-tps"]
    made = client.post(
        reverse("call-plenary"), {"place": "Balai", "meets_at": "2024-02-16T10:00", "agenda": [f"rekap-{window.pk}"]}
    )
    assert made.status_code == 302
    assert Plenary.objects.order_by("-pk")[0].items.get().window == window


def test_who_is_absent_and_why_stands_in_the_list(day: Day) -> None:
    chair, second, third = body(day.cast)
    meeting = called(day)
    client = signed_in(chair)
    assert "Tuliskan alasan" in text_of(step(client, meeting, "izin", anggota=third.pk, alasan=" "))
    assert step(client, meeting, "izin", anggota=third.pk, alasan="sakit").status_code == 302
    for member in (chair, second):
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=chair)
    assert sheet.data(Plenary.objects.get(pk=meeting.pk))["attendance"][2][3] == "tidak hadir: sakit"


def test_today_comes_who_sits_today_and_is_excused_who_will_sit_on_the_day_of_the_meeting(day: Day) -> None:
    """Of a meeting tomorrow: today is the last day of the second member's term, tomorrow the first of a fourth's."""
    chair, second, _third = body(day.cast)
    meeting = called(day)
    Plenary.objects.filter(pk=meeting.pk).update(meets_at=MORNING_AFTER)
    Membership.objects.filter(user=second).update(until=AFTERNOON.date())
    fourth = User.objects.create(username="keempat", name="Anggota Keempat")
    Membership.objects.create(user=fourth, unit=meeting.unit, role="MEMBER", since=MORNING_AFTER.date())
    client = signed_in(chair)
    answer = client.get(reverse("plenary", args=[meeting.pk]))
    page = text_of(answer)
    assert "hadir 0 dari 3 anggota, perlu 2" in page
    for person, hadir, izin in ((chair, True, True), (second, True, False), (fourth, False, True)):
        assert (f"Catat hadir {person.name}" in page) is hadir
        assert (f'id="izin-{person.pk}"' in answer.content.decode()) is izin
        assert step(client, meeting, "izin", anggota=person.pk, alasan="sakit").status_code == (302 if izin else 404)
        for verb in ("hadir", "pergi"):
            assert step(client, meeting, verb, anggota=person.pk).status_code == (302 if hadir else 404), verb


def test_whose_term_has_ended_is_not_offered_and_not_counted(day: Day) -> None:
    chair, second, third = body(day.cast)
    meeting = opened(day)
    client = signed_in(chair)
    url = reverse("plenary", args=[meeting.pk])
    assert "hadir 3 dari 3 anggota" in text_of(client.get(url))
    roster.end(membership=membership_of(third), by=None)
    page = text_of(client.get(url))
    assert "hadir 2 dari 2 anggota" in page
    assert re.search(rf"{third.name} hadir sejak [^·]*, masa jabatan berakhir 13 Feb", page), page
    assert "Catat pergi " + third.name not in page
    assert "Catat pergi " + second.name in page
    assert step(client, meeting, "pergi", anggota=third.pk).status_code == 404


def test_the_table_that_is_ratified_says_the_answer_that_was_found(day: Day) -> None:
    """One station was not attended by witnesses, another opened late: the question alone says the opposite."""
    day.file(day.cast.ptps, day.obligation("penghitungan-tps"), dihadiri_saksi="tidak", at=MORNING_AFTER)
    day.file(day.cast.ptps, jam_buka="08:10", surat_rusak=3)
    chair = body(day.cast)[0]
    windows = [day.windows["penghitungan-tps"], day.windows["pemungutan-tps"]]
    rollup.run_pending()
    unit = day.units["647201"]
    meeting = plenary.call(unit=unit, windows=windows, meets_at=AFTERNOON, place="Kantor", public=False, by=chair)
    page = signed_in(chair).get(reverse("plenary", args=[meeting.pk]))
    rows = {row.label: row for laid in page.context["items"] for _heading, rows in laid.tables for row in rows}
    printed = {row[0]: row for item in sheet.data(meeting)["items"] for each in item["tables"] for row in each["rows"]}
    for line, filed in {
        "Rapat dimulai dengan dihadiri saksi dan pengawas TPS: Tidak": 1,
        "Jam pembukaan pemungutan suara: sesudah pukul 07.00 WITA": 1,
        "Surat suara rusak/keliru dicoblos: ada": 1,
        "Surat suara rusak/keliru dicoblos": 3,
    }.items():
        assert (rows[line].filed, rows[line].approved) == (filed, 0), line
        assert printed[line] == [line, "0", str(filed)], line
        assert line in text_of(page)
    assert "Rapat dimulai dengan dihadiri saksi dan pengawas TPS" not in rows


def test_what_is_ratified_is_named_and_apart_from_what_it_is_compared_with(day: Day) -> None:
    approved(day)
    item = ratify(day)
    text = text_of(signed_in(day.cast.panwascam_chair).get(reverse("plenary", args=[item.plenary_id])))
    for said in ("Masalah (laporan yang menemukan)", "Jumlah", "Disahkan: disetujui", "1 dari 6 laporan"):
        assert said in text, said
    heads = [table["head"] for table in sheet.data(item.plenary)["items"][0]["tables"]]
    assert [head[0] for head in heads] == ["Masalah (laporan yang menemukan)", "Jumlah"]
    assert {head[1] for head in heads} == {"Disahkan: disetujui\n1 dari 6 (16,7 %)"}


def test_a_decision_is_offered_once_everybody_present_has_voted(day: Day) -> None:
    meeting, members = opened(day), body(day.cast)
    chair = signed_in(members[0])

    def page() -> str:
        return text_of(chair.get(reverse("plenary", args=[meeting.pk])))

    vote(meeting.items.get(), members[0])
    assert "1 sudah bersuara, 2 belum" in page()
    assert "Belum bersuara: Panwascam Member, Panwascam Third." in page()
    assert "Nyatakan keputusan" not in page()
    for member in members[1:]:
        vote(meeting.items.get(), member)
    assert "3 bersuara, semua yang hadir" in page()
    assert "Nyatakan keputusan" in page()


def test_who_calls_a_meeting_sees_coverage_and_deadline_of_what_they_put_on_the_agenda(day: Day) -> None:
    approved(day)
    day.open("masa-tenang-desa")
    day.open("pencegahan-kecamatan")
    day.open("form-a")
    rollup.run_all()
    client = signed_in(day.cast.panwascam_operator)
    text = text_of(client.get(reverse("call-plenary")))
    for said in ("Belum lengkap:", "Masih dibuka:", "1 dari 6 disetujui (16,7 %)", "Tenggat 14 Feb 2024 18.00 WITA"):
        assert said in text, said
    assert text.index("Belum lengkap:") < text.index("Masih dibuka:")
    for url in (reverse("call-plenary"), reverse("plenaries")):
        text = text_of(client.get(url))
        assert "Kegiatan pencegahan mingguan, minggu mulai" in text
        assert "2024-" not in text, "a period in the words of the database"
        assert "Formulir Model A" not in text, "nothing of it is ever due"


def test_the_reason_for_figures_that_are_not_ready_is_asked_for_and_stands_in_the_minutes(day: Day) -> None:
    approved(day)
    rollup.run_pending()
    window, members = day.windows["pemungutan-tps"], body(day.cast)
    unit = day.units["647201"]
    meeting = plenary.call(unit=unit, windows=[window], meets_at=AFTERNOON, place="Kantor", public=False, by=members[0])
    for member in members:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    chair = signed_in(members[0])
    for member in members:
        vote(meeting.items.get(), member)
    assert "Alasan mengesahkan selagi belum siap" in text_of(chair.get(reverse("plenary", args=[meeting.pk])))
    sent = {"agenda": meeting.items.get().pk, "password": PASSWORD}
    refused = step(chair, meeting, "putuskan", **sent, alasan=" ")
    assert refused.status_code == 409
    assert "Rekap ini masih dibuka: 1 dari 6 laporan disetujui (16,7 %)" in text_of(refused)
    assert step(chair, meeting, "putuskan", **sent, alasan=WHY).status_code == 302
    assert WHY in text_of(chair.get(reverse("plenary", args=[meeting.pk])))
    plenary.close(plenary=meeting, minutes_number="1", notes="", by=body(day.cast)[0])
    said = minutes.kept(meeting).content["items"][0]
    assert said["said"] == [f"Alasan mengesahkan rekap yang masih dibuka: {WHY}"]
    assert "Tenggat laporan: 14 Feb 2024 18.00 WITA" in said["coverage"]


def test_figures_are_read_by_the_version_that_they_answer_also_after_the_form_was_exchanged(day: Day) -> None:
    window, members = test_versions.opened(day, test_versions.TWO), body(day.cast)
    rollup.run_all()
    meeting = plenary.call(
        unit=day.units["647201"], windows=[window], meets_at=AFTERNOON, place="Kantor", public=False, by=members[0]
    )
    pinning.repin(window=window, version=test_versions.published(test_versions.ONE), by=None, reason="keliru")
    rollup.run_all()
    page = signed_in(members[0]).get(reverse("plenary", args=[meeting.pk]))
    assert page.status_code == 200
    (laid,) = page.context["items"]
    assert [row.label for _heading, rows in laid.tables for row in rows] == ["pulang", "hadir"]
    assert [(row.label, row.before, row.after) for row in laid.moved] == [("Versi formulir", 1, 2)]
    assert len(sheet.data(meeting)["items"][0]["tables"][0]["rows"]) == 2
    table.refresh(item=meeting.items.get(), by=members[0])
    (laid,) = signed_in(members[0]).get(reverse("plenary", args=[meeting.pk])).context["items"]
    assert [row.label for _heading, rows in laid.tables for row in rows] == ["hadir"]
    assert laid.moved == []


REFRESH = "Perbarui angka di meja"


def test_what_was_only_filed_since_is_told_and_can_be_laid_on_the_table(day: Day) -> None:
    """It changes nothing of what would be ratified, and the coverage and the comparison that lie beside it."""
    approved(day)
    meeting, chair = called(day), body(day.cast)[0]
    address = reverse("plenary", args=[meeting.pk])
    assert REFRESH not in text_of(signed_in(chair).get(address))
    report = day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"))
    rollup.run_pending()
    page = signed_in(chair).get(address)
    (laid,) = page.context["items"]
    moved = {row.label: (row.before, row.after) for row in laid.moved}
    assert moved == {"Sudah lapor": (1, 2), "Tepat waktu": (1, 2)}
    before = filed_on_the_table(page)
    assert REFRESH in text_of(page)
    assert f"Pembanding (masuk) berubah pada {laid.compared} baris" in text_of(page)
    assert step(signed_in(chair), meeting, "perbarui", agenda=laid.item.pk).status_code == 302
    page = signed_in(chair).get(address)
    assert REFRESH not in text_of(page)
    assert "2 dari 6" in text_of(page)
    after = filed_on_the_table(page)
    assert laid.compared == sum(before[label] != after[label] for label in before) > 0
    # The same number of reports, and another answer in one of them.
    day.file(
        day.cast.ptps_sibling, day.obligation(subject="6472012001002"), report_id=report.pk, based_on=1, surat_rusak=9
    )
    rollup.run_pending()
    (laid,) = signed_in(chair).get(address).context["items"]
    assert laid.moved == []
    assert laid.compared > 0


def filed_on_the_table(page: Any) -> dict[str, int]:
    (laid,) = page.context["items"]
    return {row.label: row.filed for _heading, rows in laid.tables for row in rows}


def test_once_somebody_has_voted_only_what_is_ratified_is_compared(day: Day) -> None:
    approved(day)
    meeting = opened(day)
    vote(meeting.items.get(), body(day.cast)[0])
    report = day.file(day.cast.ptps_sibling, day.obligation(subject="6472012001002"))
    rollup.run_pending()
    address = reverse("plenary", args=[meeting.pk])
    (laid,) = signed_in(body(day.cast)[0]).get(address).context["items"]
    assert (laid.moved, laid.compared) == ([], 0), "the votes bind what lies there, and a late report is none of it"
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))
    rollup.run_pending()
    page = signed_in(body(day.cast)[0]).get(address)
    assert "Angka di meja bukan lagi keadaan terakhir" in text_of(page)
    assert REFRESH not in text_of(page)


def test_a_page_from_before_the_upgrade_is_loaded_anew_and_changes_nothing(day: Day) -> None:
    meeting, client = called(day), signed_in(day.cast.panwascam_chair)
    sent = {"verb": "hadir", "anggota": day.cast.panwascam_chair.pk}
    answer = client.post(reverse("plenary-act", args=[meeting.pk]), sent, follow=True)
    assert answer.redirect_chain == [(reverse("plenary", args=[meeting.pk]), 302)]
    assert "Halaman ini sudah lama dibuka" in text_of(answer)
    assert not meeting.attendance.filter(arrived_at__isnull=False).exists()


def test_what_was_typed_into_one_step_does_not_appear_in_another(day: Day) -> None:
    """Both ask for a reason, and only one of them was refused."""
    meeting = opened(day)
    chair = signed_in(day.cast.panwascam_chair)
    for member in body(day.cast):
        vote(meeting.items.get(), member)
    sent = {"agenda": meeting.items.get().pk, "password": PASSWORD, "nomor": "", "alasan": "hujan"}
    refused = step(chair, meeting, "tutup", **sent)
    assert refused.status_code == 409
    assert "<details open>" in refused.content.decode(), "the form that was refused"
    assert "hujan" not in refused.content.decode()
