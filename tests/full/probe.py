"""Run by `manage.py shell` on the demo's own database: asks every level's pages and prints what they cost as JSON.

The test's own process is bound to the test database, so the pages of the demo are asked for in a process of its own.
"""

import json

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment

from bawaslu_data import rehearsal
from hierarchy.models import Membership, Role

setup_test_environment()
rehearsal.move_clock_to_the_end()
chair = Membership.objects.filter(unit__code="64", unit__election__code="pemilu2024", role=Role.CHAIR)[0].user
reader, anyone = Client(), Client()
reader.force_login(chair)
codes = ["64", "6472", "647202", "6472021001", "6472021001001"]
found = {}
for _warm in range(2):  # a process reads a published schema once
    for code in codes:
        for name, client, url in (
            ("unit", reader, f"/satuan/pemilu2024/{code}/"),
            ("public", anyone, f"/publik/pemilu2024/{code}/"),
        ):
            with CaptureQueriesContext(connection) as queries:
                response = client.get(url)
            found[f"{name} {code}"] = {
                "status": response.status_code,
                "queries": len(queries),
                "kilobytes": round(len(response.content) / 1024),
            }
print(json.dumps(found))
