"""The journal's lock holds any id: after 2,147,483,647 events every transaction that wrote one would have failed.

The lock's key was (1020, id as int4); now it is one bigint, 1020 in its upper 16 bits and the id in the other 48
(reports/journal/actions.py).
"""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION journal_begins() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled bigint;
BEGIN
    IF coalesce(current_setting('bawaslu.settled', true), '') = '' THEN
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO settled FROM reports_event_id_seq;
        PERFORM pg_advisory_xact_lock_shared({key});
        PERFORM set_config('bawaslu.settled', settled::text, true);
    END IF;
    RETURN NULL;
END $$;
"""
# Waits for the transactions that hold the other kind of lock, and keeps new ones out until this one is over: whoever
# seals looks for one kind.
ALONE = "LOCK TABLE reports_event IN SHARE ROW EXCLUSIVE MODE;"


class Migration(migrations.Migration):
    dependencies = [("reports", "0014_history_stays_whole")]

    operations = [
        migrations.RunSQL(
            ALONE + FUNCTION.format(key="(1020::bigint << 48) + settled"),
            ALONE + FUNCTION.format(key="1020, settled::int"),
        ),
    ]
