"""What ends for a person on every device at once: sessions, and whatever the layers above gave out in their name.

It ends with a new code or password, at one's own wish, and when the last term is over. The password stays, so whoever
is appointed again signs in again.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from hierarchy import signals
from hierarchy.lib import clock
from hierarchy.models import Membership, User


def close(users: Iterable[User]) -> None:
    """Voids sessions and known devices of these people, and through signals.signed_out their tokens and the like."""
    moment, people = clock.now(), list(users)
    for user in people:
        user.signed_out_at = moment
    keys = [user.pk for user in people]
    with transaction.atomic():
        User.objects.filter(pk__in=keys).update(signed_out_at=moment)
        signals.signed_out.send(User, users=keys)


def sign_out_everywhere(*, user: User, by: User) -> None:
    """Every session, token and notified device of the account ends, that of the request included."""
    with transaction.atomic():
        close([user])
        _announce("sign_out_everywhere", by, username=user.username)


def sign_out_ended(*, among: Iterable[int] | None = None, by: User | None = None) -> int:
    """Signs out whoever has served and serves no more, once; returns how many. Two queries when there is nobody.

    `among` limits it to these users. A term that ends by its date ends unseen, so beat asks for everybody.
    """
    today = clock.today()
    serving = Membership.objects.filter(Q(until=None) | Q(until__gte=today), user=OuterRef("pk"))
    over = User.objects.filter(~Exists(serving)).alias(last=Max("memberships__until")).filter(last__isnull=False)
    if among is not None:
        over = over.filter(pk__in=list(among))
    with transaction.atomic():
        people = list(over.filter(Q(signed_out_at=None) | Q(signed_out_at__date__lte=Max("memberships__until"))))
        if people:
            close(people)
            _announce("sign_out_ended", by, count=len(people))
    return len(people)


def _announce(verb: str, by: User | None, **detail: object) -> None:
    signals.roster_changed.send(Membership, verb=verb, election=None, by=by, detail=detail)
