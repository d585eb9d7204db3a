"""The database itself refuses to rewrite history: journal, seals, revisions and published instruments."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
TABLES = ["reports_event", "reports_seal", "reports_revision"]
# A published version may only be withdrawn, once.
WITHDRAW = """
CREATE TRIGGER immutable BEFORE UPDATE ON reports_instrumentversion FOR EACH ROW WHEN (
    (OLD.instrument_id, OLD.number, OLD.schema, OLD.width, OLD.source, OLD.source_suffix, OLD.source_sha256,
     OLD.published_at, OLD.published_by_id)
    IS DISTINCT FROM
    (NEW.instrument_id, NEW.number, NEW.schema, NEW.width, NEW.source, NEW.source_suffix, NEW.source_sha256,
     NEW.published_at, NEW.published_by_id)
    OR OLD.withdrawn_at IS NOT NULL
) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON reports_instrumentversion FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def append_only(table):
    return (
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change();"
    )


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION refuse_change();"),
        *[migrations.RunSQL(append_only(table), f"DROP TRIGGER append_only ON {table};") for table in TABLES],
        migrations.RunSQL(
            WITHDRAW,
            "DROP TRIGGER immutable ON reports_instrumentversion; DROP TRIGGER kept ON reports_instrumentversion;",
        ),
    ]
