"""What was published cannot be emptied either: the triggers for rows do not see TRUNCATE."""

from django.db import migrations

TABLES = ["dashboards_publication", "dashboards_publishedpage"]


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0006_recaps_of_what_stands_ratified"), ("reports", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();",
            f"DROP TRIGGER kept_whole ON {table};",
        )
        for table in TABLES
    ]
