"""What ends on every device at once, and when: a lost phone, a new password, a term that is over."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from hierarchy.lib import clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Role, User
from hierarchy.people import activation, leaving, roster
from hierarchy.people.roster_rows import RosterRow
from reports import tasks
from reports.journal.models import Event
from reports.reminders import push
from reports.reminders.models import Device
from tests.cast import SINCE, Cast, membership_of

pytestmark = pytest.mark.django_db
PASSWORD = "perahu-merah-dua"


@dataclass
class Open:
    """Three doors of one person: a browser, a program, a device that is told things."""

    user: User
    browser: Client
    token: str

    @classmethod
    def of(cls, user: User) -> Open:
        browser = Client()
        browser.force_login(User.objects.get(pk=user.pk))
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        keys = {
            "p256dh": push._text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
            "auth": push._text(os.urandom(16)),
        }
        push.subscribe(user=user, endpoint=f"https://fcm.googleapis.com/{user.pk}", **keys)
        return cls(user, browser, AuthToken.objects.create(user=user)[1])

    def state(self) -> list[bool]:
        """Which of the three stand open."""
        answer = Client().get(reverse("api-me"), headers={"authorization": f"Token {self.token}"})
        return [
            self.browser.get(reverse("tasks")).status_code == 200,
            answer.status_code == 200,
            Device.objects.filter(user=self.user).exists(),
        ]


ALL, NONE = [True] * 3, [False] * 3


def new_code(cast: Cast, _user: User) -> None:
    activation.renew_code(user=cast.ptps, by=cast.pkd)


def new_password(cast: Cast, _user: User) -> None:
    """The code of the card, used while older sessions are about."""
    code = activation.renew_code(user=cast.ptps, by=None)
    User.objects.filter(pk=cast.ptps.pk).update(signed_out_at=None)
    activation.activate(username="ptps", code=code, password=PASSWORD)


def term_ended(cast: Cast, _user: User) -> None:
    roster.end(membership=membership_of(cast.ptps), by=cast.admin)


def successor_appointed(cast: Cast, _user: User) -> None:
    roster.appoint(user=cast.nobody, unit=membership_of(cast.ptps).unit, role=Role.SUPERVISOR, by=cast.admin)


def successor_in_a_file(cast: Cast, _user: User) -> None:
    row = RosterRow("6472012001001", "Orang Baru", "SUPERVISOR", "0811")
    roster.load(election=membership_of(cast.ptps).unit.election, rows=[row], by=cast.admin)


def end_in_a_file(cast: Cast, _user: User) -> None:
    yesterday = clock.today() - timedelta(days=1)
    row = RosterRow("6472012001001", cast.ptps.name, "SUPERVISOR", username="ptps", since=SINCE, until=yesterday)
    roster.load(election=membership_of(cast.ptps).unit.election, rows=[row], by=cast.admin)


def own_wish(cast: Cast, _user: User) -> None:
    leaving.sign_out_everywhere(user=cast.ptps, by=cast.ptps)


@pytest.mark.parametrize(
    "ends",
    [new_code, new_password, term_ended, successor_appointed, successor_in_a_file, end_in_a_file, own_wish],
)
def test_every_door_of_this_person_shuts_and_nobody_elses(cast: Cast, ends: Callable[[Cast, User], None]) -> None:
    own, other = Open.of(cast.ptps), Open.of(cast.pkd)
    assert own.state() == other.state() == ALL
    ends(cast, cast.ptps)
    assert own.state() == NONE
    assert other.state() == ALL


def test_a_term_that_runs_out_by_its_date_shuts_them_too(cast: Cast, settings: Any) -> None:
    own, other = Open.of(cast.ptps), Open.of(cast.pkd)
    roster.end(membership=membership_of(cast.ptps), until=clock.today(), by=cast.admin)
    tasks.refresh_vacancies()
    assert own.state() == ALL, "the last day is a day of service"
    settings.CLOCK_OFFSET += timedelta(days=1).total_seconds()
    tasks.refresh_vacancies()
    assert own.state() == NONE
    assert other.state() == ALL
    assert leaving.sign_out_ended() == 0, "once"


def test_whoever_signs_in_after_their_term_is_told_that_it_is_over_and_not_thrown_out(cast: Cast) -> None:
    roster.end(membership=membership_of(cast.ptps), by=cast.admin)
    again = Open.of(cast.ptps)
    tasks.refresh_vacancies()
    assert again.state() == ALL
    page = again.browser.get(reverse("unit-home"))
    assert page.status_code == 200
    assert "6472012001001" not in page.content.decode()


def test_whoever_serves_elsewhere_goes_on(cast: Cast, tree: Any) -> None:
    roster.appoint(user=cast.ptps, unit=tree["6472012001002"].parent, role=Role.SUPERVISOR, by=cast.admin)
    own = Open.of(cast.ptps)
    roster.end(membership=cast.ptps.memberships.get(unit__code="6472012001001"), by=cast.admin)
    tasks.refresh_vacancies()
    assert own.state() == ALL


def test_whoever_has_not_begun_or_never_served_is_left_alone(cast: Cast, tree: Any) -> None:
    newcomer = User.objects.create(username="baru", name="Baru")
    tomorrow = clock.today() + timedelta(days=1)
    roster.appoint(user=newcomer, unit=tree["64"], role=Role.MEMBER, since=tomorrow, by=cast.admin)
    doors = [Open.of(newcomer), Open.of(cast.nobody)]
    assert leaving.sign_out_ended() == 0
    assert [own.state() for own in doors] == [ALL, ALL]


def test_the_button_goes_out_everywhere_and_the_journal_says_so(cast: Cast) -> None:
    own, elsewhere = Open.of(cast.ptps), Client()
    elsewhere.force_login(User.objects.get(pk=cast.ptps.pk))
    url = reverse("logout-everywhere")
    assert f'action="{url}"' in own.browser.get(reverse("messages")).content.decode()
    assert own.browser.get(url).status_code == 405
    answer = own.browser.post(url, follow=True)
    assert "keluar dari semua perangkat" in answer.content.decode()
    assert own.state() == NONE
    assert elsewhere.get(reverse("tasks")).status_code == 302
    event = Event.objects.get(verb="roster.sign_out_everywhere")
    assert (event.actor, event.detail["username"]) == ("ptps", "ptps")
    assert Client().post(url)["Location"].startswith(reverse("login"))


def test_going_out_on_one_device_leaves_it_silent_and_the_others_as_they_were(cast: Cast) -> None:
    own = Open.of(cast.ptps)
    here = {"endpoint": "https://fcm.googleapis.com/sini"}
    kept = Device.objects.get(user=cast.ptps)
    asked = here | {"p256dh": push._text(bytes(kept.p256dh)), "auth": push._text(bytes(kept.auth))}
    own.browser.post(reverse("devices"), asked)
    assert Device.objects.filter(user=cast.ptps).count() == 2
    own.browser.post(reverse("logout"))
    assert own.state() == [False, True, True]
    assert not Device.objects.filter(**here).exists()


# --- codes lapse ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "opens"), [(29, True), (31, False)])
def test_a_code_lapses_and_says_whom_to_ask(cast: Cast, settings: Any, days: int, opens: bool) -> None:
    code = activation.renew_code(user=cast.ptps, by=cast.pkd)
    settings.CLOCK_OFFSET += timedelta(days=days).total_seconds()
    given = {"username": "ptps", "code": code, "password1": PASSWORD, "password2": PASSWORD}
    answer = Client().post(reverse("activate"), given)
    assert (answer.status_code == 302) is opens
    if not opens:
        assert "30 hari. Minta kode baru kepada atasan Anda." in answer.content.decode()
        wrong = Client().post(reverse("activate"), given | {"code": "0000-0000-0000"}).content.decode()
        assert "tidak cocok, atau kode sudah dipakai" in wrong, "only who holds the code is told that it was right"
        fresh = activation.renew_code(user=cast.ptps, by=cast.pkd)
        assert Client().post(reverse("activate"), given | {"code": fresh}).status_code == 302


def test_a_card_from_a_file_lapses_too(cast: Cast, settings: Any) -> None:
    row = RosterRow("6472012001901", "Orang Baru", "SUPERVISOR", since=date(2024, 1, 1))
    (issued,) = roster.load(election=membership_of(cast.ptps).unit.election, rows=[row], by=None).codes
    settings.CLOCK_OFFSET += timedelta(days=31).total_seconds()
    with pytest.raises(Refusal, match="Minta kode baru"):
        activation.activate(username=issued.username, code=issued.code, password=PASSWORD)
