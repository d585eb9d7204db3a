"""Every route by every member of the cast: what lies outside one's subtree does not exist, and nothing breaks.

The table below has one line per route of the URL conf. A route without a line fails: whoever adds a page says first who
may see it. The object asked for lies in the line of superiors of cast.ptps.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from PIL import Image

from dashboards.models import ExportJob, Publication
from dashboards.recaps import actions as recaps
from dashboards.releases import actions as publish
from hierarchy.lib import clock, jobs
from hierarchy.models import Membership
from hierarchy.people import acting
from reports.calendar.models import Window
from reports.filing import evidence
from reports.filing.models import Evidence, Report, Revision
from reports.findings import actions as findings
from reports.findings.models import Finding, Party
from reports.findings.shapes import FindingContent
from reports.obligations.models import Obligation
from reports.plenary import actions as plenary
from reports.plenary.models import Attendance, Plenary, Vote
from reports.quality import actions as quality
from reports.quality.models import Flag, Reference
from reports.rollup import fold as rollup
from tests.cast import Cast
from tests.days import TPS, Day, fresh

LINE = frozenset(
    {
        *("ptps", "pkd", "panwascam_chair", "panwascam_member", "panwascam_operator"),
        *("regency_chair", "regency_member", "regency_operator"),
        *("province_chair", "province_member", "province_operator", "admin"),
    }
)
ADMIN = frozenset({"admin"})
BESIDE = frozenset({"ptps_sibling", "pkd_sibling"})
STRANGERS = ("stranger", "stranger_member", "nobody")
EVERYBODY = LINE | BESIDE | set(STRANGERS)
FILERS = frozenset(
    {"ptps", "ptps_sibling", "pkd", "pkd_sibling", "stranger"} | {n for n in LINE if n.endswith("_operator")}
)
# Who sees the units above the station.
UNITS = {"6472012001": LINE - {"ptps"}, "647201": LINE - {"ptps", "pkd"}}
DISTRICT = "647201"
HANDLERS = frozenset({"panwascam_chair", "panwascam_member"})  # of the finding
UNITS["6472"] = {name for name in UNITS["647201"] if not name.startswith("panwascam")}
UNITS["64"] = {name for name in UNITS["6472"] if not name.startswith("regency")}


@dataclass(frozen=True)
class World:
    """Election day with a report and its photo, a recap, a release and an open Form A, all about cast.ptps' station."""

    day: Day
    report: Report
    photo: str
    job: ExportJob
    form_a: Window
    release: Publication
    acting: Membership
    plenary: Plenary
    flag: Flag
    finding: Finding


# --- the table ------------------------------------------------------------------------------------------------------

Args = Callable[[World], dict[str, Any]]


def nothing(_world: World) -> dict[str, Any]:
    return {}


def obligation(world: World) -> dict[str, Any]:
    return {"pk": world.report.obligation_id}


def report(world: World) -> dict[str, Any]:
    return {"pk": world.report.pk}


def job(world: World) -> dict[str, Any]:
    return {"pk": world.job.pk}


def unit(world: World) -> dict[str, Any]:
    return {"election": world.day.election.code, "code": TPS}


def district(world: World) -> dict[str, Any]:
    return {"election": world.day.election.code, "code": DISTRICT}


def release(world: World) -> dict[str, Any]:
    return {"election": world.day.election.code}


def numbered(world: World) -> dict[str, Any]:
    return {**release(world), "number": world.release.number}


def finding(world: World) -> dict[str, Any]:
    return {"pk": world.finding.pk}


def meeting(world: World) -> dict[str, Any]:
    return {"pk": world.plenary.pk}


def chair(world: World) -> dict[str, Any]:
    return {"anggota": world.day.cast.panwascam_chair.pk}


def laid(world: World) -> dict[str, Any]:
    """A vote for what lies on the table of the meeting, with more than other steps read."""
    item = world.plenary.items.get()
    return {"agenda": item.pk, "seen": bytes(item.sha256).hex(), "pilihan": "AGREE", "password": "x"}


def seen(world: World) -> dict[str, Any]:
    return {"seen": bytes(world.report.sha256).hex()}


def answered(world: World) -> dict[str, Any]:
    """The JSON of a filing about the station, that would be taken from cast.ptps."""
    sent = {"id": str(uuid.uuid4()), "obligation": world.day.obligation("penghitungan-tps").pk}
    return sent | {"answers": world.day.answers(world.day.obligation("penghitungan-tps"))}


@dataclass(frozen=True)
class Rule:
    """Who gets what. `may` get `status` on GET, `forbidden` see it but get 403, everybody else 404.

    kind     public: no sign-in; login: signed in, about oneself; scoped: about a unit, so that it is not there (404)
             for whoever is outside; api adds problem+json and 401 instead of the way to the log-in page
    unsafe   has no GET: answers 405 to it
    post     what a stranger sends, if it can be sent to: everything that a person of the line would send
    posted   what the stranger gets for it
    """

    kind: str
    args: Args = nothing
    may: frozenset[str] = EVERYBODY
    status: int = 200
    forbidden: frozenset[str] = frozenset()
    unsafe: bool = False
    post: Args | None = None
    posted: int = 404
    api: bool = False


def public(args: Args = nothing, **more: Any) -> Rule:
    return Rule("public", args, **more)


def own(args: Args = nothing, **more: Any) -> Rule:
    return Rule("login", args, **more)


def scoped(args: Args, **more: Any) -> Rule:
    return Rule("scoped", args, **{"may": LINE, **more})


def of_the_body(args: Args, **more: Any) -> Rule:
    """About the district committee: there for itself and for those above."""
    return scoped(args, **{"may": frozenset(UNITS[DISTRICT]), **more})


def handled(sent: dict[str, Any]) -> Rule:
    """A step of the finding, for those who handle it."""
    return of_the_body(finding, may=HANDLERS, unsafe=True, post=lambda _w: sent)


TABLE: dict[str, Rule] = {
    "healthz": public(),
    "readyz": public(),
    "metrics": public(),  # of a process that nobody proxies; tests/wiring/test_metrics.py has the rest
    "bahasa/": public(status=302, post=lambda _w: {"language": "en", "next": "//evil.example"}, posted=302),
    "masuk/": public(status=302, post=lambda _w: {"username": "tidak-ada", "password": "x"}, posted=302),
    "aktivasi/": public(post=lambda _w: {"username": "tidak-ada", "code": "x"}, posted=422),
    "pengganti/": own(post=lambda w: {"user": w.day.cast.pkd.pk}, posted=200),
    "pengganti/<int:pk>/akhiri/": Rule("scoped", lambda w: {"pk": w.acting.pk}, may=LINE, unsafe=True, post=nothing),
    # filing and reviewing
    "tugas/": own(),
    "tugas/<int:pk>/lapor/": scoped(
        obligation, may=frozenset({"ptps"}), forbidden=LINE - {"ptps"}, post=lambda w: {"report_id": w.report.pk}
    ),
    "tugas/<int:pk>/tanpa-sinyal/": scoped(obligation, unsafe=True, post=lambda _w: {"reason": "Tidak ada sinyal."}),
    "tugas/<int:pk>/ada-sinyal/": scoped(obligation, unsafe=True, post=nothing),
    "lapor/<int:window_pk>/": own(lambda w: {"window_pk": w.form_a.pk}, may=FILERS),
    "laporan/<uuid:pk>/": scoped(report),
    "laporan/<uuid:pk>/banding/": scoped(report),
    "laporan/<uuid:pk>/foto/<slug:sha256>/": scoped(lambda w: {"pk": w.report.pk, "sha256": w.photo}),
    "laporan/<uuid:pk>/setujui/": scoped(report, unsafe=True, post=seen),
    "laporan/<uuid:pk>/kembalikan/": scoped(report, unsafe=True, post=lambda w: {**seen(w), "reason": "Periksa lagi."}),
    "laporan/<uuid:pk>/batalkan/": scoped(report, unsafe=True, post=lambda w: {**seen(w), "reason": "Keliru."}),
    "laporan/<uuid:pk>/catatan/": scoped(
        report, unsafe=True, post=lambda w: {"flag": w.flag.pk, "penjelasan": "Sudah dicocokkan."}
    ),
    "mutu/": own(status=302),
    "mutu/angka-kpu/": own(may=ADMIN, post=nothing),
    "mutu/<slug:election>/<slug:code>/": scoped(unit),
    "temuan/": own(),
    "temuan/baru/": own(may=UNITS[DISTRICT] - {"admin"} | {"stranger_member"}),
    "temuan/<int:pk>/": of_the_body(finding),
    "temuan/<int:pk>/ubah/": of_the_body(finding, may=HANDLERS),
    "temuan/<int:pk>/pihak/": handled({"keperluan": "Klarifikasi."}),
    "temuan/<int:pk>/penangan/": handled({"orang": "1"}),
    "temuan/<int:pk>/keterangan/": handled({"alasan": "Saksi belum datang."}),
    "temuan/<int:pk>/tindak-lanjut/": handled({"hasil": "Diteruskan."}),
    "pleno/": own(),
    "pleno/baru/": own(may=UNITS[DISTRICT] - {"admin"} | {"stranger_member"}),
    "pleno/kuorum/": own(may=ADMIN, post=lambda _w: {"code": DISTRICT, "needed": 3, "reason": "Tata tertib"}),
    "pleno/kuorum/biasa/": own(may=ADMIN, unsafe=True, post=lambda _w: {"kuorum": 1}),
    "pleno/<int:pk>/": of_the_body(meeting),
    "pleno/<int:pk>/hadir/": of_the_body(meeting, unsafe=True, post=chair),
    "pleno/<int:pk>/pergi/": of_the_body(meeting, unsafe=True, post=chair),
    "pleno/<int:pk>/izin/": of_the_body(meeting, unsafe=True, post=lambda w: {**chair(w), "alasan": "Sakit."}),
    "pleno/<int:pk>/buka/": of_the_body(meeting, unsafe=True, post=nothing),
    "pleno/<int:pk>/pimpin/": of_the_body(meeting, unsafe=True, post=nothing),
    "pleno/<int:pk>/tambah/": of_the_body(meeting, unsafe=True, post=lambda w: {"agenda": f"temuan-{w.finding.pk}"}),
    "pleno/<int:pk>/perbarui/": of_the_body(meeting, unsafe=True, post=laid),
    "pleno/<int:pk>/cabut/": of_the_body(meeting, unsafe=True, post=laid),
    "pleno/<int:pk>/suara/": of_the_body(meeting, unsafe=True, post=laid),
    "pleno/<int:pk>/putuskan/": of_the_body(meeting, unsafe=True, post=laid),
    "pleno/<int:pk>/tunda/": of_the_body(meeting, unsafe=True, post=lambda w: {**laid(w), "alasan": "Belum lengkap."}),
    "pleno/<int:pk>/tutup/": of_the_body(meeting, unsafe=True, post=lambda _w: {"nomor": "1/BA/2024"}),
    "pleno/<int:pk>/batalkan/": of_the_body(meeting, unsafe=True, post=lambda _w: {"alasan": "Keliru."}),
    "pleno/<int:pk>/langkah/": of_the_body(meeting, unsafe=True, post=nothing),
    "pleno/<int:pk>/berita-acara.pdf": of_the_body(meeting),
    "berita-acara/<int:pk>/<slug:printed>/": public(lambda w: meeting(w) | {"printed": "0" * 32}, status=404),
    "pesan/": own(),
    "sw.js": public(),
    "pesan/perangkat/": own(unsafe=True, post=lambda _w: {"endpoint": "http://169.254.169.254/"}, posted=302),
    "pesan/dibaca/": own(unsafe=True, post=nothing, posted=302),
    "pengaturan/pesan/": own(may=ADMIN),
    "pengaturan/pesan/catatan/": own(may=ADMIN),
    "pengaturan/pesan/<str:kind>/": own(
        lambda _w: {"kind": "h0"}, may=ADMIN, post=lambda _w: {"subject": "x", "body": "x", "langkah": "simpan"}
    ),
    "pemeriksaan/": own(post=lambda w: {"seen": [f"{w.report.pk}:{seen(w)['seen']}"]}, posted=302),
    # figures
    "": public(),
    "cara-memeriksa/": public(),
    "yang-diterbitkan/": public(),
    "publik/<slug:election>/manifes.txt": public(release),
    "publik/<slug:election>/rilis/<int:number>/manifes.txt": public(numbered),
    "publik/<slug:election>/<slug:code>/": public(unit),
    "publik/<slug:election>/<slug:code>.json": public(unit),
    "publik/<slug:election>/rilis/<int:number>/<slug:code>/": public(lambda w: {**unit(w), **numbered(w)}),
    "publik/<slug:election>/rilis/<int:number>/<slug:code>.json": public(lambda w: {**unit(w), **numbered(w)}),
    "operasi/": own(may=ADMIN),
    "kepatuhan/": own(status=302),
    "kepatuhan/<slug:election>/<slug:code>/": scoped(unit),
    "pimpinan/": own(status=302),
    "pimpinan/<slug:election>/<slug:code>/": of_the_body(district),
    "satuan/": own(status=302),
    "satuan/<slug:election>/<slug:code>/": scoped(unit),
    "unduhan/": own(post=lambda _w: {"satuan": TPS, "tahapan": "pemilu2024/PEMUNGUTAN", "dasar": "filed"}, posted=422),
    "unduhan/<uuid:pk>/": scoped(job),
    "unduhan/<uuid:pk>/berkas": scoped(job),
    # programs
    "api/v1/schema/": public(api=True),
    "api/v1/token/": own(unsafe=True, api=True, post=lambda _w: {"username": "tidak-ada", "password": "x"}, posted=401),
    "api/v1/me/": own(api=True),
    "api/v1/obligations/": own(api=True),
    "api/v1/obligations/<int:pk>/": scoped(obligation, api=True),
    "api/v1/windows/": own(api=True),
    "api/v1/instruments/<slug:code>/versions/<int:number>/": own(
        lambda _w: {"code": "pemungutan-tps", "number": 1}, api=True
    ),
    "api/v1/reports/": own(unsafe=True, api=True, post=answered),
    # A batch is always read; what it may not file is told in its results, and nothing is written.
    "api/v1/reports/batch/": own(unsafe=True, api=True, post=lambda w: {"reports": [answered(w)]}, posted=200),
    "api/v1/reports/<uuid:pk>/": scoped(report, api=True),
    "api/v1/reports/<uuid:pk>/revisions/": scoped(report, api=True),
    "api/v1/reports/<uuid:pk>/approve/": scoped(report, unsafe=True, api=True, post=seen),
    "api/v1/reports/<uuid:pk>/return/": scoped(
        report, unsafe=True, api=True, post=lambda w: {**seen(w), "remarks": {"": "Periksa lagi."}}
    ),
    "api/v1/reports/<uuid:pk>/withdraw/": scoped(
        report, unsafe=True, api=True, post=lambda w: {**seen(w), "reason": "Keliru."}
    ),
    "api/v1/evidence/": own(unsafe=True, api=True, post=lambda w: {**unit(w), "unit": TPS, "file": picture()}),
    "api/v1/units/<slug:election>/<slug:code>/tallies/": scoped(unit, api=True),
    "api/v1/": public(may=frozenset(), api=True),
    "keluar/semua/": own(unsafe=True, post=nothing, posted=302),
    "keluar/": public(unsafe=True),  # last: after it nobody is signed in
}
# Answers to a GET that the kind of a route does not tell.
PASSER_BY = {"masuk/": 200}
# Says that the account has no unit yet; all others are led to theirs.
NO_MEMBERSHIP = {"mutu/": 200, "satuan/": 200, "kepatuhan/": 200}
PROBLEM = "application/problem+json"
CONVERTERS = re.compile(r"<(?:\w+:)?(\w+)>")


def walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route of a URL conf with its whole address as the conf spells it."""
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern, route)
        else:
            yield route, pattern


def address(route: str, args: dict[str, Any]) -> str:
    return "/" + CONVERTERS.sub(lambda match: str(args[match[1]]), route)


# --- the world ------------------------------------------------------------------------------------------------------


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "JPEG")
    return SimpleUploadedFile("tps.jpg", out.getvalue(), content_type="image/jpeg")


@pytest.fixture
def world(
    transactional_db: None, election_day: Day, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    day = election_day
    settings.MEDIA_ROOT, settings.KEY_DIR = tmp_path / "media", tmp_path / "keys"
    # A lost message costs latency only; here nobody listens, and the table is what counts.
    monkeypatch.setattr(jobs, "send", lambda *args, **kwargs: None)
    kept = evidence.store(file=picture(), unit=day.units[TPS], by=fresh(day.cast.ptps))
    filed = day.file(day.cast.ptps, foto_tps=kept.sha256)
    form_a = day.open("form-a")
    rollup.run_all()
    wish = {"unit": day.units[TPS], "stage_code": "PEMUNGUTAN", "basis": "filed"}
    recap = recaps.ask(**wish, by=fresh(day.cast.regency_operator))
    assert recaps.make(recap.pk)
    released = publish.publish(election=day.election, by=None)
    until = clock.today() + timedelta(days=1)
    term = acting.let_act(
        user=day.cast.panwascam_member,
        unit=day.units[TPS].village,
        until=until,
        reason="Sakit.",
        by=fresh(day.cast.pkd),
    )
    meeting = plenary.call(
        unit=day.units[DISTRICT],
        windows=[day.windows["pemungutan-tps"]],
        meets_at=clock.now(),
        place="Kantor",
        public=False,
        by=fresh(day.cast.panwascam_chair),
    )
    far = Reference(election=day.election, unit=day.units[TPS], instrument="pemungutan-tps", question="dpt_l")
    far.value, far.source, far.imported_at = filed.answers["dpt_l"] + 1, "DPT", clock.now()
    far.save()
    assert quality.check(day.windows["pemungutan-tps"]) == 1
    told = FindingContent("CRIMINAL", "Pembagian uang.", "Pasar", day.election.voting_day, day.election.voting_day)
    recorder = fresh(day.cast.panwascam_chair)
    suspected = findings.record(unit=day.units[DISTRICT], told=told, occurred_in=day.units[TPS], by=recorder)
    return World(day, filed, kept.sha256, recap, form_a, released, term, meeting, Flag.objects.get(), suspected)


@contextmanager
def undone() -> Iterator[None]:
    """Lets the next one meet the world as this one did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def signed_in(world: World, name: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(getattr(world.day.cast, name))
    return client


def fingerprint() -> list[Any]:
    """What no stranger may change by so much as a row."""
    obligations = list(Obligation.objects.order_by("pk").values_list("pk", "state", "attested_by"))
    reports = list(Report.objects.order_by("pk").values_list("pk", "revision", "approved_by"))
    sat = [Attendance.objects.count(), Vote.objects.count(), *Plenary.objects.values_list("state", flat=True)]
    sat += [*Finding.objects.values_list("status", "outcome"), Party.objects.count()]
    sat += list(Flag.objects.values_list("resolved_at", flat=True))
    return [obligations, reports, sat, Revision.objects.count(), Evidence.objects.count(), ExportJob.objects.count()]


def send(client: Client, rule: Rule, url: str, body: dict[str, Any]) -> Any:
    if rule.api and not any(isinstance(value, SimpleUploadedFile) for value in body.values()):
        return client.post(url, json.dumps(body, default=str), content_type="application/json")
    return client.post(url, body)


def read(client: Client, url: str) -> Any:
    """GETs to the last byte, so that a file that was sent is closed again."""
    answer: Any = client.get(url)
    if answer.streaming:
        assert b"".join(answer.streaming_content)
    return answer


def expected(route: str, name: str) -> int:
    rule = TABLE[route]
    if rule.unsafe:
        return 405
    if name in rule.may:
        return NO_MEMBERSHIP.get(route, rule.status) if name == "nobody" else rule.status
    return 403 if name in rule.forbidden else 404


# --- the laws -------------------------------------------------------------------------------------------------------


def test_every_route_has_a_line_in_the_table() -> None:
    routes = {route: pattern.name for route, pattern in walk(get_resolver())}
    missing = [f"{route!r} ({name})" for route, name in routes.items() if route not in TABLE]
    assert not missing, f"Say in TABLE who may see these routes: {', '.join(missing)}"
    gone = sorted(TABLE.keys() - routes.keys())
    assert not gone, f"These lines of TABLE have no route any more: {', '.join(gone)}"


def test_the_table_names_the_whole_cast_and_opens_nothing_to_strangers() -> None:
    people = {name for name in Cast.__annotations__ if not name.endswith("_members")}
    assert people == EVERYBODY
    for route, rule in TABLE.items():
        assert rule.kind in {"public", "login", "scoped"}, route
        assert rule.kind != "scoped" or (rule.may | rule.forbidden) in (LINE, UNITS[DISTRICT], HANDLERS), route
        assert rule.kind != "scoped" or rule.post is None or rule.posted == 404, route
        assert not rule.unsafe or rule.post is not None or route == "keluar/", route


def test_everybody_gets_what_the_table_says(world: World) -> None:
    wrong = []
    for name in sorted(EVERYBODY):
        client = signed_in(world, name)
        for route, rule in TABLE.items():
            url = address(route, rule.args(world))
            with undone():
                answer = read(client, url)
            told = answer.headers["Content-Type"] == PROBLEM
            if answer.status_code != expected(route, name) or (rule.api and answer.status_code >= 400 and not told):
                wrong.append(f"{name} {url}: {answer.status_code}, not {expected(route, name)}")
    assert not wrong, "\n".join(wrong)


def test_whoever_is_not_signed_in_is_shown_the_way(world: World) -> None:
    wrong = []
    for route, rule in TABLE.items():
        url = address(route, rule.args(world))
        client = Client(raise_request_exception=False)
        with undone():
            answers = [read(client, url)]
            if rule.post and rule.kind != "public" and rule.posted != 401:
                answers.append(send(client, rule, url, rule.post(world)))
        for answer in answers:
            found: tuple[int, str] = (answer.status_code, "")
            if rule.kind == "public":
                wanted = (PASSER_BY.get(route, expected(route, "admin")), "")
            elif rule.api:
                found, wanted = (answer.status_code, answer.headers["Content-Type"]), (401, PROBLEM)
            else:
                found = (answer.status_code, answer.headers.get("Location", ""))
                wanted = (302, f"{reverse('login')}?next={url}")
            if found != wanted:
                wrong.append(f"{url}: {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


def test_what_a_stranger_sends_changes_nothing(world: World) -> None:
    before, wrong = fingerprint(), []
    for name in (*STRANGERS, *sorted(BESIDE)):
        client = signed_in(world, name)
        for route, rule in TABLE.items():
            if rule.post is None:
                continue
            url = address(route, rule.args(world))
            with undone():
                answer = send(client, rule, url, rule.post(world))
                if fingerprint() != before:
                    wrong.append(f"{name} {url}: wrote")
            told = answer.headers["Content-Type"] == PROBLEM or answer.status_code < 400
            if answer.status_code != rule.posted or (rule.api and not told):
                wrong.append(f"{name} {url}: {answer.status_code}, not {rule.posted}")
            if "evil.example" in answer.headers.get("Location", ""):
                wrong.append(f"{name} {url}: led to another site")
    assert not wrong, "\n".join(wrong)


def test_a_senseless_form_of_anybody_breaks_nothing(world: World) -> None:
    senseless = dict.fromkeys(
        ("verb", "agenda", "seen", "report_id", "satuan", "tahapan", "username", "code", "next"), "\x00"
    )
    broken = []
    for name in sorted(EVERYBODY):
        client = signed_in(world, name)
        for route, rule in TABLE.items():
            url = address(route, rule.args(world))
            for body in [{}, senseless] if name in ("ptps", "panwascam_member") else [senseless]:
                with undone():
                    answer = send(client, rule, url, body)
                if answer.status_code >= 500:
                    broken.append(f"{name} {url} {body}: {answer.status_code}")
    assert not broken, "\n".join(broken)


def test_a_superior_sees_down_and_nobody_sees_up(world: World) -> None:
    pages = ("satuan/<slug:election>/<slug:code>/", "api/v1/units/<slug:election>/<slug:code>/tallies/")
    wrong = []
    for name in sorted(EVERYBODY):
        client = signed_in(world, name)
        for code, insiders in UNITS.items():
            for route in pages:
                url = address(route, {**unit(world), "code": code})
                if client.get(url).status_code != (200 if name in insiders else 404):
                    wrong.append(f"{name} {url}")
    assert not wrong, "\n".join(wrong)


def test_what_is_elsewhere_looks_like_what_is_nowhere(world: World) -> None:
    """A 404 that differs by a word would tell a stranger what exists."""
    client, differing = signed_in(world, "stranger"), []
    nowhere = {"pk": uuid.UUID(int=1), "sha256": "0" * 64, "code": "6499999999999"}
    for route, rule in TABLE.items():
        if rule.kind != "scoped" or rule.unsafe:
            continue
        args = rule.args(world)
        gone = {key: 2**62 if isinstance(value, int) else nowhere.get(key, value) for key, value in args.items()}
        here, there = address(route, args), address(route, gone)
        # The address itself and a token that is new on every page are the only differences allowed.
        real, made_up = (
            re.sub(r"[A-Za-z0-9]{64}(?=[\"&])", "", client.get(url).content.decode()).replace(url, "")
            for url in (here, there)
        )
        if real != made_up:
            differing.append(here)
    assert not differing


def test_a_membership_that_has_ended_opens_nothing(world: World) -> None:
    client = signed_in(world, "pkd")
    Membership.objects.filter(user=world.day.cast.pkd).update(until="2024-02-13")
    urls = [address(route, rule.args(world)) for route, rule in TABLE.items() if rule.kind == "scoped"]
    assert urls
    for url in urls:
        assert client.get(url).status_code in (404, 405), url
