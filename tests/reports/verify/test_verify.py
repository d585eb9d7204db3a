"""`verify`: silent about a world in which everything has happened, loud about every change that no verb made.

Each tampering is what somebody with the database's password could do: as a superuser, with all triggers off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from bawaslu_data.management.commands.verify import ALL
from dashboards.models import Publication, PublishedPage
from dashboards.releases import proof
from hierarchy.models import Election
from hierarchy.units import tree
from hierarchy.units.rows import UnitRow
from reports.journal import actions as journal
from reports.plenary.models import AgendaItem
from reports.rollup import fold as rollup
from tests.cast import small_rows
from tests.reports.verify.verify_world import World
from tests.reports.verify.verify_world import world as made

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with django_db_blocker.unblock(), made(tmp_path_factory.mktemp("media")) as built:
        yield built


def faults() -> list[str]:
    return [f"{name}: {sentence}" for name, check in ALL.items() for sentence in check()]


def test_it_is_silent_when_all_is_well(world: World) -> None:
    assert faults() == []


def test_it_is_silent_after_every_change_of_the_tree(world: World) -> None:
    """Also of units that come after a window has closed: they owe nothing of it."""
    day = world.day
    day.set_clock(max(window.closes_at for window in day.windows.values()) + timedelta(hours=1))
    village = day.units["6472012001"]
    added = tree.add_child(parent=village, row=UnitRow("6472012001004", "TPS 004", "tps", 200), by=None)
    moved = tree.move(unit=added, parent=day.units["6472012002"], code="6472012002004", by=None)
    tree.rename(unit=moved, name="TPS 4", by=None)
    tree.set_tags(unit=village, tags=["kepulauan"], by=None)
    tree.remove(unit=moved, by=None)
    rollup.run_all()
    assert faults() == []
    tree.load(election=day.election, rows=renumbered(), by=None)
    rollup.run_all()
    assert faults() == []


def test_an_election_from_before_verbs_covered_what_they_write_claims_nothing_until_its_own_verb_comes(
    world: World,
) -> None:
    older = Election.objects.create(code="pilkada2020", name="Pemilihan 2020", kind="PILKADA", voting_day="2020-12-09")
    tree.load(election=older, rows=[replace(row, code="65" + row.code[2:]) for row in small_rows()], by=None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE reports_event SET detail = detail - 'state' WHERE election = 'pilkada2020'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert [told for told in faults() if "pilkada2020" in told or "people" in told] == []


def renumbered() -> list[UnitRow]:
    """The small tree as a new official file has it: a village with another code, its stations with it; a new one."""
    rows = []
    for row in small_rows():
        fresh = row.code.replace("6401012002", "6401012008")
        rows.append(replace(row, code=fresh, previous_code=row.code if fresh != row.code else ""))
    new = UnitRow("6401012001005", "TPS 005", "tps", 200)
    return [*rows, new, UnitRow("6472012002003", "TPS 003", "tps", 200)]


# --- tampering --------------------------------------------------------------------------------------------------------

# What is changed -> (statements, words of a sentence that must come). {names} are keys of the world's rows.
TAMPERINGS: dict[str, tuple[str, str]] = {
    # the journal
    "sealed event changed": (
        "UPDATE reports_event SET actor = 'x' WHERE verb = 'plenary.called'", "not those that were sealed"),
    "sealed event deleted": ("DELETE FROM reports_event WHERE verb = 'window.opened'", "not those that were sealed"),
    "two sealed events swapped": (
        """UPDATE reports_event e SET detail = other.detail FROM reports_event other
        WHERE e.verb = 'report.approved' AND other.verb = 'report.returned'""", "not those that were sealed"),
    "event inserted among the sealed": (
        """UPDATE reports_event SET id = -id WHERE id = (SELECT min(first_id) FROM reports_seal);
        INSERT INTO reports_event (id, at, verb, actor, election, unit, target, detail)
        OVERRIDING SYSTEM VALUE SELECT -id, at, verb, 'x', '', '', '', '{{}}' FROM reports_event WHERE id < 0;
        DELETE FROM reports_event WHERE id < 0""", "not those that were sealed"),
    "last seals cut off with their events": (
        """DELETE FROM reports_event WHERE id > (SELECT max(last_id) FROM reports_seal WHERE id < (
            SELECT max(id) - 2 FROM reports_seal));
        DELETE FROM reports_seal WHERE id >= (SELECT max(id) - 2 FROM reports_seal)""", "the journal does not know it"),
    "all seals deleted and an event rewritten": (
        "DELETE FROM reports_seal; UPDATE reports_event SET actor = 'x' WHERE verb = 'report.approved'",
        "approval or remarks"),
    "an event of no row rewritten and all seals deleted": (
        """DELETE FROM reports_seal; UPDATE reports_event SET detail = '{{"username": "x"}}'
        WHERE verb = 'roster.renew_code'""", "no seal of the journal has the head"),
    "seals truncated": ("TRUNCATE reports_seal", "no seal of the journal has the head"),
    "journal truncated": ("TRUNCATE reports_event", "filed without an event"),
    # what was filed
    "answers other than hashed": (
        """UPDATE reports_report SET answers = answers || '{{"surat_rusak": 9}}' WHERE id = '{waiting}'""",
        "answers or reasons are not those"),
    "reasons other than hashed": (
        """UPDATE reports_report SET reasons = '{{"surat_rusak": "x"}}' WHERE id = '{waiting}'""",
        "answers or reasons are not those"),
    "canonical replaced": (
        "UPDATE reports_revision SET canonical = '\\x7b7d' WHERE report_id = '{waiting}'", "not what was hashed"),
    "canonical and hash replaced": (
        """UPDATE reports_revision SET canonical = '\\x7b7d', sha256 = sha256('\\x7b7d')
        WHERE report_id = '{waiting}';
        UPDATE reports_report SET sha256 = sha256('\\x7b7d') WHERE id = '{waiting}'""", "others than the journal"),
    "vector of report and revision changed": (
        """UPDATE reports_report SET vector[1] = vector[1] + 5 WHERE id = '{approved}';
        UPDATE reports_revision SET vector[1] = vector[1] + 5 WHERE report_id = '{approved}';
        UPDATE reports_tally SET filed[1] = filed[1] + 5, approved[1] = approved[1] + 5
        WHERE window_id = {window} AND unit_id IN (
            SELECT unnest(ARRAY[province_id, regency_id, district_id, village_id]) FROM hierarchy_unit
            WHERE id = {station})""", "does not follow from its answers"),
    "every waiting report approved by hand": (
        """UPDATE reports_report SET approved_sha256 = sha256, approved_by_id = {pkd}, approved_at = now()
        WHERE approved_sha256 IS NULL;
        UPDATE reports_obligation SET state = 'APPROVED' WHERE state IN ('FILED', 'RETURNED')""",
        "{waiting}: state, approval or remarks"),
    "approval taken back by hand": (
        """UPDATE reports_report SET approved_sha256 = NULL, approved_by_id = NULL, approved_at = NULL;
        UPDATE reports_obligation SET state = 'FILED' WHERE state = 'APPROVED'""", "{approved}: state, appr"),
    "approver changed": ("UPDATE reports_report SET approved_by_id = {admin} WHERE id = '{approved}'", "state, appr"),
    "time of approval changed": (
        "UPDATE reports_report SET approved_at = approved_at - interval '1 hour' WHERE id = '{approved}'", "approval"),
    "remarks changed": (
        """UPDATE reports_report SET remarks = '{{"": "Bagus."}}' WHERE id = '{returned}'""", "approval or remarks"),
    "lateness rewritten": (
        "UPDATE reports_obligation SET first_filed_at = due_at - interval '1 minute' WHERE first_filed_at IS NOT NULL",
        "not filed when its obligation says"),
    "deadline moved": (
        "UPDATE reports_obligation SET due_at = due_at - interval '9 hours' WHERE id = {obligation}",
        "deadline is neither"),
    "time of filing changed everywhere": (
        """UPDATE reports_revision SET filed_at = filed_at - interval '5 hours' WHERE report_id = '{waiting}';
        UPDATE reports_report SET filed_at = filed_at - interval '5 hours' WHERE id = '{waiting}';
        UPDATE reports_obligation SET first_filed_at = first_filed_at - interval '5 hours' WHERE id = {obligation}""",
        "others than the journal"),
    "report removed whole": (
        """DELETE FROM reports_revision WHERE report_id = '{waiting}';
        DELETE FROM reports_report WHERE id = '{waiting}';
        UPDATE reports_obligation SET state = 'OWED', first_filed_at = NULL WHERE id = {obligation}""",
        "the journal tells of its filing, and it is not there"),
    "revisions truncated": ("TRUNCATE reports_revision", "the journal tells of its filing"),
    "filer changed": (
        """UPDATE reports_revision SET filed_by_id = {admin} WHERE report_id = '{waiting}';
        UPDATE reports_report SET filed_by_id = {admin} WHERE id = '{waiting}'""", "others than the journal"),
    "channel changed": (
        "UPDATE reports_revision SET channel = 'IMPORT' WHERE report_id = '{waiting}'", "others than the journal"),
    "report put to another unit": (
        """UPDATE reports_report SET obligation_id = -1 WHERE id = '{waiting}';
        UPDATE reports_report SET obligation_id = {obligation} WHERE id = '{returned}';
        UPDATE reports_report SET obligation_id = {other} WHERE id = '{waiting}'""", "it was filed about unit"),
    "conflict deleted": ("DELETE FROM reports_conflict", "the journal tells of it, and it is not as it was kept"),
    "conflict replaced": (
        "UPDATE reports_conflict SET canonical = '\\x7b7d', sha256 = sha256('\\x7b7d')", "conflict"),
    "no signal taken back": (
        """UPDATE reports_obligation SET state = 'OWED', attested_by_id = NULL, attested_reason = ''
        WHERE state = 'UNREACHABLE'""", "whether it has a signal"),
    "no signal without a word": (
        """UPDATE reports_obligation SET state = 'UNREACHABLE', attested_by_id = {pkd}, attested_reason = 'x'
        WHERE id = (SELECT min(id) FROM reports_obligation WHERE state = 'VACANT')""", "whether it has a signal"),
    "post emptied": (
        """UPDATE reports_obligation SET state = 'VACANT', attested_by_id = NULL, attested_reason = ''
        WHERE state = 'UNREACHABLE'""", "obligation"),
    "extension deleted": ("DELETE FROM reports_extension", "the journal tells of an extension"),
    "extension lengthened": (
        "UPDATE reports_extension SET due_at = due_at + interval '1 hour', closes_at = closes_at + interval '1 hour'",
        "extension"),
    "tally sum changed": (
        "UPDATE reports_tally SET filed[1] = filed[1] + 1 WHERE unit_id = {village} AND window_id = {window}", "tally"),
    "tally deleted": ("DELETE FROM reports_tally WHERE unit_id = {village}", "tally"),
    "obligation deleted": (
        "DELETE FROM reports_obligation WHERE id = (SELECT min(id) FROM reports_obligation WHERE state = 'VACANT')",
        "owes no report it should"),
    # what bodies decided
    "vote deleted": ("DELETE FROM reports_vote WHERE choice = 'DISAGREE'", "is in the journal alone"),
    "votes truncated": ("TRUNCATE reports_vote", "is in the journal alone"),
    "dissent turned into consent": (
        "UPDATE reports_vote SET choice = 'AGREE', dissent = '' WHERE choice = 'DISAGREE'", "not what the journal"),
    "words of a dissent changed": (
        "UPDATE reports_vote SET dissent = 'Setuju saja.' WHERE choice = 'DISAGREE'", "not what the journal tells"),
    "vote of a stranger": (
        """INSERT INTO reports_vote (item_id, user_id, choice, dissent, seen, cast_at)
        SELECT id, {admin}, 'AGREE', '', sha256, now() FROM reports_agendaitem WHERE id = {item}""",
        "vote of admin was cast without an event"),
    "ratified vector changed": (
        "UPDATE reports_agendaitem SET approved[1] = approved[1] + 1 WHERE id = {item}", "differ from the figures"),
    "ratified figure, hash and seen changed together": (
        """UPDATE reports_agendaitem SET shown = jsonb_set(shown, '{{counts,filed_count}}', '99'),
            sha256 = sha256('x') WHERE id = {item};
        UPDATE reports_vote SET seen = sha256('x') WHERE item_id = {item}""", "its content is not what the journal"),
    "decided item deleted": (
        "DELETE FROM reports_vote WHERE item_id = {item}; DELETE FROM reports_agendaitem WHERE id = {item}",
        "it is gone"),
    "decision turned": (
        "UPDATE reports_agendaitem SET decision = 'REJECTED', version = NULL WHERE id = {item}", "its decision"),
    "note of an item changed": (
        "UPDATE reports_agendaitem SET note = 'Lain.' WHERE decision = 'POSTPONED'", "its note is not"),
    "notes of the minutes changed": ("UPDATE reports_plenary SET notes = 'Ribut.'", "its notes is not"),
    "number of the minutes changed": ("UPDATE reports_plenary SET minutes_number = '2/BA'", "its number of minutes"),
    "minutes exchanged": ("UPDATE reports_minutes SET pdf = 'x', sha256 = sha256('x')", "its minutes are not those"),
    "minutes deleted": ("DELETE FROM reports_minutes", "its minutes are not those"),
    "reason of an item changed": ("UPDATE reports_agendaitem SET reason = 'x' WHERE id = {item}", "its reason is not"),
    "window put to another version": (
        """UPDATE reports_window SET version_id = (SELECT max(id) FROM reports_instrumentversion)
        WHERE id = {window}""", "it asks another version"),
    "presider changed": ("UPDATE reports_plenary SET presided_by_id = {admin}", "its presider"),
    "members of the day changed": ("UPDATE reports_plenary SET members = 5", "its members"),
    "attendance changed": (
        "UPDATE reports_attendance SET arrived_at = NULL, left_at = NULL, absence = 'Sakit' WHERE left_at IS NOT NULL",
        "was there is other"),
    "attendance deleted": ("DELETE FROM reports_attendance WHERE left_at IS NULL", "was there is other"),
    "quorum lowered": ("UPDATE reports_quorum SET needed = 3", "quorum of unit"),
    "quorum deleted": ("DELETE FROM reports_quorum", "quorum of unit"),
    "meeting deleted": (
        """DELETE FROM reports_vote; DELETE FROM reports_agendaitem; DELETE FROM reports_attendance;
        DELETE FROM reports_plenary""", "the journal tells of it, and it is not there"),
    # findings
    "finding dismissed without a plenary": (
        """UPDATE reports_finding SET status = 'DISMISSED', registered_on = NULL, closed_on = '2024-02-14'
        WHERE id = {finding}""", "DISMISSED without a decision of its plenary"),
    "text of a finding changed": ("UPDATE reports_finding SET event = 'Bukan apa-apa.'", "its content is not what"),
    "party of a finding changed": ("UPDATE reports_party SET name = 'Orang Lain'", "its content is not what"),
    "party of a finding deleted": ("DELETE FROM reports_party", "its content is not what"),
    "handler of a finding changed": (
        "UPDATE reports_finding_handlers SET user_id = {admin}", "its content is not what"),
    "finding deleted": (
        """DELETE FROM reports_party WHERE finding_id = {dismissed};
        DELETE FROM reports_finding WHERE id = {dismissed}""",
        "the journal tells of it, and it is not there"),
    # instruments and windows
    "questions of an instrument changed": (
        """UPDATE reports_instrumentversion SET schema = jsonb_set(schema, '{{questions,0,label,id}}', '"Lain"')
        WHERE id = (SELECT version_id FROM reports_window WHERE id = {window})""", "its questions are not those"),
    "source of an instrument changed": (
        "UPDATE reports_instrumentversion SET source = '\\x00'", "its source is not what was published"),
    "instrument withdrawn by hand": (
        "UPDATE reports_instrumentversion SET withdrawn_at = now(), withdrawn_reason = 'x'", "it was withdrawn"),
    "window closed again": ("UPDATE reports_window SET opened_at = NULL WHERE id = {window}", "and it is not open"),
    "deadline of a window moved": (
        "UPDATE reports_window SET due_at = due_at - interval '1 hour' WHERE id = {window}", "deadline is neither"),
    # tree, roster, accounts, figures of the KPU
    "unit renamed": ("UPDATE hierarchy_unit SET name = 'Baru' WHERE id = {village}", "units pemilu2024 64: not as"),
    "voters of a unit changed": ("UPDATE hierarchy_unit SET registered_voters = 1 WHERE id = {station}", "units"),
    "unit hung elsewhere": (
        "UPDATE hierarchy_unit SET parent_id = (SELECT id FROM hierarchy_unit WHERE code = '6472012002') "
        "WHERE id = {station}", "units"),
    "role changed": (
        "UPDATE hierarchy_membership SET role = 'CHAIR' WHERE user_id = {admin}", "terms pemilu2024 64: not as"),
    "term lengthened": ("UPDATE hierarchy_membership SET until = NULL WHERE until IS NOT NULL", "terms"),
    "term added": (
        """INSERT INTO hierarchy_membership (user_id, unit_id, role, since, reason)
        SELECT {pkd}, id, 'ADMIN', '2023-01-01', '' FROM hierarchy_unit WHERE code = '64'""", "terms"),
    "name of a person changed": ("UPDATE hierarchy_user SET name = 'x' WHERE id = {pkd}", "people: not as"),
    "account closed": ("UPDATE hierarchy_user SET is_active = false WHERE id = {pkd}", "people: not as"),
    "password changed": (
        "UPDATE hierarchy_user SET password = 'argon2$x' WHERE id = {pkd}", "account pkd: password or"),
    "password given": (
        "UPDATE hierarchy_user SET password = 'argon2$x' WHERE id = {admin}", "account admin: it has a password"),
    "code given": (
        "UPDATE hierarchy_user SET activation_digest = repeat('0', 64) WHERE id = {pkd}", "account pkd: password or"),
    "figure of the KPU changed": ("UPDATE reports_reference SET value = value + 1", "references pemilu2024: not as"),
    "figure of the KPU deleted": ("DELETE FROM reports_reference", "references pemilu2024: not as"),
    # photos
    "row of a photo deleted": ("DELETE FROM reports_evidence", "the journal tells that it was kept"),
    "row of a photo changed": ("UPDATE reports_evidence SET uploaded_by_id = {admin}", "otherwise than the"),
    "hash of a photo changed": ("UPDATE reports_evidence SET sha256 = repeat('0', 64)", "not what was handed in"),
    # releases
    "page changed": (
        """UPDATE dashboards_publishedpage SET payload = jsonb_set(payload, '{{name}}', '"x"') WHERE code = '64'""",
        "the content is not what was published"),
    "row of a page deleted": ("DELETE FROM dashboards_publishedpage WHERE code = '64'", "digest does not recompute"),
    "newest release deleted": (
        """DELETE FROM dashboards_publishedpage WHERE number = 2;
        DELETE FROM dashboards_publication WHERE number = 2""", "the journal says it was published"),
    "releases truncated": (
        "TRUNCATE dashboards_publication, dashboards_publishedpage", "the journal says it was published"),
    "note of a release changed": ("UPDATE dashboards_publication SET note = 'Lain'", "the journal says another note"),
    "publisher of a release changed": (
        "UPDATE dashboards_publication SET published_by_id = {admin}", "the journal says another publisher"),
}  # fmt: skip


def keys(world: World) -> dict[str, object]:
    day = world.day
    return {
        **{name: getattr(world, name).pk for name in ("approved", "waiting", "returned", "finding", "dismissed")},
        **{name: getattr(day.cast, name).pk for name in ("admin", "pkd")},
        "obligation": world.waiting.obligation_id,
        "other": world.returned.obligation_id,
        "window": day.windows["pemungutan-tps"].pk,
        "station": day.units["6472012001001"].pk,
        "village": day.units["6472012001"].pk,
        "item": AgendaItem.objects.get(matter="FIGURES").pk,
    }


def as_superuser(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statements)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.parametrize("name", TAMPERINGS)
def test_it_names(world: World, name: str) -> None:
    statements, words = (text.format(**keys(world)) for text in TAMPERINGS[name])
    as_superuser(statements)
    assert words in "\n".join(faults())


def test_it_names_a_photo_that_was_exchanged_on_disk(world: World) -> None:
    path = Path(world.photo.file.path)
    kept = path.read_bytes()
    try:
        path.write_bytes(kept[:-1])
        assert any("not what was handed in" in fault for fault in faults())
        path.unlink()
        assert any("cannot be read" in fault for fault in faults())
    finally:
        path.write_bytes(kept)


def test_it_names_a_chain_that_was_computed_anew(world: World) -> None:
    """An event that no row tells of, and every seal after it made again: a release holds the head as it was."""
    as_superuser("UPDATE reports_event SET actor = 'x' WHERE verb = 'finding.assigned'; DELETE FROM reports_seal")
    assert journal.seal() is not None
    assert list(journal.broken()) == []
    assert any("no seal of the journal has the head" in fault for fault in faults())


def test_it_names_a_page_that_was_signed_anew_with_another_key(world: World) -> None:
    as_superuser("UPDATE dashboards_publishedpage SET payload = payload || '{\"name\": \"x\"}' WHERE code = '64'")
    key, before = Ed25519PrivateKey.generate(), bytes(32)
    for page in PublishedPage.objects.filter(code="64"):
        digest = proof.page_digest(page.payload).hex()
        as_superuser(f"UPDATE dashboards_publishedpage SET sha256 = '\\x{digest}' WHERE id = {page.pk}")
    for release in Publication.objects.order_by("number"):
        release.previous_digest = before
        digest = proof.release_digest(release, proof.manifest(release))
        values = {
            "digest": digest,
            "previous_digest": before,
            "signature": key.sign(digest),
            "public_key": key.public_key().public_bytes_raw(),
        }
        columns = ", ".join(f"{column} = '\\x{value.hex()}'" for column, value in values.items())
        as_superuser(f"UPDATE dashboards_publication SET {columns} WHERE id = {release.pk}")
        before = digest
    told = "\n".join(faults())
    assert "signed by another key" in told
    assert "the journal says another digest" in told
    assert "does not recompute" not in told, "all else about it is in order"


def test_the_database_refuses_counts_that_do_not_add_up(world: World) -> None:
    with pytest.raises(IntegrityError, match="tally_counts_add_up"), transaction.atomic():
        as_superuser("UPDATE reports_tally SET approved_count = 99")


def test_the_command_names_what_it_finds_and_what_it_cannot_read(world: World, capsys: Any) -> None:
    call_command("verify")
    assert "Semua cocok" in capsys.readouterr().out
    as_superuser("UPDATE reports_event SET detail = '{\"x\": 1}' WHERE verb = 'plenary.opened'")
    with pytest.raises(CommandError, match="perbedaan ditemukan"):
        call_command("verify", "meetings", "journal")
    told = capsys.readouterr()
    assert "meetings: cannot be read: KeyError('presider')" in told.err
    assert "are not those that were sealed" in told.err
    assert "meetings: 1 perbedaan" in told.out
