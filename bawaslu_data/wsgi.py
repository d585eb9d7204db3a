"""WSGI entry point: `granian --interface wsgi bawaslu_data.wsgi:application`."""

from __future__ import annotations

import os

from bawaslu_data import embedded

embedded.ensure()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bawaslu_data.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402  (as in celery.py)

application = get_wsgi_application()
