"""Run by `manage.py shell` on a world's own database: somebody who may read all of it, a file to read, and where.

Prints a session cookie and the addresses of the largest page, a PDF, a list and a workbook, as JSON.
"""

import json
import os
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from dashboards.models import ExportJob
from dashboards.releases import actions as publish
from hierarchy.lib import clock
from hierarchy.models import Election, Role, Unit, User
from hierarchy.people import roster
from hierarchy.people.roster_rows import RosterRow
from reports.calendar.models import Window
from reports.plenary import actions as plenary
from tests.cast import SINCE

READER = "ketua-64"
election = Election.objects.get(code="pemilu2024")
province = Unit.objects.get(election=election, code="64")
if not User.objects.filter(username=READER).exists():
    row = RosterRow("64", "Ketua", Role.CHAIR, "0812", username=READER, since=SINCE)
    roster.load(election=election, rows=[row], by=None)
    publish.publish(election=election, by=None, note="")
reader = User.objects.get(username=READER)
window = Window.objects.filter(election=election, opened_at__isnull=False)[0]
called = plenary.call(
    unit=province, windows=[window], meets_at=clock.now(), place="Kantor", public=True, by=reader
)  # fmt: skip
job = ExportJob(
    pk=uuid.uuid4(), unit=province, asked_by=reader, asked_at=clock.now(), touched_at=clock.now(), stage_code="x",
    basis="filed", state=ExportJob.State.DONE, finished_at=clock.now(), sha256="0" * 64,
)  # fmt: skip
job.file.save("Rekap.xlsx", ContentFile(os.urandom(int(os.environ["GUEST_BYTES"]))), save=False)
job.save()
client = Client()
client.force_login(reader)
print(
    json.dumps(
        {
            "cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}",
            "paths": {
                "public": reverse("public-unit", args=["pemilu2024", "64"]),
                "page": reverse("unit", args=["pemilu2024", "64"]),
                "board": reverse("board", args=["pemilu2024", "64"]) + "?bentuk=csv",
                "pdf": reverse("minutes", args=[called.pk]),
                "workbook": reverse("export-file", args=[job.pk]),
            },
        }
    )
)
assert Path(settings.MEDIA_ROOT, job.file.name).exists()
