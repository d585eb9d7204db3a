"""The pages of filing and review, through the client, with the cast of one line of superiors and a stranger."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from hierarchy.models import User
from reports.calendar.labels import title_of
from reports.calendar.models import Window
from reports.filing.models import Conflict, Evidence, Report, Revision
from reports.obligations.models import Obligation, State
from reports.review import actions as review
from tests.days import MORNING_AFTER, Day, fresh

NEIGHBOUR = "6472012001002"
PROBLEM = {"intimidasi": "ya"}


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    """What a person reads: tags gone, spaces joined."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def hidden(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found is not None, name
    return found[1]


def form_url(obligation: Obligation) -> str:
    return reverse("file-report", args=[obligation.pk])


def filled(day: Day, page: Any, obligation: Obligation, **changes: Any) -> dict[str, Any]:
    """What the browser sends: the form's hidden values and every answer as text."""
    typed = {name: str(value) for name, value in day.answers(obligation, **changes).items()}
    return typed | {"report_id": hidden(page, "report_id"), "based_on": hidden(page, "based_on")}


def picture(colour: str = "navy") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return SimpleUploadedFile("tps.jpg", out.getvalue(), content_type="image/jpeg")


def judged(client: Client, report: Report, verb: str, **typed: str) -> Any:
    seen = {"seen": bytes(report.sha256).hex()}
    return client.post(f"{reverse('report', args=[report.pk])}{verb}/", seen | typed)


# --- who gets in ----------------------------------------------------------------------------------------------------


def test_without_a_sign_in_every_page_asks_for_one(election_day: Day) -> None:
    report = election_day.file(election_day.cast.ptps)
    form_a = election_day.open("form-a")
    pages = {
        "tasks": [],
        "queue": [],
        "file-report": [report.obligation_id],
        "file-event": [form_a.pk],
        "report": [report.pk],
        "photo": [report.pk, "0" * 64],
    }
    for name, args in pages.items():
        url = reverse(name, args=args)
        answer = Client().get(url)
        assert (answer.status_code, answer["Location"]) == (302, f"{reverse('login')}?next={url}"), name


def test_a_stranger_finds_nothing_of_another_subtree(election_day: Day) -> None:
    report = election_day.file(election_day.cast.ptps)
    for person in ("stranger", "stranger_member", "nobody", "ptps_sibling", "pkd_sibling"):
        client = signed_in(getattr(election_day.cast, person))
        for name, args in {
            "file-report": [report.obligation_id],
            "report": [report.pk],
            "photo": [report.pk, "0" * 64],
        }.items():
            assert client.get(reverse(name, args=args)).status_code == 404, (person, name)
        assert judged(client, report, "setujui").status_code == 404, person
        assert client.post(reverse("attest", args=[report.obligation_id])).status_code == 404, person
    assert Obligation.objects.get(pk=report.obligation_id).state == State.FILED


def test_a_superior_reads_but_does_not_file_or_jump_a_level(election_day: Day) -> None:
    report = election_day.file(election_day.cast.ptps)
    for person in ("pkd", "panwascam_chair", "panwascam_operator", "regency_member", "province_chair", "admin"):
        client = signed_in(getattr(election_day.cast, person))
        assert client.get(reverse("report", args=[report.pk])).status_code == 200, person
        assert client.get(form_url(report.obligation)).status_code == 403, person
        if person != "pkd":  # only the direct superior judges
            assert judged(client, report, "setujui").status_code == 403, person


# --- the home page --------------------------------------------------------------------------------------------------


def test_the_home_page_leads_with_what_is_due_first(election_day: Day) -> None:
    page = signed_in(election_day.cast.ptps).get(reverse("tasks"))
    text = text_of(page)
    assert "2 laporan menunggu Anda" in text
    assert text.index("Pengawasan pemungutan suara") < text.index("Pengawasan penghitungan suara")
    assert re.search(r"Belum lapor · sisa (3 jam|2 jam 59 menit)", text)
    assert form_url(election_day.obligation()) in page.content.decode()


def test_the_home_page_tells_late_from_returned_and_sent(election_day: Day) -> None:
    day = election_day
    client = signed_in(day.cast.ptps)
    returned = day.file(day.cast.ptps)
    review.send_back(
        report=returned, seen=bytes(returned.sha256), remarks={"": "Cek jumlah DPT."}, by=fresh(day.cast.pkd)
    )
    day.set_clock(MORNING_AFTER)
    text = text_of(client.get(reverse("tasks")))
    assert re.search(r"Dikembalikan · sisa (8 jam|7 jam 59 menit)", text)
    assert "Lewat tenggat · 1 jam" in text
    day.file(day.cast.ptps, day.obligation("penghitungan-tps"))
    text = text_of(client.get(reverse("tasks")))
    assert "1 laporan menunggu Anda" in text
    assert "Diterima · sementara" in text[text.index("Terakhir dikirim") :]


def test_everyone_of_the_cast_has_a_home_page(election_day: Day) -> None:
    said = {
        "pkd": "Tidak ada satuan langsung di bawah Anda yang lewat tenggat",
        "panwascam_chair": "Semua laporan sudah diperiksa",
        "panwascam_operator": "Semua laporan sudah Anda kirim",
        "province_chair": "Semua laporan sudah diperiksa",
        "admin": "Peran Anda tidak mengisi atau memeriksa laporan",
        "nobody": "Akun Anda belum ditempatkan",
        "stranger": "Tidak ada yang menunggu Anda",
    }
    for person, sentence in said.items():
        page = signed_in(getattr(election_day.cast, person)).get(reverse("tasks"))
        assert page.status_code == 200, person
        assert sentence in text_of(page), person


def test_who_has_not_reported_can_be_called_and_attested(election_day: Day) -> None:
    day = election_day
    day.set_clock(MORNING_AFTER)
    client = signed_in(day.cast.pkd)
    page = client.get(reverse("tasks"))
    phone = day.cast.ptps.phone
    assert "2 TPS lewat tenggat" in text_of(page)  # 001 and 002; 901 has nobody and is vacant, not silent
    assert f'href="tel:{phone}"' in page.content.decode()
    assert f'href="https://wa.me/62{phone[1:]}"' in page.content.decode()

    obligation = day.obligation()
    url = reverse("attest", args=[obligation.pk])
    assert "Tuliskan alasannya" in text_of(client.post(url, {"reason": " "}, follow=True))
    assert day.obligation().state == State.OWED
    text = text_of(client.post(url, {"reason": "Kabar radio dari kantor desa"}, follow=True))
    assert "Kabar radio dari kantor desa" in text
    assert day.obligation().state == State.UNREACHABLE
    client.post(reverse("retract", args=[obligation.pk]))
    assert day.obligation().state == State.OWED


def test_a_redirect_after_attesting_stays_on_the_site(election_day: Day) -> None:
    url = reverse("attest", args=[election_day.obligation().pk])
    answer = signed_in(election_day.cast.pkd).post(url, {"reason": "Radio", "next": "https://example.org/"})
    assert answer["Location"] == reverse("tasks")


def test_the_home_page_costs_the_same_however_much_is_filed(election_day: Day) -> None:
    def queries() -> int:
        client = signed_in(election_day.cast.pkd)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(reverse("tasks")).status_code == 200
        return len(caught)

    election_day.set_clock(MORNING_AFTER)
    election_day.open("form-a")
    before = queries()
    election_day.file(election_day.cast.ptps)
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject=NEIGHBOUR))
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation("penghitungan-tps", NEIGHBOUR))
    assert queries() == before
    assert before <= 15


# --- filing ---------------------------------------------------------------------------------------------------------


def test_filing_through_the_page_gives_a_receipt(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    page = client.get(form_url(obligation))
    assert "Bagian 1 dari 6 Pembukaan" in text_of(page)
    answer = client.post(form_url(obligation), filled(day, page, obligation), follow=True)
    report = Report.objects.get(obligation=obligation)
    assert answer.redirect_chain == [(reverse("report", args=[report.pk]), 302)]
    assert str(report.pk) == hidden(page, "report_id")
    text = text_of(answer)
    assert report.receipt_code in text
    assert bytes(report.sha256).hex()[:16] in text
    assert "14 Feb 2024 15.00 WITA" in text or "14 Feb 2024 15.01 WITA" in text
    assert "<svg" in answer.content.decode().split('class="qr"')[1][:400]
    assert report.answers["dpt_l"] == day.answers(obligation)["dpt_l"]


def test_sending_twice_files_once(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation)
    first, second = (client.post(form_url(obligation), sent) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert (Report.objects.count(), Revision.objects.count(), Conflict.objects.count()) == (1, 1, 0)


def test_a_refused_form_keeps_what_was_typed(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation) | {"dpt_l": "seratus <b>", "dpt_hadir_p": "9.000"}
    answer = client.post(form_url(obligation), sent)
    body, text = answer.content.decode(), text_of(answer)
    assert answer.status_code == 422
    assert "Belum dapat dikirim" in text
    assert 'value="seratus &lt;b&gt;"' in body
    assert 'value="9.000"' in body
    assert hidden(answer, "report_id") == sent["report_id"]
    assert "perlu diperiksa" in text
    assert not Report.objects.exists()


def test_a_broken_soft_rule_asks_for_the_reason_and_takes_it(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation, dpt_l=500, dpt_p=200)
    asked = client.post(form_url(obligation), sent)
    assert asked.status_code == 422
    assert "padahal satu TPS paling banyak 600 pemilih" in text_of(asked)
    assert 'name="alasan-dpt_p"' in asked.content.decode()
    client.post(form_url(obligation), sent | {"alasan-dpt_p": "TPS digabung."})
    report = Report.objects.get()
    assert report.reasons == {"dpt_p": "TPS digabung."}
    # The reason stands beside the number for the reviewer, and in its box for whoever corrects the report.
    assert "Alasan: TPS digabung." in text_of(signed_in(day.cast.pkd).get(reverse("report", args=[report.pk])))
    assert ">TPS digabung.</textarea>" in client.get(form_url(obligation)).content.decode()


def test_a_report_of_no_known_id_is_not_taken(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation) | {"report_id": "x"}
    assert client.post(form_url(obligation), sent).status_code == 404


def test_two_people_filing_at_once_see_each_other(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    mine = filled(day, client.get(form_url(obligation)), obligation, surat_rusak=3)
    stands = day.file(day.cast.ptps, obligation)
    answer = client.post(form_url(obligation), mine)
    text = text_of(answer)
    assert answer.status_code == 409
    assert stands.receipt_code in text
    assert re.search(r"Yang berlaku: 0 Isian Anda: 3", text)
    assert Conflict.objects.count() == 1  # nothing that was sent is lost
    # Sending again, now knowing what stands, is a correction of it.
    again = mine | {"report_id": hidden(answer, "report_id"), "based_on": hidden(answer, "based_on")}
    assert client.post(form_url(obligation), again).status_code == 302
    stands.refresh_from_db()
    assert (stands.revision, stands.answers["surat_rusak"]) == (2, 3)
    text = text_of(client.get(reverse("report", args=[stands.pk])))
    assert "Dulu: 0 Menjadi: 3" in text
    assert "Kiriman yang tidak dipakai" in text


def test_after_closing_the_page_says_so_and_takes_nothing(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation)
    day.set_clock(obligation.closes_at + timedelta(minutes=1))
    page = client.get(form_url(obligation))
    assert "sudah ditutup" in text_of(page)
    assert "<textarea" not in page.content.decode()
    assert client.post(form_url(obligation), sent).status_code == 409
    assert not Report.objects.exists()


def test_form_a_is_filed_by_anyone_who_files_as_often_as_needed(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.panwascam_operator)
    window = day.open("form-a")
    assert reverse("file-event", args=[window.pk]) in client.get(reverse("tasks")).content.decode()
    url = reverse("file-event", args=[window.pk])
    unit = day.units["647201"]
    draft = Obligation(window=window, subject=unit, filer=unit, counted_in=unit, due_at=window.due_at)
    for _ in range(2):
        page = client.get(url)
        typed = {
            name: value[0] if isinstance(value, list) else str(value) for name, value in day.answers(draft).items()
        }
        sent = typed | {"report_id": hidden(page, "report_id")}
        first, again = (client.post(url, sent) for _ in range(2))
        assert first.status_code == 302, text_of(first)
        assert first["Location"] == again["Location"]
    assert Obligation.objects.filter(window=window, subject=unit, state=State.FILED).count() == 2
    assert signed_in(day.cast.panwascam_chair).get(url).status_code == 404  # members judge, operators file
    assert signed_in(day.cast.stranger).get(reverse("report", args=[sent["report_id"]])).status_code == 404


@pytest.mark.usefixtures("media")
def test_a_photo_is_kept_once_and_shown_to_those_who_see_the_report(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation)
    # An error elsewhere in the form does not cost the photo that took a minute to send.
    refused = client.post(form_url(obligation), sent | {"dpt_l": "", "foto_tps": picture()})
    assert refused.status_code == 422
    kept = {"foto_tps-tersimpan": hidden(refused, "foto_tps-tersimpan")}
    assert client.post(form_url(obligation), sent | kept).status_code == 302
    assert client.post(form_url(obligation), sent | {"foto_tps": picture()}).status_code == 302  # the same once more
    evidence = Evidence.objects.get()
    report = Report.objects.get()
    assert (report.revision, report.answers["foto_tps"]) == (1, evidence.sha256)

    url = reverse("photo", args=[report.pk, evidence.sha256])
    assert url in client.get(reverse("report", args=[report.pk])).content.decode()
    assert url in client.get(form_url(obligation)).content.decode()
    shown = signed_in(day.cast.regency_member).get(url)
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "private" in shown["Cache-Control"]
    assert Image.open(io.BytesIO(b"".join(shown.streaming_content))).size == (40, 30)
    assert signed_in(day.cast.stranger).get(url).status_code == 404
    # A photo of the same unit that is not part of this report is not reached through it.
    other = client.post(
        form_url(day.obligation("penghitungan-tps")), {"report_id": uuid.uuid4(), "foto_c_hasil": picture("red")}
    )
    assert other.status_code == 422
    loose = Evidence.objects.exclude(pk=evidence.pk).get()
    assert client.get(reverse("photo", args=[report.pk, loose.sha256])).status_code == 404


@pytest.mark.usefixtures("media")
def test_what_is_no_photo_is_refused_at_its_field(election_day: Day) -> None:
    day, client = election_day, signed_in(election_day.cast.ptps)
    obligation = day.obligation()
    sent = filled(day, client.get(form_url(obligation)), obligation)
    upload = SimpleUploadedFile("foto.jpg", b"bukan foto", content_type="image/jpeg")
    answer = client.post(form_url(obligation), sent | {"foto_tps": upload})
    assert answer.status_code == 422
    assert "bukan foto JPEG, PNG, atau WebP" in text_of(answer)
    assert not Evidence.objects.exists()


# --- review ---------------------------------------------------------------------------------------------------------


def test_a_returned_report_shows_its_remarks_at_the_fields_until_it_is_corrected(election_day: Day) -> None:
    day = election_day
    report = day.file(day.cast.ptps)
    filer, superior = signed_in(day.cast.ptps), signed_in(day.cast.pkd)
    typed = {"reason": "Cocokkan dengan daftar hadir.", "catatan-dpt_hadir_l": "Terbalik dengan perempuan?"}
    assert judged(superior, report, "kembalikan", **typed).status_code == 302

    form = filer.get(form_url(report.obligation))
    text = text_of(form)
    assert "Dikembalikan untuk diperbaiki Cocokkan dengan daftar hadir." in text
    body = form.content.decode()
    remark, field = body.index("Terbalik dengan perempuan?"), body.index('name="dpt_hadir_l"')
    assert 0 < field - remark < 1500  # right above the field it speaks of
    obligation = day.obligation()
    sent = filled(day, form, obligation, dpt_hadir_l=100)
    text = text_of(filer.post(form_url(obligation), sent, follow=True))
    assert "Perbaikan diterima" in text
    assert "Terbalik dengan perempuan?" in text[text.index("Riwayat") :]  # history keeps it
    report.refresh_from_db()
    assert (report.revision, report.remarks, day.obligation().state) == (2, {}, State.FILED)
    text = text_of(superior.get(reverse("report", args=[report.pk])))
    assert f"Dulu: {day.answers(obligation)['dpt_hadir_l']} Menjadi: 100" in text


def test_approving_binds_to_what_was_on_the_screen(election_day: Day) -> None:
    day = election_day
    seen = day.file(day.cast.ptps)
    day.file(day.cast.ptps, report_id=seen.pk, based_on=1, surat_rusak=2)
    superior = signed_in(day.cast.pkd)
    late = judged(superior, seen, "setujui")
    assert late.status_code == 409
    assert "berubah sejak Anda membukanya" in text_of(late)
    assert hidden(late, "seen") != bytes(seen.sha256).hex()  # the page now shows the newest version
    seen.refresh_from_db()
    text = text_of(
        superior.post(reverse("approve-report", args=[seen.pk]), {"seen": hidden(late, "seen")}, follow=True)
    )
    assert "Disetujui Pkd" in text
    assert day.obligation().state == State.APPROVED


def test_a_refused_return_keeps_the_remarks_that_were_typed(election_day: Day) -> None:
    day = election_day
    seen = day.file(day.cast.ptps)
    superior = signed_in(day.cast.pkd)
    assert "Tuliskan apa yang perlu diperbaiki" in text_of(judged(superior, seen, "kembalikan", reason="  "))
    day.file(day.cast.ptps, report_id=seen.pk, based_on=1, surat_rusak=2)
    again = judged(superior, seen, "kembalikan", reason="Salah hitung.", **{"catatan-dpt_l": "Cek papan DPT."})
    assert again.status_code == 409
    assert ">Salah hitung.</textarea>" in again.content.decode()
    assert ">Cek papan DPT.</textarea>" in again.content.decode()


def test_an_approval_is_withdrawn_with_a_reason(election_day: Day) -> None:
    day = election_day
    report = day.file(day.cast.ptps)
    superior = signed_in(day.cast.pkd)
    judged(superior, report, "setujui")
    assert judged(superior, report, "batalkan").status_code == 409
    judged(superior, report, "batalkan", reason="Salah tekan.")
    text = text_of(superior.get(reverse("report", args=[report.pk])))
    assert "Persetujuan dibatalkan" in text
    assert "Salah tekan." in text
    assert day.obligation().state == State.FILED


@pytest.mark.parametrize(("verb", "typed"), [("hapus", {}), ("setujui", {"seen": "bukan heksa"})])
def test_a_decision_nobody_offered_is_not_found(election_day: Day, verb: str, typed: dict[str, str]) -> None:
    report = election_day.file(election_day.cast.ptps)
    assert judged(signed_in(election_day.cast.pkd), report, verb, **typed).status_code == 404


def test_the_queue_marks_problems_and_approves_only_what_was_ticked(election_day: Day) -> None:
    day = election_day
    clean = day.file(day.cast.ptps)
    flagged = day.file(day.cast.ptps, day.obligation("penghitungan-tps"), **PROBLEM)
    second = day.file(day.cast.ptps_sibling, day.obligation(subject=NEIGHBOUR))
    client = signed_in(day.cast.pkd)
    page = client.get(reverse("queue"))
    text = text_of(page)
    assert "3 laporan menunggu pemeriksaan" in text
    assert "1 masalah" in text
    ticks = re.findall(r'type="checkbox" name="seen" value="([^"]+)"', page.content.decode())
    assert [tick.partition(":")[0] for tick in ticks] == [str(clean.pk), str(second.pk)]
    assert "Belum ada yang ditandai" in text_of(client.post(reverse("queue"), {}, follow=True))
    text = text_of(client.post(reverse("queue"), {"pilih": "tandai", "seen": ticks[:1], "bersih": ticks}, follow=True))
    assert "1 laporan disetujui." in text
    states = {r.pk: r.obligation.state for r in Report.objects.select_related("obligation")}
    assert states == {clean.pk: State.APPROVED, flagged.pk: State.FILED, second.pk: State.FILED}


def test_approving_all_that_is_clean_leaves_what_changed_meanwhile(election_day: Day) -> None:
    day = election_day
    stays = day.file(day.cast.ptps)
    changes = day.file(day.cast.ptps_sibling, day.obligation(subject=NEIGHBOUR))
    client = signed_in(day.cast.pkd)
    shown = re.findall(r'name="bersih" value="([^"]+)"', client.get(reverse("queue")).content.decode())
    day.file(day.cast.ptps_sibling, day.obligation(subject=NEIGHBOUR), report_id=changes.pk, based_on=1, surat_rusak=1)
    text = text_of(client.post(reverse("queue"), {"pilih": "bersih", "bersih": shown}, follow=True))
    assert "1 laporan disetujui." in text
    assert "1 laporan sudah berubah" in text
    assert day.obligation().state == State.APPROVED
    assert day.obligation(subject=NEIGHBOUR).state == State.FILED
    assert stays.pk


def test_nobody_approves_through_the_queue_what_is_not_in_it(election_day: Day) -> None:
    day = election_day
    report = day.file(day.cast.ptps)
    tick = f"{report.pk}:{bytes(report.sha256).hex()}"
    for person in ("stranger", "panwascam_chair", "ptps", "admin"):
        client = signed_in(getattr(day.cast, person))
        assert client.get(reverse("queue")).status_code == 200
        client.post(reverse("queue"), {"pilih": "tandai", "seen": [tick]})
    assert day.obligation().state == State.FILED
    assert signed_in(day.cast.pkd).post(reverse("queue"), {"seen": ["bukan:heksa"]}).status_code == 404


def test_the_queue_costs_the_same_for_every_length(election_day: Day) -> None:
    def queries() -> int:
        client = signed_in(election_day.cast.pkd)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(reverse("queue")).status_code == 200
        return len(caught)

    election_day.file(election_day.cast.ptps)
    one = queries()
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject=NEIGHBOUR))
    election_day.file(election_day.cast.ptps_sibling, election_day.obligation("penghitungan-tps", NEIGHBOUR))
    assert queries() == one
    assert one <= 8


def test_periods_are_told_as_days_and_weeks(election_day: Day) -> None:
    daily, weekly = Window(period="2024-02-11"), Window(period="2024-W07")
    daily.instrument = weekly.instrument = election_day.windows["pemungutan-tps"].instrument
    assert title_of(daily) == "Pengawasan pemungutan suara, 11 Feb 2024"
    assert title_of(weekly) == "Pengawasan pemungutan suara, minggu mulai 12 Feb 2024"
