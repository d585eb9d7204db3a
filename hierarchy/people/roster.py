"""Who serves where, from when until when: appointing one person, ending a term, loading a whole roster.

With its neighbours activation, acting and leaving the only writer of `User` and `Membership`.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from hierarchy import signals
from hierarchy.access import ROLES
from hierarchy.levels import Level, province_code
from hierarchy.lib import bulk, clock, locks
from hierarchy.lib.errors import Fault, Refusal, sentences
from hierarchy.models import Election, Membership, Role, Unit, User
from hierarchy.people.activation import digest, new_code
from hierarchy.people.leaving import sign_out_ended
from hierarchy.people.roster_rows import IssuedCode, RosterResult, RosterRow

Progress = Callable[[int, int], None]  # (done, total) people


# --- one person ---------------------------------------------------------------------------------------------------


def appoint(
    *, user: User, unit: Unit, role: str, since: date | None = None, until: date | None = None, by: User | None
) -> Membership:
    """Gives `user` a role in `unit` from `since` (today) until `until` (open). Raises Refusal.

    A village and a polling station have one supervisor: the predecessor's term ends the day before.
    """
    row = RosterRow(unit.code, user.name, role, since=since, until=until)
    with transaction.atomic():
        locks.take(locks.Lock.ROSTER, [unit.election_id])
        wrong = list(_bad_row(row, unit))
        if wrong:
            raise Refusal(sentences(wrong))
        since = since or clock.today()
        memberships = Membership.objects.filter(unit=unit, role=role).select_related("user").order_by("since", "pk")
        overlapping = _overlapping(memberships, since, until)
        clash = _clash(row, user.pk, unit, since, overlapping)
        if clash:
            raise Refusal(sentences([clash]))
        if role == Role.SUPERVISOR:
            Membership.objects.filter(pk__in=[membership.pk for membership in overlapping]).update(
                until=since - timedelta(days=1)
            )
            sign_out_ended(among=[membership.user_id for membership in overlapping], by=by)
        membership = Membership.objects.create(user=user, unit=unit, role=role, since=since, until=until)
        _announce("appoint", unit.election, by, username=user.username, code=unit.code, role=str(role))
    return membership


def end(*, membership: Membership, until: date | None = None, by: User | None) -> Membership:
    """Ends a term on `until` (yesterday when not given, so the unit is vacant from today). Raises Refusal."""
    until = until or clock.today() - timedelta(days=1)
    if until < membership.since:
        raise Refusal(_("Tanggal berakhir tidak boleh sebelum tanggal mulai."))
    with transaction.atomic():
        locks.take(locks.Lock.ROSTER, [membership.unit.election_id])
        membership.until = until
        membership.save(update_fields=["until"])
        sign_out_ended(among=[membership.user_id], by=by)
        _announce("end", membership.unit.election, by, username=membership.user.username, code=membership.unit.code)
    return membership


# --- a whole roster -----------------------------------------------------------------------------------------------


def plan(*, election: Election, rows: Sequence[RosterRow]) -> RosterResult:
    """What `load` would do: runs it and rolls back. The codes of the result open nothing. Raises Refusal."""
    with transaction.atomic():
        result = load(election=election, rows=rows, by=None)
        transaction.set_rollback(True)
    result.codes.clear()
    return result


def load(
    *, election: Election, rows: Sequence[RosterRow], by: User | None, progress: Progress | None = None
) -> RosterResult:
    """Makes accounts and memberships for all `rows` at once; the same rows twice change nothing the second time.

    An account is known by its username, else by its phone, else by the same name in the same unit and role. People who
    are not in the rows keep their terms; a term ends by `until`, or because a village or station gets a new supervisor.
    Raises Refusal with every fault of every row; then nothing is written.
    """
    with transaction.atomic():
        locks.take(locks.Lock.ROSTER, [election.pk])
        return _Load(election, rows, by, progress or (lambda done, total: None)).run()


class _Load:
    """The state of one load: what exists, read in a few queries, and what is to be written in four statements."""

    def __init__(self, election: Election, rows: Sequence[RosterRow], by: User | None, progress: Progress) -> None:
        self.election, self.rows, self.by, self.progress = election, rows, by, progress
        self.today = clock.today()
        self.result = RosterResult()
        self.faults: list[Fault] = []
        self.codes_wanted = {row.unit_code for row in rows}
        units = Unit.objects.filter(election=election, code__in=self.codes_wanted)
        self.units: dict[str, Unit] = {unit.code: unit for unit in units.select_related("village")}
        self.memberships: dict[tuple[int, str], list[Membership]] = defaultdict(list)
        served = [unit.pk for unit in self.units.values()]
        for membership in Membership.objects.filter(unit__in=served).select_related("user").order_by("since", "pk"):
            self.memberships[membership.unit_id, membership.role].append(membership)
        self.users, self.phones = self._known_users()
        self.made: list[User] = []
        self.changed: list[User] = []
        self.new_memberships: list[Membership] = []
        self.ended_memberships: list[Membership] = []

    def _known_users(self) -> tuple[dict[str, User], dict[str, User]]:
        """Accounts by username and by phone: those the rows may mean, and those whose names a new one must avoid.

        A made name begins with the code of its unit, so the names to avoid begin with what the codes of a province have
        in common: one range of the index, and never the whole country for the load of one village.
        """
        by_province: dict[str, list[str]] = defaultdict(list)
        for code in self.units:
            by_province[province_code(code)].append(code)
        conditions = [
            Q(username__in={row.username for row in self.rows} - {""}),
            Q(phone__in={row.phone for row in self.rows} - {""}),
            *(Q(username__startswith=_common_start(codes)) for codes in by_province.values()),
        ]
        # One query each, because an index serves none of them where they are joined by OR.
        found = {user.pk: user for condition in conditions for user in User.objects.filter(condition).order_by()}
        users = sorted(found.values(), key=lambda user: user.username)
        return {user.username: user for user in users}, {user.phone: user for user in users if user.phone}

    def run(self) -> RosterResult:
        for done, row in enumerate(self.rows, start=1):
            self._take(row)
            if done % 500 == 0 or done == len(self.rows):
                self.progress(done, len(self.rows))
        if self.faults:
            raise Refusal(sentences(self.faults))
        self._write()
        return self.result

    def _take(self, row: RosterRow) -> None:
        unit = self.units.get(row.unit_code)
        wrong = list(_bad_row(row, unit))
        self.faults += wrong
        if unit is None or wrong:
            return
        memberships = self.memberships[unit.pk, row.role]
        user = self._find(row, memberships)
        if user is None:
            user = self._make(row, unit)
        elif not self._refresh(user, row):
            return
        self._assign(row, user, unit, memberships)

    def _find(self, row: RosterRow, memberships: Iterable[Membership]) -> User | None:
        """The account this row means, None when it is a new person.

        A phone alone is no proof: families share one. So another name with the same phone is refused in `_refresh`
        unless the username is given too; otherwise a successor would inherit the account of the one before.
        """
        if row.username:
            return self.users.get(row.username)
        if row.phone and row.phone in self.phones:
            return self.phones[row.phone]
        same = (membership.user for membership in memberships if membership.user.name == row.name)
        return next((user for user in same if not (row.phone and user.phone)), None)

    def _make(self, row: RosterRow, unit: Unit) -> User:
        username = row.username or self._fresh_username(unit)
        user = User(username=username, is_active=True, **_known_of(row, None))
        # As set_unusable_password() does, which draws its forty letters one by one: a second per twelve thousand.
        user.password = UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30)
        code = new_code()
        user.activation_digest, user.activation_made_at = digest(username, code), clock.now()
        self.users[username] = user
        if row.phone:
            self.phones[row.phone] = user
        self.made.append(user)
        label = str(Role(row.role).label)
        self.result.codes.append(IssuedCode(username, row.name, unit.code, unit.title, label, code))
        return user

    def _fresh_username(self, unit: Unit) -> str:
        """6401012009001 for the one person of a village or station (a successor gets -2), 640101-1, ... in a body."""
        if unit.level >= Level.VILLAGE and unit.code not in self.users:
            return unit.code
        number = 2 if unit.level >= Level.VILLAGE else 1
        while f"{unit.code}-{number}" in self.users:
            number += 1
        return f"{unit.code}-{number}"

    def _refresh(self, user: User, row: RosterRow) -> bool:
        """Takes over what the row knows better; an empty cell changes nothing. False when the row contradicts."""
        owner = self.phones.get(row.phone) if row.phone else None
        if owner is not None and (owner is not user or (not row.username and owner.name != row.name)):
            sentence = _("nomor ini milik akun %(username)s (%(name)s). Isi nama_pengguna bila orangnya sama.")
            named = {"username": owner.username, "name": owner.name}
            self.faults.append(Fault(row.line, "telepon", row.phone, sentence % named))
            return False
        fresh = _known_of(row, user)
        if any(getattr(user, column) != value for column, value in fresh.items()):
            for column, value in fresh.items():
                setattr(user, column, value)
            if user.pk and user not in self.changed:
                self.changed.append(user)
        return True

    def _assign(self, row: RosterRow, user: User, unit: Unit, memberships: list[Membership]) -> None:
        since = row.since or self.today
        own = next((s for s in reversed(memberships) if s.user is user or (user.pk and s.user_id == user.pk)), None)
        if own is not None and (own.until is None or own.until >= since or own.since == since):
            if row.until is not None and own.until != row.until:
                own.until = row.until
                self.ended_memberships.append(own)
            else:
                self.result.unchanged += 1
            return
        overlapping = _overlapping(memberships, since, row.until)
        clash = _clash(row, user.pk, unit, since, overlapping)
        if clash is not None:
            self.faults.append(clash)
            return
        if row.role == Role.SUPERVISOR:
            for membership in overlapping:
                membership.until = since - timedelta(days=1)
                self.ended_memberships.append(membership)
        membership = Membership(user=user, unit=unit, role=row.role, since=since, until=row.until)
        memberships.append(membership)
        self.new_memberships.append(membership)

    def _write(self) -> None:
        for user, pk in zip(self.made, bulk.take_ids(User, len(self.made)), strict=True):
            user.pk = pk
        columns = (
            "id",
            "username",
            "name",
            "phone",
            "email",
            "born_on",
            "is_active",
            "activation_digest",
            "activation_made_at",
            "password",
            "joined_at",
        )
        bulk.copy(User, columns, ([getattr(user, column) for column in columns] for user in self.made))
        memberships = (
            (membership.user.pk, membership.unit_id, membership.role, membership.since, membership.until)
            for membership in self.new_memberships
        )
        bulk.copy(Membership, ("user", "unit", "role", "since", "until"), memberships)
        User.objects.bulk_update(self.changed, ["name", "phone", "email", "born_on"], batch_size=500)
        Membership.objects.bulk_update([s for s in self.ended_memberships if s.pk], ["until"], batch_size=500)
        if self.ended_memberships:
            sign_out_ended(among=[membership.user.pk for membership in self.ended_memberships], by=self.by)
        self.result.created, self.result.updated = len(self.made), len(self.changed)
        self.result.appointed, self.result.ended = len(self.new_memberships), len(self.ended_memberships)
        self.result.vacant = vacant_units(self.election)
        counts = dict(created=self.result.created, appointed=self.result.appointed, ended=self.result.ended)
        provinces = sorted({province_code(code) for code in self.units})
        _announce("load", self.election, self.by, provinces=provinces, **counts)


def vacant_units(election: Election) -> int:
    """How many of the election's units nobody serves in today."""
    # Two counts, the one of units from an index alone: half the time of excluding the filled ones row by row.
    filled = Membership.objects.holding_office().filter(unit__election=election).order_by().values("unit").distinct()
    return Unit.objects.filter(election=election).count() - filled.count()


# Whoever acts for somebody is let to by a person, for a time and a reason
# (hierarchy/people/acting.py), never by a file.
LISTED = [role for role in Role.values if role != Role.ACTING]


def _bad_row(row: RosterRow, unit: Unit | None) -> Iterable[Fault]:
    if unit is None:
        yield Fault(row.line, "kode_satuan", row.unit_code, _("satuan ini tidak ada. Periksa kodenya."))
    if row.role not in LISTED:
        listing = ", ".join(LISTED)
        yield Fault(row.line, "peran", row.role, _("peran tidak dikenal. Pilih: %(list)s.") % {"list": listing})
    elif unit is not None and Level(unit.level) not in ROLES[Role(row.role)].levels:
        yield Fault(row.line, "peran", row.role, _("peran ini tidak ada di tingkat %(level)s.")
                    % {"level": Level(unit.level).label})  # fmt: skip
    if not row.name.strip() or len(row.name) > 120 or "\0" in row.name:
        yield Fault(row.line, "nama", row.name, _("nama wajib diisi, paling panjang 120 huruf."))
    if row.born_on and row.born_on >= clock.today():
        yield Fault(row.line, "lahir", row.born_on.isoformat(), _("tanggal lahir harus sebelum hari ini."))
    if row.since and row.until and row.until < row.since:
        yield Fault(row.line, "sampai", row.until.isoformat(), _("tanggal selesai tidak boleh sebelum tanggal mulai."))


def _known_of(row: RosterRow, user: User | None) -> dict[str, Any]:
    """What an account says of a person once the row is taken over; an empty cell keeps what is known."""
    known = {"phone": row.phone, "email": row.email, "born_on": row.born_on}
    return {"name": row.name} | {
        column: cell or (getattr(user, column) if user else cell) for column, cell in known.items()
    }


def _common_start(codes: Sequence[str]) -> str:
    """The longest beginning that all codes share: that of the first and the last."""
    first, last = min(codes), max(codes)
    return first[: next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def _overlapping(memberships: Iterable[Membership], since: date, until: date | None) -> list[Membership]:
    last = until or date.max
    return [
        membership
        for membership in memberships
        if membership.since <= last and (membership.until is None or membership.until >= since)
    ]


def _clash(
    row: RosterRow, user_pk: int | None, unit: Unit, since: date, overlapping: Sequence[Membership]
) -> Fault | None:
    """Why this person cannot be appointed: an overlapping membership of their own, a second chair, two at one post."""
    if any(user_pk is not None and membership.user_id == user_pk for membership in overlapping):
        return Fault(row.line, "mulai", since.isoformat(), _("orang ini sudah bertugas di sini pada tanggal itu."))
    if row.role == Role.CHAIR and overlapping:
        sentence = _("ketua %(unit)s pada tanggal itu sudah ada: %(name)s. Akhiri dulu tugasnya.")
        named = {"unit": unit.title, "name": overlapping[0].user.name}
        return Fault(row.line, "peran", row.role, sentence % named)
    if row.role == Role.SUPERVISOR and any(membership.since >= since for membership in overlapping):
        sentence = _("%(unit)s sudah punya pengawas pada tanggal itu: %(name)s. Akhiri dulu tugasnya.")
        named = {"unit": unit.title, "name": overlapping[-1].user.name}
        return Fault(row.line, "mulai", since.isoformat(), sentence % named)
    return None


def _announce(verb: str, election: Election | None, by: User | None, **detail: object) -> None:
    signals.roster_changed.send(Membership, verb=verb, election=election, by=by, detail=detail)
