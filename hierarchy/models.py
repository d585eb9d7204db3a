"""Where supervision happens and who may act there.

`Unit` is written only by hierarchy/units/tree.py, `User` and `Membership` only by hierarchy/people/roster.py
and the modules beside it (activation, acting, leaving), `FailureCount` only by hierarchy/signin/throttle.py.
"""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from mptt.fields import TreeForeignKey
from mptt.models import MPTTModel

from hierarchy.levels import LEAF, LONGEST_CODE, SPECIAL_FROM, Level
from hierarchy.lib import clock, guard
from hierarchy.querysets import UnitManager


class Election(models.Model):  # type: ignore[django-manager-missing]  # MPTT is untyped, so `units` is
    """One election; it owns its own forest of units, because ad hoc bodies and polling stations differ each time.

    Written by reports/calendar/actions.py. It lives here because the tree hangs from it (docs/adr/0003).
    """

    class Kind(models.TextChoices):
        PEMILU = "PEMILU", _("Pemilu")
        PILKADA = "PILKADA", _("Pemilihan")

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    voting_day = models.DateField()

    class Meta:
        ordering = ["-voting_day"]

    def __str__(self) -> str:
        return self.name


def _code_of(level: Level) -> Q:
    """A unit of this level with a code as it must be."""
    fits = Q(level=level.value, code__regex=f"^[0-9]{{{level.spec.code_length}}}$")
    return fits & {Level.PROVINCE: Q(parent=None), LEAF: Q(number__isnull=False)}.get(level, Q())


class Unit(MPTTModel):
    """One supervisory unit of one election: province, regency/city, district, village or polling station.

    `code` is the Kemendagri code without dots (2, 4, 6, 10 digits) and, for a polling station, its village's code and
    its three-digit number; a child's code starts with its parent's. The ancestor columns include the unit itself at
    its own level, so "everything in Samarinda" is one equality (querysets.within_q).
    """

    election = models.ForeignKey(Election, models.PROTECT, related_name="units")
    code = models.CharField(max_length=LONGEST_CODE)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, blank=True, help_text="kabupaten, kota, desa, kelurahan")
    parent = TreeForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    province = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    regency = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    district = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    village = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    number = models.PositiveSmallIntegerField(null=True, help_text="number of a polling station within its village")
    registered_voters = models.PositiveIntegerField(null=True, help_text="voters on the final roll (DPT), where known")
    latitude = models.DecimalField(max_digits=8, decimal_places=5, null=True)
    longitude = models.DecimalField(max_digits=8, decimal_places=5, null=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, help_text="kepulauan, sulit dijangkau, ...")

    objects: UnitManager = UnitManager()

    class Meta:
        ordering = ["code"]
        constraints = [
            # Checked at the end of a statement, so that one UPDATE can let two units swap codes (tree.load).
            models.UniqueConstraint(
                fields=["election", "code"],
                name="unit_code_once_per_election",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(
                condition=reduce(or_, map(_code_of, Level)),
                name="unit_code_fits_level",
            ),
            models.CheckConstraint(
                condition=Q(level=0) | Q(parent__isnull=False), name="unit_only_provinces_are_roots"
            ),
            models.CheckConstraint(condition=Q(rght__gt=F("lft")), name="unit_edges_in_order"),
        ]
        indexes = [
            models.Index(fields=["tree_id", "lft"], name="unit_tree_order"),
            models.Index(fields=["election", "level"], name="unit_by_level"),
            GinIndex(fields=["tags"], name="unit_tags"),
        ]

    class MPTTMeta:
        order_insertion_by = ["code"]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        guard.refuse_unless_open("Unit.save()")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        guard.refuse_unless_open("Unit.delete()")
        return super().delete(*args, **kwargs)

    @property
    def title(self) -> str:
        """The name people say: "TPS 012 Lok Tuan", "Kecamatan Sungai Pinang", "Kota Samarinda"."""
        match Level(self.level):
            case Level.POLLING_STATION:
                return f"{self.name} {self.village.name}" if self.village else self.name
            case Level.VILLAGE:
                return f"{self.kind.capitalize()} {self.name}".strip()
            case Level.DISTRICT:
                return f"Kecamatan {self.name}"
            case Level.PROVINCE:
                return f"Provinsi {self.name}"
            case _:
                return self.name

    @property
    def is_special(self) -> bool:
        """A polling station at a special location (prison, hospital, plantation): numbered from 901."""
        return self.number is not None and self.number >= SPECIAL_FROM

    @property
    def is_station(self) -> bool:
        return self.level == LEAF

    @property
    def ancestors(self) -> list[Unit]:
        """Province first, the unit itself excluded. No query after `with_ancestors()`."""
        chain = [self.province, self.regency, self.district, self.village]
        return [unit for unit in chain[: self.level] if unit is not None]

    @property
    def lineage(self) -> set[int]:
        """Keys of the unit and of everything above it; no query."""
        return {self.pk, self.province_id, self.regency_id, self.district_id, self.village_id} - {None}

    def holds(self, other: Unit) -> bool:
        """Whether `other` is this unit or lies below it; from ancestor columns, no query."""
        return other.lies_in(self.pk, self.level)

    def lies_in(self, pk: int, level: int) -> bool:
        """Whether the unit with this key and level is this one or above it; no query."""
        return pk == (self.pk if level == LEAF else getattr(self, f"{Level(level).spec.column}_id"))


class UserManager(BaseUserManager["User"]):
    """Needed by AbstractBaseUser; accounts are made by hierarchy/people/roster.py."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person. What they may do comes from memberships only (hierarchy/access.py)."""

    username = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=20, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    # SHA-256 (keyed with SECRET_KEY) of a single-use code; empty once used. High entropy, so no slow hash is needed.
    activation_digest = models.CharField(max_length=64, blank=True)
    activation_made_at = models.DateTimeField(null=True, help_text="when the open code was made; it lapses")
    signed_out_at = models.DateTimeField(
        null=True, help_text="sessions begun before are over (hierarchy/people/leaving.py)"
    )
    joined_at = models.DateTimeField(default=clock.now)
    born_on = models.DateField(null=True, help_text="the eldest presides where the chair is absent (Perbawaslu 5/2018)")
    last_seen_at = models.DateTimeField(null=True, help_text="to within some minutes (hierarchy/people/presence.py)")

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = UserManager()

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def current_memberships(self) -> list[Membership]:
        """With unit, election and what the unit's title needs: one query, kept on this object. Empty for the inactive.

        Django loads the user anew for every request, so what is kept lives as long as a request.
        """
        if not self.is_active:
            return []
        current = Membership.objects.current().filter(user=self)
        # Only what the title of a unit needs, and unordered: the model's ordering would join the tree once more.
        return list(current.select_related("unit__election", "unit__village").order_by("pk"))

    @property
    def has_read_memberships(self) -> bool:
        """Whether `current_memberships` costs no query any more. A request's user is a proxy of this one."""
        return "current_memberships" in self.__dict__

    def get_full_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must still match: Django's own hash of the password, and the last sign-out from everywhere."""
        inherited: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        return f"{inherited}{self.signed_out_at.timestamp()}" if self.signed_out_at else inherited


class FailureCount(models.Model):
    """Failed attempts of one kind by one party, as a bucket that drains by itself (hierarchy/signin/throttle.py).

    UNLOGGED: written at every sign-in; what a crash costs stands in docs/signing-in.md. `key` is a keyed hash, because
    people type passwords where the name belongs.
    """

    key = models.CharField(max_length=64, primary_key=True)
    drained_at = models.DateTimeField(db_index=True, help_text="by the database's clock; from then on nothing is held")

    def __str__(self) -> str:
        return self.key


class Role(models.TextChoices):
    """What a person is in a unit. Their permissions are in hierarchy/access.py."""

    SUPERVISOR = "SUPERVISOR", _("Pengawas")
    OPERATOR = "OPERATOR", _("Sekretariat/operator")
    MEMBER = "MEMBER", _("Anggota")
    CHAIR = "CHAIR", _("Ketua")
    ADMIN = "ADMIN", _("Admin sistem")
    ACTING = "ACTING", _("Pelaksana tugas")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        """Memberships in force today (WITA)."""
        return self.on(clock.today())

    def on(self, day: date) -> MembershipQuerySet:
        """Memberships in force on a day."""
        return self.filter(Q(until=None) | Q(until__gte=day), since__lte=day)

    def holding_office(self) -> MembershipQuerySet:
        """Those that fill a post: who only acts for somebody leaves it vacant (calendar.py says so in SQL)."""
        return self.current().exclude(role=Role.ACTING)


class Membership(models.Model):
    """A person serves in a unit, in a role, from a day until a day. A unit without a current one is vacant."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    # Of an acting officer (pelaksana tugas): who let them act, and why. Their term always has an end.
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, db_default="")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["unit", "role", "since"]
        constraints = [
            models.UniqueConstraint(fields=["user", "unit", "role", "since"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="membership_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.ACTING) | (Q(until__isnull=False, granted_by__isnull=False) & ~Q(reason="")),
                name="membership_acting_for_a_time_and_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.unit}"
