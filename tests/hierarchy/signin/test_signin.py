"""Attacks on signing in: strangers lock nobody out, neither a person nor an office, and guessing stays bounded."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.db import connection, connections
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hierarchy.lib import locks
from hierarchy.models import FailureCount, User
from hierarchy.people import activation
from hierarchy.signin import actions as signin
from hierarchy.signin import devices, hashing, stepup, throttle
from tests.cast import Cast

PASSWORD = "perahu-merah-dua"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def hashed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed; by a fast hash, because what is counted is how often and not how long."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    done: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        done.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return done


@pytest.fixture
def people(cast: Cast, hashed: list[str]) -> Cast:
    User.objects.update(password=make_password(PASSWORD))
    hashed.clear()
    return cast


def knock(address: str, name: str, password: str = "salah-sekali", client: Client | None = None) -> Any:
    asker = client or Client()
    return asker.post(reverse("login"), {"username": name, "password": password}, REMOTE_ADDR=address)


def comes_in(address: str, name: str, client: Client | None = None) -> bool:
    return bool(knock(address, name, PASSWORD, client).status_code == 302)


def guess(address: str, name: str, password: str = "salah-sekali", device: str = "") -> int:
    """What a program would get: 201 in, 401 wrong, 429 or 503 not judged. The verb itself, since hundreds are asked."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    try:
        return 201 if signin.check(request, username=name, password=password, device=device) else 401
    except throttle.NotNow as refused:
        return refused.status


def besiege(name: str, networks: int) -> list[int]:
    """One wrong password for this name from each of so many networks, unlike one another."""
    return [guess(f"2001:db8:{number:x}::1", name) for number in range(networks)]


def fill(limit: throttle.Limit, key: str) -> None:
    """As if `burst` attempts had just failed."""
    full = timezone.now() + timedelta(seconds=limit.burst * limit.every)
    FailureCount.objects.update_or_create(key=key, defaults={"drained_at": full})


def later(limit: throttle.Limit, times: int = 1) -> None:
    """As if `times` x `every` seconds had passed for every count."""
    table = FailureCount._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET drained_at = drained_at - make_interval(secs => %s)", [limit.every * times])


# --- nobody is locked out -------------------------------------------------------------------------------------------


def test_a_hundred_addresses_of_one_network_do_not_lock_the_owner_out(people: Cast) -> None:
    answers = [guess(f"2001:db8::{number:x}", "ptps") for number in range(100)]
    assert answers == [401] * signin.PAIR.burst + [429] * (100 - signin.PAIR.burst), "a /64 is one customer's"
    assert comes_in(ELSEWHERE, "ptps")


def test_made_up_names_do_not_close_the_address_they_came_from(people: Cast, hashed: list[str]) -> None:
    for number in range(610):
        assert guess(ELSEWHERE, f"nama-karangan-{number}") == 401
    # Each of them waited for no one but the first few, which cost a hash so that the time taken tells nothing.
    assert len(hashed) <= signin.NOBODY_HERE.burst + 5
    for name in ("regency_chair", "province_member", "pkd", "ptps"):
        assert comes_in(ELSEWHERE, name), name


def test_a_colleague_behind_the_same_address_does_not_lock_a_colleague(people: Cast) -> None:
    phone = Client()
    assert comes_in(ELSEWHERE, "pkd", phone)
    phone.post(reverse("logout"))
    for _ in range(30):
        knock(ELSEWHERE, "pkd")
    assert knock(ELSEWHERE, "pkd", PASSWORD).status_code == 429, "a stranger, were the password right by chance"
    assert comes_in(ELSEWHERE, "pkd", phone)
    assert comes_in(ELSEWHERE, "ptps")


def test_whoever_was_at_home_here_comes_in_on_a_new_phone_while_all_networks_guess(people: Cast) -> None:
    assert comes_in(ELSEWHERE, "ptps")
    statuses = besiege("ptps", signin.ACCOUNT.burst + 5)
    assert statuses[: signin.ACCOUNT.burst] == [401] * signin.ACCOUNT.burst
    assert statuses[-1] == 429
    assert guess("203.0.113.1", "ptps", PASSWORD) == 429
    assert comes_in(ELSEWHERE, "ptps")


def test_a_neighbour_who_guesses_at_home_leaves_the_owner_a_turn(people: Cast) -> None:
    assert comes_in(ELSEWHERE, "ptps")
    assert [guess(ELSEWHERE, "ptps") for _ in range(30)].count(401) == signin.PAIR.burst
    assert not comes_in(ELSEWHERE, "ptps"), "the one bound on guesses that come from her own network"
    later(signin.PAIR)
    assert comes_in(ELSEWHERE, "ptps")


def test_a_network_stays_home_for_as_long_as_one_signs_in_there(people: Cast) -> None:
    day, siege = throttle.Limit("a day", 1, 24 * 3600), (signin.ACCOUNT, signin.ACCOUNT.key(str(people.ptps.pk)))
    for _ in range(2):
        assert comes_in(ELSEWHERE, "ptps")
        later(day, 60)
    fill(*siege)
    assert comes_in(ELSEWHERE, "ptps"), "she was here 60 days ago"
    later(day, 91)
    fill(*siege)
    assert not comes_in(ELSEWHERE, "ptps")


def test_a_crash_of_the_database_costs_homes_and_counts_and_no_known_device(people: Cast) -> None:
    """PostgreSQL empties an unlogged table when it comes up after a crash."""
    phone = Client()
    assert comes_in(ELSEWHERE, "ptps", phone)
    phone.post(reverse("logout"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [FailureCount._meta.db_table])
        assert cursor.fetchone() == ("u",)
        cursor.execute(f"TRUNCATE {FailureCount._meta.db_table}")
    fill(signin.ACCOUNT, signin.ACCOUNT.key(str(people.ptps.pk)))
    assert not comes_in(ELSEWHERE, "ptps")
    assert comes_in(ELSEWHERE, "ptps", phone)
    assert comes_in(ELSEWHERE, "ptps"), "and signing in once makes it her home again"


def test_a_network_that_tries_all_names_is_stopped_and_its_own_people_are_not(people: Cast, hashed: list[str]) -> None:
    assert comes_in(ELSEWHERE, "pkd")
    names = [name for name in User.objects.values_list("username", flat=True) if name != "pkd"]
    hashed.clear()
    assert guess(ELSEWHERE, names[0]) == 401
    fill(signin.NETWORK, signin.NETWORK.key(ELSEWHERE))
    assert {guess(ELSEWHERE, name) for name in names} == {429}
    assert len(hashed) == 1
    later(signin.NETWORK)
    assert [guess(ELSEWHERE, name) for name in names].count(401) == 1, "and slowed, not shut out for ever"
    assert comes_in(ELSEWHERE, "pkd")
    assert comes_in("203.0.113.1", "ptps"), "other networks go on"


class TestUnderSiege:
    """Strangers from everywhere guess at one account."""

    @pytest.fixture
    def phone(self, people: Cast) -> Client:
        """On which cast.ptps has signed in before; then the siege begins."""
        client = Client()
        assert comes_in("192.0.2.1", "ptps", client)
        client.post(reverse("logout"))
        fill(signin.ACCOUNT, signin.ACCOUNT.key(str(people.ptps.pk)))
        return client

    def test_a_device_known_before_comes_in_from_anywhere(self, phone: Client) -> None:
        assert comes_in(ELSEWHERE, "ptps", phone)

    def test_so_does_a_program_that_kept_its_word(self, phone: Client, people: Cast) -> None:
        assert guess(ELSEWHERE, "ptps", PASSWORD) == 429
        assert guess(ELSEWHERE, "ptps", PASSWORD, device=phone.cookies[devices.COOKIE].value) == 201
        sent = {"username": "pkd", "password": PASSWORD}
        word = Client().post(reverse("api-token"), sent, content_type="application/json").json()["device"]
        fill(signin.ACCOUNT, signin.ACCOUNT.key(str(people.pkd.pk)))
        assert guess(ELSEWHERE, "pkd", PASSWORD) == 429
        assert guess(ELSEWHERE, "pkd", PASSWORD, device=word) == 201

    def test_a_device_known_to_somebody_else_is_a_stranger(self, phone: Client) -> None:
        other = Client()
        assert comes_in(ELSEWHERE, "pkd", other)
        other.post(reverse("logout"))
        assert knock(ELSEWHERE, "ptps", PASSWORD, other).status_code == 429
        for forged in ("", "x", "e30:1tF:abc", phone.cookies[devices.COOKIE].value[:-1]):
            other.cookies[devices.COOKIE] = forged
            assert knock(ELSEWHERE, "ptps", PASSWORD, other).status_code == 429

    def test_the_refusal_says_what_to_do_and_how_long(self, phone: Client) -> None:
        refused = knock(ELSEWHERE, "ptps", PASSWORD)
        text = refused.content.decode()
        assert 0 < int(refused["Retry-After"]) <= signin.ACCOUNT.every
        assert re.search(r"Tunggu \d+ menit", text)
        assert "minta kode baru kepada atasan" in text
        assert 'value="ptps"' in text

    def test_a_new_device_gets_its_turn_as_attempts_drain_one_by_one(self, phone: Client) -> None:
        later(signin.ACCOUNT)
        assert besiege("ptps", 5).count(401) == 1, "one, and not a whole new window full"
        later(signin.ACCOUNT)
        assert comes_in(ELSEWHERE, "ptps")

    def test_knocking_on_does_not_lengthen_the_wait(self, phone: Client) -> None:
        besiege("ptps", 50)
        later(signin.ACCOUNT)
        assert comes_in(ELSEWHERE, "ptps")

    def test_a_new_code_opens_at_once(self, phone: Client, people: Cast) -> None:
        code = activation.renew_code(user=people.ptps, by=people.pkd)
        besiege("ptps", 5)
        for _ in range(40):
            Client().post(reverse("activate"), {"username": "ptps", "code": "0000-0000-0000"}, REMOTE_ADDR=ELSEWHERE)
        given = {"username": "ptps", "code": code, "password1": "jendela-kuning-7", "password2": "jendela-kuning-7"}
        new = Client()
        assert new.post(reverse("activate"), given, REMOTE_ADDR=ELSEWHERE).status_code == 302
        new.post(reverse("logout"))
        assert knock("203.0.113.9", "ptps", "jendela-kuning-7", new).status_code == 302, "known from then on"

    def test_a_lost_phone_is_a_stranger_again(self, phone: Client, people: Cast) -> None:
        code = activation.renew_code(user=people.ptps, by=people.pkd)
        activation.activate(username="ptps", code=code, password=PASSWORD)
        assert knock(ELSEWHERE, "ptps", PASSWORD, phone).status_code == 429


def test_the_word_of_a_device_is_kept_from_scripts_and_other_sites(people: Cast, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    cookie = knock(ELSEWHERE, "ptps", PASSWORD).cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert "ptps" not in cookie.value


def test_an_office_computer_is_known_to_all_who_use_it(people: Cast) -> None:
    computer = Client()
    for name in ("pkd", "ptps", "regency_chair"):
        assert comes_in(ELSEWHERE, name, computer)
        computer.post(reverse("logout"))
        fill(signin.ACCOUNT, signin.ACCOUNT.key(str(getattr(people, name).pk)))
    for name in ("pkd", "ptps", "regency_chair"):
        assert comes_in("203.0.113.8", name, computer)
        computer.post(reverse("logout"))


def test_activating_on_an_office_computer_does_not_make_it_a_stranger_to_the_others(people: Cast) -> None:
    computer = Client()
    assert comes_in(ELSEWHERE, "ptps", computer)
    computer.post(reverse("logout"))
    code = activation.renew_code(user=people.pkd, by=people.panwascam_chair)
    given = {"username": "pkd", "code": code, "password1": "sampan-biru-tiga", "password2": "sampan-biru-tiga"}
    assert computer.post(reverse("activate"), given, REMOTE_ADDR=ELSEWHERE).status_code == 302
    computer.post(reverse("logout"))
    fill(signin.ACCOUNT, signin.ACCOUNT.key(str(people.ptps.pk)))
    assert comes_in("203.0.113.8", "ptps", computer)


def test_a_password_that_is_hashed_anew_when_it_is_asked_again_ends_no_session(people: Cast, settings: Any) -> None:
    """As after an upgrade that changes how passwords are hashed, in the middle of a plenary."""
    phone = Client()
    assert comes_in(ELSEWHERE, "ptps", phone)
    settings.PASSWORD_HASHERS = ["hierarchy.signin.hashing.OneCoreArgon2", *settings.PASSWORD_HASHERS]
    request = HttpRequest()
    request.session, request.user = phone.session, User.objects.get(username="ptps")
    stepup.confirm(request, PASSWORD)
    request.session.save()
    assert User.objects.get(username="ptps").password.startswith("argon2")
    phone.cookies["sesi"] = request.session.session_key
    assert phone.get(reverse("tasks")).status_code == 200


# --- guessing is bounded --------------------------------------------------------------------------------------------


def test_a_known_device_may_not_guess_for_ever_either(people: Cast) -> None:
    phone = Client()
    assert comes_in(ELSEWHERE, "ptps", phone)
    phone.post(reverse("logout"))
    statuses = [knock(f"10.0.{n}.1", "ptps", "salah-sekali", phone).status_code for n in range(20)]
    assert statuses == [200] * signin.DEVICE.burst + [429] * (20 - signin.DEVICE.burst)


def test_without_a_cache_guesses_are_counted_all_the_same(people: Cast, hashed: list[str], settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    statuses = [knock(ELSEWHERE, "province_chair").status_code for _ in range(40)]
    assert len(hashed) == statuses.count(200) == signin.PAIR.burst
    assert statuses.count(429) == 40 - signin.PAIR.burst


def test_right_passwords_are_never_counted(people: Cast) -> None:
    for _ in range(signin.PAIR.burst + 3):
        assert comes_in(ELSEWHERE, "ptps")
    assert not any(throttle.marked(key) for key in (signin.PAIR.key("ptps", ELSEWHERE), signin.NETWORK.key(ELSEWHERE)))


def test_made_up_names_cost_no_more_hashes_than_a_trickle(people: Cast, hashed: list[str]) -> None:
    for number in range(100):
        assert guess(f"2001:db8:{number:x}::1", f"nama-karangan-{number}") == 401
    assert len(hashed) <= signin.NOBODY.burst + 5


def test_a_name_is_not_kept_in_the_clear(people: Cast) -> None:
    """People type their password where the name belongs."""
    knock(ELSEWHERE, "sebenarnya-kata-sandi")
    assert "sebenarnya" not in str(list(FailureCount.objects.values()))


def test_what_has_drained_is_swept(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    besiege("ptps", 5)
    later(signin.PAIR, 1_000)
    monkeypatch.setattr(throttle, "SWEEP_ONE_IN", 1)
    knock(ELSEWHERE, "pkd")
    assert FailureCount.objects.count() == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
        ("tidak-jelas", "lain", False),
    ],
)
def test_networks(one: str, other: str, same: bool) -> None:
    requests = [HttpRequest(), HttpRequest()]
    for request, address in zip(requests, (one, other), strict=True):
        request.META["REMOTE_ADDR"] = address
    assert (throttle.network_of(requests[0]) == throttle.network_of(requests[1])) is same


# --- hashing takes turns --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestTurns:
    @pytest.fixture(autouse=True)
    def _impatient(self, settings: Any) -> None:
        settings.TURN_PATIENCE = {lane.name: 0.0 for lane in hashing.Lane}

    @pytest.fixture
    def taken(self) -> Iterator[set[hashing.Lane]]:
        """Lanes put in here are taken by somebody else of the site for as long as the test lasts."""
        lanes: set[hashing.Lane] = set()
        begun, ended = threading.Event(), threading.Event()

        class Taken(set[hashing.Lane]):
            def add(self, lane: hashing.Lane) -> None:
                super().add(lane)
                thread.start()
                assert begun.wait(10)

        def hold() -> None:
            with hashing.turn(next(iter(lanes))):
                begun.set()
                ended.wait(60)
            connections.close_all()

        lanes, thread = Taken(), threading.Thread(target=hold)
        yield lanes
        ended.set()
        if thread.ident:
            thread.join()

    def test_a_stranger_is_asked_to_come_again_and_keeps_what_was_typed(
        self, people: Cast, taken: set[hashing.Lane]
    ) -> None:
        phone = Client()
        assert comes_in(ELSEWHERE, "ptps", phone)
        phone.post(reverse("logout"))
        taken.add(hashing.Lane.STRANGER)
        for _ in range(signin.PAIR.burst + 5):
            refused = knock("203.0.113.5", "ptps", PASSWORD)
            assert refused.status_code == 503, "never 429: what was not judged is not counted"
        assert int(refused["Retry-After"]) > 0
        assert "Tunggu beberapa detik" in refused.content.decode()
        assert 'value="ptps"' in refused.content.decode()
        sent = {"username": "ptps", "password": PASSWORD}
        answer = Client().post(reverse("api-token"), sent, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
        assert int(answer["Retry-After"]) > 0
        assert comes_in("203.0.113.5", "ptps", phone), "who is known does not wait behind strangers"

    def test_who_is_at_home_does_not_wait_behind_strangers_on_whichever_device(
        self, people: Cast, taken: set[hashing.Lane]
    ) -> None:
        assert comes_in(ELSEWHERE, "ptps")
        taken.add(hashing.Lane.STRANGER)
        assert knock(ELSEWHERE, "pkd", PASSWORD).status_code == 503, "a stranger, though of the same network"
        assert comes_in(ELSEWHERE, "ptps")

    def test_who_is_known_does_not_wait_behind_neighbours(self, people: Cast, taken: set[hashing.Lane]) -> None:
        """Thousands are at home behind the one address of a carrier, and whoever guesses at them from there as well."""
        phone = Client()
        assert comes_in(ELSEWHERE, "ptps", phone)
        phone.post(reverse("logout"))
        taken.add(hashing.Lane.HOME)
        assert knock(ELSEWHERE, "ptps", PASSWORD).status_code == 503
        assert comes_in(ELSEWHERE, "ptps", phone)
        assert comes_in(ELSEWHERE, "pkd"), "nor does a stranger"

    def test_so_is_who_activates_while_many_do_and_the_code_stays_good(
        self, people: Cast, taken: set[hashing.Lane]
    ) -> None:
        code = activation.renew_code(user=people.ptps, by=None)
        given = {"username": "ptps", "code": code, "password1": "jendela-kuning-7", "password2": "jendela-kuning-7"}
        taken.add(hashing.Lane.KNOWN)
        refused = Client().post(reverse("activate"), given)
        assert (refused.status_code, int(refused["Retry-After"]) > 0) == (503, True)
        assert code in refused.content.decode()
        taken.clear()
        assert User.objects.get(username="ptps").activation_digest

    def test_no_more_than_one_at_a_time_is_hashed_however_many_come(
        self, people: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inside, most, guard = 0, 0, threading.Lock()
        verify = MD5PasswordHasher.verify

        def slow(self: MD5PasswordHasher, password: str, encoded: str) -> bool:
            nonlocal inside, most
            with guard:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.05)
            with guard:
                inside -= 1
            return verify(self, password, encoded)

        monkeypatch.setattr(MD5PasswordHasher, "verify", slow)

        def one(number: int) -> int:
            try:
                return guess(f"10.1.{number}.1", "ptps")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(one, range(40)))
        assert most == 1
        assert set(statuses) == {401, 503}

    def test_guesses_that_come_at_once_are_judged_no_more_than_others(self, people: Cast, hashed: list[str]) -> None:
        def one(_number: int) -> int:
            try:
                return guess(ELSEWHERE, "ptps")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(one, range(60)))
        assert len(hashed) == statuses.count(401) <= signin.PAIR.burst

    def test_a_turn_is_over_when_its_block_fails(self, people: Cast) -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError), hashing.turn(hashing.Lane.STRANGER):
                raise ZeroDivisionError
        with hashing.turn(hashing.Lane.STRANGER):
            assert locks.Lock.HASHING
