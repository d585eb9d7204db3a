import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0002_append_only")]

    operations = [
        migrations.AddField(
            "exportjob",
            "detail",
            models.BooleanField(
                default=False, help_text="a row per unit the instrument is about, not per child"
            ),
        ),
        migrations.AddField(
            "exportjob",
            "attempts",
            models.PositiveSmallIntegerField(
                default=0, help_text="also the token of the worker that may finish it"
            ),
        ),
        migrations.AddField(
            "exportjob",
            "touched_at",
            models.DateTimeField(
                default=django.utils.timezone.now, help_text="last sign of life of its queue or its worker"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "exportjob",
            "file",
            models.FileField(blank=True, max_length=200, upload_to="recaps/%Y/%m/%d"),
        ),
    ]
