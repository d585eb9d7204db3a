"""Single-use activation codes: how a person comes into an account that was made for them.

Twelve thousand accounts are made in one run, so a new account gets no password but a code of 60 random bits. Nobody can
guess that many bits, so a fast keyed hash is enough to store it; the slow Argon2 runs only when the person chooses a
password.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from hierarchy import signals
from hierarchy.lib import base32, clock
from hierarchy.lib.errors import Refusal
from hierarchy.models import Membership, User
from hierarchy.people import leaving
from hierarchy.signin import hashing

CODE_LENGTH = 12  # 12 x 5 bits = 60 bits


def new_code() -> str:
    """Twelve characters in three groups of four, to be read aloud over a bad line."""
    return base32.written(secrets.randbits(5 * CODE_LENGTH), CODE_LENGTH)


def digest(username: str, code: str) -> str:
    """HMAC-SHA256 (hex) of the code as typed: case, spaces, hyphens and O/0, I/L/1 do not matter.

    Keyed with SECRET_KEY and bound to the account, so a stolen table neither yields codes nor lets them be swapped.
    """
    meant = f"{username}\n{base32.read(code)}"
    return salted_hmac("hierarchy.people.activation", meant, algorithm="sha256").hexdigest()


def activate(*, username: str, code: str, password: str) -> User:
    """Sets the first password of an account, once; whoever was signed in with an older one is out. Returns the user.

    Raises Refusal with the same sentence whatever was wrong, but for a right code that has lapsed;
    ValidationError when only the password is weak (the code then stays valid); hashing.Busy.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=username.strip(), is_active=True).first()
        stored = user.activation_digest if user else ""
        # Compared even without an account or an open code, so that the time taken does not tell which it was.
        matches = constant_time_compare(stored or "0" * 64, digest(user.username if user else "", code))
        if user is None or not stored or not matches:
            raise Refusal(
                _("Nama pengguna atau kode aktivasi tidak cocok, atau kode sudah dipakai. Hubungi atasan Anda.")
            )
        if user.activation_made_at and clock.now() - user.activation_made_at > timedelta(days=settings.ACTIVATION_DAYS):
            raise Refusal(
                _("Kode aktivasi ini sudah lewat masa berlakunya, %(days)d hari. Minta kode baru kepada atasan Anda.")
                % {"days": settings.ACTIVATION_DAYS}
            )
        validate_password(password, user)
        with hashing.turn(hashing.Lane.KNOWN):
            user.set_password(password)
        user.activation_digest, user.activation_made_at = "", None
        user.save(update_fields=["password", "activation_digest", "activation_made_at"])
        leaving.close([user])
        _announce("activate", user, user)
    return user


def renew_code(*, user: User, by: User | None) -> str:
    """A new activation code for a lost card, phone or password; the old code, password, sessions and tokens end."""
    code = new_code()
    with transaction.atomic():
        user.activation_digest, user.activation_made_at = digest(user.username, code), clock.now()
        user.set_unusable_password()
        user.save(update_fields=["password", "activation_digest", "activation_made_at"])
        leaving.close([user])
        _announce("renew_code", user, by)
    return code


def _announce(verb: str, user: User, by: User | None) -> None:
    detail = {"username": user.username}
    signals.roster_changed.send(Membership, verb=verb, election=None, by=by, detail=detail)
