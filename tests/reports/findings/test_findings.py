"""The register of findings: from Form A to its plenary, contents for who handles it, every reading told."""

from __future__ import annotations

import threading
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.urls import reverse

from dashboards.models import PublishedPage
from dashboards.releases import actions as publish
from hierarchy.models import Unit, User
from reports.filing import actions as intake
from reports.filing import evidence
from reports.filing.models import Report
from reports.findings import actions as findings
from reports.findings import content, deadlines
from reports.findings import queries as registered
from reports.findings.models import Finding
from reports.findings.shapes import FindingContent, FindingError, PartyEntry
from reports.journal.models import Event
from reports.plenary import actions as plenary
from reports.plenary import attendance as sitting
from reports.plenary import queries as ratified
from reports.plenary import sheet
from reports.plenary.models import AgendaItem, Plenary
from reports.review import actions as review
from reports.rollup import fold as rollup
from tests.days import AFTERNOON, TPS, Day, fresh
from tests.reports.filing.test_evidence import photo
from tests.reports.plenary.test_plenary import body, vote

pytestmark = pytest.mark.django_db
DISTRICT = "647201"
DAY = date(2024, 2, 14)
NAME, WITNESS = "Budi Terlapor", "Siti Saksi"


def told(**changes: Any) -> FindingContent:
    people = (PartyEntry("RESPONDENT", NAME, "Jalan Mawar"), PartyEntry("WITNESS", WITNESS))
    given = {"kind": "CRIMINAL", "event": "Pembagian amplop di depan TPS.", "place": "Pasar Segiri"}
    days = {"happened_on": DAY, "discovered_on": DAY, "people": people}
    return FindingContent(**(given | days | changes))  # type: ignore[arg-type]


def recorded(day: Day, by: User | None = None, **changes: Any) -> Finding:
    made = findings.record(
        unit=day.units[DISTRICT], told=told(**changes), occurred_in=day.units[TPS],
        by=fresh(by or day.cast.panwascam_operator),
    )  # fmt: skip
    return Finding.objects.select_related("unit__election").get(pk=made.pk)


def form_a(day: Day, **changes: Any) -> Report:
    """cast.ptps' Form A that suspects a violation."""
    window = day.open("form-a")
    answers = {
        "tahapan": "pemungutan", "nama_pelaksana": "Ptps", "jabatan": "Pengawas TPS", "bentuk": "langsung",
        "kegiatan": ["pengawasan"], "tujuan": "Mengawasi", "sasaran": "TPS", "tanggal": "2024-02-14",
        "jam_mulai": "07:00", "tempat": "TPS 001", "uraian": "Terlihat pembagian amplop.", "ada_dugaan": "ya",
        "ada_sengketa": "tidak", "peristiwa": "Pembagian amplop", "tempat_kejadian": "Depan TPS",
        "tanggal_kejadian": "2024-02-14", "pelaku": NAME, "alamat_pelaku": "Jalan Mawar", "saksi_1_nama": WITNESS,
        "uraian_dugaan": "Dua orang membagi amplop.", "tempat_laporan": "Samarinda", "tanggal_laporan": "2024-02-14",
        "ada_kejadian": "tidak",
    }  # fmt: skip
    receipt = intake.submit_event(
        by=fresh(day.cast.ptps), window=window, subject=day.units[TPS], answers=answers | changes, reasons=None,
        report_id=uuid.uuid4(), based_on=None, channel="WEB",
    )  # fmt: skip
    return Report.objects.for_page().get(pk=receipt.report_id)


def decide(day: Day, finding: Finding, choice: str = "AGREE") -> Plenary:
    """The district's plenary on it: called, attended, opened, voted, decided; everybody votes the same."""
    members = body(day.cast)
    running = Plenary.objects.filter(unit=finding.unit, state="OPEN").first()
    if running is not None:
        plenary.close(plenary=running, minutes_number=str(running.pk), notes="", by=members[0])
    meeting = plenary.call(
        unit=finding.unit, windows=[], about=[finding], meets_at=AFTERNOON, place="Kantor", public=False, by=members[0]
    )
    for member in members:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    item = meeting.items.get()
    for member in members:
        vote(item, member, choice, dissent="Bukan pelanggaran.")
    plenary.decide(item=item, by=members[0])
    return meeting


def test_from_suspicion_to_conclusion_only_by_plenaries(election_day: Day) -> None:
    finding = recorded(election_day)
    assert (finding.number, finding.status) == (1, "SUSPECTED")
    decide(election_day, finding)
    finding.refresh_from_db()
    assert (finding.status, finding.registered_on) == ("FOUND", DAY)
    by = fresh(election_day.cast.panwascam_member)
    with pytest.raises(plenary.PlenaryError, match="tidak menunggu keputusan"):
        decide(election_day, finding)
    findings.extend(finding=finding, reason="Menunggu keterangan saksi.", by=by)
    findings.propose_outcome(finding=finding, outcome="Diteruskan ke Gakkumdu.", by=by)
    finding.refresh_from_db()
    meeting = decide(election_day, finding)
    finding.refresh_from_db()
    assert (finding.status, finding.closed_on) == ("CONCLUDED", DAY)
    assert deadlines.standing(finding, DAY) is None
    assert list(ratified.broken()) == []
    assert [item.matter for item in AgendaItem.objects.order_by("pk")] == ["FINDING", "OUTCOME"]
    assert meeting.items.get().shown["outcome"] == "Diteruskan ke Gakkumdu."


def test_a_plenary_that_does_not_agree_dismisses_it(election_day: Day) -> None:
    finding = recorded(election_day)
    decide(election_day, finding, "DISAGREE")
    finding.refresh_from_db()
    assert (finding.status, finding.registered_on, finding.closed_on) == ("DISMISSED", None, DAY)
    assert registered.to_decide(finding.unit) == []


def test_what_lies_on_the_table_holds_no_name_and_does_not_change_once_voted_on(election_day: Day) -> None:
    finding, members = recorded(election_day), body(election_day.cast)
    meeting = plenary.call(
        unit=finding.unit, windows=[], about=[finding], meets_at=AFTERNOON, place="K", public=False, by=members[0]
    )
    shown = meeting.items.get().shown
    assert NAME not in str(shown)
    assert WITNESS not in str(shown)
    findings.amend(finding=finding, told=told(event="Lain."), by=members[1])
    for member in members[:2]:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    item = meeting.items.get()
    assert item.shown["event"] == "Lain.", "what lies there is laid again when the meeting opens"
    vote(item, members[0])
    with pytest.raises(FindingError, match="sedang bersuara"):
        findings.amend(finding=finding, told=told(), by=members[1])


def test_what_was_decided_elsewhere_or_amended_under_a_vote_is_put_off(election_day: Day) -> None:
    finding, members = recorded(election_day), body(election_day.cast)
    meeting = plenary.call(
        unit=finding.unit, windows=[], about=[finding], meets_at=AFTERNOON, place="K", public=False, by=members[0]
    )
    for member in members[:2]:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    item = meeting.items.get()
    for member in members[:2]:
        vote(item, member)
    Finding.objects.filter(pk=finding.pk).update(event="Ditulis pada saat yang sama.")
    with pytest.raises(FindingError, match="bukan lagi yang disuarakan"):
        plenary.decide(item=item, by=members[0])
    Finding.objects.filter(pk=finding.pk).update(status="DISMISSED", closed_on=DAY)
    with pytest.raises(FindingError, match="rapat lain"):
        plenary.decide(item=item, by=members[0])
    plenary.postpone(item=item, note="Isinya berubah.", by=members[0])
    plenary.close(plenary=meeting, minutes_number="9", notes="", by=members[0])


def test_every_reading_of_names_is_told_and_only_who_handles_it_reads(election_day: Day) -> None:
    finding, cast = recorded(election_day), election_day.cast
    for refused in (cast.panwascam_operator, cast.regency_chair, cast.province_member, cast.admin, cast.stranger):
        with pytest.raises(Http404):
            findings.read_parties(finding=finding, purpose="ingin tahu", by=fresh(refused))
    assert not Event.objects.filter(verb="finding.parties_read").exists()
    findings.assign(finding=finding, people=[cast.panwascam_operator], by=fresh(cast.panwascam_chair))
    for reader in (cast.panwascam_operator, cast.panwascam_member):
        names = [each.name for each in findings.read_parties(finding=finding, purpose="Klarifikasi", by=fresh(reader))]
        assert names == [NAME, WITNESS]
    told_of = Event.objects.filter(verb="finding.parties_read").values_list("actor", "target", "detail__reason")
    assert list(told_of) == [
        ("panwascam_operator", f"temuan-{finding.pk}", "Klarifikasi"),
        ("panwascam_member", f"temuan-{finding.pk}", "Klarifikasi"),
    ]
    with pytest.raises(FindingError, match="keperluan"):
        findings.read_parties(finding=finding, purpose=" ", by=fresh(cast.panwascam_chair))
    assert not any(NAME in str(event.detail) for event in Event.objects.all()), "the journal names no party"


def test_only_the_secretariat_of_the_body_can_be_named(election_day: Day) -> None:
    finding, cast = recorded(election_day), election_day.cast
    with pytest.raises(FindingError, match="sekretariat"):
        findings.assign(finding=finding, people=[cast.regency_operator], by=fresh(cast.panwascam_chair))
    with pytest.raises(PermissionDenied):
        findings.assign(finding=finding, people=[cast.panwascam_operator], by=fresh(cast.panwascam_operator))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "X"}, "kind"),
    ({"event": " "}, "event"),
    ({"place": "\x00"}, "place"),
    ({"discovered_on": DAY + timedelta(days=1)}, "discovered_on"),
    ({"happened_on": DAY + timedelta(days=1)}, "happened_on"),
    ({"people": (PartyEntry("WITNESS", "", "Jalan"),)}, "people"),
]


@pytest.mark.parametrize(("changes", "name"), WRONG)
def test_a_fault_names_its_field(election_day: Day, changes: dict[str, Any], name: str) -> None:
    with pytest.raises(FindingError) as error:
        recorded(election_day, **changes)
    assert error.value.field == name


def test_who_may_record_and_where(election_day: Day) -> None:
    cast, units = election_day.cast, election_day.units
    with pytest.raises(Http404):
        recorded(election_day, by=cast.stranger_member)
    with pytest.raises(PermissionDenied):
        recorded(election_day, by=cast.regency_chair)
    with pytest.raises(FindingError, match="wilayah"):
        findings.record(unit=units[DISTRICT], told=told(), occurred_in=units["6401"], by=fresh(cast.panwascam_chair))
    with pytest.raises(plenary.PlenaryError, match="tidak mengenal"):
        findings.record(unit=units["6472012001"], told=told(), occurred_in=units[TPS], by=fresh(cast.pkd))


def test_a_form_a_is_offered_once_and_fills_the_record(election_day: Day, client: Client) -> None:
    report, cast = form_a(election_day), election_day.cast
    assert list(registered.unrecorded(election_day.units[DISTRICT])) == [report]
    assert list(registered.unrecorded(election_day.units["6401"])) == []
    client.force_login(fresh(cast.panwascam_operator))
    listed = client.get(reverse("findings")).content.decode()
    assert "1 Formulir A memuat dugaan" in listed
    assert NAME not in listed
    page = client.get(reverse("record-finding"), {"laporan": str(report.pk)}).content.decode()
    assert f'value="{NAME}"' in page
    assert Event.objects.filter(verb="report.parties_read", actor="panwascam_operator", target=report.pk).count() == 1
    assert "Dua orang membagi amplop." in page
    posted = {
        "laporan": str(report.pk), "kind": "CRIMINAL", "event": "Pembagian amplop", "occurred_in": "64.72.01.2001.001",
        "place": "Depan TPS", "happened_on": "2024-02-14", "discovered_on": "2024-02-14",
        "part": ["RESPONDENT", "WITNESS"],
        "name": [NAME, ""], "address": ["", ""],
    }  # fmt: skip
    wrong = client.post(reverse("record-finding"), posted | {"kind": "", "place": ""})
    assert wrong.status_code == 422
    assert "Pilih jenis pelanggarannya." in wrong.content.decode()
    assert f'value="{NAME}"' in wrong.content.decode(), "what was typed stays"
    done = client.post(reverse("record-finding"), posted)
    made = Finding.objects.get()
    assert done.url == reverse("finding", args=[made.pk])
    assert (made.report, made.occurred_in.code) == (report, TPS)
    assert [party.name for party in made.parties.all()] == [NAME]
    assert list(registered.unrecorded(election_day.units[DISTRICT])) == []
    assert client.post(reverse("record-finding"), posted).status_code == 404


def test_superiors_see_that_it_is_and_not_what_it_says(election_day: Day, client: Client) -> None:
    finding, cast = recorded(election_day), election_day.cast
    url = reverse("finding", args=[finding.pk])
    for superior in (cast.regency_chair, cast.province_operator):
        client.force_login(fresh(superior))
        page = client.get(url).content.decode()
        assert "hanya dapat dibaca oleh yang menanganinya" in page
        assert "amplop" not in page
        assert "7 hari lagi" in page
        assert client.get(reverse("amend-finding", args=[finding.pk])).status_code == 404
        assert client.post(reverse("finding-parties", args=[finding.pk])).status_code == 404
    for stranger in (cast.stranger, cast.stranger_member, cast.nobody, cast.ptps, cast.pkd):
        client.force_login(fresh(stranger))
        assert client.get(url).status_code == 404
        assert finding.unit.title not in client.get(reverse("findings")).content.decode()


def test_a_member_opens_amends_and_names_on_the_page(election_day: Day, client: Client) -> None:
    finding, cast = recorded(election_day), election_day.cast
    url, parties = reverse("finding", args=[finding.pk]), reverse("finding-parties", args=[finding.pk])
    client.force_login(fresh(cast.panwascam_chair))
    page = client.get(url).content.decode()
    assert "Pembagian amplop" in page
    assert NAME not in page, "names are opened, not shown"
    named = {"orang": [cast.panwascam_operator.pk]}
    refused = client.post(parties, {"keperluan": ""})
    assert refused.status_code == 409
    opened = client.post(parties, {"keperluan": "Undangan klarifikasi"})
    assert NAME in opened.content.decode()
    assert client.post(reverse("finding-handlers", args=[finding.pk]), named).status_code == 302
    client.force_login(fresh(cast.panwascam_operator))
    assert "Pembagian amplop" in client.get(url).content.decode()
    amended = {
        "kind": "ETHICS", "event": "Lain", "place": "Balai", "happened_on": "2024-02-13", "discovered_on": "2024-02-14",
        "part": ["VICTIM"], "name": ["Korban"], "address": [""],
    }  # fmt: skip
    assert NAME in client.get(reverse("amend-finding", args=[finding.pk])).content.decode()
    assert client.post(reverse("amend-finding", args=[finding.pk]), amended).status_code == 302
    finding.refresh_from_db()
    assert (finding.kind, finding.event, finding.parties.get().name) == ("ETHICS", "Lain", "Korban")


def test_the_plenary_page_shows_contents_to_members_alone(election_day: Day, client: Client) -> None:
    finding, cast = recorded(election_day), election_day.cast
    meeting = decide(election_day, finding)
    for reader, sees in ((cast.panwascam_member, True), (cast.regency_chair, False), (cast.admin, False)):
        client.force_login(fresh(reader))
        page = client.get(reverse("plenary", args=[meeting.pk])).content.decode()
        assert ("Pembagian amplop" in page) is sees
        assert "Penetapan temuan nomor 1" in page
    assert "Pembagian amplop" not in str(sheet.data(meeting))


def test_a_finding_is_called_for_and_added_on_the_pages(election_day: Day, client: Client) -> None:
    first, second, cast = recorded(election_day), recorded(election_day), election_day.cast
    assert (first.number, second.number) == (1, 2)
    client.force_login(fresh(cast.panwascam_operator))
    posted = {"place": "Balai", "meets_at": "2024-02-16T10:00", "agenda": [f"temuan-{first.pk}"]}
    assert client.post(reverse("call-plenary"), posted).status_code == 302
    meeting = Plenary.objects.get()
    add = reverse("plenary-add", args=[meeting.pk])
    assert client.post(add, {"agenda": f"temuan-{second.pk}"}).status_code == 302
    assert {item.finding_id for item in meeting.items.all()} == {first.pk, second.pk}
    assert client.post(add, {"agenda": "temuan-0"}).status_code == 409


def test_the_register_is_sorted_by_what_runs_out_first_and_filtered(election_day: Day, client: Client) -> None:
    old = recorded(election_day, discovered_on=DAY - timedelta(days=9), happened_on=DAY - timedelta(days=9))
    recorded(election_day, kind="ETHICS")
    client.force_login(fresh(election_day.cast.regency_member))
    page = client.get(reverse("findings")).content.decode()
    assert "1 melewati batas waktu." in page
    assert page.index(reverse("finding", args=[old.pk])) < page.index("Kode etik ·")
    only = client.get(reverse("findings"), {"jenis": "ETHICS"}).content.decode()
    assert reverse("finding", args=[old.pk]) not in only
    assert "Tidak ada yang cocok" in client.get(reverse("findings"), {"status": "DISMISSED"}).content.decode()
    sheet = client.get(reverse("findings"), {"bentuk": "csv"}).content.decode()
    assert sheet.count("\n") == 3
    assert "amplop" not in sheet


def test_counts_by_where_it_happened(election_day: Day) -> None:
    finding = recorded(election_day)
    for code in ("64", "6472", DISTRICT, "6472012001", TPS):
        assert registered.counts(election_day.units[code]) == {"SUSPECTED": 1}
    assert registered.counts(election_day.units["6401"]) == {}
    province = Unit.objects.get(code="64")
    assert registered.confirmed(province) == {}, "a suspicion is nobody's business yet"
    decide(election_day, finding)
    by_code = {Unit.objects.get(pk=pk).code: kinds for pk, kinds in registered.confirmed(province).items()}
    assert by_code == {code: {"CRIMINAL": 1} for code in ("64", "6472", DISTRICT)}


OPEN = "Ptps"  # who supervised


def test_contents_of_a_form_a_are_read_by_who_wrote_reviews_or_handles_it(
    election_day: Day, client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    kept = evidence.store(file=photo(), unit=election_day.units[TPS], by=fresh(election_day.cast.ptps))
    report, cast = form_a(election_day, foto_1=kept.sha256), election_day.cast
    intake.submit(
        by=fresh(cast.ptps), obligation_id=report.obligation_id, report_id=report.pk, reasons=None, based_on=1,
        answers=report.answers | {"pelaku": f"{NAME} yang lain", "uraian_dugaan": "Tiga orang."}, channel="WEB",
    )  # fmt: skip
    web, compare = reverse("report", args=[report.pk]), reverse("compare", args=[report.pk])
    api, picture = f"/api/v1/reports/{report.pk}/", reverse("photo", args=[report.pk, kept.sha256])

    def sees(user: User) -> list[bool]:
        """On the page, beside the version before, through the API, in the history, and the photo."""
        client.force_login(fresh(user))
        told = [client.get(url).content.decode() for url in (web, compare, api, f"{api}revisions/")]
        secrets = [
            {text in page for text in (NAME, "Pembagian amplop", "Terlihat pembagian", kept.sha256)} for page in told
        ]
        assert all(len(found) == 1 for found in secrets), "all of it or nothing"
        assert OPEN in told[0]
        shown = client.get(picture)
        return [found.pop() for found in secrets] + [bool(shown.streaming and b"".join(shown.streaming_content))]

    assert sees(cast.ptps) == [True] * 5
    assert not Event.objects.filter(verb="report.parties_read").exists()
    assert sees(cast.pkd) == [True] * 5
    assert Event.objects.filter(verb="report.parties_read", actor="pkd").count() == 4
    for other in (cast.panwascam_chair, cast.panwascam_operator, cast.regency_chair, cast.admin):
        assert sees(other) == [False] * 5
    assert "data pihak tidak ditampilkan" in client.get(web).content.decode()
    findings.record(
        unit=election_day.units[DISTRICT], told=told(), occurred_in=election_day.units[TPS], report=report,
        by=fresh(cast.panwascam_chair),
    )  # fmt: skip
    assert sees(cast.panwascam_member) == [True] * 5
    assert sees(cast.panwascam_operator) == [False] * 5
    assert sees(cast.regency_chair) == [False] * 5
    readers = set(Event.objects.filter(verb="report.parties_read").values_list("actor", flat=True))
    assert readers == {"pkd", "panwascam_member"}


def test_a_reviewer_of_a_suspicion_judges_it_and_nobody_above_reads_why(election_day: Day, client: Client) -> None:
    report, cast = form_a(election_day), election_day.cast
    client.force_login(fresh(cast.pkd))
    page = client.get(reverse("report", args=[report.pk])).content.decode()
    assert "Dua orang membagi amplop." in page
    review.send_back(
        report=report, seen=bytes(report.sha256), remarks={"": "Sebutkan siapa.", "pelaku": "Tidak jelas."},
        by=fresh(cast.pkd),
    )  # fmt: skip
    for url in (reverse("report", args=[report.pk]), f"/api/v1/reports/{report.pk}/"):
        client.force_login(fresh(cast.ptps))
        assert "Sebutkan siapa." in client.get(url).content.decode()
        client.force_login(fresh(cast.province_member))
        assert "Sebutkan siapa." not in client.get(url).content.decode()


def test_a_suspicion_that_was_taken_back_stays_withheld_and_other_forms_are_open(
    election_day: Day, client: Client
) -> None:
    report, cast = form_a(election_day), election_day.cast
    plain = {
        name: text for name, text in report.answers.items()
        if name not in ("peristiwa", "tempat_kejadian", "tanggal_kejadian", "pelaku", "alamat_pelaku", "saksi_1_nama",
                        "uraian_dugaan")
    } | {"ada_dugaan": "tidak"}  # fmt: skip
    intake.submit(
        by=fresh(cast.ptps), obligation_id=report.obligation_id, report_id=report.pk, reasons=None, based_on=1,
        answers=plain, channel="WEB",
    )  # fmt: skip
    window, subject = report.obligation.window, election_day.units[TPS]
    other = intake.submit_event(
        by=fresh(cast.ptps), window=window, subject=subject, answers=plain, reasons=None, report_id=uuid.uuid4(),
        based_on=None, channel="WEB",
    )  # fmt: skip
    client.force_login(fresh(cast.regency_chair))
    assert "Terlihat pembagian" not in client.get(reverse("report", args=[report.pk])).content.decode()
    assert "Terlihat pembagian" in client.get(reverse("report", args=[other.report_id])).content.decode()


def test_amending_keeps_the_hash_of_what_stood_and_loses_no_party_unsaid(election_day: Day, client: Client) -> None:
    finding, cast = recorded(election_day), election_day.cast
    first = content.fingerprint(content.whole().get(pk=finding.pk))
    client.force_login(fresh(cast.panwascam_chair))
    url = reverse("amend-finding", args=[finding.pk])
    posted = {
        "kind": "CRIMINAL", "event": "Lain.", "place": "Pasar", "happened_on": "2024-02-14",
        "discovered_on": "2024-02-14",
    }  # fmt: skip
    refused = client.post(url, posted)
    assert refused.status_code == 422
    assert "2 orang sudah tercatat" in refused.content.decode()
    assert finding.parties.count() == 2
    assert client.post(url, posted | {"nobody": "1"}).status_code == 302
    assert finding.parties.count() == 0
    (told_of,) = Event.objects.filter(verb="finding.amended").values_list("detail", flat=True)
    assert told_of["was"] == first
    assert told_of["content"] == content.fingerprint(content.whole().get(pk=finding.pk)) != first


def test_the_public_is_told_how_many_and_nothing_else(
    transactional_db: None, election_day: Day, client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.KEY_DIR = tmp_path
    finding = recorded(election_day)
    rollup.run_all()
    before = publish.publish(election=election_day.election, by=None)
    assert "Temuan pelanggaran" not in client.get("/").content.decode()
    decide(election_day, finding)
    after = publish.publish(election=election_day.election, by=None)
    changed = {page.code for page in PublishedPage.objects.filter(number=after.number)}
    assert changed == {"64", "6472", DISTRICT}, "from districts up"
    for code in changed:
        (kept,) = PublishedPage.objects.filter(number=after.number, code=code)
        assert kept.payload["findings"] == {"CRIMINAL": 1}
        assert "amplop" not in str(kept.payload)
        page = client.get(reverse("public-unit", args=["pemilu2024", code])).content.decode()
        assert "1 dugaan pelanggaran ditetapkan sebagai temuan" in page
        assert "Tindak pidana pemilu" in page
    numbered = reverse("public-unit", kwargs={"election": "pemilu2024", "number": before.number, "code": "64"})
    assert "Temuan pelanggaran" not in client.get(numbered).content.decode(), "an older release stays what it was"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_two_numbers_and_one_form_one_record(election_day: Day) -> None:
    report, start = form_a(election_day), threading.Barrier(3)
    said: list[str] = []

    where = election_day.units[TPS]

    def one(unit: str, by: User, source: Report | None) -> None:
        try:
            start.wait(10)
            findings.record(
                unit=election_day.units[unit],
                told=told(),
                occurred_in=where,
                by=fresh(by),
                report=source,
            )
        except FindingError as error:
            said.append(str(error))
        finally:
            connection.close()

    cast = election_day.cast
    tries = [(DISTRICT, cast.panwascam_chair, report), ("6472", cast.regency_chair, report)]
    threads = [threading.Thread(target=one, args=each) for each in [*tries, (DISTRICT, cast.panwascam_member, None)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(said) == 1
    assert Finding.objects.filter(report=report).count() == 1
    numbers = (
        Finding.objects.filter(unit=election_day.units[DISTRICT]).order_by("number").values_list("number", flat=True)
    )
    assert list(numbers) == list(range(1, len(numbers) + 1))


def test_the_database_refuses_a_finding_without_its_plenary_day(election_day: Day) -> None:
    finding = recorded(election_day)
    with pytest.raises(Exception, match="finding_registered_by_its_plenary"), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(status="FOUND")
