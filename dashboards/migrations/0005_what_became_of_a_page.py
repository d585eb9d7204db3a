from django.db import migrations, models


# Which unit a page is about was not kept; where its code and name are still a unit's, it is that one. Not signed, so no
# digest changes; what stays unknown is not guessed at.
FILL = """
    ALTER TABLE dashboards_publishedpage DISABLE TRIGGER append_only;
    UPDATE dashboards_publishedpage page SET unit_id = unit.id FROM hierarchy_unit unit
    WHERE unit.election_id = page.election_id AND unit.code = page.code AND unit.name = page.payload->>'name'
        AND page.unit_id IS NULL;
    ALTER TABLE dashboards_publishedpage ENABLE TRIGGER append_only;
"""


class Migration(migrations.Migration):
    """Pages know their unit, releases the form of their header and the head of the journal."""


    dependencies = [
        ('dashboards', '0004_snapshots'),
        ('hierarchy', '0003_birth_dates_and_presence'),
    ]

    operations = [
        migrations.AddField(
            model_name='publication',
            name='header',
            field=models.PositiveSmallIntegerField(db_default=1, help_text='form of the first signed line (proof.HEADERS)'),
        ),
        migrations.AddField(
            model_name='publication',
            name='journal_head',
            field=models.BinaryField(help_text="of the journal's newest seal, 32 zero bytes before the first; since form 2", max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='publishedpage',
            name='unit_id',
            field=models.BigIntegerField(help_text='the unit the page is about; None: not known any more', null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='publishedpage',
            index=models.Index(fields=['election', 'unit_id'], name='published_page_of_unit'),
        ),
    ]
