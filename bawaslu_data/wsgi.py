"""WSGI entry point: `granian --interface wsgi bawaslu_data.wsgi:application`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bawaslu_data.settings")

application = get_wsgi_application()
