"""Eight digits of the product as it stands on the disk: a new template is a new page, whatever its figures."""

from __future__ import annotations

import hashlib
from functools import cache

from django.conf import settings

# What makes a page look as it does, besides its figures: what it is made with, and the words on it.
LOOKS = (
    *(f"{app}/**/*.py" for app in ("dashboards", "reports", "hierarchy")),
    *("templates/**/*.html", "static/**/*.css", "static/**/*.js", "static/**/*.svg", "locale/**/*.mo"),
    *("dashboards/data/*", "bawaslu_data/settings.py", "bawaslu_data/context.py"),
)


@cache
def edition() -> str:
    """Read once per process."""
    digest = hashlib.sha256()
    for pattern in LOOKS:
        for path in sorted(settings.BASE_DIR.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
