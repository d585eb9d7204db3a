"""What was published stays as it was published."""

from django.db import migrations

TABLES = ["dashboards_publication", "dashboards_publishedpage"]


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0001_initial"), ("reports", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change();",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in TABLES
    ]
