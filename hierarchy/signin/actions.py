"""Signing in with a name and a password: who is slowed, by what, and who never is.

User names are public (they are codes of areas) and thousands of phones share an address, so neither may shut anybody
out. A device on which the account has signed in before is counted by itself, whatever others do. Strangers to an
account are counted with others of their network and, unless the account is at home in that network, with all strangers
to the account and all strangers of the network. So an account under attack from elsewhere stays open to its owner: at
once on a device known before, at home, or with a new code from the superior (60 bits, which nobody guesses), in turn
anywhere else.
"""

from __future__ import annotations

from django.contrib.auth import authenticate, update_session_auth_hash
from django.http import HttpRequest

from hierarchy.models import User
from hierarchy.signin import devices, hashing
from hierarchy.signin.hashing import Lane
from hierarchy.signin.throttle import Attempt, Limit, TooManyAttempts, key_of, mark, marked, network_of

DEVICE = Limit("device", 10, 180)  # of this account on a device it is known on
PAIR = Limit("account and network", 10, 180)  # of this account by strangers of one network
ACCOUNT = Limit("account", 60, 120)  # of this account by strangers from anywhere
NETWORK = Limit("network", 300, 6)  # by strangers of one network, of whichever account is not at home there
SESSION = Limit("session", 10, 180)  # of asking again within a session
# Names that are nobody's, of one network and of all. Beyond it they are refused without being hashed, in the same
# words: those who mistype their name are still told so, and it costs nothing.
NOBODY_HERE, NOBODY = Limit("nobody, network", 20, 10), Limit("nobody", 30, 2)
HOME = 90 * 24 * 3600  # seconds for which an account is at home in a network from which it has signed in


def check(request: HttpRequest, *, username: str, password: str, device: str = "") -> User | None:
    """The user whose name and password these are, else None. Raises NotNow when they were not looked at.

    `device` is what hierarchy/signin/devices.py gave the device before, "" when it shows nothing.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    network, known = network_of(request), devices.knows(device, user) if user else ""
    at_home = bool(user and not known and marked(_home(user, network)))
    lane = Lane.KNOWN if known else Lane.HOME if at_home else Lane.STRANGER
    hashing.require_room(lane)
    attempt = Attempt(_counts(user, username, known, at_home, network))
    if user is None and not _worth_hashing(network):
        return None
    try:
        with hashing.turn(lane):
            found = authenticate(request, username=username, password=password)
    except hashing.Busy:
        attempt.forgive()
        raise
    if not isinstance(found, User):
        return None
    attempt.forgive()
    settle(request, found)
    return found


def settle(request: HttpRequest, user: User) -> None:
    """The account is at home in this network from now on."""
    mark(_home(user, network_of(request)), HOME)


def _home(user: User, network: str) -> str:
    return key_of("home", str(user.pk), network)


def _counts(user: User | None, username: str, known: str, at_home: bool, network: str) -> list[tuple[Limit, str]]:
    if user and known:
        return [(DEVICE, DEVICE.key(str(user.pk), known))]
    counts = [(PAIR, PAIR.key(username.casefold(), network))]
    if user and not at_home:
        counts += [(ACCOUNT, ACCOUNT.key(str(user.pk))), (NETWORK, NETWORK.key(network))]
    return counts


def check_again(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this is the password of who is signed in; failures count for this session alone. Raises NotNow."""
    attempt, hashed = Attempt([(SESSION, SESSION.key(request.session.session_key or ""))]), user.password
    try:
        with hashing.turn(Lane.KNOWN):
            right = bool(password) and user.check_password(password)
    except hashing.Busy:
        attempt.forgive()
        raise
    if right:
        attempt.forgive()
    if user.password != hashed:  # hashed anew, in today's way: the session is bound to the hash, and must not end by it
        update_session_auth_hash(request, user)
    return right


def _worth_hashing(network: str) -> bool:
    """Whether a name that is nobody's gets the same work as others, so that the time taken does not tell."""
    try:
        Attempt([(NOBODY_HERE, NOBODY_HERE.key(network)), (NOBODY, NOBODY.key())])
    except TooManyAttempts:
        return False
    return True
