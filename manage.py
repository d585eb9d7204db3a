#!/usr/bin/env python3
"""Django's command line, after the embedded services are up (docs/adr/0001-embedded-services.md)."""

from __future__ import annotations

import os
import sys

from bawaslu_data import embedded


def main() -> None:
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django belum terpasang. Jalankan `make setup`, lalu `.venv/bin/python manage.py ...`.")
    try:
        embedded.ensure()
    except embedded.EmbeddedError as error:
        sys.exit(str(error))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bawaslu_data.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
