"""System checks that tell an operator in a sentence what to fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Warning, register, run_checks

from dashboards.releases import keys
from hierarchy.lib import gate

SHORTEST_TOKEN = 32  # characters


def wrong() -> Iterator[str]:
    """What is set wrongly and must be mended, for commands that run all the same: a wrong key shall stop neither the
    backup nor the search for what else is wrong."""
    for message in run_checks():
        if message.level >= ERROR and not message.is_silenced():
            yield f"{message.id}: {message.msg} {message.hint or ''}".strip()


@register()
def secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.DEPLOYED and settings.SECRET_KEY == settings.INSECURE_KEY:
        found.append(
            Error(
                "SECRET_KEY is the one every clone has.",
                hint="Set SECRET_KEY or SECRET_KEY_FILE to 50 random characters; it signs sessions and codes.",
                id="bawaslu_data.E001",
            )
        )
    if settings.PUBLICATION_KEY and not re.fullmatch(r"[0-9a-f]{64}", settings.PUBLICATION_KEY):
        found.append(
            Error(
                "PUBLICATION_KEY is not an Ed25519 private key.",
                hint="Set 64 hexadecimal digits (32 bytes), or leave it empty to keep a key in KEY_DIR.",
                id="bawaslu_data.E002",
            )
        )
    return found


@register()
def public_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    texts = settings.PUBLICATION_PUBLIC_KEY.replace(",", " ").split()
    if settings.DEPLOYED and not texts:
        return [
            Warning(
                "PUBLICATION_PUBLIC_KEY is not set: whoever rewrites releases in the database can sign them anew.",
                hint="Set it to what `manage.py publish --public-key` prints, and publish it on paper as well.",
                id="bawaslu_data.W004",
            )
        ]
    try:
        own = keys.own()
    except keys.KeyFault:  # said by E002, and by whoever publishes
        return []
    if len(keys.pinned()) != len(texts) or (texts and own and own != keys.pinned()[0]):
        return [
            Error(
                "PUBLICATION_PUBLIC_KEY is not the public half of the key that signs publications.",
                hint="Put what `manage.py publish --public-key` prints first, then the keys of older releases.",
                id="bawaslu_data.E007",
            )
        ]
    return []


@register()
def metrics_token(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        return [
            Warning(
                "METRICS_TOKEN is short enough to be guessed.",
                hint=f"Set {SHORTEST_TOKEN} random characters or more, for instance of `openssl rand -hex 24`.",
                id="bawaslu_data.W002",
            )
        ]
    return []


@register()
def carriers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.GATEWAY_URL and "{phone}" not in settings.GATEWAY_URL:
        found.append(
            Error(
                "GATEWAY_URL does not say where the number belongs.",
                hint="Put {phone} into the address, for instance GATEWAY_URL=whatsapp://token@from/{phone}.",
                id="bawaslu_data.E006",
            )
        )
    if settings.DEPLOYED and settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        found.append(
            Warning(
                "Reminders are sent from an address at localhost.",
                hint="Set EMAIL_FROM to an address of the agency, or mail servers will take the letters for spam.",
                id="bawaslu_data.W003",
            )
        )
    return found


@register()
def hosts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.DEPLOYED and settings.DEBUG:
        found.append(
            Error("DEBUG is on in a deployment.", hint="Unset DEBUG: it shows data to anyone.", id="bawaslu_data.E003")
        )
    if settings.DEPLOYED and "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ALLOWED_HOSTS lets any host name in.",
                hint="Name the site's own hosts, for instance ALLOWED_HOSTS=lapor.example.go.id.",
                id="bawaslu_data.E004",
            )
        )
    if settings.DEPLOYED and not settings.SITE_URL.startswith("https://"):
        found.append(
            Error(
                f"SITE_URL is {settings.SITE_URL!r}.",
                hint="Set SITE_URL to the https:// address people use; receipts and QR codes print it.",
                id="bawaslu_data.E005",
            )
        )
    return found


@register()
def threads(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    connections = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    least = gate.PLACES + 1
    if least <= settings.WEB_THREADS <= connections:
        return []
    return [
        Error(
            f"WEB_THREADS is {settings.WEB_THREADS}, with {connections} connections of a process to the database.",
            hint=f"Set WEB_THREADS to {least} or more, or slow work stops all pages, and DATABASE_POOL to no less.",
            id="bawaslu_data.E008",
        )
    ]


@register()
def clock_is_real(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEPLOYED and settings.CLOCK_OFFSET:
        return [
            Warning(
                f"The clock is moved by {settings.CLOCK_OFFSET:.0f} seconds.",
                hint="Unset CLOCK_OFFSET unless this is a rehearsal: deadlines are judged by it.",
                id="bawaslu_data.W001",
            )
        ]
    return []
