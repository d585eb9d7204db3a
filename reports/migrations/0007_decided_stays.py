"""The database itself refuses to rewrite a decision: votes are append-only, a decided item and a closed plenary stay."""

from django.db import migrations

VOTE = "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_vote FOR EACH ROW EXECUTE FUNCTION refuse_change();"
# An undecided item may change, except what lies on the table once somebody has voted on it.
ITEM = """
CREATE FUNCTION refuse_other_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM reports_vote v WHERE v.item_id = OLD.id) THEN
        RAISE EXCEPTION 'members have voted on these figures' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decided BEFORE UPDATE OR DELETE ON reports_agendaitem FOR EACH ROW
    WHEN (OLD.decision <> 'PENDING') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER shown BEFORE UPDATE ON reports_agendaitem FOR EACH ROW WHEN (
    (OLD.plenary_id, OLD.unit_id, OLD.window_id, OLD.shown, OLD.sha256, OLD.filed, OLD.approved)
    IS DISTINCT FROM
    (NEW.plenary_id, NEW.unit_id, NEW.window_id, NEW.shown, NEW.sha256, NEW.filed, NEW.approved)
) EXECUTE FUNCTION refuse_other_figures();
"""
PLENARY = """
CREATE TRIGGER closed BEFORE UPDATE OR DELETE ON reports_plenary FOR EACH ROW
    WHEN (OLD.state IN ('CLOSED', 'CANCELLED')) EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_after_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM reports_plenary p WHERE p.id = OLD.plenary_id AND p.state IN ('CLOSED', 'CANCELLED')) THEN
        RAISE EXCEPTION 'the plenary is over' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER closed BEFORE UPDATE OR DELETE ON reports_attendance FOR EACH ROW
    EXECUTE FUNCTION refuse_after_closing();
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0006_plenaries_and_reminders")]

    operations = [
        migrations.RunSQL(VOTE, "DROP TRIGGER append_only ON reports_vote;"),
        migrations.RunSQL(
            ITEM,
            "DROP TRIGGER decided ON reports_agendaitem; DROP TRIGGER shown ON reports_agendaitem; "
            "DROP FUNCTION refuse_other_figures;",
        ),
        migrations.RunSQL(
            PLENARY,
            "DROP TRIGGER closed ON reports_plenary; DROP TRIGGER closed ON reports_attendance; "
            "DROP FUNCTION refuse_after_closing;",
        ),
    ]
