"""What leaves the house: claims messages, sends each at most once, and writes down what became of it.

A message is claimed and the claim committed before anything is sent. What a dead worker left claimed may have left or
not, so it becomes UNSURE and is never sent again: a reminder too few is a pity, the same one ten times teaches people
to ignore the next.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils.translation import gettext as _

from hierarchy.lib import clock
from reports.reminders import actions as reminders
from reports.reminders import push, wording
from reports.reminders.models import Carrier, Message

logger = logging.getLogger(__name__)
BATCH = 20  # claimed at once; what a dead worker leaves unsure is never more
SECONDS = 15.0
ATTEMPTS = 3  # only where the message certainly did not leave
LATER = timedelta(minutes=2)
LOST_AFTER = timedelta(minutes=10)
State = Message.State


class NotSent(Exception):
    """It did not leave, certainly; it may be tried again."""


class MessageRefused(Exception):
    """It was not taken, and will not be: no such address, no such gateway."""


def deliver() -> int:
    """Sends what is waiting, batch by batch, for SECONDS at most; returns how many were sent.

    The rest is left to the next tick: whoever sends letters must not keep a worker from folding figures.
    """
    _give_up_lost()
    sent, mail, ends = 0, Mail(), time.monotonic() + SECONDS
    try:
        while time.monotonic() < ends and (claimed := _claim()):
            sent += sum(_send(message, mail) for message in claimed)
    finally:
        mail.close()
    return sent


def _claim() -> list[Message]:
    now = clock.now()
    with transaction.atomic():
        waiting = Message.objects.filter(state=State.WAITING, not_before__lte=now).select_for_update(skip_locked=True)
        keys = list(waiting.order_by("not_before", "pk").values_list("pk", flat=True)[:BATCH])
        Message.objects.filter(pk__in=keys).update(state=State.SENDING, claimed_at=now)
    return list(Message.objects.filter(pk__in=keys).select_related("user").order_by("pk"))


def _send(message: Message, mail: Mail) -> bool:
    """Says only what still is so; nothing at all when everything has been done meanwhile."""
    keys = message.notices.values_list("pk", flat=True)
    told = [notice for notice in reminders.notices(keys) if reminders.matters(notice)]
    if not told:
        _close(message, State.DROPPED)
        return False
    text = reminders.compose(message.user, told, wording.in_force())
    message.subject, message.body = text.subject[:200], text.body
    # Written down before it is tried: who died while sending must be found as somebody who may have sent.
    message.attempts += 1
    message.save(update_fields=["subject", "body", "attempts"])
    try:
        SENDERS[message.carrier](message, mail)
    except NotSent as error:
        _again(message, str(error))
        return False
    except MessageRefused as error:
        _close(message, State.FAILED, str(error))
        return False
    except Exception as error:  # the connection broke in the middle of it: it may have arrived
        logger.warning("delivery: message %s may or may not have been sent", message.pk, exc_info=True)
        _close(message, State.UNSURE, str(error))
        return False
    _close(message, State.SENT)
    return True


def _close(message: Message, state: str, error: str = "") -> None:
    sent_at = clock.now() if state == State.SENT else None
    Message.objects.filter(pk=message.pk).update(state=state, error=error[:300], sent_at=sent_at)


def _again(message: Message, error: str) -> None:
    if message.attempts >= ATTEMPTS:
        _close(message, State.FAILED, error)
        return
    later = clock.now() + LATER * message.attempts
    Message.objects.filter(pk=message.pk).update(state=State.WAITING, error=error[:300], not_before=later)


def _give_up_lost() -> None:
    lost = Message.objects.filter(state=State.SENDING, claimed_at__lt=clock.now() - LOST_AFTER)
    lost.update(state=State.UNSURE, error="worker ended while sending")


class Mail:
    """A line to the mail server, kept for as many letters as it bears; a new one after anything went wrong."""

    def __init__(self) -> None:
        self.line: Any = None

    def send(self, letter: EmailMessage) -> None:
        if self.line is None:
            line = get_connection()
            try:
                line.open()
            except (OSError, smtplib.SMTPException) as error:
                raise NotSent(str(error)) from error
            self.line = line
        letter.connection = self.line
        try:
            letter.send()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            line.close()


def _by_email(message: Message, mail: Mail) -> None:
    try:
        mail.send(EmailMessage(message.subject, message.body, to=[message.address]))
    except smtplib.SMTPResponseException as error:
        if 400 <= error.smtp_code < 500:
            raise NotSent(str(error)) from error
        raise MessageRefused(str(error)) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise MessageRefused(str(error)) from error


def _by_gateway(message: Message, mail: Mail) -> None:
    """Through apprise, which only says yes or no: what a gateway did not confirm is not tried again."""
    import apprise

    gateway = apprise.Apprise()
    if not gateway.add(settings.GATEWAY_URL.replace("{phone}", message.address)):
        raise MessageRefused(_("GATEWAY_URL tidak dipahami."))
    if not gateway.notify(title=message.subject, body=message.body):
        raise MessageRefused(_("Gerbang pesan tidak mengonfirmasi."))


def _by_push(message: Message, mail: Mail) -> None:
    try:
        told = {"title": message.subject, "body": message.body, "tag": f"pesan-{message.pk}"}
        push.send(user=message.user_id, endpoint=message.address, **told)
    except push.Busy as error:
        raise NotSent(str(error)) from error
    except (push.Gone, push.PushRefused) as error:
        raise MessageRefused(str(error)) from error


SENDERS: dict[str, Callable[[Message, Mail], None]] = {
    Carrier.EMAIL: _by_email,
    Carrier.GATEWAY: _by_gateway,
    Carrier.PUSH: _by_push,
}
