"""What people are told: reminders, whom they reached, and the words an admin gave them.

Notices and messages are written by actions.py and, once they leave, by delivery.py; wordings by wording.py, devices by
push.py.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hierarchy.models import User
from reports.obligations.models import Obligation


class Wording(models.Model):
    """An edition of the text of one kind of message; the newest is in force, older ones stay for the log."""

    kind = models.CharField(max_length=20, help_text="a key of reminders.LADDER")
    subject = models.CharField(max_length=120)
    body = models.TextField()
    edited_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "-pk"]


class Carrier(models.TextChoices):
    APP = "APP", _("di aplikasi ini")
    EMAIL = "EMAIL", _("surel")
    GATEWAY = "GATEWAY", _("WhatsApp, Telegram, atau SMS")
    PUSH = "PUSH", _("pemberitahuan di perangkat")


class Device(models.Model):
    """A browser that asked to be told by Web Push: where, and with which keys (RFC 8291)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="devices")
    endpoint = models.CharField(max_length=500, unique=True, help_text="the carrier's address of this device")
    p256dh = models.BinaryField(max_length=65, help_text="its public key, an uncompressed point of P-256")
    auth = models.BinaryField(max_length=16, help_text="its secret")
    made_at = models.DateTimeField()


class Message(models.Model):
    """One digest to one person over one carrier: whatever came due for them at one tick, in one text.

    Claimed (SENDING, committed) before it leaves and marked SENT after. One that stays SENDING belonged to a worker
    that died between the two: nobody can know whether it left, so it becomes UNSURE and is never sent again.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("menunggu")
        SENDING = "SENDING", _("sedang dikirim")
        SENT = "SENT", _("terkirim")
        FAILED = "FAILED", _("gagal")
        UNSURE = "UNSURE", _("tidak pasti")
        DROPPED = "DROPPED", _("tidak jadi, laporan sudah masuk")

    user = models.ForeignKey(User, models.CASCADE, related_name="messages")
    carrier = models.CharField(max_length=8, choices=Carrier)
    address = models.CharField(max_length=500, blank=True, help_text="where it goes; empty for APP")
    subject = models.CharField(max_length=200)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    made_at = models.DateTimeField()
    not_before = models.DateTimeField(help_text="later than made_at in quiet hours")
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, help_text="APP: when the person saw it")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="WAITING"), name="message_waiting"),
            models.Index(fields=["user", "-made_at"], name="message_of_user"),
        ]


class Notice(models.Model):
    """A rung of the ladder fired for one obligation and one person: the row that makes "only once" true.

    Unique in the database, so two beats, a redelivered task or a crash half-way can make it once at most. `messages`
    are the digests that carry it, one per carrier.
    """

    obligation = models.ForeignKey(Obligation, models.PROTECT, db_index=False, related_name="notices")
    user = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="notices")
    rung = models.CharField(max_length=20, help_text="a key of reminders.LADDER")
    turn = models.CharField(
        max_length=40,
        help_text="what the rung counted from: the deadline, or the revision returned; a new one fires anew",
    )
    fired_at = models.DateTimeField()
    messages = models.ManyToManyField(Message, related_name="notices")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["obligation", "user", "rung", "turn"], name="notice_once")]
        indexes = [models.Index(fields=["rung", "fired_at"], name="notice_by_rung")]
