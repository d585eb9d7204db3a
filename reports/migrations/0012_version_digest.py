"""The identity of a published schema becomes a column, with exactly the value that reports were hashed with so far."""

import hashlib

import django.db.models.deletion
import msgspec
from django.db import migrations, models

COLUMNS = (
    "instrument_id, number, schema, width, source, source_suffix, source_sha256, published_at, published_by_id"
).split(", ")
DROP = "DROP TRIGGER immutable ON reports_instrumentversion;"


def immutable(columns):
    """The trigger by which a published version may only be withdrawn, once (0002), over these columns."""
    old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
    return (
        "CREATE TRIGGER immutable BEFORE UPDATE ON reports_instrumentversion FOR EACH ROW WHEN ("
        f"({old}) IS DISTINCT FROM ({new}) OR OLD.withdrawn_at IS NOT NULL) EXECUTE FUNCTION refuse_change();"
    )


def digest_of(schema):
    """What `Schema.digest` was up to now: every field of the stored JSON, keys in order. Not the class: it may grow."""
    return hashlib.sha256(msgspec.json.encode(schema, order="sorted")).digest()


def fill(apps, schema_editor):
    versions = apps.get_model("reports", "InstrumentVersion").objects
    for version in versions.only("schema").iterator(chunk_size=100):
        versions.filter(pk=version.pk).update(digest=digest_of(version.schema))


class Migration(migrations.Migration):
    dependencies = [("reports", "0011_devices")]

    operations = [
        migrations.RunSQL(DROP, immutable(COLUMNS)),
        migrations.AddField("instrumentversion", "digest", models.BinaryField(max_length=32, null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            "instrumentversion",
            "digest",
            models.BinaryField(help_text="the schema's identity in the hash of every report", max_length=32),
        ),
        migrations.RunSQL(immutable([*COLUMNS, "digest"]), DROP),
        migrations.AlterField(
            "window",
            "version",
            models.ForeignKey(
                help_text="pinned when the window opens (pinning.py changes it); until then the newest when planned",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="windows",
                to="reports.instrumentversion",
            ),
        ),
    ]
