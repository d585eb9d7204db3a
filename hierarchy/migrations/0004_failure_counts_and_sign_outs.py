from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('hierarchy', '0003_birth_dates_and_presence'),
    ]

    operations = [
        migrations.CreateModel(
            name='FailureCount',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('drained_at', models.DateTimeField(db_index=True, help_text="by the database's clock; from then on nothing is held")),
            ],
        ),
        # Written at every sign-in and worth nothing after a crash: no write-ahead log.
        migrations.RunSQL('ALTER TABLE hierarchy_failurecount SET UNLOGGED', 'ALTER TABLE hierarchy_failurecount SET LOGGED'),
        migrations.AddField(
            model_name='user',
            name='activation_made_at',
            field=models.DateTimeField(help_text='when the open code was made; it lapses', null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='signed_out_at',
            field=models.DateTimeField(help_text='sessions begun before are over (hierarchy/people/leaving.py)', null=True),
        ),
        # Nobody knows the age of the codes that are open; they count from this day on.
        migrations.RunSQL(
            "UPDATE hierarchy_user SET activation_made_at = now() WHERE activation_digest <> ''",
            migrations.RunSQL.noop,
        ),
    ]
