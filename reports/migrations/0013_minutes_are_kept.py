"""Minutes are kept as they were made, append-only; an agenda item says why figures that are not ready are ratified."""

import django.db.models.deletion
from django.db import migrations, models

APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_minutes "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change();"
)


class Migration(migrations.Migration):
    dependencies = [("reports", "0012_version_digest")]

    operations = [
        migrations.AddField(
            model_name="agendaitem",
            name="reason",
            field=models.TextField(
                blank=True, default="", help_text="why figures that are incomplete or still open are ratified"
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="Minutes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.JSONField(help_text="every text on the sheet, by its place (reports/plenary/minutes.typ)")),
                (
                    "fingerprint",
                    models.BinaryField(
                        help_text="SHA-256 of the content; its first half is in the QR code", max_length=32
                    ),
                ),
                (
                    "members",
                    models.JSONField(help_text="username, name, role of each member; who was present, who presided"),
                ),
                ("pdf", models.BinaryField()),
                ("sha256", models.BinaryField(help_text="of the PDF", max_length=32)),
                ("made_at", models.DateTimeField()),
                (
                    "late",
                    models.BooleanField(help_text="made after the meeting was closed, from what was still known"),
                ),
                (
                    "plenary",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="minutes", to="reports.plenary"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER append_only ON reports_minutes;"),
    ]
