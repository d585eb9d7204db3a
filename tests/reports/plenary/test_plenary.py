"""The plenary by example: who may, what is bound, what a change afterwards shows. The laws are in test_plenary_laws."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import Http404

from dashboards.figures import ratification
from hierarchy.models import Membership, Role, Unit, User
from hierarchy.units import tree
from reports.bodies import actions as bodies_actions
from reports.bodies import queries as bodies
from reports.journal.models import Event
from reports.obligations import actions as obligations
from reports.plenary import actions as plenary
from reports.plenary import agenda, readiness, sheet, table
from reports.plenary import attendance as sitting
from reports.plenary import queries as ratified
from reports.plenary.models import AgendaItem, Plenary, Vote
from reports.review import actions as review
from reports.rollup import fold as rollup
from reports.verify import decided as verify_decided
from tests.cast import SINCE, Cast, membership_of
from tests.days import AFTERNOON, MORNING_AFTER, Day, fresh

pytestmark = pytest.mark.django_db
DISTRICT = "647201"
WHY = "Angka sementara diminta untuk rapat besok."


def body(cast: Cast, code: str = DISTRICT) -> list[User]:
    """The members of a body, the chair first."""
    members = {"64": cast.province_members, "6472": cast.regency_members, DISTRICT: cast.district_members}[code]
    return [fresh(user) for user in members]


def called(day: Day, code: str = DISTRICT, by: User | None = None) -> Plenary:
    rollup.run_pending()
    unit = Unit.objects.select_related("election").get(election=day.election, code=code)
    window = day.windows["pemungutan-tps"]
    by = by or body(day.cast, code)[0]
    return plenary.call(
        unit=unit, windows=[window], meets_at=AFTERNOON, place="Kantor", public=False, reason=WHY, by=by
    )


def opened(day: Day, code: str = DISTRICT, present: int | None = None) -> Plenary:
    meeting, members = called(day, code), body(day.cast, code)
    for member in members[:present]:
        sitting.arrive(plenary=meeting, member=member, by=member)
    return plenary.open_(plenary=meeting, by=members[0])


def vote(item: AgendaItem, by: User, choice: str = "AGREE", **more: Any) -> Vote:
    item.refresh_from_db()
    return plenary.vote(item=item, choice=choice, seen=bytes(item.sha256), by=fresh(by), **more)


def ratify(day: Day, code: str = DISTRICT) -> AgendaItem:
    meeting = opened(day, code)
    item = meeting.items.get()
    for member in body(day.cast, code):
        vote(item, member)
    return plenary.decide(item=item, by=body(day.cast, code)[0])


def approved(day: Day) -> None:
    report = day.file(day.cast.ptps, surat_rusak=1)
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(day.cast.pkd))


@pytest.mark.parametrize("code", [DISTRICT, "6472", "64"])
def test_a_body_ratifies_exactly_the_figures_that_lay_on_the_table(election_day: Day, code: str):
    approved(election_day)
    item = ratify(election_day, code)
    assert (item.decision, item.mode, item.version, item.corrects) == ("RATIFIED", "CONSENSUS", 1, None)
    unit = Unit.objects.select_related("election").get(code=code)
    assert item.shown == ratified.figures(unit, election_day.windows["pemungutan-tps"])
    assert ratified.digest(item.shown) == bytes(item.sha256)
    assert item.shown["counts"]["approved_count"] == 1
    closed = plenary.close(
        plenary=item.plenary, minutes_number="12/BA/II/2024", notes="", by=body(election_day.cast, code)[0]
    )
    assert (closed.state, closed.minutes_number) == ("CLOSED", "12/BA/II/2024")
    assert list(ratified.broken()) == []
    verbs = Event.objects.filter(target=f"pleno-{closed.pk}").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb.startswith(("plenary", "figures"))][0::100] == ["plenary.called"]
    assert {"plenary.opened", "plenary.voted", "figures.ratified", "plenary.closed"} <= set(verbs)


def test_a_change_afterwards_is_shown_and_ratified_again_as_a_second_version(election_day: Day):
    approved(election_day)
    first = ratify(election_day)
    plenary.close(plenary=first.plenary, minutes_number="1", notes="", by=body(election_day.cast)[0])
    unit, window = first.unit, election_day.windows["pemungutan-tps"]
    assert [matter.to_decide for matter in ratified.matters(unit) if matter.window == window] == [False]
    with pytest.raises(plenary.PlenaryError, match="sudah disahkan dan tidak berubah"):
        called(election_day)

    report = election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject="6472012001002"))
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(election_day.cast.pkd))
    rollup.run_pending()
    matter = next(matter for matter in ratified.matters(unit) if matter.window == window)
    assert (matter.changed, matter.item) == (True, first)
    now = ratified.figures(unit, window)
    assert now is not None
    moved = {
        row.label: (row.before, row.after) for row in ratified.differences(first.shown, now, window.version.parsed)
    }
    assert moved["Disetujui"] == (1, 2)
    assert len(moved) > 3, "the sums of the approved answers moved too"

    second = ratify(election_day)
    assert (second.version, second.corrects) == (2, first)
    first.refresh_from_db()
    assert first.shown["counts"]["approved_count"] == 1, "what was ratified stays what it was"
    assert ratified.newest(unit, window) == second


def stands_as_ratified(day: Day, item: AgendaItem) -> bool:
    """What the agenda, the recap and the sheet say of a figure, and whether it may be put on an agenda again: one."""
    window = day.windows["pemungutan-tps"]
    unit = Unit.objects.select_related("election").get(pk=item.unit_id)
    (matter,) = [matter for matter in ratified.matters(unit) if matter.window == window]
    (of_body,) = ratification.bodies([unit], [window]).values()
    assert bool(of_body.changed) == matter.changed
    words = {"unit": unit, "windows": [window], "meets_at": AFTERNOON, "place": "Kantor", "public": False}
    refused = (
        nullcontext() if matter.changed else pytest.raises(plenary.PlenaryError, match="disahkan dan tidak berubah")
    )
    with refused:
        plenary.call(**words, by=body(day.cast)[0])
    now = ratified.figures(unit, window)
    assert now is not None
    assert bool(ratified.differences(item.shown, now, window.version.parsed)) == matter.changed
    return not matter.changed


def test_what_a_body_did_not_ratify_does_not_move_what_it_ratified(election_day: Day):
    """It ratified sums over approved reports: a late report and another code of the district are none of them."""
    approved(election_day)
    item = ratify(election_day)
    plenary.close(plenary=item.plenary, minutes_number="1", notes="", by=body(election_day.cast)[0])
    tree.move(unit=item.unit, parent=item.unit.parent, code="647209", by=None)
    assert stands_as_ratified(election_day, item)
    late = election_day.file(election_day.cast.ptps_sibling, election_day.obligation(subject="6472092001002"))
    rollup.run_all()
    assert stands_as_ratified(election_day, item)
    review.approve(report=late, seen=bytes(late.sha256), by=fresh(election_day.cast.pkd))
    rollup.run_all()
    assert not stands_as_ratified(election_day, item)
    assert list(ratified.broken()) == []


@pytest.mark.parametrize("changed", ["version", "expected", "approved_count", "approved"])
def test_a_figure_has_moved_when_anything_that_was_ratified_of_it_has(election_day: Day, changed: str):
    approved(election_day)
    item = ratify(election_day)
    now: dict[str, Any] = {name: item.shown[name] for name in ("version", "counts", "approved")}
    assert not ratified.moved(item, **now)
    other = {
        "version": now["version"] + 1,
        "counts": now["counts"] | {changed: now["counts"].get(changed, 0) + 1},
        "approved": [value + 1 for value in now["approved"]],
    }
    name = changed if changed in other else "counts"
    assert ratified.moved(item, **now | {name: other[name]})


def test_without_a_quorum_nothing_opens_and_what_loses_it_is_refused(election_day: Day):
    cast = election_day.cast
    chair, second, _third = body(cast)
    meeting = called(election_day)
    sitting.arrive(plenary=meeting, member=chair, by=chair)
    with pytest.raises(plenary.PlenaryError, match="hadir 1 dari 3 anggota, perlu 2"):
        plenary.open_(plenary=meeting, by=chair)
    sitting.arrive(plenary=meeting, member=second, by=fresh(cast.panwascam_operator))
    plenary.open_(plenary=meeting, by=chair)
    item = meeting.items.get()
    vote(item, chair)
    sitting.leave(plenary=meeting, member=second, by=second)
    with pytest.raises(plenary.PlenaryError, match="Belum kuorum"):
        vote(item, chair)
    with pytest.raises(plenary.PlenaryError, match="Belum kuorum"):
        plenary.decide(item=item, by=chair)
    sitting.arrive(plenary=meeting, member=second, by=second)
    with pytest.raises(plenary.PlenaryError, match="Belum semua yang hadir"):
        plenary.decide(item=item, by=chair)
    vote(item, second)
    assert plenary.decide(item=item, by=chair).decision == "RATIFIED"


def test_dissent_needs_words_and_the_majority_decides(election_day: Day):
    chair, second, third = body(election_day.cast)
    item = opened(election_day).items.get()
    with pytest.raises(plenary.PlenaryError, match="pendapat berbeda"):
        vote(item, third, "DISAGREE", dissent="  ")
    vote(item, third, "DISAGREE", dissent="TPS 901 belum dihitung")
    vote(item, chair)
    vote(item, second)
    with pytest.raises(plenary.PlenaryError, match="sudah bersuara"):
        vote(item, second, "ABSTAIN")
    with pytest.raises(plenary.PlenaryError, match="pimpinan rapat"):
        plenary.decide(item=item, by=second)
    decided = plenary.decide(item=item, by=chair)
    assert (decided.decision, decided.mode, decided.present) == ("RATIFIED", "VOTE", 3)


def test_half_is_not_a_majority(election_day: Day):
    chair, second, _third = body(election_day.cast)
    item = opened(election_day, present=2).items.get()
    vote(item, chair)
    vote(item, second, "ABSTAIN")
    decided = plenary.decide(item=item, by=chair)
    assert (decided.decision, decided.version) == ("REJECTED", None)


def test_the_eldest_presides_in_place_of_an_absent_chair(election_day: Day):
    _chair, second, third = body(election_day.cast)
    meeting = called(election_day)
    for member in (second, third):
        sitting.arrive(plenary=meeting, member=member, by=member)
    with pytest.raises(plenary.PlenaryError, match="tanggal lahir"):
        plenary.open_(plenary=meeting, by=second)
    with pytest.raises(plenary.PlenaryError, match="tanggal lahir"):
        plenary.open_(plenary=meeting, by=second, presider=election_day.cast.panwascam_chair)
    User.objects.filter(pk=second.pk).update(born_on=date(1985, 5, 1))
    User.objects.filter(pk=third.pk).update(born_on=date(1979, 8, 17))
    assert plenary.open_(plenary=meeting, by=second).presided_by == third
    absent = meeting.attendance.get(user=election_day.cast.panwascam_chair)
    assert absent.arrived_at is None


def becomes_chair(member: User) -> None:
    """The term of the chair ends, and the body has chosen one of its members."""
    unit = membership_of(member).unit
    Membership.objects.filter(unit=unit, role=Role.CHAIR).update(until=AFTERNOON.date() - timedelta(days=1))
    Membership.objects.filter(unit=unit, user=member).update(role=Role.CHAIR)


@pytest.mark.parametrize("when", ["before the opening", "after the opening"])
def test_a_member_who_has_become_the_chair_presides_as_the_chair(election_day: Day, when: str) -> None:
    _chair, second, third = body(election_day.cast)
    meeting = called(election_day)
    for member in body(election_day.cast):
        sitting.arrive(plenary=meeting, member=member, by=member)
    if when == "before the opening":
        becomes_chair(third)
        meeting = plenary.open_(plenary=meeting, by=fresh(second))
    else:
        meeting = plenary.open_(plenary=meeting, by=second)
        becomes_chair(third)
        meeting = plenary.preside(plenary=meeting, by=fresh(third))
    said = sheet.data(Plenary.objects.get(pk=meeting.pk))["opening"]
    assert f"{third.name}, ketua" in said
    assert list(verify_decided.broken_meetings()) == []


def test_who_comes_back_as_the_chair_is_listed_as_the_chair(election_day: Day) -> None:
    third = body(election_day.cast)[2]
    meeting = opened(election_day)
    sitting.leave(plenary=meeting, member=third, by=third)
    becomes_chair(third)
    sitting.arrive(plenary=meeting, member=fresh(third), by=fresh(third))
    assert meeting.attendance.get(user=third).role == Role.CHAIR


def test_a_vote_on_figures_that_were_replaced_is_refused(election_day: Day):
    chair = body(election_day.cast)[0]
    item = opened(election_day).items.get()
    stale = bytes(item.sha256)
    approved(election_day)
    rollup.run_pending()
    table.refresh(item=item, by=chair)
    with pytest.raises(plenary.PlenaryError, match="sudah diperbarui"):
        plenary.vote(item=item, choice="AGREE", seen=stale, by=chair)
    vote(item, chair)
    with pytest.raises(plenary.PlenaryError, match="tidak dapat diganti"):
        table.refresh(item=item, by=chair)


@pytest.mark.parametrize("name", ["stranger", "stranger_member", "nobody", "pkd_sibling", "ptps"])
def test_who_does_not_see_the_body_finds_nothing(election_day: Day, name: str):
    meeting = opened(election_day)
    by = fresh(getattr(election_day.cast, name))
    item = meeting.items.get()
    for act in (
        lambda: called(election_day, by=by),
        lambda: sitting.arrive(plenary=meeting, member=by, by=by),
        lambda: vote(item, by),
        lambda: plenary.decide(item=item, by=by),
        lambda: plenary.cancel(plenary=meeting, reason="x", by=by),
    ):
        with pytest.raises(Http404):
            act()


@pytest.mark.parametrize("name", ["panwascam_operator", "regency_chair", "province_chair", "admin"])
def test_only_the_body_itself_votes(election_day: Day, name: str):
    item = opened(election_day).items.get()
    with pytest.raises(PermissionDenied):
        vote(item, getattr(election_day.cast, name))


def test_the_secretariat_prepares_but_is_no_member(election_day: Day):
    operator = fresh(election_day.cast.panwascam_operator)
    meeting = called(election_day, by=operator)
    with pytest.raises(PermissionDenied):
        plenary.open_(plenary=meeting, by=operator)
    with pytest.raises(plenary.PlenaryError, match="bukan anggota"):
        sitting.arrive(plenary=meeting, member=operator, by=body(election_day.cast)[0])
    plenary.cancel(plenary=meeting, reason="tanggal diganti", by=operator)
    meeting.refresh_from_db()
    assert meeting.state == "CANCELLED"


def test_a_village_has_no_plenary(election_day: Day):
    village = membership_of(election_day.cast.pkd).unit
    with pytest.raises(plenary.PlenaryError, match="tidak mengenal rapat pleno"):
        plenary.call(
            unit=village, windows=[], meets_at=AFTERNOON, place="Balai", public=True, by=fresh(election_day.cast.pkd)
        )


def test_a_quorum_of_its_own_is_never_half_or_less(election_day: Day):
    unit = Unit.objects.select_related("election").get(code="64")
    admin = fresh(election_day.cast.admin)
    for wrong in (2, 6):
        with pytest.raises(plenary.PlenaryError, match="antara 3 dan 5"):
            bodies_actions.set_quorum(unit=unit, needed=wrong, reason="Perbawaslu", by=admin)
    with pytest.raises(PermissionDenied):
        bodies_actions.set_quorum(unit=unit, needed=4, reason="x", by=fresh(election_day.cast.province_chair))
    bodies_actions.set_quorum(unit=unit, needed=4, reason="Keputusan pleno 3/2024", by=admin)
    with pytest.raises(plenary.PlenaryError, match="hadir 3 dari 5 anggota, perlu 4"):
        opened(election_day, "64", present=3)


def grow(code: str, by: int) -> None:
    """So many new members sit in the body from today on."""
    for number in range(by):
        member = User.objects.create(username=f"baru-{number}", name=f"Baru {number}")
        Membership.objects.create(user=member, unit=Unit.objects.get(code=code), role=Role.MEMBER, since=SINCE)


def test_a_quorum_of_its_own_is_more_than_half_also_after_the_body_has_grown(election_day: Day):
    unit, admin = Unit.objects.select_related("election").get(code=DISTRICT), fresh(election_day.cast.admin)
    bodies_actions.set_quorum(unit=unit, needed=2, reason="Tata tertib 1/2024", by=admin)
    grow(DISTRICT, by=4)
    assert bodies.needed_of(unit, len(bodies.members_of(unit))) == 4
    with pytest.raises(plenary.PlenaryError, match="hadir 3 dari 7 anggota, perlu 4"):
        opened(election_day)


def test_a_quorum_of_its_own_is_never_more_than_there_are_members(election_day: Day):
    unit, admin = Unit.objects.select_related("election").get(code=DISTRICT), fresh(election_day.cast.admin)
    bodies_actions.set_quorum(unit=unit, needed=3, reason="Tata tertib 1/2024", by=admin)
    Membership.objects.filter(user=body(election_day.cast)[2]).update(until=SINCE)
    assert bodies.needed_of(unit, len(bodies.members_of(unit))) == 2
    assert opened(election_day, present=2).quorum == 2


def test_a_body_that_grows_while_it_sits_needs_more_than_half_of_all_its_members(election_day: Day):
    item = opened(election_day).items.get()
    grow(DISTRICT, by=4)
    with pytest.raises(plenary.PlenaryError, match="hadir 3 dari 7 anggota, perlu 4"):
        vote(item, body(election_day.cast)[0])


def test_whose_term_ends_while_the_body_sits_is_no_longer_present(election_day: Day):
    chair, second, _third = body(election_day.cast)
    item = opened(election_day, present=2).items.get()
    Membership.objects.filter(user=second).update(until=AFTERNOON.date() - timedelta(days=1))
    with pytest.raises(plenary.PlenaryError, match="hadir 1 dari 2 anggota, perlu 2"):
        vote(item, chair)


def put(day: Day, instrument: str = "pemungutan-tps", *, reason: str = "") -> AgendaItem:
    """Figures before the whole district committee, everybody in favour; the presider has yet to say so."""
    rollup.run_pending()
    unit, members = Unit.objects.select_related("election").get(code=DISTRICT), body(day.cast)
    window = day.windows[instrument]
    meeting = plenary.call(
        unit=unit, windows=[window], meets_at=AFTERNOON, place="Kantor", public=False, reason=reason, by=members[0]
    )
    for member in members:
        sitting.arrive(plenary=meeting, member=member, by=member)
    plenary.open_(plenary=meeting, by=members[0])
    item = meeting.items.get()
    for member in members:
        vote(item, member)
    return item


@pytest.mark.parametrize(("at", "state"), [(AFTERNOON, "masih dibuka"), (MORNING_AFTER, "belum lengkap")])
def test_figures_that_are_not_ready_are_ratified_with_a_reason_only(election_day: Day, at: datetime, state: str):
    approved(election_day)
    election_day.set_clock(at)
    item, chair = put(election_day), body(election_day.cast)[0]
    with pytest.raises(plenary.PlenaryError, match=f"Rekap ini {state}: 1 dari 6 laporan disetujui"):
        plenary.decide(item=item, by=chair)
    decided = plenary.decide(item=item, by=chair, reason=" Diminta hari ini. ")
    assert (decided.decision, decided.reason) == ("RATIFIED", "Diminta hari ini.")
    told = Event.objects.get(verb="figures.ratified").detail
    assert (told["readiness"], told["reason"]) == ("OPEN" if at == AFTERNOON else "INCOMPLETE", "Diminta hari ini.")


def test_a_reason_given_with_the_agenda_is_enough_and_figures_that_are_ready_need_none(election_day: Day):
    item, chair = put(election_day, reason=WHY), body(election_day.cast)[0]
    assert plenary.decide(item=item, by=chair).reason == WHY
    assert Event.objects.get(verb="agenda.added").detail["reason"] == WHY


def test_figures_that_are_complete_after_their_deadline_need_no_reason(election_day: Day):
    window = election_day.open("pencegahan-kecamatan")
    election_day.set_clock(window.due_at - timedelta(hours=1))
    report = election_day.file(
        election_day.cast.panwascam_operator, election_day.obligation("pencegahan-kecamatan", subject=DISTRICT)
    )
    review.approve(report=report, seen=bytes(report.sha256), by=fresh(election_day.cast.regency_chair))
    election_day.set_clock(window.due_at + timedelta(minutes=1))
    item = put(election_day, "pencegahan-kecamatan", reason="tidak perlu")
    decided = plenary.decide(item=item, by=body(election_day.cast)[0])
    assert (decided.decision, decided.reason) == ("RATIFIED", "")


def test_time_granted_after_a_decision_does_not_change_what_was_decided(election_day: Day):
    window, units = election_day.windows["pemungutan-tps"], election_day.units
    election_day.set_clock(MORNING_AFTER)
    item, chair = put(election_day), body(election_day.cast)[0]
    decided = plenary.decide(item=item, by=chair, reason=WHY)
    later = MORNING_AFTER + timedelta(hours=5)
    election_day.set_clock(MORNING_AFTER + timedelta(minutes=1))
    obligations.extend(
        window=window, area=units["6472012001"], due_at=later, closes_at=max(later, window.closes_at), reason="Banjir.",
        by=fresh(election_day.cast.admin),
    )  # fmt: skip
    granted = readiness.granted_to(units[DISTRICT], [window])
    assert readiness.due_at(window, granted, decided.decided_at) == window.due_at
    assert readiness.due_at(window, granted) == later
    [laid] = agenda.laid_items(item.plenary, chair, [])
    assert laid.readiness == readiness.Readiness.INCOMPLETE


def test_what_is_never_due_is_no_recap(election_day: Day):
    form_a = election_day.open("form-a")
    unit, chair = Unit.objects.select_related("election").get(code=DISTRICT), body(election_day.cast)[0]
    rollup.run_all()
    assert form_a not in [matter.window for matter in ratified.matters(unit)]
    with pytest.raises(plenary.PlenaryError, match="tidak direkap"):
        plenary.call(unit=unit, windows=[form_a], meets_at=AFTERNOON, place="Kantor", public=False, by=chair)


def test_what_is_due_is_due_when_the_last_part_of_the_area_is(election_day: Day):
    window, units = election_day.windows["pemungutan-tps"], election_day.units
    later = window.due_at + timedelta(hours=3)
    obligations.extend(
        window=window, area=units["6472012001"], due_at=later, closes_at=window.closes_at, reason="Banjir.",
        by=fresh(election_day.cast.admin),
    )  # fmt: skip
    known = {code: readiness.due_of(units[code], [window])[window.pk] for code in units}
    assert {code for code, due in known.items() if due == later} == {
        code for code in units if code.startswith("6472012001") or "6472012001".startswith(code)
    }
    assert set(known.values()) == {later, window.due_at}


def test_the_database_itself_keeps_what_was_decided(election_day: Day):
    item = ratify(election_day)
    refused = {
        "a vote changes": lambda: Vote.objects.filter(item=item).update(choice="ABSTAIN"),
        "a vote goes": lambda: Vote.objects.filter(item=item)[0].delete(),
        "a decision changes": lambda: AgendaItem.objects.filter(pk=item.pk).update(approved=[0]),
    }
    for what, act in refused.items():
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
        assert item.votes.count() == 3, what
    plenary.close(plenary=item.plenary, minutes_number="1", notes="", by=body(election_day.cast)[0])
    for rows in (Plenary.objects.filter(pk=item.plenary_id), item.plenary.attendance.all()):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()


def test_closing_needs_a_number_and_leaves_nothing_undecided(election_day: Day):
    chair = body(election_day.cast)[0]
    meeting = opened(election_day)
    with pytest.raises(plenary.PlenaryError, match="nomor"):
        plenary.close(plenary=meeting, minutes_number=" ", notes="", by=chair)
    with pytest.raises(plenary.PlenaryError, match="belum diputuskan"):
        plenary.close(plenary=meeting, minutes_number="1", notes="", by=chair)
    with pytest.raises(plenary.PlenaryError, match="mengapa"):
        plenary.postpone(item=meeting.items.get(), note="", by=chair)
    plenary.postpone(item=meeting.items.get(), note="menunggu TPS 901", by=chair)
    plenary.close(plenary=meeting, minutes_number="1", notes="", by=chair)
    again = opened(election_day)
    plenary.postpone(item=again.items.get(), note="menunggu", by=chair)
    with pytest.raises(plenary.PlenaryError, match="sudah dipakai"):
        plenary.close(plenary=again, minutes_number="1", notes="", by=chair)


def test_somebody_presides_in_place_of_who_left(election_day: Day) -> None:
    """Else nobody could decide, close or cancel, and one open meeting keeps the body from every other."""
    chair, second, third = body(election_day.cast)
    User.objects.filter(pk=second.pk).update(born_on=date(1985, 5, 1))
    User.objects.filter(pk=third.pk).update(born_on=date(1979, 8, 17))
    meeting = opened(election_day)
    with pytest.raises(bodies.PlenaryError, match="masih hadir"):
        plenary.preside(plenary=meeting, by=third)
    sitting.leave(plenary=meeting, member=chair, by=chair)
    with pytest.raises(bodies.PlenaryError, match=third.name):
        plenary.preside(plenary=meeting, by=second)
    with pytest.raises(bodies.PlenaryError, match="kehadiran"):
        plenary.preside(plenary=meeting, by=chair)
    plenary.preside(plenary=meeting, by=third)
    item = meeting.items.get()
    for member in (second, third):
        vote(item, member)
    assert plenary.decide(item=item, by=third).decision == "RATIFIED"
    plenary.close(plenary=meeting, minutes_number="1/BA/2024", notes="", by=third)
    assert list(verify_decided.broken_meetings()) == []
    said = sheet.data(Plenary.objects.get(pk=meeting.pk))
    assert f"{chair.name}, ketua, kemudian oleh {third.name}, anggota tertua" in said["opening"]
