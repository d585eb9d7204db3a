"""History cannot be emptied either, and a seal knows which events may still arrive without making anybody wait.

`refuse_change` was a trigger for rows, which TRUNCATE passes by. `journal_begins` runs before the first statement of a
transaction that writes events: until that transaction ends, a shared advisory lock says below which id the journal is
settled (reports/journal/actions.py).
"""

from django.db import migrations

TABLES = [
    "reports_event",
    "reports_seal",
    "reports_revision",
    "reports_conflict",
    "reports_vote",
    "reports_agendaitem",
    "reports_plenary",
    "reports_attendance",
    "reports_minutes",
    "reports_instrumentversion",
]
# The last id given out so far is below every id this transaction will get. A transaction says so once: thousands of
# locks of one import would fill the server's table of locks.
BEGINS = """
CREATE FUNCTION journal_begins() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled bigint;
BEGIN
    IF coalesce(current_setting('bawaslu.settled', true), '') = '' THEN
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO settled FROM reports_event_id_seq;
        PERFORM pg_advisory_xact_lock_shared(1020, settled::int);
        PERFORM set_config('bawaslu.settled', settled::text, true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON reports_event FOR EACH STATEMENT EXECUTE FUNCTION journal_begins();
"""


def kept_whole(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();",
        f"DROP TRIGGER kept_whole ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("reports", "0013_minutes_are_kept")]

    operations = [
        *[kept_whole(table) for table in TABLES],
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_conflict "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change();",
            "DROP TRIGGER append_only ON reports_conflict;",
        ),
        migrations.RunSQL(BEGINS, "DROP TRIGGER begins ON reports_event; DROP FUNCTION journal_begins;"),
    ]
