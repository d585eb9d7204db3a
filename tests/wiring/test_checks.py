"""Each system check tells an operator in one sentence what is wrong and what to set; the defaults bother nobody."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as configured
from django.core.checks import ERROR, WARNING, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from bawaslu_data import checks
from bawaslu_data.management.commands import backup, verify
from dashboards.releases import keys

PROJECT = Path(__file__).resolve().parents[2]
PUBLIC_KEY = keys.public_half(Ed25519PrivateKey.from_private_bytes(bytes.fromhex("0a" * 32))).hex()
# A deployment as docs/operations.md describes it: nothing to say.
GOOD: dict[str, Any] = {
    "DEPLOYED": True,
    "DEBUG": False,
    "SECRET_KEY": "a-key-of-its-own",
    "ALLOWED_HOSTS": ["lapor.example.go.id"],
    "SITE_URL": "https://lapor.example.go.id",
    "PUBLICATION_KEY": "0a" * 32,
    "PUBLICATION_PUBLIC_KEY": PUBLIC_KEY,
    "CLOCK_OFFSET": 0.0,
    "METRICS_TOKEN": "0a" * 24,
    "EMAIL_HOST": "mail.example.go.id",
    "DEFAULT_FROM_EMAIL": "Bawaslu <lapor@example.go.id>",
    "GATEWAY_URL": "json://gateway.example.go.id/{phone}",
}
# id -> (what is set wrongly, what the message names, what the hint tells to set, how grave)
WRONG: dict[str, tuple[dict[str, Any], str, str, int]] = {
    "E001": ({"SECRET_KEY": configured.INSECURE_KEY}, "SECRET_KEY", "SECRET_KEY_FILE", ERROR),
    "E002": ({"PUBLICATION_KEY": "rahasia"}, "PUBLICATION_KEY", "64 hexadecimal digits", ERROR),
    "E003": ({"DEBUG": True}, "DEBUG", "Unset DEBUG", ERROR),
    "E004": ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS", "ALLOWED_HOSTS=lapor.example.go.id", ERROR),
    "E005": ({"SITE_URL": "http://lapor.example.go.id"}, "SITE_URL", "https://", ERROR),
    "W002": ({"METRICS_TOKEN": "rahasia"}, "METRICS_TOKEN", "32 random characters", WARNING),
    "E007": ({"PUBLICATION_PUBLIC_KEY": "0b" * 32}, "PUBLICATION_PUBLIC_KEY", "publish --public-key", ERROR),
    "E008": ({"WEB_THREADS": 5}, "WEB_THREADS is 5", "to 6 or more", ERROR),
    "W004": ({"PUBLICATION_PUBLIC_KEY": ""}, "PUBLICATION_PUBLIC_KEY", "publish --public-key", WARNING),
    "E006": ({"GATEWAY_URL": "json://gateway.example.go.id/"}, "GATEWAY_URL", "{phone}", ERROR),
    "W003": ({"DEFAULT_FROM_EMAIL": "Bawaslu <x@localhost>"}, "localhost", "EMAIL_FROM", WARNING),
    "W001": ({"CLOCK_OFFSET": 3600.0}, "3600 seconds", "CLOCK_OFFSET", WARNING),
}


def told(settings: Any, **values: Any) -> list[Any]:
    for name, value in values.items():
        setattr(settings, name, value)
    return [message for message in run_checks() if (message.id or "").startswith("bawaslu_data.")]


def test_a_sound_deployment_and_a_fresh_clone_are_told_nothing(settings: Any) -> None:
    assert told(settings) == []
    assert told(settings, **GOOD) == []


@pytest.mark.parametrize("number", sorted(WRONG))
def test_one_wrong_setting_gives_one_sentence_and_what_to_set(settings: Any, number: str) -> None:
    changes, named, hint, level = WRONG[number]
    (message,) = told(settings, **GOOD | changes)
    assert (message.id, message.level) == (f"bawaslu_data.{number}", level)
    assert named in message.msg
    assert message.msg.endswith(".")
    assert hint in message.hint
    assert message.hint.endswith(".")


@pytest.mark.parametrize("key", ["0A" * 32, "0a" * 31, "0a" * 32 + "\n", "zz" * 32])
def test_a_key_that_signing_could_not_read_is_named_before_it_is_needed(settings: Any, key: str) -> None:
    assert [message.id for message in told(settings, **GOOD | {"PUBLICATION_KEY": key})] == ["bawaslu_data.E002"]


@pytest.mark.parametrize("pinned", [f"{PUBLIC_KEY},{'0b' * 32}", f"{PUBLIC_KEY}, {'0b' * 32}"])
def test_keys_of_older_releases_stand_behind_the_one_in_use(settings: Any, pinned: str) -> None:
    assert told(settings, **GOOD | {"PUBLICATION_PUBLIC_KEY": pinned}) == []
    for wrong in (f"{'0b' * 32},{PUBLIC_KEY}", f"{PUBLIC_KEY},kunci lama"):
        found = told(settings, **GOOD | {"PUBLICATION_PUBLIC_KEY": wrong})
        assert [message.id for message in found] == ["bawaslu_data.E007"]


def test_what_only_a_deployment_must_set_is_not_asked_of_a_clone(settings: Any) -> None:
    everything = {name: value for changes, *_ in WRONG.values() for name, value in changes.items()}
    found = told(settings, **GOOD | everything | {"DEPLOYED": False})
    # A key of no use is of no use anywhere, a token that can be guessed guards nothing, a gateway needs a number, and
    # one thread is one everywhere.
    assert {message.id for message in found} == {
        f"bawaslu_data.{number}" for number in ("E002", "W002", "E006", "E008")
    }


@pytest.mark.django_db(transaction=True)
def test_a_wrong_key_is_named_by_the_two_commands_of_that_day_and_stops_neither(
    settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.KEY_DIR, settings.MEDIA_ROOT = tmp_path / "keys", tmp_path / "media"
    settings.PUBLICATION_KEY, settings.PUBLICATION_PUBLIC_KEY = GOOD["PUBLICATION_KEY"], "0b" * 32
    with pytest.raises(SystemCheckError, match="E007"):
        call_command("migrate", check_unapplied=True, skip_checks=False)
    with pytest.raises(SystemExit) as ended:  # as from the command line, where checks come first
        verify.Command().run_from_argv(["manage.py", "verify"])
    said = capsys.readouterr()
    assert ended.value.code == verify.FOUND
    assert "bawaslu_data.E007: PUBLICATION_PUBLIC_KEY is not the public half" in said.err
    assert "1 perbedaan ditemukan" in said.err
    assert "tree: 0 perbedaan" in said.out
    backup.Command().run_from_argv(["manage.py", "backup", str(tmp_path / "backup")])
    assert "bawaslu_data.E007" in capsys.readouterr().err
    assert (tmp_path / "backup/bawaslu.dump").stat().st_size > 10_000


def test_every_check_stands_in_the_table_above() -> None:
    tree = ast.parse(Path(checks.__file__).read_text())
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert sorted(text for text in texts if text.startswith("bawaslu_data.")) == sorted(
        f"bawaslu_data.{number}" for number in WRONG
    )


def test_settings_are_read_with_an_empty_environment() -> None:
    read = "from bawaslu_data import settings; print(settings.DEPLOYED, settings.DEBUG, settings.CLOCK_OFFSET)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", read], cwd=PROJECT, env={}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["False", "False", "0.0"])


@pytest.mark.parametrize("name", ["SECRET_KEY", "PUBLICATION_KEY", "METRICS_TOKEN"])
def test_secrets_come_from_files_without_the_line_end_every_editor_leaves(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("0a" * 32 + "\n")
    read = f"from bawaslu_data import settings; print(repr(settings.{name}))"
    environment = {f"{name}_FILE": str(tmp_path / "secret")}
    done = subprocess.run(
        [sys.executable, "-c", read], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr("0a" * 32)


def test_django_itself_has_nothing_to_say_about_a_deployment(tmp_path: Path) -> None:
    """`check --deploy`, as docs/operations.md asks an operator to run it; what is silenced says why in the settings."""
    environment = {
        "DEPLOYED": "1",
        "SECRET_KEY": "".join(chr(33 + number % 90) for number in range(60)),
        "SITE_URL": "https://lapor.example.go.id",
        "ALLOWED_HOSTS": "lapor.example.go.id",
        "PUBLICATION_KEY": "0a" * 32,
        "PUBLICATION_PUBLIC_KEY": PUBLIC_KEY,
        "DATABASE_URL": "postgres:///none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "STATIC_ROOT": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(configured.SILENCED_SYSTEM_CHECKS) == {"security.W008", "security.W021"}
