"""The ladder: each rung once, to whom it belongs, none after filing; digests, quiet hours, at most one sending."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.lib.clock import WITA
from hierarchy.lib.errors import Refusal
from hierarchy.models import User
from reports.obligations.models import Obligation, State
from reports.reminders import actions as reminders
from reports.reminders import delivery, wording
from reports.reminders.models import Message, Notice
from reports.review import actions as review
from tests.cast import membership_of
from tests.days import TPS, Day, fresh

pytestmark = pytest.mark.django_db
DUE = datetime(2024, 2, 14, 18, 0, tzinfo=WITA)
MINUTE = timedelta(minutes=1)
NEIGHBOUR = "6472012001002"


def told(rung: str = "", **more: Any) -> Counter[str]:
    rows = Notice.objects.filter(obligation__window__instrument__code="pemungutan-tps", **more)
    return Counter((rows.filter(rung=rung) if rung else rows).values_list("user__username", flat=True))


def tick(day: Day, at: datetime) -> int:
    day.set_clock(at)
    return reminders.tick(at)


def test_each_rung_goes_one_level_higher_and_fires_once(election_day: Day):
    day = election_day
    assert tick(day, DUE - timedelta(minutes=61)) == 0
    steps = {
        -60: ("h-60", {"ptps": 1, "ptps_sibling": 1}),
        0: ("h0", {"ptps": 1, "ptps_sibling": 1}),
        1: ("h0-atasan", {"pkd": 3}),
        30: ("h+30", {"ptps": 1, "ptps_sibling": 1}),
        31: ("h+30-atasan", {"panwascam_chair": 6, "panwascam_member": 6, "panwascam_third": 6}),
        120: ("h+120", {"regency_chair": 12, "regency_member": 12, "regency_third": 12}),
    }
    # Only the posts with a supervisor owe; the others are vacant and never named.
    owing = Obligation.objects.filter(window=day.windows["pemungutan-tps"], state=State.OWED)
    assert set(owing.values_list("subject__code", flat=True)) == {TPS, NEIGHBOUR}
    for minutes, (rung, whom) in steps.items():
        tick(day, DUE + minutes * MINUTE)
        tick(day, DUE + minutes * MINUTE + timedelta(seconds=20))
        expected = {name: min(count, 2) for name, count in whom.items()}
        assert told(rung) == expected, rung
    assert set(Notice.objects.values_list("rung", flat=True)) == set(reminders.URGENT)


def test_whoever_has_filed_hears_nothing_more(election_day: Day):
    day = election_day
    tick(day, DUE - 60 * MINUTE)
    day.file(day.cast.ptps, at=DUE - 30 * MINUTE)
    for minutes in (0, 30, 120):
        tick(day, DUE + minutes * MINUTE)
    assert told()["ptps"] == 1
    assert told("h0-atasan") == {"pkd": 1}
    assert not Notice.objects.filter(fired_at__gte=DUE, obligation=day.obligation()).exists()


def test_after_an_outage_only_the_newest_rung_fires(election_day: Day):
    tick(election_day, DUE + 125 * MINUTE)
    rungs = set(Notice.objects.filter(obligation=election_day.obligation()).values_list("rung", flat=True))
    assert rungs == {"h+120"}


def test_what_is_vacant_or_without_signal_is_never_named(election_day: Day):
    day = election_day
    review.attest_unreachable(obligation=day.obligation(), reason="tidak ada sinyal", by=fresh(day.cast.pkd))
    tick(day, DUE)
    assert told("h0-atasan") == {"pkd": 1}
    assert set(Notice.objects.values_list("obligation__subject__code", flat=True)) == {NEIGHBOUR}


def test_a_new_deadline_fires_anew(election_day: Day):
    day = election_day
    tick(day, DUE)
    Obligation.objects.filter(pk=day.obligation().pk).update(due_at=DUE + timedelta(hours=3))
    tick(day, DUE + 120 * MINUTE)
    assert told("h-60", turn__contains="13:00") == {"ptps": 1}


def test_a_returned_report_is_told_at_once_with_its_deadline_and_again_when_returned_again(election_day: Day):
    day = election_day
    report = day.file(day.cast.ptps)
    for revision in (1, 2):
        wanted = DUE - 10 * MINUTE
        review.send_back(
            report=report, seen=bytes(report.sha256), remarks={"": "x"}, by=fresh(day.cast.pkd), correct_by=wanted
        )
        tick(day, DUE - 150 * MINUTE + revision * MINUTE)
        tick(day, DUE - 150 * MINUTE + revision * MINUTE)
        assert told("returned") == {"ptps": revision}
        body = Message.objects.filter(user=day.cast.ptps).order_by("-pk")[0].body
        assert "14 Feb 2024 17.50 WITA" in body
        report = day.file(day.cast.ptps, report_id=report.pk, based_on=revision, surat_rusak=revision)


def test_a_reviewer_is_told_after_a_day_and_the_superior_after_two(election_day: Day):
    day = election_day
    filed = DUE - 120 * MINUTE
    report = day.file(day.cast.ptps, at=filed)
    tick(day, filed + timedelta(hours=23, minutes=59))
    assert not told("review-24h")
    tick(day, filed + timedelta(hours=24))
    assert told("review-24h") == {"pkd": 1}
    tick(day, filed + timedelta(hours=48))
    assert told("review-48h") == {"panwascam_chair": 1, "panwascam_member": 1, "panwascam_third": 1}
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))
    assert not any(reminders.matters(notice) for notice in reminders.notices(Notice.objects.filter(
        rung="review-48h").values_list("pk", flat=True)))  # fmt: skip


def test_a_person_gets_one_message_for_all_that_came_due(election_day: Day):
    day = election_day
    Obligation.objects.filter(window=day.windows["penghitungan-tps"]).update(due_at=DUE)
    tick(day, DUE)
    message = Message.objects.get(user=day.cast.pkd)
    assert message.notices.count() == 4
    assert "4 laporan di bawah Anda" in message.subject
    assert "TPS 001 Harapan Baru" in message.body
    assert Message.objects.get(user=day.cast.ptps).notices.count() == 2


@pytest.mark.parametrize(
    ("at", "due", "later"),
    [
        ((14, 20, 59), (14, 18, 0), None),
        ((14, 21, 30), (14, 19, 30), None),  # the night of the deadline itself
        ((15, 2, 0), (15, 0, 0), None),
        ((14, 22, 0), (13, 10, 0), (15, 6, 0)),
        ((15, 5, 59), (14, 10, 0), (15, 6, 0)),
        ((15, 6, 0), (14, 10, 0), None),
    ],
)
def test_nobody_is_woken_but_on_the_night_of_the_deadline(
    election_day: Day, at: tuple[int, int, int], due: tuple[int, int, int], later: tuple[int, int, int] | None
):
    def moment(words: tuple[int, int, int]) -> datetime:
        return datetime(2024, 2, *words, tzinfo=WITA)

    obligation = election_day.obligation()
    obligation.due_at = moment(due)
    notice = Notice(obligation=obligation, rung="h+120")
    assert reminders.not_before([notice], moment(at)) == moment(later or at)


# --- the law --------------------------------------------------------------------------------------------------------

ACTS = st.lists(
    st.tuples(st.sampled_from(["tick", "tick", "tick", "again", "file", "wait"]), st.integers(0, 200)),
    min_size=3, max_size=14,
)  # fmt: skip


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=ACTS)
def test_whatever_beat_does_nobody_is_told_twice_and_nobody_after_filing(election_day: Day, acts: list):
    day, now = election_day, DUE - 90 * MINUTE
    with transaction.atomic():
        for verb, minutes in acts:
            if verb == "wait":
                now += minutes * MINUTE
            elif verb == "file" and day.obligation().state == State.OWED:
                day.file(day.cast.ptps, at=now)
            elif verb in ("tick", "again"):
                now += (minutes % 7) * MINUTE if verb == "tick" else timedelta(0)
                tick(day, now)
        keys = list(Notice.objects.values_list("obligation_id", "user_id", "rung", "turn"))
        assert len(keys) == len(set(keys))
        for notice in Notice.objects.select_related("obligation"):
            filed = notice.obligation.first_filed_at
            assert filed is None or notice.fired_at <= filed or notice.rung.startswith("review")
        # Every notice is carried by exactly one message a carrier, to its own person.
        for message in Message.objects.prefetch_related("notices"):
            assert {notice.user_id for notice in message.notices.all()} == {message.user_id}
        assert Notice.objects.filter(messages=None).count() == 0
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_tell_everybody_once(election_day: Day):
    election_day.set_clock(DUE)
    made: list[int] = []

    def beat() -> None:
        try:
            made.append(reminders.tick(DUE))
        finally:
            connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert told("h0") == {"ptps": 1, "ptps_sibling": 1}
    assert Message.objects.filter(user=election_day.cast.pkd).count() == 1


# --- delivery -------------------------------------------------------------------------------------------------------


@pytest.fixture
def posted(election_day: Day, settings: Any) -> Day:
    """E-mail is configured and caught in memory; everybody has an address."""
    settings.EMAIL_HOST = "mail.invalid"
    for user in User.objects.all():
        User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.id")
    return election_day


def test_what_is_due_is_sent_once_and_what_was_filed_meanwhile_is_not(posted: Day):
    tick(posted, DUE - 60 * MINUTE)
    posted.file(posted.cast.ptps, at=DUE - 59 * MINUTE)
    assert delivery.deliver() == 1
    assert delivery.deliver() == 0
    assert [message.to for message in mail.outbox] == [["ptps_sibling@example.id"]]
    states = dict(Message.objects.filter(carrier="EMAIL").values_list("user__username", "state"))
    assert states == {"ptps": "DROPPED", "ptps_sibling": "SENT"}


def test_a_superior_reads_only_what_still_is_so(posted: Day):
    tick(posted, DUE)
    posted.file(posted.cast.ptps, at=DUE + MINUTE)
    delivery.deliver()
    letter = next(message for message in mail.outbox if message.to == ["pkd@example.id"])
    assert "1 laporan di bawah Anda" in letter.subject
    assert "TPS 001" not in letter.body


def test_what_a_dead_worker_had_claimed_is_never_sent_again(posted: Day):
    tick(posted, DUE)
    Message.objects.filter(carrier="EMAIL", user=posted.cast.pkd).update(state="SENDING", claimed_at=DUE)
    posted.set_clock(DUE + 11 * MINUTE)
    delivery.deliver()
    assert Message.objects.get(carrier="EMAIL", user=posted.cast.pkd).state == "UNSURE"
    assert ["pkd@example.id"] not in [message.to for message in mail.outbox]


def test_a_refused_connection_is_tried_again_and_given_up(posted: Day, settings: Any):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    tick(posted, DUE)
    for attempt in (1, 2, 3):
        delivery.deliver()
        letter = Message.objects.get(carrier="EMAIL", user=posted.cast.pkd)
        assert letter.attempts == attempt
        posted.set_clock(DUE + attempt * 10 * MINUTE)
    assert letter.state == "FAILED"
    assert "refused" in letter.error.lower()


def test_nothing_leaves_where_nothing_is_configured(election_day: Day):
    tick(election_day, DUE)
    assert set(Message.objects.values_list("carrier", "state")) == {("APP", "SENT")}


# --- words and effect -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", wording.KINDS)
def test_every_text_can_be_filled_in(kind: str):
    assert (
        "{"
        not in wording.preview(wording.RungText(str(wording.KINDS[kind].subject), str(wording.KINDS[kind].body))).body
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Halo {siapa}", "siapa"),
        ("Halo {jumlah", "tidak berpasangan"),
        ("Halo {jumlah.__class__}", "jumlah.__class__"),
        ("Halo {jumlah!r}", "tidak dikenal"),
        ("  ", "harus diisi"),
        ("x" * 1001, "terlalu panjang"),
    ],
)
def test_a_text_that_cannot_be_filled_in_is_refused_by_name(body: str, said: str):
    with pytest.raises(Refusal, match=said):
        wording.check(wording.RungText("Judul", body))


def test_an_edition_is_in_force_at_once_and_journaled(election_day: Day):
    admin = fresh(election_day.cast.admin)
    text = wording.RungText("Segera: {jumlah}", "{nama}, kirim {daftar}.")
    wording.edit(kind="h-60", text=text, unit=membership_of(admin).unit, by=admin)
    tick(election_day, DUE - 60 * MINUTE)
    message = Message.objects.get(user=election_day.cast.ptps)
    assert message.subject == "Segera: 1"
    assert message.body.startswith("Ptps, kirim Pengawasan pemungutan suara, ")


def test_the_effect_counts_reports_filed_within_half_an_hour_of_a_reminder(election_day: Day):
    day = election_day
    tick(day, DUE - 60 * MINUTE)
    day.file(day.cast.ptps, at=DUE - 31 * MINUTE)
    day.file(day.cast.ptps_sibling, day.obligation(subject=NEIGHBOUR), at=DUE - 29 * MINUTE)
    owed = Obligation.objects.filter(window=day.windows["pemungutan-tps"])
    assert owed.filter(reminders.reminded_q()).count() == 2
    assert owed.get(reminders.reminded_q(prompt=True)).subject.code == TPS
