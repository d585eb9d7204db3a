"""Who runs a command, for the journal."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from hierarchy.models import User


def person(username: str | None) -> User | None:
    """The account of `--by`; None where it was not given. Raises CommandError for one that is not there."""
    if not username:
        return None
    found = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(_("Tidak ada akun bernama “%s”.") % username)
    return found
